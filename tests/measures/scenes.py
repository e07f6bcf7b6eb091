"""Scenes: what happened to a few contacts, told in seconds after a Monday at ten, and the cells they fill.

    call = contact(("contact.queued", 60, {"queue": "sales"}), ("contact.answered", 80))
    assert booked("wait_ms", call) == {(1, "sales"): 20_000}  # in the minute 10:01

Everything goes through the real folds: touchpoints as Kafka records, contact facts, the ledger's cells.
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from pipeline.core.measure import column_key
from pipeline.core.rules import Rulebook
from pipeline.core.steps import MINUTE
from pipeline.measures import ALL
from pipeline.ports import Record
from schemas.catalogue import load
from tests.core.harness import Cells, contact_engine, customer_engine, record_of
from tests.oracle import Arrival

MONDAY_MS = int(datetime(2026, 3, 2, 10, tzinfo=UTC).timestamp()) * 1_000
"""Monday, 10:00 UTC: second 0 of every scene."""
HOUR, DAY = 3_600, 86_400
"""In seconds, as scenes are told."""
MS = 0.001
"""The least that can be too late."""

PLAIN = "zone: UTC"
"""The built-in targets, and no calendar."""
OFFICE = """
zone: UTC
calendars: {office: {weekly: {monday-friday: 09:00-17:00}}}
opening_hours: [{calendar: office}]
"""
"""The built-in targets, and opening hours that end seven hours into the scene."""
CLOSING = 7 * HOUR

Told = tuple[str, float] | tuple[str, float, dict[str, Any]]
CellKey = tuple[int, str, str, str]


def contact(*told: Told, name: str = "k", channel: str = "phone", **fields: Any) -> list[dict[str, Any]]:
    """The touchpoints of one contact: (type, seconds after Monday ten o'clock, further fields). `fields`: of all."""
    return [
        {
            "id": f"{name}-{place:03}",
            "type": type_,
            "time": MONDAY_MS + round(after * 1_000),
            "contact_id": name,
            "channel": channel,
            **fields,
            **(more[0] if more else {}),
        }
        for place, (type_, after, *more) in enumerate(told)
    ]


def counted(*contacts: list[dict[str, Any]], catalogue: str = PLAIN) -> dict[CellKey, dict[str, Any]]:
    """The cells of these contacts: {(minute of the scene, channel, queue, segment): {column: value}}.

    Columns are there if they are not 0, open time also if it is 0 but applies; histograms are {bucket: n}.
    """
    rulebook = Rulebook(load(catalogue, "scene"))
    touchpoints = [touchpoint for told in contacts for touchpoint in told]
    newest_ms = max(touchpoint["time"] for touchpoint in touchpoints)  # as append time: nothing is clamped
    contact_fold, customer_fold = contact_engine(rulebook), customer_engine(rulebook)
    records = [record_of(Arrival("touchpoints/0", o, newest_ms, t)) for o, t in enumerate(touchpoints)]
    contact_fold.fold(0, len(records), records)
    flush = contact_fold.flush()
    assert flush is not None
    assert flush.dead_letters == []
    cells = Cells()
    cells.write(flush)
    facts = [Record(o, newest_ms, key, value) for o, (_, key, value) in enumerate(flush.emissions)]
    if facts:
        customer_fold.fold(0, len(facts), facts)
        linked = customer_fold.flush()
        assert linked is not None
        assert linked.dead_letters == []
        cells.write(linked)
    return _named(cells)


def booked(column: str, *contacts: list[dict[str, Any]], catalogue: str = PLAIN) -> dict[tuple[int, str], Any]:
    """One column of these contacts: {(minute of the scene, queue): value}, without the cells it is absent from."""
    found: dict[tuple[int, str], Any] = {}
    for (minute, _, queue, _), columns in counted(*contacts, catalogue=catalogue).items():
        if column in columns:
            assert (minute, queue) not in found, "two cells that differ in channel or segment: use counted"
            found[minute, queue] = columns[column]
    return found


def total(column: str, *contacts: list[dict[str, Any]], catalogue: str = PLAIN) -> int:
    """One column of these contacts, summed over all cells."""
    return sum(columns.get(column, 0) for columns in counted(*contacts, catalogue=catalogue).values())


def _named(cells: Cells) -> dict[CellKey, dict[str, Any]]:
    sums: dict[CellKey, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for (_, resolution, window_s, *dimensions, _, _, _), (_, cell) in cells.rows.items():
        if resolution == MINUTE:
            channel, queue, segment = dimensions
            for number, value in cell.items():
                sums[(window_s - MONDAY_MS // 1_000) // 60, channel, queue, segment][number] += value
    return {key: columns for key, cell in sums.items() if (columns := _columns(cell))}


def _columns(cell: dict[int, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for measure in ALL:
        if cell.get(measure.key) or (measure.optional and cell.get(measure.key + 1)):
            found[measure.name] = cell[measure.key]
        base = column_key(measure.buckets_name)
        buckets = {number - base: n for number, n in cell.items() if base <= number < base + 65_536 and n}
        if buckets:
            found[measure.buckets_name] = buckets
    return found
