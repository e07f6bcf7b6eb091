"""The morning report: one day as sections of sentences and tables, whatever it is rendered as afterwards.

Every number is a sum or a ratio of sums; service levels are named with their formula; live and deferred channels stand
apart. A number is compared with the same weekday of the week before.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Kind = Literal["text", "count", "change", "ratio", "ratio_change", "ms", "ms_change", "moment", "score"]
"""How a column's values are written. `ratio` is 0 to 1; `score` -1 to 1; `moment` ms since the epoch."""
Value = str | float | None


class Column(Struct, frozen=True):
    """A column. `id` is the same in every language and format."""

    id: str
    title: str
    kind: Kind


class Row(Struct, frozen=True):
    """A row: `key` as stored, `label` for people. `is_total`: the sum of the others."""

    key: str
    label: str
    values: tuple[Value, ...]
    is_total: bool = False


class Table(Struct, frozen=True):
    """A table; its first column are the rows' labels under `head`. Columns in `private` name people: not for pages."""

    id: str
    head: str
    columns: tuple[Column, ...]
    rows: list[Row]
    private: frozenset[str] = frozenset()


class Tile(Struct, frozen=True):
    """A number for the first look, what it is, and how it compares."""

    title: str
    value: str
    line: str
    compared: str = ""


class Section(Struct, frozen=True):
    """A part of the report. `plot`: the id of the picture that goes with it, '' none."""

    id: str
    title: str
    said: list[str]
    tables: list[Table] = []
    plot: str = ""


class Plot(Struct, frozen=True):
    """A picture as numbers: bars, and lines on the same or a second scale. `kinds` says how values are written."""

    id: str
    title: str
    labels: list[str]
    bars: dict[str, list[float | None]]
    lines: dict[str, list[float | None]]
    bar_unit: str
    line_unit: str
    line_kind: Literal["ratio", "ms"] = "ratio"


class Report(Struct, frozen=True):
    """A day's report. `day`: ISO date."""

    day: str
    lang: str
    title: str
    subtitle: str
    tiles: list[Tile]
    sections: list[Section]
    plots: list[Plot]
    notes: list[str]


class Flat(Struct, frozen=True):
    """One number of the report on its own, for spreadsheets and programs."""

    day: str
    section: str
    row: str
    measure: str
    unit: str
    value: float | None
    text: str


_UNITS: Mapping[Kind, str] = {
    "text": "text", "count": "count", "change": "count", "ratio": "ratio", "ratio_change": "ratio", "ms": "ms",
    "ms_change": "ms", "moment": "ms since 1970, UTC", "score": "ratio",
}  # fmt: skip


def flat(report: Report) -> list[Flat]:
    """Every cell of every table."""
    found: list[Flat] = []
    for section in report.sections:
        for table in section.tables:
            for row in table.rows:
                for column, value in zip(table.columns, row.values, strict=True):
                    text = value if isinstance(value, str) else ""
                    number = None if value is None or isinstance(value, str) else float(value)
                    key = "" if row.is_total else row.key
                    found.append(Flat(report.day, table.id, key, column.id, _UNITS[column.kind], number, text))
    return found


def public(report: Report) -> Report:
    """The report without columns that name people: for pages."""
    sections = [
        Section(section.id, section.title, section.said, [_public(table) for table in section.tables], section.plot)
        for section in report.sections
    ]
    return Report(
        report.day, report.lang, report.title, report.subtitle, report.tiles, sections, report.plots, report.notes
    )


def _public(table: Table) -> Table:
    if not table.private:
        return table
    places = [place for place, column in enumerate(table.columns) if column.id not in table.private]
    rows = [
        Row(str(number), str(number), tuple(row.values[place] for place in places), row.is_total)
        for number, row in enumerate(table.rows, 1)
    ]
    return Table(table.id, "", tuple(table.columns[place] for place in places), rows)
