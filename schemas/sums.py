"""Sums of cells with a plain column per measure: what boards read a year of hours and days from. Rendered, not run.

Cells are sparse vectors, of every partition and generation (docs/decisions/0004). Those of generations that are over
never change, so they can be added up once: table `rolled`. Row `rolled_until` of a run says which runs count, and up to
which generation the cells of each partition are in them; all other cells are read from the ledger. One row is one
insert, so whoever reads sees a run as a whole or not at all, and every cell once.
"""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from schemas.ratios import COMPUTED
from schemas.tables import (
    BUCKET_BITS,
    GIVEN_SUFFIX,
    HISTOGRAM,
    INTERNAL,
    NAME,
    RESOLUTION_DAY,
    RESOLUTION_HOUR,
    MeasureColumn,
    columns_of_rolled,
    how_many,
    keys_of,
    quoted,
    value_sql,
)
from schemas.view import DATA_UNTIL_MS, FINAL_BY_PARTITION, NOW_MS, Selected, Setting, View, column, view
from schemas.windows import Resolution, calendar, dimensions, resolutions

ROLLED: Final = f"{INTERNAL}.rolled"
UNTIL: Final = f"{INTERNAL}.rolled_until"
_KEY: Final = "resolution, window_s, channel, queue, segment"
_COMPUTED_KEYS: Final = {name: key for key, name in enumerate(COMPUTED, 1)}
"""Keys that no measure has: theirs begin beyond 16 bits."""


class Until(Struct, frozen=True):
    """How far it is rolled, as SQL: arrays as in `rolled_until`, with one more in front that nothing has."""

    partitions: str
    places: str
    hours: str

    @property
    def covers(self) -> str:
        """Whether a cell is in `rolled`. `p` is looked up once per value: it has few."""
        numbers = f"arrayMap(n -> toUInt64(n), range(length({self.partitions})))"
        place = f"transform(p, {self.partitions}, {numbers}, toUInt64(0)) * 65536 + epoch"
        return f"generation_hour < transform({place}, {self.places}, {self.hours}, toUInt32(0))"

    @property
    def leaves(self) -> str:
        """Whether it is not. Those of the newest epochs are told quickly, and are nearly all."""
        newest = f"1, length({self.partitions})"
        hour = f"transform(p, {self.partitions}, arraySlice({self.hours}, {newest}), toUInt32(0))"
        epochs = f"arrayMap(n -> toUInt16(n % 65536), arraySlice({self.places}, {newest}))"
        epoch = f"transform(p, {self.partitions}, {epochs}, toUInt16(0))"
        return f"(generation_hour >= {hour} OR epoch != {epoch}) AND NOT ({self.covers})"


DATA_UNTIL: Final = "data_until_ms"
_GIVEN: Final = "rolled_until"
_UNTIL: Final = Until(f"{_GIVEN}.2", f"{_GIVEN}.3", f"{_GIVEN}.4")
_COUNTS: Final = f"transform(run, {_GIVEN}.1, arrayWithConstant(length({_GIVEN}.1), toUInt8(1)), toUInt8(0))"


def given(resolution: Resolution, measures: Sequence[MeasureColumn]) -> dict[str, str]:
    """What views of windows need, by name: worked out once, and whether anybody asks or not."""
    until = {DATA_UNTIL: DATA_UNTIL_MS}
    if not resolution.rolled:
        return until
    newest = ", ".join(
        f"arrayConcat([{none}], argMax({name}, run))"
        for name, none in (
            ("runs", "toUInt64(0)"),
            ("partitions", "''"),
            ("places", "toUInt64(0)"),
            ("hours", "toUInt32(0)"),
        )
    )
    found = f"(SELECT tuple({newest}) FROM {UNTIL} WHERE definition = '{columns_of_rolled(measures)}')"
    return {**until, _GIVEN: found}


def confirmed(measures: Sequence[MeasureColumn], resolution: Resolution, setting: Setting) -> list[Selected]:
    """First-contact resolution of windows that are old enough."""
    pair = ("fcr_eligible", "fcr_resolved")
    if not {each.name for each in measures}.issuperset(pair):
        return []
    settled_ms = setting.follow_up_window_ms + setting.lateness_ms
    final = f"toInt64({resolution.end}) * 1000 + {settled_ms} <= least({NOW_MS}, {DATA_UNTIL})"
    return [
        column(
            f"{name}_confirmed",
            "Int64",
            f"if({final}, w.{name}, 0)",
            f"{name}, once the window is old enough to be final; before that 0",
        )
        for name in pair
    ]


def parts(resolution: Resolution, measures: Sequence[MeasureColumn]) -> str:
    """Rows that add up to the measures of windows: columns window_s, channel, queue, segment, every measure's, and
    where there is something rolled, `whole`.
    """
    names = {each.name for each in measures}
    numbered = keys_of(measures) | _COMPUTED_KEYS
    cells = [_cells(resolution), *(_waiting(resolution, waits) for waits in _WAITS if waits.measure in names)]
    columns = [f"{value_sql(key)} AS {quoted(name)}" for name, key in numbered.items()]
    columns += [f"{_buckets(each)} AS {quoted(each.name)}" for each in measures if each.histogram]
    both = "\n        UNION ALL\n".join(cells)
    whole, twice = (", whole", " ARRAY JOIN [toUInt8(0), toUInt8(1)] AS whole") if resolution.rolled else ("", "")
    found = f"""    SELECT window_s, channel, queue, segment{whole},
        {_lines(columns)}
    FROM (
{both}
    ) AS u{twice}"""
    if not resolution.rolled:
        return found
    columns = [quoted(name) if name not in COMPUTED else f"toInt64(0) AS {quoted(name)}" for name in numbered]
    columns += [quoted(each.name) for each in measures if each.histogram]
    return f"""    SELECT toUInt32({resolution.cell_start}) AS window_s, channel, queue, segment, whole,
        {_lines(columns)}
    FROM {ROLLED} AS cells
    WHERE resolution = {resolution.number} AND {_COUNTS} = 1
    UNION ALL
{found}"""


def with_sql(needed: dict[str, str]) -> str:
    """`WITH ...` for these scalars."""
    return f"WITH {', '.join(f'{sql} AS {name}' for name, sql in needed.items())}\n" if needed else ""


def sums_views(measures: Sequence[MeasureColumn], setting: Setting) -> tuple[View, ...]:
    """Views `sums`, `sums_hour` and `sums_day`: what boards add up."""
    found = [each for each in resolutions(setting.zone) if each.sums]
    return tuple(_sums_view(each, measures, setting) for each in found)


def _sums_view(resolution: Resolution, measures: Sequence[MeasureColumn], setting: Setting) -> View:
    whole = column("whole", "UInt8", "w.whole", "Choose one: 0 rows by dimensions, 1 rows of all of them together")
    return view(
        resolution.sums,
        f"Rows that add up to {resolution.view}, several for one window: sum what you need. What boards read.",
        [
            *dimensions(resolution, NAME),  # as they are stored: grouped by as numbers
            *([whole] if resolution.rolled else []),
            *calendar(resolution, setting),
            *_columns(measures),
            *confirmed(measures, resolution, setting),
        ],
        f"(\n{parts(resolution, measures)}\n) AS w",
        with_sql(given(resolution, measures)),
    )


def _columns(measures: Sequence[MeasureColumn]) -> list[Selected]:
    found = []
    for each in measures:
        found.append(
            column(each.name, HISTOGRAM if each.histogram else "Int64", f"w.{quoted(each.name)}", each.comment)
        )
        if each.nullable:
            name = how_many(each.name)
            found.append(column(name, "Int64", f"w.{quoted(each.name + GIVEN_SUFFIX)}", f"How many have {each.name}"))
    comments = {"undecided": "Contacts that wait now, still within their target"}
    return found + [
        column(name, "Int64", f"w.{name}", comments.get(name, "Contacts unanswered, still within their target"))
        for name in COMPUTED
    ]


def rolling_sql(run: int, measures: Sequence[MeasureColumn], condition: str, span: str) -> tuple[str, str]:
    """Two statements: cells that meet this condition, of windows in this span, added up by dimensions, and those rows
    added up over all of them.
    """
    histograms = [each for each in measures if each.histogram]
    plain = [quoted(name) for name in keys_of(measures)]
    maps = [quoted(each.name) for each in histograms]
    into = f"INSERT INTO {ROLLED} ({_KEY}, whole, run, {', '.join([*plain, *maps])})"
    found = [f"v[indexOf(k, {key})]" for key in keys_of(measures).values()]
    found += [_buckets(each, "k", "v") for each in histograms]
    totals = [f"sum({name})" for name in plain] + [f"sumMap({name})" for name in maps]
    by_dimensions = f"""{into}
SELECT {_KEY}, 0, {run}, {_lines(found)}
FROM (
    SELECT {_KEY}, sumMap(`keys`, `values`) AS both, both.1 AS k, both.2 AS v
    FROM {INTERNAL}.ledger FINAL
    PREWHERE kind = 1 AND resolution IN ({RESOLUTION_HOUR}, {RESOLUTION_DAY}) AND {condition}
    WHERE notEmpty(`keys`) AND {span}
    GROUP BY {_KEY}
    {FINAL_BY_PARTITION}
)"""
    together = f"""{into}
SELECT resolution, window_s, '', '', '', 1, {run}, {_lines(totals)}
FROM {ROLLED}
WHERE run = {run} AND whole = 0 AND {span}
GROUP BY resolution, window_s"""
    return by_dimensions, together


def _cells(resolution: Resolution) -> str:
    """Of rolled resolutions what is left. Its windows are looked for without FINAL first: then there is little to
    merge.
    """
    mine = f"kind = 1 AND resolution = {resolution.number}"
    left = ""
    if resolution.rolled:
        mine += f" AND {_UNTIL.leaves}"
        left = f" AND cells.window_s IN (SELECT window_s FROM {INTERNAL}.ledger PREWHERE {mine})"
    return f"""        SELECT toUInt32({resolution.cell_start}) AS window_s, channel, queue, segment, `keys`, `values`
        FROM {INTERNAL}.ledger AS cells FINAL
        PREWHERE {mine}
        WHERE notEmpty(`keys`){left}
        {FINAL_BY_PARTITION}"""


class _Waits(Struct, frozen=True):
    """Contacts that are neither hit nor miss yet: since when, until when, and which."""

    measure: str
    counts: str
    began: str
    deadline: str
    condition: str


_WAITS: Final = (
    _Waits(
        "offered",
        "undecided",
        "wait_began_ms",
        "wait_began_ms + target_ms",
        "isNotNull(wait_began_ms) AND isNull(wait_ended_ms)",
    ),
    _Waits(
        "first_responses_due",
        "responses_undecided",
        "first_clock_ms",
        "response_deadline_ms",
        "isNotNull(first_clock_ms) AND response_due = 1",
    ),
)


def _waiting(resolution: Resolution, waits: _Waits) -> str:
    """The contacts, one row each. They are looked for without FINAL first, so that it has little to merge."""
    meant = f"{waits.condition} AND {waits.deadline} >= {NOW_MS}"
    start = resolution.start.format(ms=f"assumeNotNull({waits.began})")
    return f"""        SELECT toUInt32({start}) AS window_s, channel, queue, segment,
            [toUInt64({_COMPUTED_KEYS[waits.counts]})] AS `keys`, [toInt64(1)] AS `values`
        FROM {INTERNAL}.contacts FINAL
        WHERE contact_id IN (SELECT contact_id FROM {INTERNAL}.contacts WHERE {meant}) AND {meant}
        {FINAL_BY_PARTITION}"""


def _lines(parts: Sequence[str]) -> str:
    return ",\n        ".join(parts)


def _buckets(measure: MeasureColumn, keys: str = "`keys`", values: str = "`values`") -> str:
    """A histogram of one cell as a map: bucket -> how many."""
    low, high = measure.key, measure.key + (1 << BUCKET_BITS)
    mine = f"x >= {low} AND x < {high}"
    return (
        f"CAST((arrayMap(x -> toUInt16(x - {low}), arrayFilter(x -> {mine}, {keys})), "
        f"arrayFilter((n, x) -> {mine}, {values}, {keys})) AS {HISTOGRAM})"
    )
