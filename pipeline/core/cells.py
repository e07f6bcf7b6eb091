"""Cells: the measures of one window and one set of dimensions, as sparse vectors {column number: value}.

`contribution` says what one contact adds to which cell; a live update is `new contribution - old contribution`. All is
integer addition, so the order of updates never matters.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from librt.strings import BytesWriter, write_i64_le
from librt.vecs import append, vec
from mypy_extensions import i64, mypyc_attr

from pipeline.core.column import NO_BUCKETS
from pipeline.core.histogram import bucket
from pipeline.core.measure import Columns, Moment

Cell = dict[int, int]
"""A cell for reading: by number of the column, without order."""
CellKey = tuple[Any, ...]
"""(window start in seconds since the epoch, channel, queue, segment). To compiled code it is an object: it would make a
new one for every look into a dictionary.
"""

MINUTE_MS: Final = 60_000
_MOST_MINUTES: Final = 32
"""So many are sooner looked through than looked up."""


@mypyc_attr(acyclic=True)
class Tally:  # noqa: PLW1641 - it changes, so it is nobody's key
    """A cell for adding to: numbers of columns, ascending, and behind each its value, in one array of 64-bit integers.
    Compiled, it takes 16 bytes a column and adding makes no objects. Raises OverflowError (compiled: ValueError) for
    what has more bits.
    """

    __slots__ = ("_pairs",)

    def __init__(self) -> None:
        self._pairs: vec[i64] = vec[i64]()

    def book(self, number: i64, value: i64) -> None:
        """Add to one column; afterwards it is there, be it with 0."""
        pairs = self._pairs
        size = len(pairs)
        place = size  # from behind, since measures are booked in this order
        while place > 0 and pairs[place - 2] >= number:
            place -= 2
        if place < size and pairs[place] == number:
            pairs[place + 1] += value
            return
        pairs = append(append(pairs, 0), 0)
        while size > place:
            pairs[size] = pairs[size - 2]
            pairs[size + 1] = pairs[size - 1]
            size -= 2
        pairs[place] = number
        pairs[place + 1] = value
        self._pairs = pairs

    def add(self, other: "Tally", times: i64 = 1) -> None:
        """Add every column of another, so many times."""
        into, pairs = self._pairs, other._pairs  # noqa: SLF001 - its own kind
        size, more = len(into), len(pairs)
        if not size and times == 1:
            self._pairs = pairs[:more]
            return
        missing: i64 = 0
        at: i64 = 0
        n: i64 = 0
        while n < more:
            number = pairs[n]
            while at < size and into[at] < number:
                at += 2
            if at < size and into[at] == number:
                into[at + 1] += times * pairs[n + 1]
            else:
                missing += 2
            n += 2
        if not missing:
            return
        # What was not there comes in from behind: each number moves once, and nothing is copied.
        to = size + missing
        while missing:
            into = append(into, 0)
            missing -= 1
        at = size
        n = more
        while n > 0:
            number = pairs[n - 2]
            if at > 0 and into[at - 2] == number:
                n -= 2
            elif at > 0 and into[at - 2] > number:
                at -= 2
                to -= 2
                into[to] = into[at]
                into[to + 1] = into[at + 1]
            else:
                n -= 2
                to -= 2
                into[to] = number
                into[to + 1] = times * pairs[n + 1]
        self._pairs = into

    def copy(self) -> "Tally":
        """One of its own."""
        found = Tally()
        found._pairs = self._pairs[: len(self._pairs)]
        return found

    def get(self, number: i64, default: i64 = 0) -> i64:
        """The value of a column."""
        pairs = self._pairs
        place = self._place(number)
        return pairs[place + 1] if place < len(pairs) and pairs[place] == number else default

    def __contains__(self, number: i64) -> bool:
        pairs = self._pairs
        place = self._place(number)
        return place < len(pairs) and pairs[place] == number

    def _place(self, number: i64) -> i64:
        """Where a column is, or would be."""
        pairs = self._pairs
        low: i64 = 0
        high = len(pairs) // 2
        while low < high:
            middle = (low + high) // 2
            if pairs[2 * middle] < number:
                low = middle + 1
            else:
                high = middle
        return 2 * low

    def __len__(self) -> int:
        return len(self._pairs) // 2

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tally) and self.same(other)

    def same(self, other: "Tally") -> bool:
        """Whether both have the same columns with the same values."""
        pairs, others = self._pairs, other._pairs  # noqa: SLF001 - its own kind
        if len(pairs) != len(others):
            return False
        place: i64 = 0
        while place < len(pairs):
            if pairs[place] != others[place]:
                return False
            place += 1
        return True

    def items(self) -> list[tuple[int, int]]:
        """Numbers and values, ascending."""
        pairs = self._pairs
        found: list[tuple[int, int]] = []
        place: i64 = 0
        while place < len(pairs):
            found.append((pairs[place], pairs[place + 1]))
            place += 2
        return found

    def lay_out(self, numbers: BytesWriter, values: BytesWriter, columns: Columns) -> i64:
        """Write its columns as they are stored, as 64-bit integers, the lowest byte first; how many there are.

        Without zeros; an optional measure stays, even 0, while anything adds to it.
        """
        pairs = self._pairs
        place: i64 = 0
        count: i64 = 0
        while place < len(pairs):
            number, value = pairs[place], pairs[place + 1]
            if value or (number in columns.optional and self.get(number + 1)):
                write_i64_le(numbers, number)
                write_i64_le(values, value)
                count += 1
            place += 2
        return count


Contribution = dict[CellKey, Tally]


@mypyc_attr(acyclic=True)
class Booking:
    """Adds what the moments of one contact are worth to their minutes. Mostly some that follow each other fall into one
    cell, so the last one stays at hand.
    """

    __slots__ = (
        "_by_moment", "_channel", "_into", "_key", "_minute", "_minutes", "_queue", "_queue_at_hand", "_segment",
        "_tally",
    )  # fmt: skip

    def __init__(self, into: Contribution, columns: Columns, channel: str, queue: str, segment: str) -> None:
        self._into = into
        self._by_moment = columns.by_moment
        self._channel = channel
        self._queue = queue
        self._segment = segment
        self._queue_at_hand = ""
        self._minute = 0
        self._minutes: vec[i64] = vec[i64]()
        """In which there is a cell under its own queue, as far as `_MOST_MINUTES`; one may be there several times."""
        self._tally: Tally | None = None
        self._key: CellKey | None = None
        """Of the tally at hand, while it is empty and new."""

    def add(self, moment: Moment, at_ms: int, item: Any) -> None:
        """What a moment is worth, under the contact's own queue."""
        self.add_in(self._queue, moment, at_ms, item)

    def add_in(self, queue: str, moment: Moment, at_ms: int, item: Any) -> None:
        """The same under another queue. A cell to which nothing is added is not made."""
        columns = self._by_moment.get(moment)
        if columns is None:
            return
        minute, tally = at_ms // MINUTE_MS, self._tally
        if tally is None or minute != self._minute or queue != self._queue_at_hand:
            key: CellKey = (minute * 60, self._channel, queue, self._segment)
            tally = self._into.get(key)
            self._key = None
            if tally is None:
                tally, self._key = Tally(), key
            elif queue == self._queue:
                self._remember(minute)
            self._tally, self._minute, self._queue_at_hand = tally, minute, queue
        for column in columns:
            value = column.value_of(item)
            if value is None:
                continue
            number = column.number
            if column.optional:
                tally.book(number, value)
                tally.book(number + 1, 1)
            elif value:
                tally.book(number, value)
            if column.buckets_number != NO_BUCKETS:
                tally.book(column.buckets_number + bucket(value), 1)
        if self._key is not None and len(tally):
            self._into[self._key] = tally
            self._key = None
            if queue == self._queue:
                self._remember(minute)

    def _remember(self, minute: i64) -> None:
        if len(self._minutes) < _MOST_MINUTES:
            self._minutes = append(self._minutes, minute)

    def has_booked(self, minute: i64, channel: str, queue: str, segment: str) -> bool:
        """Whether there is a cell of this minute and place for sure; False: that is not known here."""
        if queue != self._queue or segment != self._segment or channel != self._channel:
            return False
        minutes = self._minutes
        place: i64 = 0
        while place < len(minutes):
            if minutes[place] == minute:
                return True
            place += 1
        return False


def tally_in(tallies: dict[Any, Tally], key: Any) -> Tally:
    """The one of a key, which is made where there is none."""
    found = tallies.get(key)
    if found is None:
        found = tallies[key] = Tally()
    return found


def tally_of(cell: Mapping[int, int]) -> Tally:
    """The same, to be added to."""
    found = Tally()
    for number, value in cell.items():
        found.book(number, value)
    return found


def add(into: Cell, cell: Cell | Tally) -> None:
    """into += cell."""
    for number, value in cell.items():
        into[number] = into.get(number, 0) + value


def take(into: Cell, cell: Cell | Tally) -> None:
    """into -= cell."""
    for number, value in cell.items():
        into[number] = into.get(number, 0) - value


def total(tallies: Sequence[Tally]) -> Tally:
    """What several of one window come to; not to be changed, since of one it is that one itself."""
    if len(tallies) == 1:
        return tallies[0]
    found = Tally()
    for tally in tallies:
        found.add(tally)
    return found


def revise(into: Contribution, new: Contribution, old: Contribution) -> None:
    """into += new - old, where they differ."""
    for key, tally in new.items():
        before = old.get(key)
        if before is not None and before.same(tally):
            continue
        found = tally_in(into, key)
        found.add(tally)
        if before is not None:
            found.add(before, -1)
    for key, tally in old.items():
        if key not in new:
            tally_in(into, key).add(tally, -1)


def settled(cell: Cell, columns: Columns) -> Cell:
    """A cell without zeros, in order of the column numbers; an optional measure stays, even 0, while anything adds to
    it.
    """
    optional = columns.optional
    return {
        number: cell[number]
        for number in sorted(cell)
        if cell[number] or (number in optional and cell.get(number + 1, 0))
    }
