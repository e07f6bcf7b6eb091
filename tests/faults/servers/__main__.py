"""`make faults`: python -m tests.faults.servers --seed 7 --kills 20 --workers 4 --touchpoints 100000."""

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import pytest
import typer

from tests.faults.servers.kafka import Missing
from tests.faults.servers.loop import Plan, run


def main(
    seed: Annotated[int, typer.Option(help="Another seed, other traffic and other faults")] = 7,
    kills: Annotated[int, typer.Option(help="How often something is killed (-9)")] = 20,
    workers: Annotated[int, typer.Option(help="Worker processes")] = 4,
    touchpoints: Annotated[int, typer.Option(help="How many are sent")] = 100_000,
    partitions: Annotated[int, typer.Option(help="Partitions of each topic")] = 8,
    keep: Annotated[bool, typer.Option(help="Keep logs and data, and say where")] = False,
) -> None:
    """Kill workers, ClickHouse and Kafka under load, then count everything again from the log."""
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:6.0f} s  {text}", flush=True)  # noqa: T201

    home = Path(tempfile.mkdtemp(prefix="touchline-faults-"))
    try:
        outcome = run(Plan(seed, kills, workers, touchpoints, partitions), home, say)
    except (Missing, pytest.skip.Exception) as error:
        say(str(error))
        sys.exit(2)
    except RuntimeError as error:
        say(f"{error}; logs and data are in {home}")
        sys.exit(1)
    found = outcome.differences
    for other in found.others:
        say(other)
    for differing in (found.cells, found.contacts):
        for one in differing[:5]:
            say(f"differs: {one}")
    if found.none and not keep:
        shutil.rmtree(home)
    else:
        say(f"logs and data are in {home}")
    faults = ", ".join(f"{n} {name}" for name, n in sorted(outcome.faults.items()))
    say(f"faults: {faults}; exits nobody asked for, by code: {outcome.exits}")
    print(  # noqa: T201
        f"kills {outcome.kills} seeds 1 differing cells {len(found.cells)} differing contacts {len(found.contacts)}"
    )
    sys.exit(0 if found.none else 1)


if __name__ == "__main__":
    typer.run(main)
