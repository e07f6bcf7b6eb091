"""Contact facts: what a contact tells its customer, one record of topic `contact-facts` per contact and customer.

A contact sends facts to the customer who holds it and `gone` to every other it ever named, all with its version, so
repeated, late and stale emissions change nothing (design, section 1.3).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from pipeline.core.happened import Happened, happened
from pipeline.core.packed_facts import NEVER, Facts, pack, unpack
from pipeline.core.resolution import unresolved
from pipeline.core.timeline import (
    ABANDONED,
    ANSWERED,
    CLOSED,
    DISCARDED,
    OUTREACH,
    SENT,
    Timeline,
    is_contained,
    is_reply,
)
from pipeline.core.waiting import Wait

__all__ = ["NEVER", "Facts", "facts_of", "gone", "pack", "unpack"]

_CARING: Final = frozenset({"problem", "delay", "appointment"})


def facts_of(
    timeline: Timeline, wait: Wait | None, version: int, watermark_ms: int, notes: Sequence[Happened] | None = None
) -> Facts:
    """The facts for the customer who holds the contact. `notes`: what happened, if that is known."""
    if notes is None:
        notes = happened(timeline, wait)
    served = [t for t in (timeline.answered_ms, timeline.replied_ms) if t is not None]
    ends = [
        t
        for t in (
            timeline.answered_ms,
            timeline.replied_ms,
            timeline.first_closed_ms,
            timeline.abandoned_ms,
            timeline.discarded_ms,
            timeline.contained_ms,
        )
        if t is not None
    ]
    if any(end < timeline.requested_ms for end in ends):
        ends = _ends_from(timeline)
    abandoned = wait is not None and wait.outcome == "abandoned"
    marks = 1 << ANSWERED | 1 << SENT | 1 << OUTREACH
    return Facts(
        version,
        True,
        watermark_ms,
        timeline.contact_id,
        timeline.customer_id,
        timeline.channel,
        timeline.queue,
        timeline.segment,
        timeline.topic,
        timeline.inbound,
        timeline.requested_ms,
        timeline.first_closed_ms,
        timeline.last_closed_ms,
        min(ends, default=NEVER),
        timeline.inbound and timeline.first_closed_ms is not None and timeline.discarded_ms is None and bool(served),
        timeline.reopened_ms is not None,
        unresolved(timeline),
        timeline.transfers > 0,
        wait.began_ms if wait is not None and abandoned else None,
        wait.ended_ms if wait is not None and abandoned else None,
        tuple(t.at_ms for t in timeline.touches if marks >> t.type & 1) if timeline.seen & marks else (),
        *(_noted(notes) if notes else ()),
    )


def _noted(notes: Sequence[Happened]) -> Iterator[Any]:
    """The last fields of the facts, from `settled` on."""
    yield tuple((n.at_ms, n.at_ms + n.value) for n in notes if n.what == "complaint" and n.detail == "settled")
    yield tuple(n.at_ms for n in notes if n.praise)
    yield tuple((n.at_ms, n.detail in _CARING) for n in notes if n.what == "outreach")
    yield tuple(bad_ms for n in notes if (bad_ms := n.bad_ms) is not None)
    yield tuple(n.at_ms for n in notes if n.what == "customer_left")


def gone(timeline: Timeline, customer_id: str, version: int, watermark_ms: int) -> Facts:
    """What a customer who no longer holds the contact is told: nothing but how long it has to be remembered."""
    return Facts(version, False, watermark_ms, timeline.contact_id, customer_id, requested_ms=timeline.last_ms)


def _ends_from(timeline: Timeline) -> list[int]:
    """The slow way for contacts with touchpoints before their request: only what came at or after it serves or ends."""
    marks = 1 << ANSWERED | 1 << CLOSED | 1 << ABANDONED | 1 << DISCARDED
    return [
        touch.at_ms
        for touch in timeline.touches
        if touch.at_ms >= timeline.requested_ms and (marks >> touch.type & 1 or is_reply(touch) or is_contained(touch))
    ]
