"""Response clocks: from a message of the customer to our reply. Definitions: docs/measures-settled.md, rules 17 to
20.
"""

from mypy_extensions import mypyc_attr

from pipeline.core.rules import deadline_ms as rules_deadline_ms
from pipeline.core.rules import within
from pipeline.core.timeline import (
    CLOSED,
    DISCARDED,
    RECEIVED,
    REOPENED,
    REQUESTED,
    SENT,
    Timeline,
    is_message,
    is_reply,
    open_ms,
)


@mypyc_attr(acyclic=True)
class Clock:
    """One response clock. `replied_ms` None: unanswered, and `closed` says whether it ended that way for good."""

    __slots__ = ("began_ms", "closed", "first", "in_target", "open_ms", "replied_ms")

    def __init__(
        self,
        began_ms: int,
        first: bool,
        replied_ms: int | None = None,
        closed: bool = False,
        open_ms: int | None = None,
        in_target: bool = False,
    ) -> None:
        self.began_ms = began_ms
        self.first = first
        self.replied_ms = replied_ms
        self.closed = closed
        self.open_ms = open_ms
        self.in_target = in_target

    @property
    def length_ms(self) -> int:
        """The response time; 0 without a reply."""
        return 0 if self.replied_ms is None else self.replied_ms - self.began_ms

    @property
    def running(self) -> bool:
        """Still unanswered."""
        return self.replied_ms is None and not self.closed


def deadline_ms(timeline: Timeline, clock: Clock) -> int | None:
    """The last moment at which a reply to this clock is in target; None without a target, or none within a year."""
    rules = timeline.rules(clock.began_ms)
    target = rules.response_target
    return None if target is None else rules_deadline_ms(target, rules.calendar, clock.began_ms, timeline.rulebook.zone)


_MARKS = 1 << RECEIVED | 1 << SENT | 1 << REQUESTED
_Span = tuple[int, int | None, bool]
"""When a clock began, when it ended (None: it runs), and whether a reply ended it."""


def clocks(timeline: Timeline) -> list[Clock]:
    """The contact's clocks in order of their start. Discarding and reopening remove a running one."""
    found: list[Clock] = []
    for began_ms, ended_ms, replied in _spans(timeline):
        if replied and ended_ms is not None:
            found.append(_clock(timeline, began_ms, ended_ms, first=not found))
        else:
            found.append(Clock(began_ms, not found, closed=ended_ms is not None))
    return found


def closed_unanswered_ms(timeline: Timeline) -> list[int]:
    """When the contact was closed with a message unanswered."""
    return [ended_ms for _, ended_ms, replied in _spans(timeline) if ended_ms is not None and not replied]


def _spans(timeline: Timeline) -> list[_Span]:
    if not timeline.seen & _MARKS:
        return []
    found: list[_Span] = []
    running: int | None = None
    for touch in timeline.touches:
        if is_message(touch, timeline):
            running = touch.at_ms if running is None else running
        elif running is None:
            continue
        elif is_reply(touch) or touch.type == CLOSED:
            found.append((running, touch.at_ms, touch.type != CLOSED))
            running = None
        elif touch.type in (DISCARDED, REOPENED):
            running = None
    if running is not None:
        found.append((running, None, False))
    return found


def _clock(timeline: Timeline, began_ms: int, replied_ms: int, *, first: bool) -> Clock:
    rules, zone = timeline.rules(began_ms), timeline.rulebook.zone
    target = rules.response_target
    in_target = target is not None and within(target, rules.calendar, began_ms, replied_ms, zone)
    return Clock(began_ms, first, replied_ms, False, open_ms(rules.calendar, began_ms, replied_ms), in_target)
