"""What a view is: its columns, its SELECT and how it is created. The views themselves: `schemas/views.py`."""

# SQL is put together from names of ours; nobody else has a say in it.
# ruff: noqa: S608

import hashlib
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from schemas.tables import INTERNAL, literal, quoted

PUBLIC: Final = "touchline"
"""The database people read."""

DEFINITION: Final = "[definition "
"""In a view's comment: which definition it has, so that a changed one is noticed."""

OPENING: Final = f"{INTERNAL}.opening"
"""Opening hours of the default calendar by local date: looked up, not joined, so that who does not ask pays nothing."""

Intervals = Sequence[tuple[int, int]]
"""Open from-to within one local date, minutes from midnight."""


class ViewColumn(Struct, frozen=True):
    """A column of a view."""

    name: str
    type: str
    comment: str


class View(Struct, frozen=True):
    """A view: its columns, and the SELECT that has them in this order."""

    name: str
    comment: str
    columns: tuple[ViewColumn, ...]
    select: str
    database: str = PUBLIC

    @property
    def full_name(self) -> str:
        """database.view."""
        return f"{self.database}.{self.name}"


class Setting(Struct, frozen=True):
    """What the views take from the catalogue. `opening`: whether table `opening` is kept (`is_open` is NULL if not);
    `touchpoints`: whether they are kept; `agent_figures`: whether single persons may be seen in them.
    """

    zone: str = "UTC"
    follow_up_window_ms: int = 7 * 86_400_000
    lateness_ms: int = 86_400_000
    opening: bool = False
    touchpoints: bool = False
    agent_figures: bool = False


def definition(view: View) -> str:
    """What tells one definition of a view from another."""
    return hashlib.sha256(_body(view).encode()).hexdigest()[:12]


def _body(view: View) -> str:
    columns = ",\n    ".join(f"{quoted(c.name)} {c.type} COMMENT {literal(c.comment)}" for c in view.columns)
    return f"{view.full_name}\n(\n    {columns}\n)\nAS {view.select.strip()}\n{view.comment}"


def create_view_sql(view: View) -> str:
    """The statement that creates or replaces the view, its definition noted in its comment."""
    columns = ",\n    ".join(f"{quoted(c.name)} {c.type} COMMENT {literal(c.comment)}" for c in view.columns)
    noted = literal(f"{view.comment} {DEFINITION}{definition(view)}]")
    return f"CREATE OR REPLACE VIEW {view.full_name}\n(\n    {columns}\n)\nAS {view.select.strip()}\nCOMMENT {noted}"


def opening_sql() -> str:
    """The statement that creates the table of opening hours."""
    return (
        f"CREATE TABLE {OPENING} (day Date, known UInt8, from_minute Array(UInt16), to_minute Array(UInt16)) "
        "ENGINE = Join(ANY, LEFT, day)"
    )


NOW_MS: Final = "toUnixTimestamp64Milli(now64(3))"

DATA_UNTIL_MS: Final = (
    "(SELECT min(until_ms) FROM (SELECT argMax(JSONExtractInt(state, 'watermark_ms'), version) AS until_ms "
    "FROM touchline_internal.ledger WHERE kind = 0 GROUP BY p) WHERE until_ms > 0)"
)
"""The smallest watermark of the partitions that have one; 0 without any."""

NEWEST_MS: Final = (
    f"least({NOW_MS}, (SELECT max(JSONExtractInt(state, 'watermark_ms')) FROM touchline_internal.ledger FINAL "
    "WHERE kind = 0))"
)
"""The time of the newest touchpoint: "now" of views that look back, so that replayed history has its own."""

FINAL_BY_PARTITION: Final = "SETTINGS do_not_merge_across_partitions_select_final = 1"
"""A key never leaves its partition of the log, so FINAL need not look across."""

TIME: Final = "Nullable(DateTime64(3, 'UTC'))"
"""The type of every point in time but a window's start."""


def time(ms: str) -> str:
    """Milliseconds as that type."""
    return f"fromUnixTimestamp64Milli({ms}, 'UTC')"


def ratio(above: str, below: str) -> str:
    """A quotient; NULL where the denominator is not above 0."""
    return f"({above}) / nullIf(greatest({below}, 0), 0)"


Selected = tuple[ViewColumn, str]
"""A column and the expression that computes it."""


def column(name: str, type_: str, sql: str, comment: str) -> Selected:
    """One column of a view."""
    return ViewColumn(name, type_, comment), sql


def view(name: str, comment: str, selected: Sequence[Selected], source: str, given: str = "") -> View:
    """SELECT the columns FROM the source; `given` (`WITH ...`) is what several of them need."""
    columns = ",\n    ".join(f"{sql} AS {quoted(each.name)}" for each, sql in selected)
    return View(name, comment, tuple(each for each, _ in selected), f"{given}SELECT\n    {columns}\nFROM {source}")
