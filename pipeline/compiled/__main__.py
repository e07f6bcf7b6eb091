"""`python -m pipeline.compiled` (`make compile`): compile the core here, unless it is already, or nothing can."""

import sys

from pipeline.compiled import ROOT, core_of
from pipeline.compiled.making import CannotCompile, make, missing


def main() -> int:
    """Exit code 1: it should have been possible and was not."""
    if core_of(ROOT).compiled:
        return 0
    if lack := missing():
        print(f"touchline: the core runs as pure Python, {lack}")
        return 0
    print("touchline: compiling the core (about a minute)", flush=True)
    try:
        make(ROOT, ROOT)
    except CannotCompile as error:
        print(f"touchline: the core runs as pure Python, compiling it failed: {error}", file=sys.stderr)
        return 1
    print(f"touchline: core {core_of(ROOT).words}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
