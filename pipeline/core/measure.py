"""What a measure declares: its name, unit, definition, where it is booked, and the function that says what one adds.

A measure is an additive quantity: a pure function of one *moment* of a contact (the request, the wait, a leg, a
response clock, the closing, ...). The moment says when and under which queue it is booked. Ids, columns, metric
names, panels and documentation all come from these declarations.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, Literal, TypeVar
from zlib import crc32

from msgspec import Struct

from pipeline.core.column import NO_BUCKETS, Column

Moment = Literal[
    "request", "wait", "leg", "clock", "reply", "closing", "negative",
    "menu", "menu_repeat", "self_service", "refused", "discarded", "out_of_scope",
    "promise", "complaint", "feedback_asked", "feedback", "audit", "outreach", "customer_left", "customer_stayed",
    "linked_closing", "linked_wait", "linked_request", "linked_complaint", "linked_outreach", "linked_leaving",
]  # fmt: skip
"""Where a measure is booked, and what its function is given: see `BOOKED_AT`. The `linked_*` moments are those that
only the customer's other contacts can tell (the customer fold)."""

_HAPPENED: Final = "the minute it happened"

BOOKED_AT: Final[dict[Moment, str]] = {
    "request": "requested",
    "wait": "wait_began",
    "leg": "the leg's beginning, under its queue",
    "clock": "the message that started the clock",
    "reply": _HAPPENED,
    "closing": "first closing",
    "negative": "where the duration is booked",
    "menu": _HAPPENED,
    "menu_repeat": _HAPPENED,
    "self_service": _HAPPENED,
    "refused": _HAPPENED,
    "discarded": _HAPPENED,
    "out_of_scope": _HAPPENED,
    "promise": "due",
    "complaint": "the minute the complaint was raised",
    "feedback_asked": _HAPPENED,
    "feedback": _HAPPENED,
    "audit": _HAPPENED,
    "outreach": _HAPPENED,
    "customer_left": _HAPPENED,
    "customer_stayed": _HAPPENED,
    "linked_closing": "first closing",
    "linked_wait": "wait_began",
    "linked_request": "requested",
    "linked_complaint": "the minute the complaint was raised",
    "linked_outreach": _HAPPENED,
    "linked_leaving": _HAPPENED,
}

Unit = Literal[
    "contacts", "ms", "legs", "messages", "estimates", "issues", "transfers", "touchpoints",
    "promises", "complaints", "scores", "points", "minor units",
]  # fmt: skip
"""What a measure counts. `points`: a score on a scale from 0 to 10,000. `minor units`: money, such as cents."""
Family = Literal["waiting", "response", "resolution", "effort", "promises", "voice"]

M = TypeVar("M")


class Measure(Struct, Generic[M], frozen=True, kw_only=True):
    """One measure: a file of `pipeline/measures` declares one, or the few that belong together.

    `value` maps the moment to what it adds; None adds nothing. `optional` measures (open time) are absent rather than 0
    in a cell where nothing added to them. `histogram` keeps `<name>_buckets` beside the sum. `count` names the
    measure that a mean divides by.
    """

    name: str
    unit: Unit
    family: Family
    moment: Moment
    title_en: str
    title_de: str
    definition: str
    value: Callable[[M], int | None]
    count: str = ""
    optional: bool = False
    histogram: bool = False

    @property
    def key(self) -> int:
        """The column's number in a cell: stable, and independent of all other measures."""
        return column_key(self.name)

    @property
    def buckets_name(self) -> str:
        """The name of the histogram's column."""
        return f"{self.name}_buckets"

    @property
    def linked(self) -> bool:
        """Whether only the customer's other contacts can tell: the customer fold counts it."""
        return self.moment.startswith("linked_")

    @property
    def booked_at(self) -> str:
        """When it is booked, in words."""
        return BOOKED_AT[self.moment]


_BUCKET_BITS: Final = 16


def column_key(name: str) -> int:
    """The number of a column: crc32 of its name, with room for buckets below.

    Of an optional measure `key + 1` counts how many added to it; of a histogram `key + i` is bucket i.
    """
    return crc32(name.encode()) << _BUCKET_BITS


class Columns:
    """The measures of one fold, by moment, and the keys that are optional. Raises ValueError if two names share a
    key.
    """

    __slots__ = ("_names", "by_moment", "optional")

    def __init__(self, measures: Iterable[Measure[Any]]) -> None:
        self.by_moment: dict[Moment, tuple[Column, ...]] = {}
        owners: dict[int, str] = {}
        self._names: dict[int, str] = {}
        for measure in sorted(measures, key=lambda measure: measure.key):  # as cells have them
            for name in (measure.name, measure.buckets_name) if measure.histogram else (measure.name,):
                if column_key(name) in owners:
                    raise ValueError(f"measures {name!r} and {owners[column_key(name)]!r} share a column number")
                owners[column_key(name)] = name
            buckets_key = column_key(measure.buckets_name) if measure.histogram else NO_BUCKETS
            column = Column(measure.key, measure.value, measure.optional, buckets_key)
            self.by_moment[measure.moment] = (*self.by_moment.get(measure.moment, ()), column)
            for name in (measure.name, measure.buckets_name) if measure.histogram else (measure.name,):
                self._names[column_key(name)] = name
        self.optional = frozenset(
            column.number for columns in self.by_moment.values() for column in columns if column.optional
        )

    def name_of(self, number: int) -> str:
        """The column a number stands for, for people: `wait_ms`, `wait_ms_buckets 179`, `wait_open_ms (how many)`."""
        base = number >> _BUCKET_BITS << _BUCKET_BITS
        name, rest = self._names.get(base, f"column {base}"), number - base
        if base in self.optional:
            return f"{name} (how many)" if rest else name
        return f"{name} {rest}" if name.endswith("_buckets") else name
