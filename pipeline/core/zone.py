"""Local time of one zone in integer arithmetic: offsets, local dates and where a local day starts.

Knows the rules of `zoneinfo` and nothing about opening hours. Offsets are looked up once per stretch between two clock
changes, so the calls are cheap enough to be made for every cell.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
EPOCH_ORDINAL: Final = 719_163
"""`date(1970, 1, 1).toordinal()`."""

BLOCK_MS: Final = 366 * DAY_MS
"""Tables are built for stretches of this length, counted from the epoch."""

# Outside these instants (years 1900 and 3000) the offset of the bound holds: no time a touchpoint can carry overflows.
_FIRST_MS: Final = -2_208_988_800_000
_LAST_MS: Final = 32_503_680_000_000


class Zone:
    """A time zone by its IANA name. Raises `zoneinfo.ZoneInfoNotFoundError` or ValueError for a name that is none."""

    __slots__ = ("_blocks", "_day_starts", "_high", "_info", "_low", "_offset", "name")

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self._info = ZoneInfo(name)
        self._blocks: dict[int, tuple[list[int], list[int]]] = {}
        self._day_starts: dict[int, int] = {}
        # The stretch of the last look-up: most calls fall into the same one.
        self._low = 0
        self._high = 0
        self._offset = 0

    def __repr__(self) -> str:
        return f"Zone({self.name!r})"

    def offset_ms(self, at_ms: int) -> int:
        """Local time minus UTC at that instant, in ms."""
        if self._low <= at_ms < self._high:
            return self._offset
        block = at_ms // BLOCK_MS
        starts, offsets = self._block(block)
        index = bisect_right(starts, at_ms) - 1
        self._low = starts[index]
        self._high = starts[index + 1] if index + 1 < len(starts) else (block + 1) * BLOCK_MS
        self._offset = offsets[index]
        return self._offset

    def stretches(self, start_ms: int, end_ms: int) -> list[tuple[int, int, int]]:
        """[start, end) cut where the offset changes: (from, to, offset), gapless and in order."""
        found: list[tuple[int, int, int]] = []
        at = start_ms
        while at < end_ms:
            offset = self.offset_ms(at)
            to = min(self._high, end_ms)
            found.append((at, to, offset))
            at = to
        return found

    def ordinal(self, at_ms: int) -> int:
        """Proleptic ordinal (as `date.toordinal`) of the local date."""
        return (at_ms + self.offset_ms(at_ms)) // DAY_MS + EPOCH_ORDINAL

    def local_date(self, at_ms: int) -> date:
        """The date on a local wall calendar."""
        return date.fromordinal(self.ordinal(at_ms))

    def hour(self, at_ms: int) -> int:
        """The hour on a local clock, 0 to 23."""
        return (at_ms + self.offset_ms(at_ms)) % DAY_MS // HOUR_MS

    def weekday(self, at_ms: int) -> int:
        """1 for Monday to 7 for Sunday, as ISO and ClickHouse count."""
        return (self.ordinal(at_ms) + 6) % 7 + 1

    def day_start_ms(self, at_ms: int) -> int:
        """The first instant of the local day that contains `at_ms`, whether the day has 23, 24 or 25 hours."""
        ordinal = (at_ms + self.offset_ms(at_ms)) // DAY_MS + EPOCH_ORDINAL
        start = self._day_starts.get(ordinal)
        return self.start_of_ms(ordinal) if start is None else start

    def start_of_ms(self, ordinal: int) -> int:
        """The first instant whose local date is `ordinal`; of a skipped date, that of the next one."""
        start = self._day_starts.get(ordinal)
        if start is None:
            start = self._day_starts[ordinal] = self._find_start(ordinal)
        return start

    def _find_start(self, ordinal: int) -> int:
        midnight = (ordinal - EPOCH_ORDINAL) * DAY_MS
        # No offset is a day or more, so the day's first instant is in here; Samoa once skipped a whole date.
        around = self.stretches(midnight - DAY_MS, midnight + 2 * DAY_MS)
        return next(max(start, midnight - offset) for start, end, offset in around if end + offset > midnight)

    def _block(self, block: int) -> tuple[list[int], list[int]]:
        known = self._blocks.get(block)
        if known is not None:
            return known
        start, end = block * BLOCK_MS, (block + 1) * BLOCK_MS
        starts, offsets = [start], [self._ask(start)]
        for day in range(start, end, DAY_MS):
            self._cut(day, min(day + DAY_MS, end - 1), starts, offsets)
        self._blocks[block] = (starts, offsets)
        return starts, offsets

    def _cut(self, low: int, high: int, starts: list[int], offsets: list[int]) -> None:
        """Add the first clock change in (low, high], if the offsets of the two ends tell one. Bisects to the ms."""
        after = self._ask(high)
        if after == offsets[-1]:
            return
        while high - low > 1:
            middle = (low + high) // 2
            if self._ask(middle) == offsets[-1]:
                low = middle
            else:
                high = middle
        starts.append(high)
        offsets.append(after)

    def _ask(self, at_ms: int) -> int:
        moment = datetime.fromtimestamp(min(max(at_ms, _FIRST_MS), _LAST_MS) // 1000, UTC)
        offset = self._info.utcoffset(moment.astimezone(self._info))
        return 0 if offset is None else (offset.days * 86_400 + offset.seconds) * 1000 + offset.microseconds // 1000
