"""Touchpoints that count by themselves, each in the minute it happened.

Definitions: docs/measures-settled.md, rules 45, 46, 48 and 51.
"""

from collections.abc import Sequence
from typing import Final

from pipeline.core.contact import Touch
from pipeline.core.measure import Moment
from pipeline.core.timeline import (
    AUDIT_SCORED,
    CUSTOMER_LEFT,
    CUSTOMER_STAYED,
    FEEDBACK_ASKED,
    MENU,
    OUTREACH,
    REFUSED,
    SELF_SERVICE,
    Timeline,
)

_MOMENTS: Final[dict[int, Moment]] = {
    MENU: "menu",
    SELF_SERVICE: "self_service",
    REFUSED: "refused",
    FEEDBACK_ASKED: "feedback_asked",
    OUTREACH: "outreach",
    CUSTOMER_LEFT: "customer_left",
    CUSTOMER_STAYED: "customer_stayed",
    AUDIT_SCORED: "audit",
}
HAPPENINGS: Final = sum(1 << code for code in _MOMENTS)
"""Bit set of these types, to be compared with `Timeline.seen`."""


def happenings(timeline: Timeline) -> Sequence[tuple[Moment, Touch]]:
    """What happened, in order. A step of a menu that the contact has seen before is a `menu_repeat` besides."""
    if not timeline.seen & HAPPENINGS:
        return ()
    found: list[tuple[Moment, Touch]] = []
    steps: set[str] = set()
    for touch in timeline.touches:
        moment = _MOMENTS.get(touch.type)
        if moment is None:
            continue
        found.append((moment, touch))
        if touch.type == MENU and touch.details is not None:
            step = touch.details["step"]
            if step in steps:
                found.append(("menu_repeat", touch))
            steps.add(step)
    return found
