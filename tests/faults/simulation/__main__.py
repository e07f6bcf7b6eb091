"""python -m tests.faults.simulation SEED, or FIRST COUNT."""

import sys

from tests.faults.simulation.run import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
