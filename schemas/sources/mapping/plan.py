"""What a mapping file says, as data. How it is applied to rows: `schemas.sources.mapping.rows`."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Format = Literal["csv", "jsonl"]
Unit = Literal["milliseconds", "seconds", "minutes"]

UNITS: Mapping[Unit, int] = {"milliseconds": 1, "seconds": 1_000, "minutes": 60_000}
ISO, MILLISECONDS, SECONDS = "iso", "milliseconds", "seconds"
"""Forms of a time besides those of strptime: ISO 8601, and numbers since 1970."""


class Test(Struct, frozen=True):
    """One look at a column: it is one of `among` (or not), above or below a number, empty or not."""

    column: str
    kind: Literal["among", "not", "above", "below", "empty"]
    among: tuple[str, ...] = ()
    number: int = 0
    empty: bool = False


class All(Struct, frozen=True):
    """Every one of the tests holds."""

    tests: tuple[Test, ...]


Condition = tuple[All, ...]
"""Any of these holds; an empty one always does."""


class Text(Struct, frozen=True):
    """A text with the values of columns in it: (literal, column or "") pairs. Empty as soon as one column is."""

    parts: tuple[tuple[str, str], ...]
    empty: frozenset[str] = frozenset()
    lookup: Mapping[str, str] | None = None
    default: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        return tuple(column for _, column in self.parts if column)


class Clock(Struct, frozen=True):
    """A time read from columns (joined by blanks) by its form. `next_day_after`: a time of day that lies more than
    twelve hours before that moment is on the next day.
    """

    columns: tuple[str, ...]
    form: str
    zone: str
    empty: frozenset[str] = frozenset()
    when: Condition = ()
    next_day_after: str = ""


class Chosen(Struct, frozen=True):
    """One of other moments: the first that there is, the earliest, or the latest."""

    how: Literal["first_of", "earliest", "latest"]
    moments: tuple[str, ...]
    when: Condition = ()


class After(Struct, frozen=True):
    """Another moment and a length of time, from a column."""

    moment: str
    plus: str
    unit: Unit
    when: Condition = ()


Moment = Clock | Chosen | After


class RowRule(Struct, frozen=True):
    """A row that is left out on purpose, or rejected with a sentence."""

    when: Condition
    leave_out: str = ""
    reject: str = ""


class Template(Struct, frozen=True):
    """One touchpoint of a row. `times` names moments by field; `each`: once for every element of that array."""

    line: int
    type: str
    fields: Mapping[str, Text]
    times: Mapping[str, str]
    when: Condition = ()
    each: str = ""


class Plan(Struct, frozen=True):
    """A whole mapping file. `header`: the columns' names where the file itself does not begin with them."""

    name: str
    about: str
    format: Format
    delimiter: str
    encoding: str
    header: tuple[str, ...]
    rules: tuple[RowRule, ...]
    moments: Mapping[str, Moment]
    touchpoints: tuple[Template, ...]
