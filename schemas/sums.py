"""Sums of cells with a plain column per measure: what boards read a year of hours and days from. Rendered, not run.

Cells are sparse vectors, of every partition and generation (docs/decisions/0004). Those of generations that are over
never change, so they can be added up once: table `rolled`. Row `rolled_until` of a run says which runs count, and up to
which generation the cells of each partition are in them; all other cells are read from the ledger. One row is one
insert, so whoever reads sees a run as a whole or not at all, and every cell once.
"""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from collections.abc import Callable, Mapping, Sequence
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
from schemas.topics import CONTACT_FACTS
from schemas.view import DATA_UNTIL_MS, FINAL_BY_PARTITION, NOW_MS, Selected, Setting, View, column
from schemas.windows import BUCKETS, WITH_CONFIRMED, WITH_WAITING, Resolution, calendar, dimensions, resolutions

ROLLED: Final = f"{INTERNAL}.rolled"
UNTIL: Final = f"{INTERNAL}.rolled_until"
_KEY: Final = "resolution, window_s, channel, queue, segment"
BY_ALL: Final = 0
TOGETHER: Final = 1
BY_QUEUE: Final = 2
BY_CHANNEL: Final = 3
"""Kinds of rows of `rolled` (column `whole`): by channel, queue and segment; all together; by channel and queue; by
channel.
"""
Values = Mapping[str, str]
"""A measure's name (or `LINKED`) -> its value in a row, as SQL."""
Shown = Callable[[Values], Sequence[str]]
LINKED: Final = "linked"
"""The column that says of a row whether it holds nothing but measures of the customer fold."""
_KINDS_OF_WAIT: Final = {name: number for number, name in enumerate(COMPUTED, 1)}
"""What `waits` of a contact calls them."""


class Until(Struct, frozen=True):
    """How far it is rolled, as SQL: arrays as in `rolled_until`, empty where nothing is."""

    partitions: str
    places: str
    hours: str

    @property
    def since(self) -> str:
        """The generation from which on cells are not in `rolled`. `p` is looked up once per value: it has few."""
        number = f"transform(p, {self.partitions}, arrayEnumerate({self.partitions}), toUInt32(0))"
        place = f"toUInt64({number}) * 65536 + epoch"
        return f"transform({place}, {self.places}, {self.hours}, toUInt32(0))"

    @property
    def covers(self) -> str:
        """Whether a cell is in `rolled`."""
        return f"generation_hour < {self.since}"

    @property
    def leaves(self) -> str:
        """Whether it is not. One comparison, and no OR: index `learned` answers it, and the primary key is not asked
        about each of its entries.
        """
        return f"generation_hour >= {self.since}"


DATA_UNTIL: Final = "data_until_ms"
_GIVEN: Final = "rolled_until"
_UNTIL: Final = Until(f"{_GIVEN}.2", f"{_GIVEN}.3", f"{_GIVEN}.4")
_COUNTS: Final = f"transform(run, {_GIVEN}.1, arrayWithConstant(length({_GIVEN}.1), toUInt8(1)), toUInt8(0))"


def given(resolution: Resolution, measures: Sequence[MeasureColumn]) -> dict[str, str]:
    """What views of windows need, by name: worked out once, and whether anybody asks or not."""
    if not resolution.rolled:
        return {}
    found = (
        f"(SELECT argMax((runs, partitions, places, hours), run) FROM {UNTIL}"
        f" WHERE definition = '{columns_of_rolled(measures)}')"
    )
    return {_GIVEN: found}


def confirmed(
    measures: Sequence[MeasureColumn], resolution: Resolution, setting: Setting, values: Values
) -> list[Selected]:
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
            f"if({final}, {values[name]}, 0)",
            f"{name}, once the window is old enough to be final; before that 0",
        )
        for name in pair
    ]


def parts(resolution: Resolution, measures: Sequence[MeasureColumn], shown: Shown, *, waiting: bool = True) -> str:
    """Rows that add up to the measures of windows. `shown` says which columns they have, of window_s, channel, queue
    and segment of `w`, of `w.whole` where something is rolled, and of the measures.

    Whoever asks for one column pays for thinking about all of them, so none is named twice on its way.
    """
    waits = [_KINDS_OF_WAIT[_WAITS[each.name]] for each in measures if waiting and each.name in _WAITS]
    both = "\n        UNION ALL\n".join([_cells(resolution), *([_waiting(resolution, waits)] if waits else [])])
    kinds = ", ".join(f"toUInt8({each})" for each in (BY_ALL, TOGETHER, BY_QUEUE, BY_CHANNEL))
    of_cells = _select(
        shown(_of_cells(measures)),
        f"(\n{both}\n    ) AS w" + (f" ARRAY JOIN [{kinds}] AS whole" if resolution.rolled else ""),
    )
    if not resolution.rolled:
        return of_cells
    condition = f"resolution = {resolution.number} AND {_COUNTS} = 1"
    of_rolled = _select(shown(_of_rolled(measures)), f"{ROLLED} AS w\n    WHERE {condition}")
    return f"{of_rolled}\n    UNION ALL\n{of_cells}"


def _select(columns: Sequence[str], source: str) -> str:
    return f"    SELECT {_lines(columns)}\n    FROM {source}"


def _of_cells(measures: Sequence[MeasureColumn]) -> dict[str, str]:
    plain = {name: value_sql(key) for name, key in keys_of(measures).items()}
    waits = {name: f"toInt64(waits_for = {number})" for name, number in _KINDS_OF_WAIT.items()}
    return {LINKED: LINKED} | plain | waits | {each.name: _buckets(each) for each in measures if each.histogram}


def _of_rolled(measures: Sequence[MeasureColumn]) -> dict[str, str]:
    """In the same order: a UNION goes by places."""
    none = {LINKED: "toUInt8(0)"} | dict.fromkeys(_KINDS_OF_WAIT, "toInt64(0)")
    return {name: none.get(name, f"w.{quoted(name)}") for name in _of_cells(measures)}


def with_sql(needed: dict[str, str]) -> str:
    """`WITH ...` for these scalars."""
    return f"WITH {', '.join(f'{sql} AS {name}' for name, sql in needed.items())}\n" if needed else ""


def sums_views(measures: Sequence[MeasureColumn], setting: Setting) -> tuple[View, ...]:
    """Views `sums`, `sums_hour` and `sums_day`: what boards add up; each with who waits now (`..._now`), those of hours
    and days with what is confirmed (`..._confirmed`); and the histograms (`..._buckets`).
    """
    return tuple(
        _sums_view(each, measures, setting, more)
        for each in resolutions(setting.zone)
        if each.sums
        for more in ("", WITH_WAITING, BUCKETS, *([WITH_CONFIRMED] if each.rolled else []))
    )


_LINKED_COMMENT: Final = (
    "1 in rows that hold nothing but what a customer's other contacts tell (solved at the first contact, asked again, "
    "...). Choose 0 if you ask for none of it: a third of the rows stays unread"
)


def _sums_view(resolution: Resolution, measures: Sequence[MeasureColumn], setting: Setting, more: str) -> View:
    waiting, final = more == WITH_WAITING, more == WITH_CONFIRMED
    mine = [each for each in measures if each.histogram == (more == BUCKETS)]
    whole = column(
        "whole",
        "UInt8",
        "whole",
        f"Choose one: {BY_ALL} rows by channel, queue and segment, {TOGETHER} rows of all of them together, "
        f"{BY_QUEUE} rows by channel and queue, {BY_CHANNEL} rows by channel",
    )

    def selected(values: Values) -> list[Selected]:
        return [
            *dimensions(resolution, NAME),  # as they are stored: grouped by as numbers
            *([whole] if resolution.rolled else []),
            column(LINKED, "UInt8", values[LINKED], _LINKED_COMMENT),
            *calendar(resolution, setting),
            *_columns(mine, values),
            *(_undecided(values) if waiting else []),
            *(confirmed(mine, resolution, setting, values) if final else []),
        ]

    def shown(values: Values) -> list[str]:
        return [f"{sql} AS {quoted(each.name)}" for each, sql in selected(values)]

    what = {WITH_WAITING: ", and who waits now", WITH_CONFIRMED: ", and what is confirmed", BUCKETS: "'s histograms"}
    # How far the log has been read is looked up for whoever names it, used or not.
    needed = ({DATA_UNTIL: DATA_UNTIL_MS} if final else {}) | given(resolution, measures)
    return View(
        resolution.sums + more,
        f"Rows that add up to {resolution.view}{what.get(more, '')}, several for one window: sum what you need. What "
        "boards read.",
        tuple(each for each, _ in selected(_of_cells(mine))),
        with_sql(needed) + parts(resolution, mine, shown, waiting=waiting),
    )


def _columns(measures: Sequence[MeasureColumn], values: Values) -> list[Selected]:
    found = []
    for each in measures:
        found.append(column(each.name, HISTOGRAM if each.histogram else "Int64", values[each.name], each.comment))
        if each.nullable:
            name = how_many(each.name)
            found.append(column(name, "Int64", values[each.name + GIVEN_SUFFIX], f"How many have {each.name}"))
    return found


def _undecided(values: Values) -> list[Selected]:
    comments = {"undecided": "Contacts that wait now, still within their target"}
    return [
        column(name, "Int64", values[name], comments.get(name, "Contacts unanswered, still within their target"))
        for name in COMPUTED
    ]


def rolling_sql(run: int, measures: Sequence[MeasureColumn], condition: str, span: str) -> tuple[str, ...]:
    """Statements: cells that meet this condition, of windows in this span, added up by dimensions; and those rows
    added up by channel and queue, by channel, and over all of them.
    """
    histograms = [each for each in measures if each.histogram]
    plain = [quoted(name) for name in keys_of(measures)]
    maps = [quoted(each.name) for each in histograms]
    into = f"INSERT INTO {ROLLED} ({_KEY}, whole, run, {', '.join([*plain, *maps])})"
    found = [f"v[indexOf(k, {key})]" for key in keys_of(measures).values()]
    found += [_buckets(each, "k", "v") for each in histograms]
    totals = [f"sum({name})" for name in plain] + [f"sumMap({name})" for name in maps]
    by_dimensions = f"""{into}
SELECT {_KEY}, {BY_ALL}, {run}, {_lines(found)}
FROM (
    SELECT {_KEY}, sumMap(`keys`, `values`) AS both, both.1 AS k, both.2 AS v
    FROM {INTERNAL}.ledger FINAL
    PREWHERE kind = 1 AND resolution IN ({RESOLUTION_HOUR}, {RESOLUTION_DAY}) AND {condition}
    WHERE notEmpty(`keys`) AND {span}
    GROUP BY {_KEY}
    {FINAL_BY_PARTITION}
)"""

    def together(whole: int, dimensions: str, by: str) -> str:
        return f"""{into}
SELECT resolution, window_s, {dimensions}, {whole}, {run}, {_lines(totals)}
FROM {ROLLED}
WHERE run = {run} AND whole = {BY_ALL} AND {span}
GROUP BY resolution, window_s{by}"""

    return (
        by_dimensions,
        together(BY_QUEUE, "channel, queue, ''", ", channel, queue"),
        together(BY_CHANNEL, "channel, '', ''", ", channel"),
        together(TOGETHER, "'', '', ''", ""),
    )


def _cells(resolution: Resolution) -> str:
    """Of rolled resolutions what is left. PREWHERE is for that alone: of the rest the primary key says which rows they
    are, and asking each of them again takes a tenth of the time.
    """
    left, settings = "", FINAL_BY_PARTITION
    # Of the partition's value, not of `p`: that is in the primary key, every entry of which would be looked at.
    linked = f"startsWith(_partition_value.1, '{CONTACT_FACTS}/')"
    if resolution.rolled:
        left = f"\n        PREWHERE {_UNTIL.leaves}"
        # Exact: the index is of columns of the sorting key.
        settings += ", use_skip_indexes_if_final = 1"
    return f"""        SELECT window_s, channel, queue, segment, `keys`, `values`, toUInt8(0) AS waits_for,
            {linked} AS {LINKED}
        FROM {INTERNAL}.ledger FINAL{left}
        WHERE kind = 1 AND resolution = {resolution.number} AND notEmpty(`keys`)
        {settings}"""


_WAITS: Final = {"offered": "undecided", "first_responses_due": "responses_undecided"}
"""A measure -> what of it is neither hit nor miss yet."""


def _waiting(resolution: Resolution, kinds: Sequence[int]) -> str:
    """The contacts, one row for each of these waits: of every contact that waits in any of its rows the newest row.

    Projection `waiting` answers each part of it. FINAL would read every contact there is; what may have replaced a row
    has a higher version, and one has changed since the oldest of them began to wait.
    """
    contacts = f"{INTERNAL}.contacts"
    who = f"FROM {contacts} WHERE waits_until_ms >= {NOW_MS}"
    counted = f"arrayFilter(each -> each.3 >= {NOW_MS} AND each.1 IN ({', '.join(map(str, kinds))}), waits)"
    # As cells have them: a union with plain strings would group all of them as such.
    dimensions = [f"toLowCardinality(wait.{n}) AS {name}" for n, name in enumerate(("channel", "queue", "segment"), 4)]
    # Not linked, whichever: a plain 0 would go down to `contacts` as a condition, and take a copy of these along.
    return f"""        SELECT toUInt32({resolution.start.format(ms="wait.2")}) AS window_s, {", ".join(dimensions)},
            emptyArrayUInt64() AS `keys`, emptyArrayInt64() AS `values`, wait.1 AS waits_for, wait.1 = 0 AS {LINKED}
        FROM (
            SELECT waits FROM {contacts}
            WHERE version >= (SELECT minOrNull(version) {who}) AND hashed IN (SELECT hashed {who})
            ORDER BY version DESC LIMIT 1 BY hashed
        )
        ARRAY JOIN {counted} AS wait"""


def _lines(parts: Sequence[str]) -> str:
    return ",\n        ".join(parts)


def _buckets(measure: MeasureColumn, keys: str = "`keys`", values: str = "`values`") -> str:
    """A histogram of one cell as a map: bucket -> how many. The cast leaves of a key its low bits, the bucket."""
    mine = f"bitShiftRight(x, {BUCKET_BITS}) = {measure.key >> BUCKET_BITS}"
    return f"CAST((arrayFilter(x -> {mine}, {keys}), arrayFilter((n, x) -> {mine}, {values}, {keys})) AS {HISTOGRAM})"
