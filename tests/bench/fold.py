"""python -m tests.bench.fold: the two folds alone, without log, warehouse and event loop, in microseconds of CPU per
touchpoint. Every partition in batches of 5,000 records, flushed as a worker that catches up does it.
"""

import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from agents.folding import pace_of
from pipeline.app.catalogues import definitions
from pipeline.core.contacts import ContactFold
from pipeline.core.customer import Windows
from pipeline.core.customers import CustomerFold
from pipeline.core.engine import Engine, Fold
from pipeline.core.murmur import partition_of
from pipeline.core.poison import Limits
from pipeline.core.rules import Rulebook
from pipeline.core.steps import Marker
from pipeline.live import recent_days
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Record
from schemas.catalogue import default
from schemas.codec import decode
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS
from tests.bench.workload import BEGIN_MS, Made, workload

_BATCH: Final = 5_000
_SLICE: Final = 500
_LOOKS: Final = 16
_APPEND_MS: Final = BEGIN_MS + 40 * 86_400_000
"""When the log got it: later, all at once."""


class Stopwatch:
    """CPU seconds by what they went into."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, what: str) -> Iterator[None]:
        """Add the CPU time of the block."""
        begun = time.process_time()
        yield
        self.seconds[what] = self.seconds.get(what, 0.0) + time.process_time() - begun


class Partition:
    """One engine, and what it has not folded yet."""

    def __init__(self, engine: Engine, what: str, watch: Stopwatch) -> None:
        self.engine, self._what, self._watch = engine, what, watch
        self._came: list[Record] = []
        self._since_flush = 0
        self._flush_records = pace_of(engine.topic, 0.0, embedded_log=False).flush_records

    def take(self, records: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        """More of the log; gives out the facts of every flush that falls due."""
        first = self.engine.position + len(self._came)
        self._came += [
            Record(offset, _APPEND_MS + offset // 100, key, value) for offset, (key, value) in enumerate(records, first)
        ]
        while len(self._came) >= _BATCH:
            yield from self._fold(self._came[:_BATCH])
            del self._came[:_BATCH]

    def end(self) -> Iterator[tuple[bytes, bytes]]:
        """The rest, and a last flush."""
        yield from self._fold(self._came)
        self._came = []
        yield from self.flush()

    def _fold(self, records: Sequence[Record]) -> Iterator[tuple[bytes, bytes]]:
        engine = self.engine
        with self._watch.of(f"{self._what} fold"):
            assert not engine.cold(records)
            for start in range(0, len(records), _SLICE):
                part = records[start : start + _SLICE]
                engine.fold(part[0].offset, part[-1].offset + 1, part)
            engine.evict(len(records) // 2 + _LOOKS)
        self._since_flush += len(records)
        if self._since_flush >= self._flush_records:
            yield from self.flush()

    def flush(self) -> Iterator[tuple[bytes, bytes]]:
        """What a flush computes; nothing is sent anywhere."""
        self._since_flush = 0
        with self._watch.of(f"{self._what} write"):
            done = self.engine.flush()
            if done is None:
                return
            self.engine.flushed(done)
        yield from ((key, value) for _, key, value in done.emissions)


def folds() -> Callable[[str], Fold]:
    """As `pipeline.app` makes them: by topic."""
    rulebook = Rulebook(default())
    settings = rulebook.settings
    windows = Windows(settings.follow_up_window_ms, settings.returned_within_ms)

    def made(topic: str) -> Fold:
        if topic == TOUCHPOINTS:
            return ContactFold(rulebook, CONTACT_COLUMNS, rulebook.catalogue.channels.keys())
        return CustomerFold(
            windows,
            CUSTOMER_COLUMNS,
            transfer_breaks_fcr=settings.transfer_breaks_fcr,
            retention_ms=settings.retention_ms,
        )

    return made


def engines(topic: str, partitions: int) -> list[Engine]:
    """One for each partition."""
    catalogue, make = default(), folds()
    rulebook = Rulebook(catalogue)
    limits = Limits(catalogue.settings.dead_letter_max_run, catalogue.settings.dead_letter_max_ratio)
    return [
        Engine(
            f"{topic}/{number}",
            1,
            make(topic),
            rulebook.zone,
            definitions(catalogue),
            limits,
            recent_days(rulebook.settings),
        )
        for number in range(partitions)
    ]


def measure(records: Sequence[Made], partitions: int) -> tuple[Stopwatch, list[Engine]]:
    """Everything through both folds, partition after partition in turn, as batches come."""
    watch = Stopwatch()
    customers = [Partition(each, "customer", watch) for each in engines(CONTACT_FACTS, partitions)]
    contacts = [Partition(each, "contact", watch) for each in engines(TOUCHPOINTS, partitions)]

    def tell(facts: Iterable[tuple[bytes, bytes]]) -> None:
        by_partition: list[list[tuple[bytes, bytes]]] = [[] for _ in range(partitions)]
        for key, value in facts:
            by_partition[partition_of(key, partitions)].append((key, value))
        for partition, some in zip(customers, by_partition, strict=True):
            drain(partition.take(some))

    log: list[list[tuple[bytes, bytes]]] = [[] for _ in range(partitions)]
    for record in records:
        log[partition_of(record.key, partitions)].append((record.key, record.value))
    for start in range(0, max(map(len, log)), _BATCH):
        for partition, some in zip(contacts, log, strict=True):
            tell(partition.take(some[start : start + _BATCH]))
    for partition in contacts:
        tell(partition.end())
    for partition in customers:
        drain(partition.end())
    return watch, [each.engine for each in (*contacts, *customers)]


def drain(facts: Iterable[object]) -> None:
    """Customers tell nobody."""
    for _ in facts:
        pass


def decoding_seconds(records: Sequence[Made]) -> float:
    """CPU seconds of the codec alone, which the contact fold contains."""
    channels = default().channels.keys()
    begun = time.process_time()
    for record in records:
        decode(record.value, channels, folded=True)
    return time.process_time() - begun


def main(
    touchpoints: Annotated[int, typer.Option(help="How many")] = 100_000,
    partitions: Annotated[int, typer.Option(help="Partitions of both topics")] = 4,
    seed: Annotated[int, typer.Option(help="Another seed, another workload")] = 7,
    repeat: Annotated[int, typer.Option(help="How often; the fastest counts")] = 1,
    freeze: Annotated[bool, typer.Option(help="Without the garbage collector")] = False,
) -> None:
    """Measure the folds."""
    made = workload(touchpoints, seed)
    best: dict[str, float] = {"decoding (in contact fold)": decoding_seconds(made.records)}
    markers: list[Marker] = []
    for _ in range(repeat):
        gc.collect()
        if freeze:
            gc.disable()
        watch, done = measure(made.records, partitions)
        gc.enable()
        markers = [engine.marker for engine in done]
        for what, seconds in watch.seconds.items():
            best[what] = min(best.get(what, seconds), seconds)
        del watch, done
    facts = sum(marker.offset for marker in markers[partitions:])
    assert sum(marker.applied for marker in markers[:partitions]) == touchpoints - made.known.duplicates
    table = Table("what", "microseconds of CPU per touchpoint")
    table.columns[1].justify = "right"
    for what in sorted(best, key=_order):
        table.add_row(what, f"{best[what] * 1e6 / touchpoints:.2f}")
    whole = sum(seconds for what, seconds in best.items() if what in _PARTS)
    table.add_row("[bold]both folds", f"[bold]{whole * 1e6 / touchpoints:.2f}")
    out = Console(highlight=False)
    out.print(table)
    out.print(
        f"{touchpoints:,} touchpoints of {made.known.contacts:,} contacts and {made.known.customers:,} customers,"
        f" {facts:,} facts, {partitions} partitions; every {touchpoints / whole:,.0f} take a second of CPU"
    )


_PARTS: Final = ("contact fold", "contact write", "customer fold", "customer write")


def _order(what: str) -> int:
    return _PARTS.index(what) if what in _PARTS else -1


if __name__ == "__main__":
    typer.run(main)
