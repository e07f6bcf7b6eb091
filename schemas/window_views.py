"""The views of measures by minute, hour and day: sums from the cells, and ratios from those sums. Rendered, not run."""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from schemas.ratios import COMPUTED, RATIOS, Ratio
from schemas.tables import (
    BUCKET_BITS,
    GIVEN_SUFFIX,
    INTERNAL,
    RESOLUTION_DAY,
    RESOLUTION_HOUR,
    RESOLUTION_MINUTE,
    MeasureColumn,
    literal,
    quoted,
)
from schemas.view import (
    DATA_UNTIL_MS,
    FINAL_BY_PARTITION,
    NOW_MS,
    OPENING,
    Selected,
    Setting,
    View,
    column,
    ratio,
    view,
)

_DATA_UNTIL: Final = "data_until_ms"


class _Resolution(Struct, frozen=True):
    """How one resolution of cells is read. `start` turns ms into the window's start in seconds."""

    view: str
    name: str
    number: int
    window: str
    start: str
    end: str
    minutes: int | None
    cell_start: str = "window_s"
    """Of the cells summed: the window they belong to."""


def _resolutions(zone: str) -> tuple[_Resolution, ...]:
    tz = literal(zone)
    return (
        _Resolution(
            "measures", "minute", RESOLUTION_MINUTE, "Minute, UTC", "intDiv({ms}, 60000) * 60", "w.window_s + 60", 1
        ),
        _Resolution(
            "measures_hour",
            "hour",
            RESOLUTION_HOUR,
            "Hour, UTC",
            "intDiv({ms}, 3600000) * 3600",
            "w.window_s + 3600",
            60,
        ),
        _Resolution(
            "measures_day",
            "day",
            RESOLUTION_DAY,
            f"Start of the day in {zone}, UTC",
            f"toUnixTimestamp(toStartOfDay(toDateTime(intDiv({{ms}}, 1000), {tz})))",
            f"toUnixTimestamp(toStartOfDay(addDays(toDateTime(w.window_s, {tz}), 1)))",
            None,
        ),
        _of_days("week", "toMonday", "addWeeks", zone),
        _of_days("month", "toStartOfMonth", "addMonths", zone),
    )


def _of_days(name: str, start: str, add: str, zone: str) -> _Resolution:
    """Weeks and months: cells of days, summed when they are read."""
    tz = literal(zone)

    def begins(seconds: str) -> str:
        return f"toUnixTimestamp(toDateTime({start}(toDateTime({seconds}, {tz})), {tz}))"

    return _Resolution(
        f"measures_{name}",
        name,
        RESOLUTION_DAY,
        f"Start of the {'ISO week' if name == 'week' else name} in {zone}, UTC",
        begins("intDiv({ms}, 1000)"),
        f"toUnixTimestamp(toDateTime({add}({start}(toDateTime(w.window_s, {tz})), 1), {tz}))",
        None,
        begins("cells.window_s"),
    )


def window_views(measures: Sequence[MeasureColumn], setting: Setting) -> tuple[View, ...]:
    """Views `measures`, `measures_hour`, `measures_day`, `measures_week` and `measures_month`."""
    return tuple(_window_view(each, measures, setting) for each in _resolutions(setting.zone))


def _window_view(resolution: _Resolution, measures: Sequence[MeasureColumn], setting: Setting) -> View:
    names = {each.name for each in measures}
    return view(
        resolution.view,
        f"Measures by {resolution.name} and dimensions; sum the counts, never the ratios.",
        [
            *_dimensions(resolution),
            *_calendar(resolution, setting),
            *_measures(measures),
            *_open_means(measures),
            *_undecided(names),
            *_confirmed(names, resolution, setting),
            *_ratios(names),
        ],
        f"(\n{_sums(resolution, measures)}\n) AS w",
        f"WITH {DATA_UNTIL_MS} AS {_DATA_UNTIL}\n",  # once: whether anybody asks or not, it is worked out
    )


def _ratios(names: set[str]) -> list[Selected]:
    return [
        column(
            each.name,
            "Nullable(Float64)",
            ratio(each.above, each.below),
            f"{each.comment}: {_formula(each)}; NULL without any",
        )
        for each in RATIOS
        if each.needs() <= names
    ]


def _formula(of: Ratio) -> str:
    def part(text: str) -> str:
        return f"({text})" if " " in text else text

    return f"{part(of.above)} / {part(of.below)}"


def _dimensions(resolution: _Resolution) -> list[Selected]:
    return [
        column("window_start", "DateTime('UTC')", "toDateTime(w.window_s, 'UTC')", resolution.window),
        column("channel", "String", "w.channel", "Channel"),
        column("queue", "String", "w.queue", "Entry queue"),
        column("segment", "String", "w.segment", "Segment"),
    ]


def _calendar(resolution: _Resolution, setting: Setting) -> list[Selected]:
    """The window in the catalogue's zone: BI tools do not convert."""
    zone = setting.zone
    local = f"toDateTime(w.window_s, {literal(zone)})"
    if resolution.name == "week":
        return [
            column("week_start", "Date", f"toDate({local})", f"Monday of the ISO week in {zone}"),
            column("week", "UInt8", f"toISOWeek({local})", "Number of the ISO week, 1 to 53"),
            column("year", "UInt16", f"toISOYear({local})", "Year the ISO week belongs to"),
        ]
    if resolution.name == "month":
        return [column("month", "Date", f"toDate({local})", f"First of the month in {zone}")]
    is_open = _is_open(resolution, local) if setting.opening else "CAST(NULL AS Nullable(UInt8))"
    return [
        column("day", "Date", f"toDate({local})", f"Date in {zone}"),
        column("week_start", "Date", f"toMonday({local})", f"Monday of the ISO week in {zone}"),
        column("month", "Date", f"toDate(toStartOfMonth({local}))", f"First of the month in {zone}"),
        column("hour", "UInt8", f"toHour({local})", f"Hour of the window's start in {zone}, 0 to 23"),
        column("weekday", "UInt8", f"toDayOfWeek({local})", f"Weekday in {zone}, Monday 1 to Sunday 7"),
        column(
            "is_open",
            "Nullable(UInt8)",
            is_open,
            "1 if the default calendar is open at some time of the window, holidays counted; NULL without a calendar",
        ),
    ]


def _is_open(resolution: _Resolution, local: str) -> str:
    def opening(name: str) -> str:
        return f"joinGet({OPENING}, '{name}', toDate({local}))"

    if resolution.minutes is None:
        is_open = f"notEmpty({opening('from_minute')})"
    else:
        minute = f"(toHour({local}) * 60 + toMinute({local}))"
        overlap = f"(f, t) -> f < {minute} + {resolution.minutes} AND t > {minute}"
        is_open = f"arrayExists({overlap}, {opening('from_minute')}, {opening('to_minute')})"
    return f"if({opening('known')} = 1, toNullable(toUInt8({is_open})), NULL)"


def _measures(measures: Sequence[MeasureColumn]) -> list[Selected]:
    selected = []
    for each in measures:
        name = quoted(each.name)
        if each.histogram:
            type_, sql = "Map(UInt16, Int64)", f"w.{name}"
        elif each.nullable:
            type_, sql = "Nullable(Int64)", f"if(w.{quoted(each.name + GIVEN_SUFFIX)} > 0, w.{name}, NULL)"
        else:
            type_, sql = "Int64", f"w.{name}"
        selected.append(column(each.name, type_, sql, each.comment))
    return selected


def _open_means(measures: Sequence[MeasureColumn]) -> list[Selected]:
    """Open time is absent where no calendar applies, so its means have a count of their own."""
    found: list[Selected] = []
    for each in measures:
        if not each.nullable:
            continue
        base, given = each.name.removesuffix("_ms"), f"w.{quoted(each.name + GIVEN_SUFFIX)}"
        found.append(column(f"{base}_n", "Int64", given, f"How many have {each.name}: what its mean divides by"))
        mean = ratio(f"w.{quoted(each.name)}", given)
        comment = f"Mean of {each.name}: {each.name} / {base}_n, ms; NULL without any"
        found.append(column(f"{base}_mean_ms", "Nullable(Float64)", mean, comment))
    return found


def _undecided(names: set[str]) -> list[Selected]:
    what = {
        "offered": ("undecided", "Contacts that wait now, still within their target: neither hit nor miss"),
        "first_responses_due": (
            "responses_undecided",
            "Contacts whose first message is unanswered, still within its target: neither hit nor miss",
        ),
    }
    return [column(name, "Int64", f"w.{name}", comment) for of, (name, comment) in what.items() if of in names]


def _confirmed(names: set[str], resolution: _Resolution, setting: Setting) -> list[Selected]:
    pair = ("fcr_eligible", "fcr_resolved")
    if not names.issuperset(pair):
        return []
    settled_ms = setting.follow_up_window_ms + setting.lateness_ms
    final = f"toInt64({resolution.end}) * 1000 + {settled_ms} <= least({NOW_MS}, {_DATA_UNTIL})"
    return [
        column(
            f"{name}_confirmed",
            "Int64",
            f"if({final}, w.{name}, 0)",
            f"{name}, once the window is old enough to be final; before that 0",
        )
        for name in pair
    ]


def _sums(resolution: _Resolution, measures: Sequence[MeasureColumn]) -> str:
    """Cells and undecided contacts, summed by window and dimensions. They are put together as what they are, keys and
    values, and columns made of the sum of both: so the server has a hundred columns to think about once, not three
    times.
    """
    keys = {name: key for each in measures if not each.histogram for name, key in _stored(each)} | _COMPUTED_KEYS
    sums = [f"sum(`values`[indexOf(`keys`, {key})]) AS {quoted(name)}" for name, key in keys.items()]
    sums += [f"sumMap({_buckets(each)}) AS {quoted(each.name)}" for each in measures if each.histogram]
    parts = [
        f"""    SELECT toUInt32({resolution.cell_start}) AS window_s, channel, queue, segment, `keys`, `values`
    FROM {INTERNAL}.ledger AS cells FINAL
    WHERE kind = 1 AND resolution = {resolution.number} AND notEmpty(`keys`)
    {FINAL_BY_PARTITION}"""
    ]
    names = {each.name for each in measures}
    parts += [_waiting(resolution, waits) for waits in _WAITS if waits.measure in names]
    union = "\n    UNION ALL\n".join(parts)
    return f"""    SELECT window_s, channel, queue, segment,
        {_lines(sums)}
    FROM (
{union}
    ) AS u
    GROUP BY window_s, channel, queue, segment"""


_COMPUTED_KEYS: Final = {name: key for key, name in enumerate(COMPUTED, 1)}
"""Keys that no measure has: theirs begin beyond 16 bits."""


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


def _waiting(resolution: _Resolution, waits: _Waits) -> str:
    """The contacts, one row each. They are looked for without FINAL first, so that it has little to merge."""
    meant = f"{waits.condition} AND {waits.deadline} >= {NOW_MS}"
    start = resolution.start.format(ms=f"assumeNotNull({waits.began})")
    return f"""    SELECT toUInt32({start}) AS window_s, channel, queue, segment,
        [toUInt64({_COMPUTED_KEYS[waits.counts]})] AS `keys`, [toInt64(1)] AS `values`
    FROM {INTERNAL}.contacts FINAL
    WHERE contact_id IN (SELECT contact_id FROM {INTERNAL}.contacts WHERE {meant}) AND {meant}
    {FINAL_BY_PARTITION}"""


def _lines(parts: Sequence[str]) -> str:
    return ",\n        ".join(parts)


def _stored(measure: MeasureColumn) -> tuple[tuple[str, int], ...]:
    """The columns of a measure and their keys in cells."""
    own = (measure.name, measure.key)
    return (own, (measure.name + GIVEN_SUFFIX, measure.key + 1)) if measure.nullable else (own,)


def _buckets(measure: MeasureColumn) -> str:
    """A histogram of one cell as a map: bucket -> how many."""
    low, high = measure.key, measure.key + (1 << BUCKET_BITS)
    mine = f"k >= {low} AND k < {high}"
    return (
        f"CAST((arrayMap(k -> toUInt16(k - {low}), arrayFilter(k -> {mine}, keys)), "
        f"arrayFilter((v, k) -> {mine}, values, keys)) AS Map(UInt16, Int64))"
    )
