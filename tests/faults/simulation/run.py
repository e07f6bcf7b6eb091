"""Runs worlds by their seeds, alone or many in two processes, and says how to run the failed ones again."""

import logging
import sys
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

from agents import folding
from pipeline.core import engine
from pipeline.core.known import Known
from tests.faults.simulation.expected import Expected, check
from tests.faults.simulation.world import World

_PROCESSES = 2
_CHUNK = 250


def run(seed: int) -> tuple[World, Expected]:
    """One world, lived and checked. Raises AssertionError where it came out wrong, and whatever a bug raises."""
    world = World(seed)
    all_known: dict[str, Any] = {"__contains__": lambda *_: True, "nobody": False}
    filtered = patch.multiple(Known, **all_known) if world.asks_for_all else nullcontext()
    with patch.multiple(engine, **world.small), patch.multiple(folding, **world.slices), filtered:
        world.run()
        return world, check(world)


def failure(seed: int) -> str:
    """What is wrong in a world; empty if nothing is."""
    try:
        run(seed)
    except Exception:  # noqa: BLE001 - whatever is raised in there is what is looked for
        return traceback.format_exc(limit=-3)
    return ""


def failures(seeds: Iterable[int]) -> Iterator[tuple[int, str]]:
    """The seeds that fail, and why. What they log on their way is not shown."""
    logging.getLogger("touchline").setLevel(logging.CRITICAL)
    for seed in seeds:
        if found := failure(seed):
            yield seed, found


def _chunk(first: int, end: int) -> list[tuple[int, str]]:
    return list(failures(range(first, end)))


def failures_of_many(first: int, count: int) -> list[tuple[int, str]]:
    """As `failures`, in two processes."""
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool:
        begins = range(first, first + count, _CHUNK)
        chunks = pool.map(_chunk, begins, (min(begin + _CHUNK, first + count) for begin in begins))
        return [one for chunk in chunks for one in chunk]


def report(found: list[tuple[int, str]]) -> str:
    """Failed seeds for people: the first with its reason, and how to run it again."""
    seed, why = found[0]
    return (
        f"{len(found)} worlds came out wrong: seeds {', '.join(str(s) for s, _ in found[:20])}\n"
        f"run it again: python -m tests.faults.simulation {seed}\n{why}"
    )


def main(arguments: list[str]) -> int:
    """`SEED` runs one world, `FIRST COUNT` many."""
    first, count = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 1
    found = list(failures([first])) if count == 1 else failures_of_many(first, count)
    sys.stdout.write(report(found) if found else f"{count} worlds from seed {first} on: all exact\n")
    return bool(found)
