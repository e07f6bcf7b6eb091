"""Everything derived of a contact, and what it adds to the cells: pure functions of its touchpoints and the rules."""

from collections.abc import Iterable, Sequence
from sys import intern
from typing import Final

from mypy_extensions import mypyc_attr

from pipeline.core.cells import MINUTE_MS, Booking, Contribution, tally_in
from pipeline.core.contact import Contact, Touch, is_later, order
from pipeline.core.effort import HAPPENINGS, happenings
from pipeline.core.measure import Columns
from pipeline.core.open import Open
from pipeline.core.promises import Promise, promises
from pipeline.core.resolution import Closing, closing
from pipeline.core.response import Clock, clocks
from pipeline.core.rules import Rulebook
from pipeline.core.timeline import (
    ABANDONED,
    ANSWERED,
    CLOSED,
    COMPLAINT_RAISED,
    DISCARDED,
    FEEDBACK_GIVEN,
    HELD,
    INFORMED,
    PROMISE_MADE,
    QUEUED,
    REOPENED,
    RESUMED,
    SELF_SERVICE,
    TRANSFERRED,
    EntryQueue,
    Timeline,
    is_contained,
    timeline,
)
from pipeline.core.voice import Complaint, Feedback, complaints, feedback
from pipeline.core.waiting import Leg, Wait, legs, wait
from schemas.vocabulary import UNKNOWN


@mypyc_attr(acyclic=True)
class View:
    """Everything derived of a contact: a pure function of its touchpoints and the rules."""

    __slots__ = ("clocks", "closing", "complaints", "feedback", "legs", "promises", "timeline", "wait")

    def __init__(
        self,
        timeline: Timeline,
        wait: Wait | None,
        legs: list[Leg],
        clocks: list[Clock],
        closing: Closing | None,
        promises: Sequence[Promise] = (),
        complaints: Sequence[Complaint] = (),
        feedback: Sequence[Feedback] = (),
    ) -> None:
        self.timeline = timeline
        self.wait = wait
        self.legs = legs
        self.clocks = clocks
        self.closing = closing
        self.promises = promises
        self.complaints = complaints
        self.feedback = feedback

    @property
    def is_open(self) -> bool:
        """Not closed, abandoned, discarded or contained in self-service, or reopened since."""
        if not self.timeline.seen & _ENDS:
            return True
        for touch in reversed(self.timeline.touches):
            if touch.type == REOPENED:
                return True
            if _ENDS >> touch.type & 1 and (touch.type != SELF_SERVICE or is_contained(touch)):
                return False
        return True

    @property
    def response_due(self) -> bool:
        """Whether a response clock is running."""
        return bool(self.clocks) and self.clocks[-1].running

    @property
    def is_live(self) -> bool:
        """Whether somebody may be waiting for us: what the live values look at. A promise goes on when the contact is
        closed.
        """
        return self.is_open or self.response_due or any(promise.fate == "open" for promise in self.promises)


_ENDS: Final = 1 << CLOSED | 1 << ABANDONED | 1 << DISCARDED | 1 << SELF_SERVICE
_SAID: Final = 1 << PROMISE_MADE | 1 << COMPLAINT_RAISED | 1 << FEEDBACK_GIVEN
_BESIDES: Final = _SAID | HAPPENINGS | 1 << DISCARDED
"""What most contacts lack: looked for once, since all of this is done whenever a contact has changed."""


def view(contact: Contact, rulebook: Rulebook) -> View:
    """Derive everything."""
    line = timeline(contact, rulebook)
    if not line.seen & _SAID:
        return View(line, wait(line), legs(line), clocks(line), closing(line))
    return View(
        line, wait(line), legs(line), clocks(line), closing(line), promises(line), complaints(line), feedback(line)
    )


def contribution(seen: View, columns: Columns) -> Contribution:
    """What one contact adds to which cell."""
    found: Contribution = {}
    contribute(found, seen, columns)
    return found


def contribute(found: Contribution, seen: View, columns: Columns) -> Booking:
    """Add to `found` what one contact adds to which cell; what is returned knows which these are."""
    line = seen.timeline
    booking = Booking(found, columns, line.channel, line.queue, line.segment)
    booking.add("request", line.requested_ms, line)
    if seen.wait is not None:
        booking.add("wait", seen.wait.began_ms, seen.wait)
        if seen.wait.negative:
            booking.add("negative", seen.wait.began_ms, seen.wait.negative)
    for leg in seen.legs:
        booking.add_in(leg.queue, "leg", leg.began_ms, leg)
    for clock in seen.clocks:
        booking.add("clock", clock.began_ms, clock)
        if clock.replied_ms is not None:
            booking.add("reply", clock.replied_ms, clock)
    if seen.closing is not None:
        booking.add("closing", seen.closing.first_closed_ms, seen.closing)
        if seen.closing.negative:
            booking.add("negative", seen.closing.first_closed_ms, seen.closing.negative)
    if line.seen & _BESIDES:
        _book_besides(booking, seen)
    if line.out_of_scope_ms is not None:
        booking.add("out_of_scope", line.out_of_scope_ms, line)
    return booking


def _book_besides(booking: Booking, seen: View) -> None:
    line = seen.timeline
    if line.discarded_ms is not None:
        booking.add("discarded", line.discarded_ms, line)
    for moment, touch in happenings(line):
        booking.add(moment, touch.at_ms, touch)
    for promise in seen.promises:
        booking.add("promise", promise.due_ms, promise)
    for complaint in seen.complaints:
        booking.add("complaint", complaint.raised_ms, complaint)
    for answer in seen.feedback:
        booking.add("feedback", answer.at_ms, answer)


_NEVER_BOOKED: Final = 1 << INFORMED | 1 << HELD | 1 << RESUMED | 1 << ABANDONED | 1 << REOPENED
"""At the time of these nothing is booked, unless one of them comes first of all."""


def claim(
    into: Contribution,
    before: list[Touch],
    arrived: list[Touch],
    revised: bool,  # noqa: FBT001
    booking: Booking | None,
) -> None:
    """Name every cell that the contact was booked in, be it with nothing, at some time after the touchpoints `before`,
    had somebody looked after each that `arrived`, in this order. `revised`: some took the place of others. `booking`:
    by which it was booked just now, if it never was before: what that made need not be named again.

    A stale owner who flushed then may have written such a cell, and has to be overruled.
    """
    touches = before[:]
    entry, segment = _place_of(touches)
    grown = False
    for touch in arrived:
        if not revised and (not touches or is_later(touch, touches[-1])):
            queue_before, segment_before, common = entry.queue, segment, touch.common
            entry.see(touch.type, common.queue)
            segment = segment or common.segment
            if grown and (entry.queue != queue_before or segment != segment_before):
                _claim_place(into, touches, queue_before, segment_before, booking)
            touches.append(touch)
        else:  # what it was before may have been booked elsewhere altogether
            if grown:
                _claim_place(into, touches, entry.queue, segment, booking)
            touches = sorted([*[each for each in touches if each.id != touch.id], touch], key=order)
            entry, segment = _place_of(touches)
        grown = True
    _claim_place(into, touches, entry.queue, segment, booking)


def _place_of(touches: list[Touch]) -> tuple[EntryQueue, str]:
    """Under which queue and segment they are booked; '' while they name no segment."""
    entry, segment = EntryQueue(), ""
    for touch in touches:
        entry.see(touch.type, touch.common.queue)
        segment = segment or touch.common.segment
    return entry, segment


def _claim_place(into: Contribution, touches: list[Touch], queue: str, segment: str, booking: Booking | None) -> None:
    """All that these touchpoints, or the first of them, are booked in under a queue and a segment."""
    channel, segment = touches[0].common.channel, segment or UNKNOWN
    seen, claimed = 0, -1
    for touch in touches:
        code = touch.type
        if not _NEVER_BOOKED >> code & 1 or not seen:
            minute = touch.at_ms // MINUTE_MS
            if minute != claimed and (code != ANSWERED or not seen >> QUEUED & 1):
                claimed = minute
                if booking is None or not booking.has_booked(minute, channel, queue, segment):
                    tally_in(into, (minute * 60, channel, queue, segment))
            if code in (QUEUED, TRANSFERRED) and touch.common.queue != queue:
                tally_in(into, (minute * 60, channel, touch.common.queue or UNKNOWN, segment))
            if code == PROMISE_MADE and touch.details is not None:
                tally_in(into, (touch.details["due"] // MINUTE_MS * 60, channel, queue, segment))
        seen |= 1 << code


def claim_all(into: Contribution, touches: Iterable[Touch]) -> None:
    """As `claim`, of very many: every cell in which any of their subsets may be booked."""
    minutes: dict[int, None] = {}
    channels: dict[str, None] = {}
    queues: dict[str, None] = {UNKNOWN: None}
    segments: dict[str, None] = {UNKNOWN: None}
    for touch in touches:
        common = touch.common
        minutes[touch.at_ms // MINUTE_MS * 60] = None
        if touch.type == PROMISE_MADE and touch.details is not None:
            minutes[touch.details["due"] // MINUTE_MS * 60] = None
        channels[common.channel] = queues[common.queue or UNKNOWN] = segments[common.segment or UNKNOWN] = None
    for minute_s in minutes:
        for channel in channels:
            for queue in queues:
                for segment in segments:
                    tally_in(into, (minute_s, channel, queue, segment))


def last_ms(seen: View) -> int:
    """The newest time of a contact, and of all it is booked at: a promise is when it is due."""
    newest_ms = seen.timeline.last_ms
    return max(newest_ms, *(promise.due_ms for promise in seen.promises)) if seen.promises else newest_ms


_TALK_ENDS: Final = 1 << CLOSED | 1 << ABANDONED | 1 << DISCARDED | 1 << REOPENED


def opened(seen: View) -> Open | None:
    """The contact for the live values; None if nobody may be waiting for us in it."""
    if not seen.is_live:
        return None
    line, wait, is_open = seen.timeline, seen.wait, seen.is_open
    clock = seen.clocks[-1] if seen.response_due else None
    waiting = _waiting(seen) if is_open else None
    undecided = wait is not None and is_open and wait.outcome == "waiting"
    return Open(
        intern(line.channel),
        intern(line.queue),
        intern(line.segment),
        intern(line.source),
        line.live,
        is_open,
        is_open and waiting is None and _is_talking(seen),
        last_ms(seen),
        None if waiting is None else waiting[0],
        "" if waiting is None else intern(waiting[1]),
        wait.began_ms if undecided and wait is not None else None,
        wait.target_ms if undecided and wait is not None else None,
        None if clock is None else clock.began_ms,
        clock is not None and clock.first,
        tuple([promise for promise in seen.promises if promise.fate == "open"]),
        tuple([intern(leg.queue) for leg in reversed(seen.legs)]),
    )


def _waiting(seen: View) -> tuple[int, str] | None:
    """When and in which queue the contact's present wait began; None if nobody waits in it.

    The current leg decides: who was passed on waits again, from then on and in the new queue.
    """
    leg = seen.legs[-1] if seen.legs else None
    wait = seen.wait
    if leg is not None and leg.outcome == "waiting" and not _answered_at_once(seen, leg):
        return leg.began_ms, leg.queue
    if wait is not None and wait.outcome == "waiting":
        return wait.began_ms, seen.timeline.queue
    return None


def _answered_at_once(seen: View, leg: Leg) -> bool:
    """Queued and answered in one millisecond, the answer with the smaller id: the wait ended, the leg did not see it
    (docs/measures-settled.md, line 37).
    """
    wait = seen.wait
    return wait is not None and wait.outcome != "waiting" and len(seen.legs) == 1 and leg.began_ms == wait.began_ms


def _is_talking(seen: View) -> bool:
    """Whether a person serves the customer right now: inbound, on a live channel, answered, not ended since."""
    line = seen.timeline
    if not (line.live and line.inbound and line.answered_ms is not None):
        return False
    for touch in reversed(line.touches):
        if touch.type == ANSWERED:
            return True
        if _TALK_ENDS >> touch.type & 1:
            return False
    return False
