"""What happened in a contact that is told by itself: to the customer's other contacts, and to the views for people.

A few notes per contact, a pure function of its touchpoints. Definitions: docs/measures-settled.md, rules 59 to 65.
"""

from collections.abc import Sequence
from typing import Final

from mypy_extensions import mypyc_attr

from pipeline.core.promises import promises
from pipeline.core.resolution import unresolved
from pipeline.core.response import closed_unanswered_ms
from pipeline.core.timeline import (
    ANSWERED,
    AUDIT_SCORED,
    CALLBACK,
    COMPLAINT_RAISED,
    CUSTOMER_LEFT,
    CUSTOMER_STAYED,
    FEEDBACK_GIVEN,
    OUTREACH,
    PROMISE_MADE,
    RECEIVED,
    REFUSED,
    REQUESTED,
    SENT,
    Timeline,
)
from pipeline.core.voice import audit_points, complaints, feedback
from pipeline.core.waiting import Wait
from schemas.vocabulary import BAD_NOTES, DETRACTOR_MOST, Note


@mypyc_attr(acyclic=True)
class Happened:
    """One note. `detail` and `value` by `what`:

    refused: the reason · promise_*: the kind, and the ms from due to end (0: open) · complaint: settled or unsettled,
    and the ms it took · complaint_settled: goodwill · csat, ces: points · nps: out of ten · solved: 0 or 1 · outreach:
    the reason · audit: the criterion, and points · abandoned: patience, ms. A promise's note stands at its due.
    """

    __slots__ = ("at_ms", "detail", "value", "what")

    def __init__(self, at_ms: int, what: Note, detail: str = "", value: int = 0) -> None:
        self.at_ms = at_ms
        self.what = what
        self.detail = detail
        self.value = value

    @property
    def bad_ms(self) -> int | None:
        """When this was something bad for the customer, None if it was not. A promise is bad once it is broken or not
        kept by its due: so an open one is bad at a time that may still come.
        """
        if self.what == "promise_broken":
            return self.at_ms + min(self.value, 0)
        if self.what in BAD_NOTES or (self.what == "nps" and self.value <= DETRACTOR_MOST):
            return self.at_ms
        return None

    @property
    def praise(self) -> bool:
        """A promoter, or satisfaction of the best score."""
        return (self.what == "nps" and self.value >= _PROMOTER) or (self.what == "csat" and self.detail == "top")


_PROMOTER: Final = 9
_LONE: Final = 1 << REFUSED | 1 << OUTREACH | 1 << CUSTOMER_LEFT | 1 << CUSTOMER_STAYED | 1 << AUDIT_SCORED
_SAID: Final = 1 << PROMISE_MADE | 1 << COMPLAINT_RAISED | 1 << FEEDBACK_GIVEN
_HEARD: Final = (
    1 << RECEIVED | 1 << ANSWERED | 1 << CALLBACK | 1 << COMPLAINT_RAISED | 1 << FEEDBACK_GIVEN | 1 << CUSTOMER_LEFT
    | 1 << CUSTOMER_STAYED | 1 << REQUESTED
)  # fmt: skip
_REACHED: Final = 1 << ANSWERED | 1 << SENT | 1 << OUTREACH


def happened(line: Timeline, wait: Wait | None) -> Sequence[Happened]:
    """The contact's notes, in order of (time, what, detail, value)."""
    notes: list[Happened] = []
    if wait is not None and wait.outcome == "abandoned" and wait.ended_ms is not None:
        notes.append(Happened(wait.ended_ms, "abandoned", "", wait.length_ms))
    if line.last_closed_ms is not None:
        if unresolved(line):
            notes.append(Happened(line.last_closed_ms, "unresolved"))
        if line.out_of_scope_ms is not None:
            notes.append(Happened(line.out_of_scope_ms, "out_of_scope_done"))
        notes += [  # where somebody had served them, the customer had the last word, such as thanks
            Happened(at_ms, "closed_unanswered") for at_ms in closed_unanswered_ms(line) if not _served_by(line, at_ms)
        ]
    if line.seen & _LONE:
        _add_lone(notes, line)
    if line.seen & _SAID:
        _add_said(notes, line)
    return sorted(notes, key=_order) if len(notes) > 1 else notes


def _served_by(line: Timeline, at_ms: int) -> bool:
    """Whether somebody had answered or replied by then."""
    answered_ms, replied_ms = line.answered_ms, line.replied_ms
    return (answered_ms is not None and answered_ms <= at_ms) or (replied_ms is not None and replied_ms <= at_ms)


def _order(note: Happened) -> tuple[int, str, str, int]:
    return note.at_ms, note.what, note.detail, note.value


def _add_lone(notes: list[Happened], line: Timeline) -> None:
    """Touchpoints that say it all by themselves."""
    for touch in line.touches:
        details = touch.details or {}
        if touch.type == REFUSED:
            notes.append(Happened(touch.at_ms, "refused", details.get("reason", "other")))
        elif touch.type == OUTREACH:
            notes.append(Happened(touch.at_ms, "outreach", details.get("reason", "other")))
        elif touch.type == CUSTOMER_LEFT:
            notes.append(Happened(touch.at_ms, "customer_left"))
        elif touch.type == CUSTOMER_STAYED:
            notes.append(Happened(touch.at_ms, "customer_stayed"))
        elif touch.type == AUDIT_SCORED and (points := audit_points(touch)) is not None:
            notes.append(Happened(touch.at_ms, "audit", details["criterion"], points))


_PROMISE: Final[dict[str, Note]] = {
    "kept": "promise_kept",
    "late": "promise_late",
    "broken": "promise_broken",
    "open": "promise_open",
}


def _add_said(notes: list[Happened], line: Timeline) -> None:
    """Promises, complaints and valid feedback."""
    for promise in promises(line):
        off_ms = 0 if promise.ended_ms is None else promise.ended_ms - promise.due_ms
        notes.append(Happened(promise.due_ms, _PROMISE[promise.fate], promise.kind, off_ms))
    for complaint in complaints(line):
        if complaint.settled_ms is None:
            notes.append(Happened(complaint.raised_ms, "complaint", "unsettled"))
        else:
            notes.append(
                Happened(complaint.raised_ms, "complaint", "settled", complaint.settled_ms - complaint.raised_ms)
            )
            notes.append(Happened(complaint.settled_ms, "complaint_settled", "", complaint.goodwill_minor))
    for answer in feedback(line):
        if not answer.valid:
            continue
        if answer.kind == "nps":
            notes.append(Happened(answer.at_ms, "nps", "", answer.out_of_ten))
        elif answer.kind == "solved":
            notes.append(Happened(answer.at_ms, "solved", "", int(answer.score >= 1)))
        else:
            top = "top" if answer.score == answer.scale_max else ""
            notes.append(Happened(answer.at_ms, answer.kind, top, answer.points))


def heard_ms(line: Timeline) -> int | None:
    """When we last heard of the customer in this contact; None if never (we turned to them, and nobody answered)."""
    asked_ms = line.requested_ms if line.inbound else None
    for touch in reversed(line.touches):
        if not _HEARD >> touch.type & 1 or (touch.type == REQUESTED and not line.inbound):
            continue
        if touch.type == FEEDBACK_GIVEN and (touch.details or {}).get("from", "customer") != "customer":
            continue
        return touch.at_ms if asked_ms is None else max(asked_ms, touch.at_ms)
    return asked_ms


def reached_ms(line: Timeline) -> int | None:
    """When we last reached the customer, or wrote to them, in this contact; None if never."""
    if not line.seen & _REACHED:
        return None
    return next((touch.at_ms for touch in reversed(line.touches) if _REACHED >> touch.type & 1), None)
