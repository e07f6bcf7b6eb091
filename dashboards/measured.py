"""Panels of measures, from their declarations: how a measure is summed, averaged or shared, and how that is described.

Sum first, divide last: every mean and share is made of sums over all that is in a point of the plot. ClickHouse only;
durations are shown in seconds everywhere.
"""

# SQL is put together from the names that schemas/ and pipeline/measures/ declare; nobody else has a say in it.
# ruff: noqa: S608

import re
from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from dashboards.model import About, Kind, Panel, Query, Unit
from pipeline.core.measure import Measure
from pipeline.measures import ALL
from schemas.ratios import RATIOS, Ratio
from schemas.sums import BY_CHANNEL, BY_QUEUE, TOGETHER
from schemas.tables import how_many
from schemas.windows import BUCKETS, SUMS, WITH_CONFIRMED, WITH_WAITING

View = Literal["measures", "measures_hour", "measures_day"]

MEASURES: Final = {measure.name: measure for measure in ALL}
_LINKED: Final = tuple(name.removesuffix("_ms") for name, measure in MEASURES.items() if measure.linked)
"""How the columns begin that hold measures of the customer fold."""
_RATIOS: Final = {ratio.name: ratio for ratio in RATIOS}
_WORD: Final = re.compile(r"[a-z_]+")
_IN_BUCKET: Final = 1 << 32
"""More than there can be in a bucket, twice over."""
_POINTS: Final = 10_000
_MS: Final = 1_000
_MINOR: Final = 100
_PERCENTILES: Final = ((0.5, "5 of 10 within"), (0.9, "9 of 10 within"), (0.95, "19 of 20 within"))

FILTER: Final = (
    "$__timeFilter(window_start) "
    "AND $__conditionalAll(channel IN (${channel:singlequote}), $channel) "
    "AND $__conditionalAll(queue IN (${queue:singlequote}), $queue)"
)
"""The chosen time, channels and queues. `$__conditionalAll` leaves a choice out where all are chosen."""

BY_DAY: Final = FILTER.replace("$__timeFilter(window_start)", "$__dateFilter(day)")
"""The same of views that have a date instead of a window."""

_ROWS: Final = {
    (): (
        "whole = if($__conditionalAll(0, $queue), "
        f"if($__conditionalAll(0, $channel), {TOGETHER}, {BY_CHANNEL}), {BY_QUEUE})"
    ),
    ("channel",): f"whole = if($__conditionalAll(0, $queue), {BY_CHANNEL}, {BY_QUEUE})",
}
"""Of hours and days: what an answer is split by -> the fewest rows that tell it and what is chosen; of all else the
rows by channel and queue.
"""

UNLINKED: Final = "linked = 0"
"""Of minutes and hours, where nothing is asked that only the customer's other contacts tell: without the rows that hold
nothing else. Of days so few are not added up yet that thinking of it takes longer.
"""

DELAY: Final = (
    "about a second behind the touchpoint (`TOUCHLINE_FLUSH_SECONDS`), and the board shows what was there when it was "
    "last refreshed. Numbers of past minutes may still change: a contact is booked when it began."
)
_TIME: Final[dict[View, str]] = {
    # Not $__timeInterval: it needs toStartOfInterval, which is younger than the oldest server touchline runs on.
    "measures": "toDateTime(intDiv(toUnixTimestamp(window_start), $__interval_s) * $__interval_s, 'UTC')",
    "measures_hour": "toDateTime(intDiv(toUnixTimestamp(window_start), $__interval_s) * $__interval_s, 'UTC')",
    "measures_day": "window_start",
}
_FILL: Final[dict[View, str]] = {
    # Where nothing happened there is no row: counts are 0 there, shares and durations are absent, and no line is drawn
    # across. Days begin at local midnights, which are not always 24 hours apart.
    "measures": " WITH FILL STEP $__interval_s",
    "measures_hour": " WITH FILL STEP $__interval_s",
    "measures_day": "",
}
_INTERVAL: Final[dict[View, str]] = {"measures": "1m", "measures_hour": "1h", "measures_day": "1d"}


def source(columns: str, view: View, *by: str, more: str = "") -> str:
    """FROM and WHERE of a query for these columns that adds up the measures of a view, split by these dimensions or by
    none: of what adds up to the view; of the view of the same that knows `more`, if that is asked for.
    """
    name = SUMS[view] + more
    whole = "" if view == "measures" else f"{_ROWS.get(by, f'whole = {BY_QUEUE}')} AND "
    unlinked = "" if view == "measures_day" or any(each in columns for each in _LINKED) else f"{UNLINKED} AND "
    return f"FROM touchline.{name} WHERE {whole}{unlinked}{FILTER}"


class Shown(Struct, frozen=True):
    """One column of an answer: its SQL, its title, its unit, what it means, and what more the view must know."""

    sql: str
    title: str
    unit: Unit
    meaning: str
    more: str = ""


def total(name: str) -> Shown:
    """The sum of a measure."""
    measure = MEASURES[name]
    return Shown(f"sum({name})", measure.title_en, "short", _meaning(measure))


def share(name: str, of: str = "") -> Shown:
    """A count divided by the count it is a part of (the measure's own `count`, or `of`)."""
    measure = MEASURES[name]
    whole = of or measure.count
    sql = f"sum({name}) / nullIf(sum({whole}), 0)"
    return Shown(sql, f"{measure.title_en} (share)", "percentunit", _meaning(measure))


def mean(name: str) -> Shown:
    """The sum of a measure divided by the measure it counts per: seconds, a share of the scale, or money."""
    measure = MEASURES[name]
    by: dict[str, tuple[int, Unit]] = {
        "ms": (_MS, "s"),
        "points": (_POINTS, "percentunit"),
        "minor units": (_MINOR, "short"),
    }
    divisor, unit = by[measure.unit]
    sql = f"sum({name}) / {divisor} / nullIf(sum({measure.count}), 0)"
    if measure.optional:  # none has it is not the same as 0
        sql = f"if(sum({how_many(name)}) > 0, {sql}, NULL)"
    return Shown(sql, f"{measure.title_en}, mean", unit, _meaning(measure))


def ratio(name: str) -> Shown:
    """A ratio of the views, made of sums: never the mean of ratios."""
    found = _RATIOS[name]
    divisor = f" / {_MS}" if name.endswith("_ms") else ""
    below = f"nullIf(greatest({_summed(found.below)}, 0), 0)"
    above = _summed(found.above)
    sql = f"{f'({above})' if ' ' in above else above}{divisor} / {below}"
    unit: Unit = "s" if divisor else "percentunit"
    meaning = f"`{name}`, {found.above} divided by {found.below}; what still waits within its target is in neither."
    if not found.waiting:
        meaning = meaning.partition(";")[0] + "."
    more = WITH_WAITING if found.waiting else WITH_CONFIRMED if found.confirmed else ""
    return Shown(sql, _ratio_title(found), unit, meaning, more)


def measures_panel(
    id_: int, title: str, shown: Sequence[Shown], *, view: View, by: str = "", kind: Kind = "trend", width: int = 12,
    stacked: bool = False,
) -> Panel:  # fmt: skip
    """A panel of some columns over time; `by` splits one column by a dimension. Counts of days are bars."""
    if view == "measures_day" and not by and all(each.unit == "short" for each in shown):
        kind = "bars"
    return Panel(
        id=id_,
        title=title,
        kind=kind,
        about=about(shown, view),
        queries=(Query("warehouse", over_time(shown, view, by)),),
        unit=_one_unit(shown),
        by=by,
        width=width,
        stacked=stacked,
        interval=_INTERVAL[view],
        minimum=None if any(_may_be_negative(each) for each in shown) else 0,
        maximum=1 if all(each.unit == "percentunit" and not _may_pass_one(each) for each in shown) else None,
    )


def duration_panel(id_: int, title: str, name: str, *, view: View, width: int = 12) -> Panel:
    """A duration over time: mean, mean in opening hours where that is counted, and percentiles from the histogram."""
    shown = [mean(name)]
    open_name = name.replace("_ms", "_open_ms")
    if open_name in MEASURES:
        shown.append(mean(open_name))
    queries = [Query("warehouse", over_time(shown, view))]
    what = about(shown, view)
    if MEASURES[name].histogram:
        queries.append(Query("warehouse", percentiles_over_time(name, view)))
        what = About(
            what.what + "\n\nPercentiles come from histograms and are at most 1/16 too high; there is none in a point "
            "of the plot where nothing was counted.",
            what.formula + f"; percentiles: `quantileExactWeighted` of `{name}_buckets`",
            what.source,
            what.delay,
        )
    return Panel(
        id=id_,
        title=title,
        kind="trend",
        about=what,
        queries=tuple(queries),
        unit="s",
        width=width,
        interval=_INTERVAL[view],
    )


def table_panel(
    id_: int, title: str, shown: Sequence[Shown], *, view: View, dimensions: Sequence[str], width: int = 24,
    links: tuple[tuple[str, str], ...] = (), height: int = 9,
) -> Panel:  # fmt: skip
    """A table of the whole chosen time: a row per value of the dimensions, those with the most contacts first."""
    columns = ", ".join(f"{each.sql} AS `{each.title}`" for each in shown)
    names = ", ".join(dimensions)
    sql = (
        f"SELECT {names}, {columns} {source(columns, view, *dimensions, more=_more(shown))} "
        f"GROUP BY {names} ORDER BY `{shown[0].title}` DESC, {names} LIMIT 200"
    )
    return Panel(
        id=id_,
        title=title,
        kind="table",
        about=about(shown, view),
        queries=(Query("warehouse", sql, table=True),),
        unit="short",
        columns=tuple((each.title, each.unit) for each in shown if each.unit != "short"),
        width=width,
        height=height,
        links=links,
    )


def over_time(shown: Sequence[Shown], view: View, by: str = "") -> str:
    """The SQL of a plot: time, a dimension if asked for, and the columns."""
    columns = ", ".join(f"{each.sql} AS `{each.title}`" for each in shown)
    if by:
        of = source(columns, view, by, more=_more(shown))
        return f"SELECT {_TIME[view]} AS time, {by}, {columns} {of} GROUP BY time, {by} ORDER BY time, {by}"
    of = source(columns, view, more=_more(shown))
    return f"SELECT {_TIME[view]} AS time, {columns} {of} GROUP BY time ORDER BY time" + _FILL[view]


def percentiles_over_time(name: str, view: View) -> str:
    """The SQL of a duration's percentiles, from the histogram of every window (bounds as in view `histograms`).

    A bucket and how many are in it become one number, so that they are sorted as numbers are, which is five times as
    fast as `quantileExactWeighted` of every pair and says the same. Corrections below zero come first in their bucket.
    Integers are compared with integers: with numbers of another kind it takes twice as long.
    """
    pairs = (
        f"arraySort(groupArrayArray(arrayMap((b, n) -> b * {_IN_BUCKET} + n + {_IN_BUCKET // 2}, "
        f"mapKeys({name}_buckets), mapValues({name}_buckets)))) AS pairs"
    )
    totals = f"arrayCumSum(pair -> bitAnd(pair, {_IN_BUCKET - 1}) - {_IN_BUCKET // 2}, pairs) AS totals"
    columns = ", ".join(
        f"{_to_ms(f'b{number}')} / nullIf({_MS} * (total > 0), 0) AS `{title}`"
        for number, (_, title) in enumerate(_PERCENTILES)
    )
    found = ", ".join(
        f"intDiv(pairs[arrayFirstIndex(n -> n >= toInt64(ceil(total * {level})), totals)], {_IN_BUCKET}) AS b{number}"
        for number, (level, _) in enumerate(_PERCENTILES)
    )
    return (
        f"SELECT time, {columns} FROM (SELECT time, {totals}, totals[-1] AS total, {found} FROM (SELECT {_TIME[view]} "
        f"AS time, {pairs} {source(pairs, view, more=BUCKETS)} GROUP BY time)) ORDER BY time" + _FILL[view]
    )


def _to_ms(bucket: str) -> str:
    """The first duration past a bucket. Without `if`, which would work out what is in it more than once."""
    shift = f"greatest(intDiv({bucket}, 16) - 1, 0)"
    return f"bitShiftLeft({bucket} - 16 * {shift} + 1, {shift})"


def about(shown: Sequence[Shown], view: View) -> About:
    """What the columns mean, from the declarations."""
    return About(
        "\n\n".join(dict.fromkeys(f"**{each.title}**: {each.meaning}" for each in shown)),
        "; ".join(f"{each.title} = `{each.sql}`" for each in shown),
        f"ClickHouse, view `touchline.{view}`",
        DELAY,
    )


def _meaning(measure: Measure[Any]) -> str:
    return f"{measure.definition} Booked at: {measure.booked_at}."


def _summed(text: str) -> str:
    return _WORD.sub(lambda word: f"sum({word[0]})", text)


def _ratio_title(found: Ratio) -> str:
    return found.comment.removesuffix(", ms").removesuffix(", zeros included")


def _more(shown: Sequence[Shown]) -> str:
    found = {each.more for each in shown if each.more}
    if len(found) > 1:
        raise ValueError(f"one query, one view: {', '.join(each.title for each in shown if each.more)}")
    return "".join(found)


def _one_unit(shown: Sequence[Shown]) -> Unit:
    units = {each.unit for each in shown}
    if len(units) != 1:
        raise ValueError(f"one plot, one unit: {', '.join(f'{each.title} ({each.unit})' for each in shown)}")
    return units.pop()


def _may_pass_one(shown: Shown) -> bool:
    """Shares whose part and whole are booked at different moments may pass 100 % in a point of the plot."""
    return "requested" in shown.sql or "reopened" in shown.sql


def _may_be_negative(shown: Shown) -> bool:
    """Differences, such as promoters less detractors."""
    return " - " in shown.sql.partition("/ nullIf")[0]
