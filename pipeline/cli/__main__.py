"""`python -m pipeline.cli` is `touchline`."""

from pipeline.cli import main

main()
