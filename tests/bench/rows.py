"""What a row of the benchmark is given and what it gives back.

A row is a function `run(stack, options, report) -> list[Result]`, plain or async, registered in `tests.bench.__main__`.
"""

import os
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

from msgspec import Struct

from tests.faults.servers.cluster import Cluster, cluster

RATE: Final = "touchpoints/s"
"""The unit of everything that is set beside the decode-only rate."""


class Result(Struct, frozen=True):
    """One number. `value` None: not measured, and `note` says why. `bound` None: nothing was promised of it.

    `at_least`: the bound is a floor, otherwise a ceiling.
    """

    name: str
    value: float | None
    unit: str
    bound: float | None = None
    at_least: bool = True
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the bound is kept; None where there is nothing to say."""
        if self.value is None or self.bound is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound


class Options(Struct, frozen=True):
    """What was asked for on the command line. `peers` None: all. `workers`: that catch up together. `one_core`: who is
    measured while catching up, we or a peer, is kept on one core, the servers are not.
    """

    touchpoints: int = 1_000_000
    repeat: int = 3
    seed: int = 7
    peers: Sequence[str] | None = None
    profile: Path | None = None
    """Where the stacks of a worker that catches up go, if they are wanted."""
    workers: int = 1
    one_core: bool = False

    @property
    def unusual(self) -> str:
        """What is measured otherwise than it was promised: of one worker, on whatever cores there are. '' nothing."""
        workers = f"{self.workers} workers" if self.workers != 1 else ""
        return ", ".join(filter(None, (workers, "one core" if self.one_core else "")))


@contextmanager
def kept_on_one_core(wanted: bool) -> Iterator[None]:
    """Whatever is started meanwhile stays on the last core, if that is wanted."""
    cores = os.sched_getaffinity(0)
    if wanted:
        os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


class Report(Protocol):
    """What somebody who waits sees meanwhile."""

    def say(self, text: str) -> None:
        """A line that stays."""

    def begin(self, what: str, total: float) -> None:
        """A new bar."""

    def at(self, done: float) -> None:
        """How far the bar is."""


class Stack:
    """Servers and folders, made when a row asks for them and gone when it is done."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def folder(self, name: str) -> Path:
        """A new empty folder."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.home))

    @contextmanager
    def cluster(self, name: str, *, partitions: int = 4, workers: int = 1) -> Iterator[Cluster]:
        """A Kafka and a ClickHouse of their own with topics and tables; workers are started by `tend`. Raises
        Missing.
        """
        with cluster(self.folder(name), workers=workers, partitions=partitions) as found:
            yield found


Row = Callable[[Stack, Options, Report], list[Result] | Awaitable[list[Result]]]


def median_of(
    name: str, values: Sequence[float], unit: str, bound: float | None = None, *, at_least: bool = True, note: str = ""
) -> Result:
    """The median of several measurements; the note says how far they lie apart."""
    spread = f"{number(min(values))} to {number(max(values))} in {len(values)} runs" if len(values) > 1 else "one run"
    return Result(
        name, statistics.median(values), unit, bound, at_least=at_least, note=f"{note}; {spread}" if note else spread
    )


def noise(values: Sequence[float]) -> float:
    """How much the same measurement varies: (max - min) / median."""
    return (max(values) - min(values)) / statistics.median(values)


def number(value: float) -> str:
    """As people read it."""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.4g}"
