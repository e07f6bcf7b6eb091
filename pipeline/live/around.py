"""What the alerts need beside the live values: opening hours, what is promised, the intake, and how yesterday's matters
compare with those of four weeks. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Final

from msgspec import Struct

from pipeline.core.calendar import Calendar
from pipeline.core.objectives import OBJECTIVES
from pipeline.core.rules import Rulebook
from pipeline.live.summary import QueueRow
from schemas.vocabulary import OTHER, UNKNOWN

NO_CALENDAR: Final = "none"
"""What the catalogue calls the absence of a calendar: always open."""
FORGOTTEN_MS: Final = 8 * 86_400_000
_LEAST_WEEKS: Final = 3
_LEAST_CLOSED: Final = 10
"""A week with fewer closings says nothing about what is usual."""

Place = tuple[str, str]
Pair = tuple[int, int]
"""(eligible, resolved)."""


class CalendarNow(Struct, frozen=True):
    """Opening hours that are in use. `opens_ms`: the next opening while closed, or the one after closing; None: none is
    in sight, or it never closes.
    """

    name: str
    open: bool
    opens_ms: int | None


class IntakeNow(Struct, frozen=True):
    """One partition of the raw topic: whether a limit stopped it, and what is in the log and not taken in."""

    partition: str
    stopped: bool
    log_lag: int | None


class Aged(Struct, frozen=True):
    """Yesterday's closings of one place as far as they are known now, and those of the same weekday of the weeks
    before as they were known at the same age.
    """

    yesterday: Pair
    weeks: tuple[Pair, ...]

    @property
    def ratio(self) -> float | None:
        """Resolved at first contact / eligible, of yesterday."""
        return _ratio(self.yesterday)

    @property
    def usual(self) -> float | None:
        """The median of the weeks that say something; None where that are less than three."""
        known = [found for pair in self.weeks if pair[0] >= _LEAST_CLOSED and (found := _ratio(pair)) is not None]
        return median(known) if len(known) >= _LEAST_WEEKS else None


class Around(Struct, frozen=True):
    """All of it at one moment. `objectives`: the promised share in percent. `silence_open_ms`: how much opening time
    has passed since a source was last heard of. `intake_rejected`: by reason, since this process began.
    `audit_differences`: how many numbers of yesterday and today were not what the contacts say, `audit_age_ms` ago;
    None before the first audit.
    """

    calendars: Sequence[CalendarNow] = ()
    objectives: Mapping[str, int] = {}
    silence_open_ms: Mapping[str, int] = {}
    intake: Sequence[IntakeNow] = ()
    intake_rejected: Mapping[str, int] = {}
    resolution: Mapping[Place, Aged] = {}
    audit_differences: int | None = None
    audit_age_ms: int | None = None


def calendars_now(rulebook: Rulebook, rows: Iterable[QueueRow], now_ms: int) -> tuple[CalendarNow, ...]:
    """The calendars that apply somewhere: those the catalogue assigns, and none, where a queue in use has none."""
    used = _used(rulebook, rows, now_ms)
    found = [_calendar_now(used[name], now_ms) for name in sorted(used)]
    return tuple(found)


def silence_open_ms(
    rulebook: Rulebook, rows: Iterable[QueueRow], silence_ms: Mapping[str, int], now_ms: int
) -> dict[str, int]:
    """Of every source: the opening time it has been silent for, by the calendar that gives most. Whatever is open, that
    much is: overlapping hours are not counted twice, and hours that nothing shares are too few. Who has been silent for
    eight days has been switched off.
    """
    calendars = list(_used(rulebook, rows, now_ms).values())
    return {
        source: max(_open_ms(calendar, now_ms - silent_ms, now_ms) for calendar in calendars)
        for source, silent_ms in silence_ms.items()
        if silent_ms <= FORGOTTEN_MS
    }


def promised_percent(rulebook: Rulebook) -> dict[str, int]:
    """The share every objective promises."""
    return {objective.name: objective.promised(rulebook.settings) for objective in OBJECTIVES}


def under_labels(
    resolution: Mapping[Place, Aged], places: Iterable[Place], labels: Iterable[Place]
) -> dict[Place, Aged]:
    """By the names that may be Prometheus labels; those of one name are put together. Law: sums stay what they are.

    Only places that occur here: every worker asks for all of them, and each tells of its own.
    """
    allowed = set(labels)
    channels = {channel for channel, _ in allowed}
    found: dict[Place, Aged] = {}
    for place in sorted(set(places) & resolution.keys()):
        label = place if place in allowed else (place[0] if place[0] in channels else OTHER, OTHER)
        aged, before = resolution[place], found.get(label)
        found[label] = aged if before is None else _plus(before, aged)
    return found


def _used(rulebook: Rulebook, rows: Iterable[QueueRow], now_ms: int) -> dict[str, Calendar | None]:
    names = {entry.calendar for entry in rulebook.catalogue.opening_hours if entry.calendar is not None}
    used: dict[str, Calendar | None] = {name: rulebook.calendar(name) for name in names}
    without = any(
        rulebook.kind(row.channel) is None or rulebook.rules(row.channel, row.queue, UNKNOWN, now_ms).calendar is None
        for row in rows
    )
    if without or not used:
        used[NO_CALENDAR] = None
    return used


def _calendar_now(calendar: Calendar | None, now_ms: int) -> CalendarNow:
    if calendar is None:
        return CalendarNow(NO_CALENDAR, open=True, opens_ms=None)
    if not calendar.is_open(now_ms):
        return CalendarNow(calendar.name, open=False, opens_ms=calendar.next_opening_ms(now_ms))
    closes_ms = calendar.closing_ms(now_ms)
    opens_ms = None if closes_ms is None else calendar.next_opening_ms(closes_ms)
    return CalendarNow(calendar.name, open=True, opens_ms=opens_ms)


def _open_ms(calendar: Calendar | None, start_ms: int, end_ms: int) -> int:
    return max(end_ms - start_ms, 0) if calendar is None else calendar.open_ms(start_ms, end_ms)


def _plus(a: Aged, b: Aged) -> Aged:
    weeks = tuple((x[0] + y[0], x[1] + y[1]) for x, y in zip(a.weeks, b.weeks, strict=True))
    return Aged((a.yesterday[0] + b.yesterday[0], a.yesterday[1] + b.yesterday[1]), weeks)


def _ratio(pair: Pair) -> float | None:
    return pair[1] / pair[0] if pair[0] > 0 else None
