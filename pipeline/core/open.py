"""What the live values look at in an open contact, and no more: a million of them have to fit into memory.

`opened` is a pure function of what is derived of the contact. Structs only otherwise, so never compiled.
"""

from sys import intern
from typing import Final

from msgspec import Struct

from pipeline.core.promises import Promise
from pipeline.core.timeline import ABANDONED, ANSWERED, CLOSED, DISCARDED, REOPENED
from pipeline.core.view import View, last_ms
from pipeline.core.waiting import Leg

_TALK_ENDS: Final = 1 << CLOSED | 1 << ABANDONED | 1 << DISCARDED | 1 << REOPENED


class Open(Struct, frozen=True, gc=False):
    """An open contact (times in ms; None where it is not so). It may be closed and live all the same: an open promise.

    `waits_ms`: since when the customer waits for a person, in queue `waits_in`; of who was passed on the present leg.
    `undecided_ms`: when the wait began that has no outcome yet, `target_ms` is what was promised for it.
    `clock_ms`: since when they have no answer, `first_clock`: to their first message. `queues`: those it went through,
    the last one first.
    """

    channel: str
    queue: str
    segment: str
    source: str
    live: bool
    is_open: bool
    talking: bool
    last_ms: int
    waits_ms: int | None
    waits_in: str
    undecided_ms: int | None
    target_ms: int | None
    clock_ms: int | None
    first_clock: bool
    promises: tuple[Promise, ...]
    queues: tuple[str, ...]


def opened(seen: View) -> Open | None:
    """The contact for the live values; None if nobody may be waiting for us in it."""
    is_open = seen.is_open
    clock = seen.clocks[-1] if seen.clocks and seen.clocks[-1].running else None
    promises = tuple([promise for promise in seen.promises if promise.fate == "open"])
    if not is_open and clock is None and not promises:
        return None
    line, wait = seen.timeline, seen.wait
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
        promises,
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
