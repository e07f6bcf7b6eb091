"""What customers say: feedback and complaints; and what mystery shoppers score.

Definitions: docs/measures-settled.md, rules 48 to 51 and 55 to 57.
"""

from collections.abc import Sequence
from typing import Final

from mypy_extensions import mypyc_attr

from pipeline.core.contact import Touch
from pipeline.core.timeline import COMPLAINT_RAISED, COMPLAINT_SETTLED, FEEDBACK_GIVEN, Timeline
from schemas.vocabulary import FeedbackKind

POINTS: Final = 10_000
"""The top of every scale, in points."""
_SCALE_MAX: Final[dict[FeedbackKind, int]] = {"csat": 5, "nps": 10, "ces": 7, "solved": 1}
"""The top of a scale that the feedback does not name."""
_BOTTOM: Final[dict[FeedbackKind, int]] = {"csat": 1, "nps": 0, "ces": 1, "solved": 0}


@mypyc_attr(acyclic=True)
class Feedback:
    """One answer of a customer. `valid`: the score is on its scale, which ends in 1 or above."""

    __slots__ = ("at_ms", "kind", "scale_max", "score")

    def __init__(self, at_ms: int, kind: FeedbackKind, score: int, scale_max: int) -> None:
        self.at_ms = at_ms
        self.kind = kind
        self.score = score
        self.scale_max = scale_max

    @property
    def valid(self) -> bool:
        """Whether the score is on its scale."""
        return self.scale_max >= 1 and _BOTTOM[self.kind] <= self.score <= self.scale_max

    @property
    def points(self) -> int:
        """A valid score on a scale from 1, as 0 to 10,000 points, rounded down."""
        return POINTS if self.scale_max == 1 else POINTS * (self.score - 1) // (self.scale_max - 1)

    @property
    def out_of_ten(self) -> int:
        """A valid score on a scale from 0, as 0 to 10, rounded down."""
        return self.score * 10 // self.scale_max

    def is_valid(self, kind: FeedbackKind) -> bool:
        """Whether it answers this kind of question, with a score on its scale."""
        return self.kind == kind and self.valid


@mypyc_attr(acyclic=True)
class Complaint:
    """One complaint. `settled_ms` None: not settled. `goodwill_minor`: what the settling granted, 0 if nothing."""

    __slots__ = ("goodwill_minor", "raised_ms", "settled_ms")

    def __init__(self, raised_ms: int) -> None:
        self.raised_ms = raised_ms
        self.settled_ms: int | None = None
        self.goodwill_minor = 0

    @property
    def settle_ms(self) -> int | None:
        """From raising to settling; None while not settled."""
        return None if self.settled_ms is None else self.settled_ms - self.raised_ms


def feedback(timeline: Timeline) -> Sequence[Feedback]:
    """What the customer answered, in order. Employees and mystery shoppers are no customers."""
    if not timeline.has(FEEDBACK_GIVEN):
        return ()
    found: list[Feedback] = []
    for touch in timeline.touches:
        details = touch.details
        if touch.type != FEEDBACK_GIVEN or details is None or details.get("from", "customer") != "customer":
            continue
        kind: FeedbackKind = details["kind"]
        found.append(Feedback(touch.at_ms, kind, details["score"], details.get("scale_max", _SCALE_MAX[kind])))
    return found


def complaints(timeline: Timeline) -> Sequence[Complaint]:
    """The contact's complaints, in order. Each settling settles the oldest that is raised and not settled yet."""
    if not timeline.has(COMPLAINT_RAISED):
        return ()
    found: list[Complaint] = []
    settled = 0
    for touch in timeline.touches:
        if touch.type == COMPLAINT_RAISED:
            found.append(Complaint(touch.at_ms))
        elif touch.type == COMPLAINT_SETTLED and settled < len(found):
            complaint = found[settled]
            complaint.settled_ms = touch.at_ms
            complaint.goodwill_minor = (touch.details or {}).get("goodwill", 0)
            settled += 1
    return found


def audit_points(touch: Touch) -> int | None:
    """An audit.scored as 0 to 10,000 points; None if its scale has no step to count."""
    details = touch.details
    if details is None or details["scale_max"] < 1:
        return None
    score: int = details["score"]
    scale_max: int = details["scale_max"]
    return min(max(POINTS * score // scale_max, 0), POINTS)
