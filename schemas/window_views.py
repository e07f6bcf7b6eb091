"""The views of measures by minute, hour and day: sums from the cells, and ratios from those sums. Rendered, not run."""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from collections.abc import Sequence

from schemas.ratios import COMPUTED, RATIOS, Ratio
from schemas.sums import BY_ALL, DATA_UNTIL, Values, confirmed, given, parts, with_sql
from schemas.tables import GIVEN_SUFFIX, HISTOGRAM, MeasureColumn, how_many, keys_of, quoted
from schemas.view import DATA_UNTIL_MS, Selected, Setting, View, column, ratio, view
from schemas.windows import Resolution, calendar, dimensions, resolutions


def window_views(measures: Sequence[MeasureColumn], setting: Setting) -> tuple[View, ...]:
    """Views `measures`, `measures_hour`, `measures_day`, `measures_week` and `measures_month`."""
    return tuple(_window_view(each, measures, setting) for each in resolutions(setting.zone))


def _window_view(resolution: Resolution, measures: Sequence[MeasureColumn], setting: Setting) -> View:
    names = {each.name for each in measures}
    return view(
        resolution.view,
        f"Measures by {resolution.name} and dimensions; sum the counts, never the ratios.",
        [
            *dimensions(resolution),
            *calendar(resolution, setting),
            *_measures(measures),
            *_open_means(measures),
            *_undecided(names),
            *confirmed(measures, resolution, setting, {name: f"w.{name}" for name in names}),
            *_ratios(names),
        ],
        f"(\n{_sums(resolution, measures)}\n) AS w",
        with_sql({DATA_UNTIL: DATA_UNTIL_MS, **given(resolution, measures)}),
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


def _measures(measures: Sequence[MeasureColumn]) -> list[Selected]:
    selected = []
    for each in measures:
        name = quoted(each.name)
        if each.histogram:
            type_, sql = HISTOGRAM, f"w.{name}"
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
        base, count, given = each.name.removesuffix("_ms"), how_many(each.name), f"w.{quoted(each.name + GIVEN_SUFFIX)}"
        found.append(column(count, "Int64", given, f"How many have {each.name}: what its mean divides by"))
        mean = ratio(f"w.{quoted(each.name)}", given)
        comment = f"Mean of {each.name}: {each.name} / {count}, ms; NULL without any"
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


def _sums(resolution: Resolution, measures: Sequence[MeasureColumn]) -> str:
    """All parts of a window and its dimensions, added up."""
    added_up = dict.fromkeys((*keys_of(measures), *COMPUTED), "sum")
    added_up |= {each.name: "sumMap" for each in measures if each.histogram}
    lines = ",\n        ".join(f"{how}({quoted(name)}) AS {quoted(name)}" for name, how in added_up.items())
    keys = ["channel", "queue", "segment", *(["whole"] if resolution.rolled else [])]

    def shown(values: Values) -> list[str]:
        named = (f"{values[name]} AS {quoted(name)}" for name in added_up)
        return [f"toUInt32({resolution.cell_start}) AS window_s", *keys, *named]

    by_dimensions = f"\n    WHERE whole = {BY_ALL}" if resolution.rolled else ""
    return f"""    SELECT window_s, channel, queue, segment,
        {lines}
    FROM (
{parts(resolution, measures, shown)}
    ) AS u{by_dimensions}
    GROUP BY window_s, channel, queue, segment"""
