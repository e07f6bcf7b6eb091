"""A contact's touchpoints, and what each of them did. What happened names the touchpoint that made it happen; what is
left changed no number.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from pipeline.answers.explanation import Did, Step
from pipeline.core.contact import Touch
from pipeline.core.promises import Promise
from pipeline.core.rules import Target
from pipeline.core.timeline import (
    ABANDONED,
    ANSWERED,
    CALLBACK,
    CLOSED,
    COMPLAINT_RAISED,
    COMPLAINT_SETTLED,
    DISCARDED,
    FEEDBACK_GIVEN,
    HELD,
    INFORMED,
    MENU,
    PROMISE_BROKEN,
    PROMISE_KEPT,
    PROMISE_MADE,
    QUEUED,
    REFUSED,
    REOPENED,
    REQUESTED,
    RESUMED,
    SELF_SERVICE,
    TRANSFERRED,
    is_message,
    is_reply,
)  # fmt: skip
from pipeline.core.view import View
from pipeline.core.waiting import Wait, holds
from schemas.touchpoint import TYPES
from schemas.vocabulary import UNKNOWN

_TAGS: Final = tuple(str(cls.__struct_config__.tag) for cls in TYPES)
_WAIT_ENDS: Final = {
    "answered": (ANSWERED,), "abandoned": (ABANDONED,), "refused": (REFUSED,), "callback": (CALLBACK,),
    "closed": (CLOSED,), "contained": (SELF_SERVICE,),
}  # fmt: skip

Maker = tuple[int, Callable[[Touch], bool]]
"""The touchpoint that made something happen: its time, and the first one then that fits and has not done so yet."""
Event = tuple[Maker, Did]


def steps(seen: View) -> list[Step]:
    """Every touchpoint in its place, with what it did."""
    touches = seen.timeline.touches
    did: list[list[Did]] = [[] for _ in touches]
    at: dict[int, list[int]] = {}
    for place, touch in enumerate(touches):
        at.setdefault(touch.at_ms, []).append(place)
    for (at_ms, fits), what in _events(seen):
        for place in at.get(at_ms, ()):
            if fits(touches[place]) and all(other.what != what.what for other in did[place]):
                did[place].append(what)
                break
    return [
        Step(
            touch.at_ms,
            touch.id,
            _TAGS[touch.type],
            touch.common.queue,
            done or [Did("nothing")],
            touch.raw_ms,
        )
        for touch, done in zip(seen.timeline.touches, did, strict=True)
    ]


def _events(seen: View) -> Iterator[Event]:
    yield from _of_request(seen)
    if seen.wait is not None:
        yield from _of_wait(seen.wait, seen)
    yield from _of_happenings(seen)
    yield from _of_legs(seen)
    yield from _of_clocks(seen)
    yield from _of_promises(seen)
    yield from _of_voice(seen)
    yield from _of_closing(seen)


def _is(known: Touch) -> Maker:
    return known.at_ms, lambda touch: touch is known


def _of(*codes: int, at_ms: int) -> Maker:
    return at_ms, lambda touch: touch.type in codes


def _of_request(seen: View) -> Iterator[Event]:
    line = seen.timeline
    first = line.touches[0]
    if line.has(REQUESTED):
        yield _of(REQUESTED, at_ms=line.requested_ms), Did("requested")
    else:
        yield _is(first), Did("requested_unsaid")
    if line.queue != UNKNOWN:
        for codes in ((QUEUED,), (ANSWERED,), tuple(set(range(len(TYPES))) - {QUEUED, ANSWERED, TRANSFERRED})):
            named = next((t for t in line.touches if t.type in codes and t.common.queue), None)
            if named is not None:
                yield _is(named), Did("queue_named", {"queue": line.queue})
                break
    holder = next((t for t in line.touches if t.customer_id), None)
    if holder is not None and holder is not first:
        yield _is(holder), Did("customer_named")


def _of_wait(wait: Wait, seen: View) -> Iterator[Event]:
    line = seen.timeline
    begins = QUEUED if wait.queued else ANSWERED
    if wait.queued:
        values: dict[str, str | int] = {} if wait.target_ms is None else {"target_ms": wait.target_ms}
        yield _of(begins, at_ms=wait.began_ms), Did("wait_began" if values else "wait_began_no_target", values)
    if wait.ended_ms is not None:
        ended: dict[str, str | int] = {"length_ms": wait.length_ms}
        what = f"wait_{wait.outcome}"
        if wait.target_ms is not None and wait.outcome in ("answered", "abandoned"):
            ended["target_ms"] = wait.target_ms
            what += "_in_target" if wait.length_ms <= wait.target_ms else "_late"
        first = next(t for t in line.touches if _ends_wait(t, wait))
        yield _is(first), Did(what, ended)
        if wait.outcome == "abandoned" and wait.length_ms <= wait.short_ms:
            yield _is(first), Did("abandoned_short", {"short_ms": wait.short_ms})
        if wait.negative:
            yield _is(first), Did("negative")
        if wait.unannounced:
            limit = line.rules(wait.began_ms).unannounced_ms or 0
            yield _is(first), Did("unannounced", {"limit_ms": limit})
    for touch in line.touches:
        estimate = (touch.details or {}).get("estimate_ms") if touch.type == INFORMED else None
        if estimate is None or touch.at_ms < wait.began_ms:
            continue
        if wait.outcome == "answered" and wait.ended_ms is not None and touch.at_ms <= wait.ended_ms:
            came: dict[str, str | int] = {"estimate_ms": estimate, "actual_ms": wait.ended_ms - touch.at_ms}
            yield _is(touch), Did("estimate_judged", came)
        elif wait.ended_ms is None or touch.at_ms <= wait.ended_ms:
            yield _is(touch), Did("estimate", {"estimate_ms": estimate})


def _ends_wait(touch: Touch, wait: Wait) -> bool:
    """An answer or a loss counts whenever it came first; anything else only after the wait began."""
    if touch.type not in _WAIT_ENDS.get(wait.outcome, ()):
        return False
    return wait.outcome in ("answered", "abandoned") or touch.at_ms == wait.ended_ms


def _of_legs(seen: View) -> Iterator[Event]:
    for number, leg in enumerate(seen.legs):
        if number:
            yield _of(QUEUED, TRANSFERRED, at_ms=leg.began_ms), Did("leg_began", {"queue": leg.queue})
        if leg.ended_ms is not None and len(seen.legs) > 1 and leg.outcome in ("answered", "abandoned"):
            code = ANSWERED if leg.outcome == "answered" else ABANDONED
            ended: dict[str, str | int] = {"queue": leg.queue, "length_ms": leg.ended_ms - leg.began_ms}
            yield _of(code, at_ms=leg.ended_ms), Did(f"leg_{leg.outcome}", ended)
    for start, end in holds(seen.timeline.touches):
        yield _of(HELD, at_ms=start), Did("hold_began")
        if end is not None:
            yield _of(RESUMED, CLOSED, at_ms=end), Did("hold_ended", {"length_ms": end - start})


def _of_clocks(seen: View) -> Iterator[Event]:
    line = seen.timeline
    kept = {clock.began_ms for clock in seen.clocks}
    for clock in seen.clocks:
        began = clock.began_ms

        def starts(touch: Touch) -> bool:
            return is_message(touch, line)

        which = "first" if clock.first else "next"
        target = line.rules(began).response_target
        promised: dict[str, str | int] = {} if target is None else {"target": target_text(target)}
        yield (began, starts), Did(f"clock_{which}" if promised else f"clock_{which}_no_target", promised)
        if clock.replied_ms is not None:
            took: dict[str, str | int] = {"length_ms": clock.length_ms, **promised}
            if clock.open_ms is not None:
                took["open_ms"] = clock.open_ms
            what = "replied" if not promised else "replied_in_target" if clock.in_target else "replied_late"
            yield (clock.replied_ms, is_reply), Did(what + ("_open" if clock.open_ms is not None else ""), took)
        elif clock.closed:
            later = line.touches[bisect_left(line.touches, began, key=attrgetter("at_ms")) :]
            yield _is(next(touch for touch in later if touch.type == CLOSED)), Did("closed_unanswered")
    for touch in line.touches:
        if is_message(touch, line) and touch.at_ms not in kept:
            yield _is(touch), Did("message_waits")


def target_text(target: Target) -> str:
    """A target as the catalogue writes it: `20s`, `4 open h`, `2 open days`."""
    if target.unit == "open_days":
        return f"{target.amount} open days"
    for size, unit in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if target.amount % size == 0 and target.amount >= size:
            count = target.amount // size
            return f"{count} open {unit}" if target.unit == "open" else f"{count}{unit}"
    return f"{target.amount}ms"


_SIMPLE: Final = {
    TRANSFERRED: "transferred", REOPENED: "reopened", DISCARDED: "discarded", REFUSED: "refused",
    SELF_SERVICE: "self_service", CALLBACK: "callback",
}  # fmt: skip
_TOLD: Final = ("feedback.asked", "outreach.sent", "customer.left", "customer.stayed", "audit.scored")


def _of_happenings(seen: View) -> Iterator[Event]:
    steps: set[str] = set()
    for touch in seen.timeline.touches:
        what, tag = _SIMPLE.get(touch.type), _TAGS[touch.type]
        values: dict[str, str | int] = {}
        details: Mapping[str, Any] = touch.details or {}
        if touch.type == MENU:
            step = str(details.get("step"))
            what = "menu_repeat" if step in steps else "menu_step"
            steps.add(step)
        elif touch.type in (REFUSED, DISCARDED):
            values = {"reason": str(details.get("reason", "other"))}
        elif touch.type == SELF_SERVICE:
            what = f"self_service_{details.get('outcome')}"
        elif touch.type == TRANSFERRED and touch.common.queue:
            what, values = "transferred_to", {"queue": touch.common.queue}
        elif tag in _TOLD:
            what = tag.replace(".", "_")
        if what is not None:
            yield _is(touch), Did(what, values)


def _of_promises(seen: View) -> Iterator[Event]:
    made: dict[str, Promise] = {promise.promise_id: promise for promise in seen.promises}
    for touch in seen.timeline.touches:
        if touch.type not in (PROMISE_MADE, PROMISE_KEPT, PROMISE_BROKEN) or touch.details is None:
            continue
        promise = made.get(touch.details["promise_id"])
        if promise is None:
            did = Did("promise_unknown")
        elif touch.type == PROMISE_MADE:
            kind: dict[str, str | int] = {"kind": promise.kind, "due_at": promise.due_ms}
            did = Did("promise_made" if touch.at_ms == promise.made_ms else "promise_again", kind)
        elif promise.ended_ms is None or promise.ended_ms != max(touch.at_ms, promise.made_ms):
            did = Did("promise_over")
        elif promise.fate == "late":
            did = Did("promise_late", {"late_ms": promise.late_ms or 0})
        else:
            did = Did(f"promise_{promise.fate}")
        yield _is(touch), did


def _of_voice(seen: View) -> Iterator[Event]:
    for complaint in seen.complaints:
        yield _of(COMPLAINT_RAISED, at_ms=complaint.raised_ms), Did("complaint_raised")
        if complaint.settled_ms is not None:
            settled: dict[str, str | int] = {"settle_ms": complaint.settle_ms or 0}
            yield _of(COMPLAINT_SETTLED, at_ms=complaint.settled_ms), Did("complaint_settled", settled)
    answers = {(answer.at_ms, answer.kind): answer for answer in seen.feedback}
    for touch in seen.timeline.touches:
        if touch.type == FEEDBACK_GIVEN and touch.details is not None:
            answer = answers.get((touch.at_ms, touch.details["kind"]))
            if answer is None:
                did = Did("feedback_other")
            elif not answer.valid:
                did = Did("feedback_invalid", {"score": answer.score, "scale_max": answer.scale_max})
            else:
                values: dict[str, str | int] = {
                    "kind": answer.kind,
                    "score": answer.score,
                    "scale_max": answer.scale_max,
                }
                did = Did("feedback", values)
            yield _is(touch), did


def _of_closing(seen: View) -> Iterator[Event]:
    line, closing = seen.timeline, seen.closing
    if closing is None or line.last_closed_ms is None:
        return
    whole: dict[str, str | int] = {"resolution_ms": closing.resolution_ms}
    if line.last_closed_ms == closing.first_closed_ms:
        yield _of(CLOSED, at_ms=closing.first_closed_ms), Did("closed", whole)
    else:
        yield _of(CLOSED, at_ms=closing.first_closed_ms), Did("closed_first")
        yield _of(CLOSED, at_ms=line.last_closed_ms), Did("closed_last", whole)
    for touch in line.touches:
        details = touch.details or {}
        if touch.type != CLOSED:
            continue
        if details.get("resolved") is False:
            yield _is(touch), Did("said_unresolved")
        if touch.at_ms == line.out_of_scope_ms and details.get("scope") == "out":
            yield _is(touch), Did("out_of_scope")
