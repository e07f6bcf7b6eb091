"""The row `boards`: every warehouse query of the boards on one core, on a year of 50 queues: days and hours of the
year, minutes of a day.

The ledger is filled by SQL with cells that the folds made of the workload, as 1,000,000 touchpoints a day would leave
them: by 50 queues, three segments and four partitions of either topic, where that many contacts have any; learned in
one to three generations. All but the last hours is merged, as it would be after a year; the last hours lie in parts of
their own, each written twice. What is over was added up as long before the end as a worker lets it be. The contacts of
a week lie beside it (`tests/bench/beside.py`).

What counts is CPU time with one thread, the best of several runs after a first one: what a query takes on a core that
it has for itself. Whoever else is at work only adds to it: caches are shared.
"""

import statistics
import time
from collections.abc import Iterable, Iterator
from random import Random
from typing import Any, Final

import msgspec
from msgspec import Struct

from dashboards.boards import ALL
from dashboards.measured import FILTER, source
from pipeline.app.declared import declared, measure_columns
from pipeline.app.rolling import LEAST_HOURS
from pipeline.core.murmur import partition_of
from pipeline.core.steps import CELL, DAY, HOUR, MARKER, MINUTE, Marker, version_of
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.rolling import roll
from pipeline.io.schema import ensure
from pipeline.ports import Block, Record
from schemas.catalogue import default
from schemas.tables import COMMITTED
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS
from schemas.windows import BUCKETS, SUMS, WITH_CONFIRMED, WITH_WAITING
from tests.bench.beside import CONTACTS, WAIT, lay_beside
from tests.bench.fold import engines
from tests.bench.rows import Options, Report, Result, Stack
from tests.bench.workload import BEGIN_MS, BY_HOUR, PER_CONTACT, PER_DAY, workload
from tests.dashboards.grafana import Chosen, sql

QUEUES: Final = 50
BOUND_MS: Final = 100
PARTITIONS: Final = 4
_TOUCHPOINTS: Final = 60_000
_MOST_CELLS: Final = 1_000
_END_S: Final = 1_767_225_600
_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_YEAR_S: Final = 365 * _DAY_S
_TIMES: Final = 5
_SEGMENTS: Final = {"private": 0.6, "business": 0.2, "key": 0.2}
"""How many of the contacts are in which."""
_FRESH_HOURS: Final = 6
"""Hours of append time that are not merged yet."""
_CELLS: Final = "bench.cells"
_WIDE: Final = "ALTER TABLE touchline_internal.ledger MODIFY SETTING min_bytes_for_wide_part"
_SPANS: Final = {MINUTE: (60, 2 * _DAY_S), HOUR: (3_600, _YEAR_S), DAY: (_DAY_S, _YEAR_S)}
"""By resolution: length of a window, and how far back there are some."""
_GENERATIONS: Final = {
    (TOUCHPOINTS, MINUTE): (100, 50),
    (TOUCHPOINTS, HOUR): (100, 50),
    (TOUCHPOINTS, DAY): (100, 90, 60),
    (CONTACT_FACTS, MINUTE): (28, 25, 14),
    (CONTACT_FACTS, HOUR): (28, 25, 14),
    (CONTACT_FACTS, DAY): (100, 90, 60),
}
"""In how many of a hundred windows that have a contact there is a first, second, third generation."""
_RANGES: Final = {
    "measures_day": Chosen(_END_S - _YEAR_S, _END_S, _DAY_S),
    "measures_hour": Chosen(_END_S - _YEAR_S, _END_S, 3_600),
    "measures": Chosen(_END_S - _DAY_S, _END_S, 60),
}
_HOURS: Final = _RANGES["measures_hour"]
_MORE: Final = ("", WITH_WAITING, WITH_CONFIRMED, BUCKETS)
_READ: Final = {sums + more: view for view, sums in SUMS.items() for more in _MORE}
"""What is read -> of which view it is the sums."""
_NAMES: Final = {
    "measures_day": "days of the year",
    "measures_hour": "hours of the year",
    "measures": "minutes of a day",
}


class Asked(Struct, frozen=True):
    """A query, the view it reads, and the panel it is of."""

    view: str
    panel: str
    text: str


async def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """The slowest query of each range counts: every one is promised."""
    warehouse = EmbeddedWarehouse(stack.folder("boards") / "data")
    try:
        await ensure(warehouse, declared(default(), 2026))
        cells = await fill(warehouse, options.seed, report)
        asked = list(queries())
        report.begin("board queries", len(asked))
        took: dict[str, list[tuple[float, float, str]]] = {view: [] for view in _RANGES}
        for number, one in enumerate(asked):
            report.at(number)
            took[one.view].append((*await _milliseconds(warehouse, one.text), one.panel))
    finally:
        await warehouse.close()
    return [
        Result(
            f"board_{view}",
            max(times)[0],
            "ms",
            BOUND_MS,
            at_least=False,
            note=f"{_NAMES[view]}, {QUEUES} queues, {cells[view]:,} cells, {CONTACTS:,} contacts of which {WAIT:,}"
            f" wait: CPU of the slowest of {len(times)} queries"
            f" ({max(times)[2]}; by the clock {max(times)[1]:.0f});"
            f" median {statistics.median(ms for ms, *_ in times):.0f},"
            f" {sum(ms > BOUND_MS for ms, *_ in times)} above the bound",
        )
        for view, times in took.items()
    ]


def queries() -> Iterator[Asked]:
    """Those of the boards that read measures, over the range of what they read; all of them over the hours as well."""
    for board in ALL:
        for panel in board.panels:
            for query in panel.queries:
                for name, view in _READ.items():
                    if query.source == "warehouse" and f"touchline.{name} " in query.text:
                        named = f"{board.title}, {panel.title}"
                        yield Asked(view, named, _on_one_core(sql(query.text, _RANGES[view])))
                        if view != "measures_hour":
                            yield Asked("measures_hour", named, _on_one_core(sql(_by_hour(query.text, name), _HOURS)))


def _by_hour(text: str, name: str) -> str:
    """The same query as a board would ask it over hours."""
    columns, _, rest = text.partition(f" FROM touchline.{name} WHERE ")
    by = rest.rpartition(" GROUP BY ")[2].partition(" ORDER BY ")[0]
    split = [each for each in ("channel", "queue") if each in by]
    of_hours = source(columns, "measures_hour", *split, more=name.removeprefix(SUMS[_READ[name]]))
    return f"{columns} {of_hours}{rest.partition(FILTER)[2]}"


def _on_one_core(text: str) -> str:
    return f"{text} SETTINGS max_threads = 1"


async def _milliseconds(warehouse: EmbeddedWarehouse, text: str) -> tuple[float, float]:
    """Of CPU, and by the clock."""
    await warehouse.query(text)
    cpu, wall = [], []
    for _ in range(_TIMES):
        begun, begun_cpu = time.perf_counter(), time.process_time()
        await warehouse.query(text)
        wall.append(1e3 * (time.perf_counter() - begun))
        cpu.append(1e3 * (time.process_time() - begun_cpu))
    return min(cpu), min(wall)


async def fill(warehouse: EmbeddedWarehouse, seed: int, report: Report) -> dict[str, int]:
    """The ledger of the year; how many cells there are by view."""
    report.begin("cells of a year", len(_GENERATIONS) * (1 + _FRESH_HOURS))
    await warehouse.execute("CREATE DATABASE bench")
    await warehouse.execute(
        f"CREATE TABLE {_CELLS} (topic String, resolution UInt8, number UInt32, keys Array(UInt64),"
        " values Array(Int64)) ENGINE = MergeTree ORDER BY (topic, resolution, number)"
    )
    made = _made(seed)
    some = {place: Random(seed).sample(made[place], min(len(made[place]), _MOST_CELLS)) for place in _GENERATIONS}
    for (topic, resolution), found in some.items():
        columns: dict[str, list[Any]] = {
            "topic": [topic] * len(found),
            "resolution": [resolution] * len(found),
            "number": list(range(len(found))),
            "keys": [keys for keys, _ in found],
            "values": [values for _, values in found],
        }
        await warehouse.insert(Block(_CELLS, columns))
    last = _END_S // _HOUR_S
    done = 0
    for since, until in ((0, last - _FRESH_HOURS), *((hour, hour + 1) for hour in range(last - _FRESH_HOURS, last))):
        for (topic, resolution), shares in _GENERATIONS.items():
            for generation, share in enumerate(shares):
                learned = f"generation_hour >= {since} AND generation_hour < {until}"
                text = _filling(topic, resolution, generation, share, len(some[topic, resolution]), learned)
                for version in (1, 2)[until <= last - _FRESH_HOURS :]:
                    await warehouse.execute(text.format(version=version))
            report.at(done := done + 1)
        if not since:
            # A year of contacts lies beside them, and parts that are so large have a file per column.
            await warehouse.execute(f"{_WIDE} = 0")
            await warehouse.execute("OPTIMIZE TABLE touchline_internal.ledger FINAL")
            await warehouse.execute(f"{_WIDE} = {COMMITTED['min_bytes_for_wide_part']}")
    await _mark(warehouse, _END_S - LEAST_HOURS * _HOUR_S)
    report.begin("adding up what is over", 1)
    await roll(warehouse, measure_columns(), 1)
    await _mark(warehouse, _END_S)
    await warehouse.execute("OPTIMIZE TABLE touchline_internal.rolled FINAL")
    report.begin("contacts beside them", 1)
    await lay_beside(warehouse, _END_S * 1_000, queues=QUEUES, partitions=PARTITIONS, fresh_hours=_FRESH_HOURS)
    await warehouse.execute("SYSTEM STOP MERGES")
    counted = await warehouse.query(
        f"SELECT resolution, count() FROM touchline_internal.ledger WHERE kind = {CELL} GROUP BY resolution"
    )
    views = {MINUTE: "measures", HOUR: "measures_hour", DAY: "measures_day"}
    return {views[resolution]: n for resolution, n in counted}


async def _mark(warehouse: EmbeddedWarehouse, append_s: int) -> None:
    """Every partition has been read up to here."""
    for topic in (TOUCHPOINTS, CONTACT_FACTS):
        for number in range(PARTITIONS):
            marker = Marker(offset=append_s, watermark_ms=append_s * 1_000, append_ms=append_s * 1_000)
            columns: dict[str, list[Any]] = {
                "kind": [MARKER],
                "p": [f"{topic}/{number}"],
                "state": [msgspec.json.encode(marker)],
                "version": [version_of(1, append_s)],
            }
            await warehouse.insert(Block("touchline_internal.ledger", columns))


def _filling(topic: str, resolution: int, generation: int, share: int, cells: int, learned: str) -> str:
    """`{version}`: 2 counts, 1 was there before."""
    step_s, back_s = _SPANS[resolution]
    lanes = QUEUES * len(_SEGMENTS) * PARTITIONS
    hours = f"[{', '.join(f'{n / sum(BY_HOUR):.6f}' for n in BY_HOUR)}][toHour(toDateTime(w, 'UTC')) + 1]"
    of_day = {MINUTE: f"{hours} / 60", HOUR: hours, DAY: "1"}[resolution]
    segments = f"[{', '.join(map(repr, _SEGMENTS))}][1 + segment]"
    weights = f"[{', '.join(map(str, _SEGMENTS.values()))}][1 + segment]"
    contacts = f"{PER_DAY / PER_CONTACT / QUEUES / PARTITIONS} * {weights} * {of_day}"
    return f"""INSERT INTO touchline_internal.ledger
    (kind, p, resolution, window_s, channel, queue, segment, epoch, generation_hour, generation_block,
    keys, values, version)
SELECT {CELL}, concat('{topic}/', toString(part)), {resolution}, w, ['phone', 'chat', 'email'][1 + queue % 3],
    concat('queue_', toString(queue)), {segments}, 1, generation_hour, 3, c.keys, c.values,
    bitShiftLeft(toUInt64(1), 48) + {{version}}
FROM (
    SELECT toUInt32({_END_S - back_s} + {step_s} * intDiv(number, {lanes})) AS w, number % {QUEUES} AS queue,
        intDiv(number, {QUEUES}) % {len(_SEGMENTS)} AS segment,
        intDiv(number, {QUEUES * len(_SEGMENTS)}) % {PARTITIONS} AS part,
        toUInt32(intDiv(w, {_HOUR_S}) + {generation}) AS generation_hour,
        toUInt32(cityHash64(number, {generation}, '{topic}', {resolution}) % {cells}) AS i
    FROM numbers({back_s // step_s * lanes})
    WHERE {learned} AND cityHash64(number, {generation}, 7) % 1000000 < {share} * 10000 * (1 - exp(-({contacts})))
) AS a
ANY LEFT JOIN (
    SELECT number AS i, keys, values FROM {_CELLS} WHERE topic = '{topic}' AND resolution = {resolution}
) AS c USING i
SETTINGS max_insert_block_size = 1000000"""


def _made(seed: int) -> dict[tuple[str, int], list[tuple[list[int], list[int]]]]:
    """Cells by topic and resolution: what both folds make of some hours of the workload."""
    found: dict[tuple[str, int], list[tuple[list[int], list[int]]]] = {each: [] for each in _GENERATIONS}

    def folded(topic: str, came: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        told: list[tuple[bytes, bytes]] = []
        records: list[list[Record]] = [[] for _ in range(PARTITIONS)]
        for key, value in came:
            mine = records[partition_of(key, PARTITIONS)]
            mine.append(Record(len(mine), BEGIN_MS + _DAY_S * 1_000, key, value))
        for engine, mine in zip(engines(topic, PARTITIONS), records, strict=True):
            engine.fold(0, len(mine), mine)
            flush = engine.flush()
            assert flush is not None
            block = flush.ledger
            for place, kind in enumerate(block["kind"]):
                if kind == CELL and block["keys"][place]:
                    found[topic, block["resolution"][place]].append((block["keys"][place], block["values"][place]))
            engine.flushed(flush)
            told += [(key, value) for _, key, value in flush.emissions]
        return told

    facts = folded(TOUCHPOINTS, ((made.key, made.value) for made in workload(_TOUCHPOINTS, seed).records))
    folded(CONTACT_FACTS, facts)
    return found
