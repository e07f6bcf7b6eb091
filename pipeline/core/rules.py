"""The rules of a place and a time: which targets, which limits and which calendar hold for a contact.

Knows how the entries of a catalogue go before one another (see `schemas.catalogue`); reads no text and no files.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from pipeline.core.calendar import Calendar, Hours
from pipeline.core.zone import Zone
from schemas.catalogue import Catalogue, Settings, Target, TargetEntry, What, default_targets
from schemas.catalogue_holidays import all_closed_dates
from schemas.catalogue_types import CalendarEntry, OpeningEntry
from schemas.vocabulary import ChannelKind

__all__ = ["Rulebook", "Rules", "Target", "elapsed", "within"]

_YEAR_MS: Final = 366 * 86_400_000
_LEAPS: Final = 8
"""Some of them lead across a night; what is closed for longer is left to bisection."""
_MEMO_LIMIT: Final = 50_000
"""Names come from outside: beyond this many different ones the memo starts anew."""


class Rules:
    """What holds for one place at one time. `calendar` None: durations are on the clock only."""

    __slots__ = ("calendar", "kind", "response_target", "stale_ms", "unannounced_ms", "wait_target_ms")

    def __init__(
        self,
        kind: ChannelKind,
        wait_target_ms: int | None,
        response_target: Target | None,
        unannounced_ms: int | None,
        stale_ms: int | None,
        calendar: Calendar | None,
    ) -> None:
        self.kind: Final = kind
        self.wait_target_ms: Final = wait_target_ms
        self.response_target: Final = response_target
        self.unannounced_ms: Final = unannounced_ms
        self.stale_ms: Final = stale_ms
        self.calendar: Final = calendar


class Rulebook:
    """The rules of a catalogue, looked up by channel, queue, segment and time."""

    __slots__ = ("_calendars", "_memo", "_periods", "catalogue", "settings", "zone")

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue: Final = catalogue
        self.settings: Final[Settings] = catalogue.settings
        self.zone: Final = Zone(catalogue.zone)
        self._calendars = {name: _calendar(name, self.zone, entry) for name, entry in catalogue.calendars.items()}
        begins = {entry.valid_from_ms for entry in catalogue.targets}
        begins |= {entry.valid_from_ms for entry in catalogue.opening_hours}
        self._periods = sorted(begin for begin in begins if begin is not None)
        self._memo: dict[tuple[str, str, str, int], Rules] = {}

    def kind(self, channel: str) -> ChannelKind | None:
        """Live or deferred; None = the catalogue does not know the channel."""
        entry = self.catalogue.channels.get(channel)
        return None if entry is None else entry.kind

    @property
    def dated(self) -> bool:
        """Whether what holds depends on the time."""
        return bool(self._periods)

    def rules(self, channel: str, queue: str, segment: str, at_ms: int) -> Rules:
        """What holds there at that time. Raises KeyError for a channel the catalogue does not know."""
        period = bisect_right(self._periods, at_ms) if self._periods else 0
        found = self._memo.get((channel, queue, segment, period))
        if found is None:
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            found = self._memo[channel, queue, segment, period] = self._find(channel, queue, segment, at_ms)
        return found

    def calendar(self, name: str) -> Calendar | None:
        """A calendar by its name in the catalogue."""
        return self._calendars.get(name)

    def _find(self, channel: str, queue: str, segment: str, at_ms: int) -> Rules:
        kind = self.catalogue.channels[channel].kind
        entries = [
            entry
            for entry in self.catalogue.targets
            if _holds(entry, channel, queue, at_ms) and entry.segment in (None, segment)
        ]
        usual = default_targets(channel, kind)
        opening = [entry for entry in self.catalogue.opening_hours if _holds(entry, channel, queue, at_ms)]
        calendar = max(opening, key=_opening_rank, default=None)
        return Rules(
            kind=kind,
            wait_target_ms=_amount(_target("wait", entries, usual)),
            response_target=_target("response", entries, usual),
            unannounced_ms=_amount(_target("unannounced", entries, usual)),
            stale_ms=_amount(_target("stale", entries, usual)),
            calendar=None if calendar is None or calendar.calendar is None else self._calendars[calendar.calendar],
        )


def elapsed(target: Target, calendar: Calendar | None, start_ms: int, end_ms: int, zone: Zone) -> int:
    """The time from start to end as the target counts it: ms, or open days. 0 where end <= start.

    Without a calendar open time runs on the clock, and every local date of `zone` after the first counts as a day.
    """
    if end_ms <= start_ms:
        return 0
    if target.unit == "open_days":
        if calendar is None:
            return max(zone.ordinal(end_ms) - zone.ordinal(start_ms), 0)
        return calendar.open_days(start_ms, end_ms)
    if target.unit == "clock" or calendar is None:
        return end_ms - start_ms
    return calendar.open_ms(start_ms, end_ms)


def within(target: Target, calendar: Calendar | None, start_ms: int, end_ms: int, zone: Zone) -> bool:
    """Whether the target is met: elapsed at most its amount."""
    return elapsed(target, calendar, start_ms, end_ms, zone) <= target.amount


def deadline_ms(target: Target, calendar: Calendar | None, start_ms: int, zone: Zone) -> int | None:
    """The last moment at which the target is met; None if none within a year misses it.

    Elapsed time never falls, so it is found by bisection, whatever the target counts in besides the clock. Open time is
    no faster than the clock, so what is left of it is not over before so much time has passed.
    """
    by_clock = target.unit == "clock" or (target.unit == "open" and calendar is None)
    if by_clock and target.amount < _YEAR_MS:
        return start_ms + target.amount
    low, high = start_ms, start_ms + _YEAR_MS
    if within(target, calendar, start_ms, high, zone):
        return None
    if target.unit == "open":
        for _ in range(_LEAPS):
            left_ms = target.amount - elapsed(target, calendar, start_ms, low, zone)
            if not left_ms:
                break
            low += left_ms
        if not within(target, calendar, start_ms, low + 1, zone):
            return low
    while high - low > 1:
        middle = (low + high) // 2
        if within(target, calendar, start_ms, middle, zone):
            low = middle
        else:
            high = middle
    return low


def _holds(entry: TargetEntry | OpeningEntry, channel: str, queue: str, at_ms: int) -> bool:
    if entry.valid_from_ms is not None and entry.valid_from_ms > at_ms:
        return False
    return entry.channel in (None, channel) and entry.queue in (None, queue)


def _target(what: What, entries: Sequence[TargetEntry], usual: Mapping[What, Target]) -> Target | None:
    best = max((entry for entry in entries if entry.what == what), key=_target_rank, default=None)
    return usual.get(what) if best is None else best.value


def _target_rank(entry: TargetEntry) -> tuple[bool, bool, bool, bool, int]:
    dated = entry.valid_from_ms is not None
    place = (entry.queue is not None, entry.segment is not None, entry.channel is not None)
    return (*place, dated, entry.valid_from_ms or 0)


def _opening_rank(entry: OpeningEntry) -> tuple[bool, bool, bool, int]:
    dated = entry.valid_from_ms is not None
    return (entry.queue is not None, entry.channel is not None, dated, entry.valid_from_ms or 0)


def _amount(target: Target | None) -> int | None:
    return None if target is None else target.amount


def _calendar(name: str, zone: Zone, entry: CalendarEntry) -> Calendar:
    hours = [
        Hours(
            from_ordinal=hours.valid_from or 0,
            weekly=hours.weekly,
            closed=partial(all_closed_dates, hours.holidays) if hours.holidays else None,
        )
        for hours in entry.hours
    ]
    return Calendar(name, zone, hours, entry.exceptions)
