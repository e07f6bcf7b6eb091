"""Opening hours as arithmetic: is it open, how much open time lies between two instants, which days are open.

Open is what the wall clock says: an instant is open when its local time of day lies in an interval of its local date.
An hour the clock skips in spring is not there; one it repeats in autumn counts both times. Knows nothing of the YAML.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import accumulate
from typing import Final

from pipeline.core.zone import BLOCK_MS, DAY_MS, EPOCH_ORDINAL, Zone

MINUTE_MS: Final = 60_000

Intervals = tuple[tuple[int, int], ...]
"""Open from-to within one local date in minutes from midnight, to at most 1440; sorted and disjoint."""

_DAYS: Final = 366
_LAST_ORDINAL: Final = date.max.toordinal()
_LOOK_AHEAD: Final = 3
"""Blocks (years) to look ahead for an opening or a closing."""


class Hours:
    """Weekly hours from a local date on. `weekly`: Monday to Sunday. `closed`: the holidays (ordinals) of a year."""

    __slots__ = ("closed", "from_ordinal", "weekly")

    def __init__(
        self,
        from_ordinal: int,
        weekly: tuple[Intervals, ...],
        closed: Callable[[int], frozenset[int]] | None = None,
    ) -> None:
        self.from_ordinal: Final = from_ordinal
        self.weekly: Final = weekly
        self.closed: Final = closed


class _Table:
    """The open intervals of one block: starts, ends, the open ms before each, and those of all."""

    __slots__ = ("before", "ends", "starts", "total")

    def __init__(self, starts: list[int], ends: list[int], before: list[int]) -> None:
        self.starts: Final = starts
        self.ends: Final = ends
        self.before: Final = before
        self.total: Final = before[-1]


class Calendar:
    """Opening hours of one zone. `hours` in the order of their dates, the first holds for everything before, too.

    `exceptions` (local date ordinal -> intervals, none for closed) override weekly hours and holidays.
    """

    __slots__ = ("_closed_years", "_dates", "_exceptions", "_froms", "_hours", "_tables", "name", "zone")

    def __init__(self, name: str, zone: Zone, hours: Sequence[Hours], exceptions: Mapping[int, Intervals]) -> None:
        if not hours:
            raise ValueError(f"calendar {name!r} needs weekly hours")
        self.name: Final = name
        self.zone: Final = zone
        self._hours = tuple(hours)
        self._froms = [entry.from_ordinal for entry in self._hours]
        self._exceptions = dict(exceptions)
        self._tables: dict[int, _Table] = {}
        self._dates: dict[int, list[int]] = {}
        self._closed_years: dict[tuple[int, int], frozenset[int]] = {}

    def __repr__(self) -> str:
        return f"Calendar({self.name!r}, {self.zone.name!r})"

    def is_open(self, at_ms: int) -> bool:
        """Whether this very instant is open; the closing instant itself is not."""
        table = self._table(at_ms // BLOCK_MS)
        index = bisect_right(table.starts, at_ms) - 1
        return index >= 0 and at_ms < table.ends[index]

    def open_ms(self, start_ms: int, end_ms: int) -> int:
        """Open time in [start, end), in ms; 0 where end <= start. Additive: (a, c) = (a, b) + (b, c)."""
        if end_ms <= start_ms:
            return 0
        first, last = start_ms // BLOCK_MS, end_ms // BLOCK_MS
        opened = self._opened(last, end_ms) - self._opened(first, start_ms)
        for block in range(first, last):
            opened += self._table(block).total
        return opened

    def open_days(self, start_ms: int, end_ms: int) -> int:
        """Open local dates d with date(start) < d <= date(end); 0 where end <= start. Open: it has opening hours."""
        first, last = self.zone.ordinal(start_ms), self.zone.ordinal(end_ms)
        if last <= first:
            return 0
        opened = self._open_dates(last // _DAYS)[last % _DAYS] - self._open_dates(first // _DAYS)[first % _DAYS]
        for block in range(first // _DAYS, last // _DAYS):
            opened += self._open_dates(block)[-1]
        return opened

    def next_opening_ms(self, at_ms: int) -> int | None:
        """The first open instant at or after `at_ms` (itself, where open); None if there is none for two years."""
        block = at_ms // BLOCK_MS
        for ahead in range(block, block + _LOOK_AHEAD):
            table = self._table(ahead)
            index = bisect_right(table.ends, at_ms)
            if index < len(table.starts):
                return max(table.starts[index], at_ms)
        return None

    def closing_ms(self, at_ms: int) -> int | None:
        """When what is open at `at_ms` closes; None where it is closed, or stays open for two years."""
        if not self.is_open(at_ms):
            return None
        block = at_ms // BLOCK_MS
        table = self._table(block)
        end = table.ends[bisect_right(table.ends, at_ms)]
        for ahead in range(block + 1, block + _LOOK_AHEAD):
            table = self._table(ahead)
            if end < ahead * BLOCK_MS or not table.starts or table.starts[0] > end:
                return end
            end = table.ends[0]
        return end if end < (block + _LOOK_AHEAD) * BLOCK_MS else None

    def intervals(self, ordinal: int) -> Intervals:
        """The open intervals of one local date: its exception, else none on a holiday, else its weekday's hours."""
        exception = self._exceptions.get(ordinal)
        if exception is not None:
            return exception
        index = max(bisect_right(self._froms, ordinal) - 1, 0)
        return () if self._is_holiday(index, ordinal) else self._hours[index].weekly[(ordinal + 6) % 7]

    def _is_holiday(self, index: int, ordinal: int) -> bool:
        closed = self._hours[index].closed
        if closed is None:
            return False
        year = date.fromordinal(min(max(ordinal, 1), _LAST_ORDINAL)).year
        dates = self._closed_years.get((index, year))
        if dates is None:
            dates = self._closed_years[index, year] = closed(year)
        return ordinal in dates

    def _opened(self, block: int, at_ms: int) -> int:
        """Open ms from the block's start to `at_ms`."""
        table = self._tables.get(block) or self._table(block)
        index = bisect_right(table.starts, at_ms) - 1
        if index < 0:
            return 0
        end = table.ends[index]
        return table.before[index] + (at_ms if at_ms < end else end) - table.starts[index]

    def _table(self, block: int) -> _Table:
        table = self._tables.get(block)
        if table is None:
            table = self._tables[block] = self._build(block * BLOCK_MS, (block + 1) * BLOCK_MS)
        return table

    def _build(self, start_ms: int, end_ms: int) -> _Table:
        starts: list[int] = []
        ends: list[int] = []
        for low, high, offset in self.zone.stretches(start_ms, end_ms):
            for day in range((low + offset) // DAY_MS, (high - 1 + offset) // DAY_MS + 1):
                midnight = day * DAY_MS - offset
                for opens, closes in self.intervals(day + EPOCH_ORDINAL):
                    begin = max(midnight + opens * MINUTE_MS, low)
                    end = min(midnight + closes * MINUTE_MS, high)
                    if begin >= end:
                        continue
                    if ends and ends[-1] == begin:
                        ends[-1] = end
                    else:
                        starts.append(begin)
                        ends.append(end)
        before = list(accumulate((end - begin for begin, end in zip(starts, ends, strict=True)), initial=0))
        return _Table(starts, ends, before)

    def _open_dates(self, block: int) -> list[int]:
        """Running count of open dates of the `_DAYS` ordinals of a block, each with its own date counted."""
        counts = self._dates.get(block)
        if counts is None:
            ordinals = range(block * _DAYS, (block + 1) * _DAYS)
            counts = self._dates[block] = list(accumulate(1 if self.intervals(day) else 0 for day in ordinals))
        return counts
