"""Cells of generations that are over, added up once (`schemas/sums.py`): what makes a year of hours quick to read.

A cell of a generation before its marker's hour is never written again, but with the same numbers (docs/decisions/0012).
A run adds up those that no run before it has, in pieces, and says so in one row at its end. Until then nobody reads
them; a run that is killed is never read, nor one that was overtaken by another: only the newest counts.
"""

# SQL is put together from numbers and names of ours.

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from pipeline.core.steps import epoch_of
from pipeline.io.ledger import SqlLedger, as_text
from pipeline.io.schema import server
from pipeline.ports import Block, Warehouse
from schemas.sums import UNTIL, Until, rolling_sql
from schemas.tables import INTERNAL, RESOLUTION_DAY, RESOLUTION_HOUR, MeasureColumn, columns_of_rolled, literal

CELLS_AT_ONCE: Final = 100_000
_HOUR_MS: Final = 3_600_000
_DAY_S: Final = 86_400
_EPOCHS: Final = 1 << 16
_LESS: Final = 1 << 20
_Hours = Mapping[tuple[str, int], int]
"""(Partition, epoch) -> the hour of append time before which its generations are added up, or over."""


class _Rolled(Struct, frozen=True):
    """How far it is rolled, and the runs that count."""

    runs: Sequence[int] = ()
    hours: _Hours = {}


async def roll(warehouse: Warehouse, measures: Sequence[MeasureColumn], run: int, *, least_hours: int = 1) -> int:
    """Add up what is over and not added up yet, if of some partition it is so many hours. `run`: a number nobody else
    has. How many cells that were. Raises WarehouseDown, WarehouseRefused.
    """
    if not (await server(warehouse)).views:
        return 0
    before, over = await _rolled(warehouse, measures), await _over(warehouse)
    if max((hour - before.hours.get(place, 0) for place, hour in over.items()), default=0) < least_hours:
        return 0
    run = max(run, max(before.runs, default=0) + 1 + run % _LESS)  # a clock that was set back
    condition = f"{_until(over).covers} AND {_until(before.hours).leaves}"
    cells = 0
    for span, n in await _spans(warehouse, condition):
        for sql in rolling_sql(run, measures, condition, span):
            await warehouse.execute(sql)
        cells += n
    hours = {**before.hours, **over}
    partitions = _partitions(hours)
    await warehouse.insert(
        Block(
            UNTIL,
            {
                "run": [run],
                "definition": [columns_of_rolled(measures)],
                "runs": [[*before.runs, run]],
                "partitions": [partitions],
                "places": [_places(hours)],
                "hours": [[hours[each] for each in _present_first(hours)]],
            },
        )
    )
    return cells


async def _rolled(warehouse: Warehouse, measures: Sequence[MeasureColumn]) -> _Rolled:
    found = await warehouse.query(
        f"SELECT runs, partitions, places, hours FROM {UNTIL} WHERE definition = %(definition)s"
        " ORDER BY run DESC LIMIT 1",
        {"definition": columns_of_rolled(measures)},
    )
    if not found:
        return _Rolled()
    runs, partitions, places, hours = found[0]
    names = [as_text(each) for each in partitions]
    known = {(names[place // _EPOCHS - 1], place % _EPOCHS): hour for place, hour in zip(places, hours, strict=True)}
    return _Rolled(runs, known)


async def _over(warehouse: Warehouse) -> _Hours:
    """Generations before the hour of a marker are over: the flush that wrote it wrote the last of them."""
    markers = await SqlLedger(warehouse).markers()
    return {(p, epoch_of(version)): marker.append_ms // _HOUR_MS for p, (marker, version) in sorted(markers.items())}


def _partitions(hours: _Hours) -> list[str]:
    return sorted({p for p, _ in hours})


def _place(partitions: Sequence[str], p: str, epoch: int) -> int:
    return (partitions.index(p) + 1) * _EPOCHS + epoch


def _present_first(hours: _Hours) -> list[tuple[str, int]]:
    """Of every partition its newest epoch, by partition; then the others."""
    newest: dict[str, int] = {}
    for p, epoch in hours:
        newest[p] = max(epoch, newest.get(p, 0))
    present = sorted(newest.items())
    return [*present, *sorted(set(hours).difference(present))]


def _places(hours: _Hours) -> list[int]:
    partitions = _partitions(hours)
    return [_place(partitions, *each) for each in _present_first(hours)]


def _until(hours: _Hours) -> Until:
    times = [hours[each] for each in _present_first(hours)]

    def array(of: str, elements: Iterable[object]) -> str:
        return f"CAST([{', '.join(map(str, elements))}] AS Array({of}))"

    return Until(
        array("String", map(literal, _partitions(hours))), array("UInt64", _places(hours)), array("UInt32", times)
    )


async def _spans(warehouse: Warehouse, condition: str) -> list[tuple[str, int]]:
    """Windows whose cells are added up at once, as conditions, and how many cells that are."""
    counts = await warehouse.query(
        f"SELECT intDiv(window_s, {_DAY_S}) AS day, count() FROM {INTERNAL}.ledger"
        f" PREWHERE kind = 1 AND resolution IN ({RESOLUTION_HOUR}, {RESOLUTION_DAY}) AND {condition}"
        " GROUP BY day ORDER BY day"
    )
    spans: list[tuple[str, int]] = []
    start, gathered = 0, 0
    for place, (day, n) in enumerate(counts):
        gathered += n
        if gathered >= CELLS_AT_ONCE or place + 1 == len(counts):
            end = (day + 1) * _DAY_S
            spans.append((f"window_s >= {start} AND window_s < {end}", gathered))
            start, gathered = end, 0
    return spans
