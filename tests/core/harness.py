"""Runs the real folds over arrivals without any I/O, and turns their cells into the oracle's form."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pipeline.core.contacts import ContactFold
from pipeline.core.customer import Windows
from pipeline.core.customers import CustomerFold
from pipeline.core.engine import Engine
from pipeline.core.facts import Facts
from pipeline.core.measure import column_key
from pipeline.core.poison import Limits
from pipeline.core.rows import ContactRows, add_contact
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CELL, MINUTE, Flush
from pipeline.core.view import View
from pipeline.measures import ALL, CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Record
from schemas.catalogue import Catalogue
from schemas.catalogue_types import (
    CalendarEntry,
    CalendarHours,
    ChannelEntry,
    OpeningEntry,
    Settings,
    Target,
    TargetEntry,
)  # fmt: skip
from tests.oracle import Arrival, Promises

FAMILIES = ("waiting", "response", "resolution", "effort", "promises", "voice")
"""What the oracle counts."""
LIMITS = Limits(run=10**9, ratio=1.0)


def contact_row(seen: View, revised_ms: int, version: int) -> dict[str, Any]:
    """One row of table `contacts`."""
    rows = ContactRows()
    add_contact(rows, seen, revised_ms, version)
    return {name: column[0] for name, column in rows.columns().items()}


def catalogue_of(promises: Promises) -> Catalogue:
    """The same promises as a catalogue."""
    targets: list[TargetEntry] = []
    opening: list[OpeningEntry] = []
    calendars: dict[str, CalendarEntry] = {}
    for name, promise in promises.channels.items():
        response = promise.response_target
        targets += [
            TargetEntry("wait", _clock(promise.wait_target_ms), channel=name),
            TargetEntry("response", None if response is None else Target(response.unit, response.amount), channel=name),
            TargetEntry("unannounced", _clock(promise.unannounced_ms), channel=name),
        ]
        if promise.opening is not None:
            weekly = tuple(tuple(tuple(span) for span in promise.opening.weekly.get(day, ())) for day in range(7))
            exceptions: Mapping[int, Any] = {day.toordinal(): () for day in promise.opening.closed_dates}
            calendars[name] = CalendarEntry((CalendarHours(weekly),), exceptions)  # type: ignore[arg-type]
            opening.append(OpeningEntry(name, channel=name))
    targets += [
        TargetEntry("wait", _clock(t.wait_target_ms), channel=t.channel, queue=t.queue, valid_from_ms=t.valid_from_ms)
        for t in promises.queue_targets
    ]
    return Catalogue(
        zone=promises.zone,
        channels={name: ChannelEntry(promise.kind) for name, promise in promises.channels.items()},
        calendars=calendars,
        opening_hours=tuple(opening),
        targets=tuple(targets),
        settings=Settings(
            follow_up_window_ms=promises.window_ms,
            lateness_ms=promises.lateness_ms,
            abandoned_short_ms=promises.abandoned_short_ms,
            returned_within_ms=promises.returned_within_ms,
            transfer_breaks_fcr=promises.transfer_breaks_fcr,
        ),
    )


def _clock(amount_ms: int | None) -> Target | None:
    return None if amount_ms is None else Target("clock", amount_ms)


def contact_engine(rulebook: Rulebook, partition: str = "touchpoints/0", epoch: int = 1) -> Engine:
    """An engine of the contact fold."""
    fold = ContactFold(rulebook, CONTACT_COLUMNS, rulebook.catalogue.channels.keys())
    return Engine(partition, epoch, fold, rulebook.zone, lambda _: "test", LIMITS, 20)


def customer_engine(rulebook: Rulebook, partition: str = "contact-facts/0", epoch: int = 1) -> Engine:
    """An engine of the customer fold."""
    settings = rulebook.settings
    windows = Windows(settings.follow_up_window_ms, settings.returned_within_ms)
    fold = CustomerFold(windows, CUSTOMER_COLUMNS, transfer_breaks_fcr=settings.transfer_breaks_fcr)
    return Engine(partition, epoch, fold, rulebook.zone, lambda _: "test", LIMITS, 20)


def record_of(arrival: Arrival) -> Record:
    """The Kafka record of an arrival."""
    value = msgspec.json.encode(arrival.touchpoint)
    return Record(arrival.offset, arrival.append_ms, arrival.touchpoint["contact_id"].encode(), value)


def said(facts: Facts) -> str:
    """What facts say, in a form to compare: all but their version and the watermark."""
    place_and_id, rest = msgspec.msgpack.decode(facts.state)[:5], msgspec.msgpack.decode(facts.state)[6:]
    return str([*place_and_id, *rest])


class Cells:
    """What a warehouse would hold of ledger cells: the highest version of each key."""

    def __init__(self) -> None:
        self.rows: dict[Any, tuple[int, dict[int, int]]] = {}

    def write(self, flush: Flush) -> None:
        """Take in a flush; of equal keys the highest version counts, of equal versions the last."""
        block = flush.ledger
        names = (
            "p",
            "resolution",
            "window_s",
            "channel",
            "queue",
            "segment",
            "epoch",
            "generation_hour",
            "generation_block",
        )
        for index, kind in enumerate(block["kind"]):
            if kind != CELL:
                continue
            key = tuple(block[name][index] for name in names)
            cell = dict(zip(block["keys"][index], block["values"][index], strict=True))
            if key not in self.rows or self.rows[key][0] <= block["version"][index]:
                self.rows[key] = (block["version"][index], cell)

    def totals(self, resolution: int = MINUTE) -> dict[tuple[int, str, str, str], dict[str, Any]]:
        """Sums over partitions, epochs and generations, in the oracle's form."""
        sums: dict[tuple[int, str, str, str], dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for key, (_, cell) in self.rows.items():
            if key[1] == resolution:
                for number, value in cell.items():
                    sums[key[2] * 1_000, *key[3:6]][number] += value
        return {key: named for key, cell in sums.items() if (named := named_columns(cell))}


def named_columns(cell: Mapping[int, int]) -> dict[str, Any]:
    """Column numbers back to names, histograms as dicts, without what is zero or absent."""
    found: dict[str, Any] = {}
    for measure in ALL:
        if measure.family not in FAMILIES:
            continue
        value = cell.get(measure.key, 0)
        if value or (measure.optional and cell.get(measure.key + 1, 0)):
            found[measure.name] = value
        if measure.histogram:
            base = column_key(measure.buckets_name)
            buckets = {n - base: v for n, v in sorted(cell.items()) if base <= n < base + 65_536 and v}
            if buckets:
                found[measure.buckets_name] = buckets
    return found


def run_all(
    arrivals: Sequence[Arrival], promises: Promises, cuts: Iterable[int] = ()
) -> tuple[Cells, dict[str, Any], dict[tuple[str, str], Any]]:
    """Everything through both folds, flushed at the given positions and at the end: cells, and both kinds of rows."""
    rulebook = Rulebook(catalogue_of(promises))
    cells = Cells()
    contacts: dict[str, Any] = {}
    resolutions: dict[tuple[str, str], Any] = {}
    customers = customer_engine(rulebook)
    by_partition: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        by_partition[arrival.partition].append(arrival)
    places = sorted({*cuts, max((len(a) for a in by_partition.values()), default=0)})
    engines = {partition: contact_engine(rulebook, partition) for partition in sorted(by_partition)}
    told = 0

    def flush(engine: Engine) -> list[tuple[str, bytes, bytes]]:
        done = engine.flush()
        if done is None:
            return []
        cells.write(done)
        for table, columns in done.published:
            for row in zip(*columns.values(), strict=True):
                entry = dict(zip(columns, row, strict=True))
                if table == "contacts":
                    contacts[entry["contact_id"]] = entry
                else:
                    resolutions[entry["contact_id"], entry["customer_id"]] = entry
        engine.flushed(done)
        return done.emissions

    start = 0
    for place in places:
        for partition, engine in engines.items():
            part = by_partition[partition][start:place]
            if part:
                engine.fold(engine.position, part[-1].offset + 1, [record_of(a) for a in part])
            emissions = flush(engine)
            records = [Record(told + n, 10**12 + n, key, value) for n, (_, key, value) in enumerate(emissions)]
            customers.fold(told, told + len(records), records)
            told += len(records)
            if place % 3:
                flush(customers)
        start = place
    flush(customers)
    return cells, contacts, resolutions
