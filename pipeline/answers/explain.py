"""One contact explained: what each touchpoint did, every cell it counts in, why its resolution is what it is.

Told from the same derivations that are counted (`pipeline.core.contacts.view`, `pipeline.core.customer`), never from a
second reading of the rules. What happened *claims* the touchpoint that made it happen; what is left changed no number.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct

from pipeline.core import contacts, customers
from pipeline.core.cells import Contribution
from pipeline.core.contact import Contact, Touch
from pipeline.core.contacts import View
from pipeline.core.customer import Customer, Linked, Windows
from pipeline.core.facts import Facts
from pipeline.core.histogram import bounds
from pipeline.core.measure import Columns
from pipeline.core.promises import Promise
from pipeline.core.rules import Rulebook, Target
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
)
from pipeline.core.waiting import Wait, holds
from schemas.touchpoint import TYPES
from schemas.vocabulary import UNKNOWN

_TAGS: Final = tuple(str(cls.__struct_config__.tag) for cls in TYPES)
_WAIT_ENDS: Final = {
    "answered": (ANSWERED,), "abandoned": (ABANDONED,), "refused": (REFUSED,), "callback": (CALLBACK,),
    "closed": (CLOSED,), "contained": (SELF_SERVICE,),
}  # fmt: skip

Values = Mapping[str, str | int]


class Did(Struct, frozen=True):
    """One thing a touchpoint did. `what` is a key of `pipeline.answers.explain_words`; values named `*_ms` are
    durations, `*_at` moments.
    """

    what: str
    values: dict[str, str | int] = {}


class Step(Struct, frozen=True):
    """One touchpoint in its place. `sent_at_ms` where its own time was too far ahead and was moved back to `at_ms`."""

    at_ms: int
    id: str
    type: str
    queue: str
    did: list[Did]
    sent_at_ms: int | None = None


class Counted(Struct, frozen=True):
    """What the contact adds to one column of one cell. `fold`: `contact`, or `customer` (its customer's others)."""

    fold: str
    window_s: int
    channel: str
    queue: str
    segment: str
    measure: str
    value: int


class Sibling(Struct, frozen=True):
    """A contact of the same issue."""

    contact_id: str
    requested_ms: int
    channel: str
    fcr: str


class Resolution(Struct, frozen=True):
    """Why the resolution is what it is. `fcr` '' : not eligible, and `why_not` says why. `final_from_ms`: the moment
    from which on it is final, once the log is read so far.
    """

    fcr: str
    why_not: list[str]
    because: list[Did]
    final_from_ms: int | None
    is_final: bool
    follows: str = ""
    issue_id: str = ""
    issue: list[Sibling] = []


class Explanation(Struct, frozen=True):
    """A contact explained. `unknown`: what could not be told, and what follows from it. `zone`: whose local times."""

    contact_id: str
    channel: str
    queue: str
    segment: str
    topic: str
    customer_id: str
    source: str
    inbound: bool
    is_open: bool
    zone: str
    steps: list[Step]
    cells: list[Counted]
    resolution: Resolution
    unknown: list[Did]


class Known(Struct, frozen=True):
    """What an explanation is made from. `facts`: those of the customer who holds the contact, '' none; `data_until_ms`:
    up to where every partition of the log has been read, None if that is not known.
    """

    contact: Contact
    facts: Sequence[Facts]
    now_ms: int
    data_until_ms: int | None


def explain(known: Known, rulebook: Rulebook, contact_columns: Columns, customer_columns: Columns) -> Explanation:
    """Explain a contact by the rules it is counted by."""
    seen = contacts.view(known.contact, rulebook)
    line = seen.timeline
    customer = _customer(known.facts, rulebook)
    own = customer.facts.get(line.contact_id)
    linked = customer.linked(line.contact_id) if own is not None and own.held else None
    cells = list(_counted("contact", contacts.contribution(seen, contact_columns), contact_columns))
    if linked is not None:
        cells += _counted("customer", customers.contribution(linked, customer_columns), customer_columns)
    return Explanation(
        line.contact_id,
        line.channel,
        line.queue,
        line.segment,
        line.topic,
        line.customer_id,
        line.source,
        line.inbound,
        seen.is_open,
        rulebook.zone.name,
        _steps(seen),
        cells,
        _resolution(seen, customer, linked, known, rulebook),
        list(_unknown(seen, known.contact, linked)),
    )


def _customer(facts: Sequence[Facts], rulebook: Rulebook) -> Customer:
    settings = rulebook.settings
    windows = Windows(settings.follow_up_window_ms, settings.returned_within_ms)
    customer = Customer(windows, transfer_breaks_fcr=settings.transfer_breaks_fcr)
    for each in facts:
        customer.put(each)
    return customer


def _counted(fold: str, contribution: Contribution, columns: Columns) -> Iterator[Counted]:
    for (window_s, channel, queue, segment), cell in sorted(contribution.items()):
        for number, value in sorted(cell.items(), key=lambda item: columns.name_of(item[0])):
            yield Counted(fold, window_s, channel, queue, segment, _column(columns.name_of(number)), value)


def _column(name: str) -> str:
    """A column for people: of a histogram the bucket's bounds instead of its number."""
    base, found, bucket = name.partition("_buckets ")
    if not found:
        return name
    low, beyond = bounds(int(bucket))
    return f"{base}, histogram, {low:,} to {beyond - 1:,} ms"


# -- the timeline


Maker = tuple[int, Callable[[Touch], bool]]
"""The touchpoint that made something happen: its time, and the first one then that fits and has not done so yet."""
Event = tuple[Maker, Did]


def _steps(seen: View) -> list[Step]:
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
    holder = next((t for t in line.touches if t.common.customer_id), None)
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


# -- the resolution


def _resolution(seen: View, customer: Customer, linked: Linked | None, known: Known, rulebook: Rulebook) -> Resolution:
    line, settings = seen.timeline, rulebook.settings
    final_ms = None
    if line.last_closed_ms is not None:
        final_ms = line.last_closed_ms + settings.follow_up_window_ms + settings.lateness_ms
    until_ms = known.now_ms if known.data_until_ms is None else min(known.now_ms, known.data_until_ms)
    why_not = list(_why_not(seen, linked))
    is_final = linked is not None and final_ms is not None and final_ms <= until_ms
    if linked is None:
        return Resolution("", why_not, [], final_ms, False)
    held = [name for name, facts in customer.facts.items() if facts.held]
    issues = customer.issues(held)
    issue_id = issues[line.contact_id]
    of_issue = sorted((customer.facts[name].requested_ms, name) for name, issue in issues.items() if issue == issue_id)
    issue = [
        Sibling(name, requested_ms, customer.facts[name].channel, customer.linked(name).fcr)
        for requested_ms, name in of_issue
    ]
    because = list(_because(seen, customer, linked))
    return Resolution(
        linked.fcr, why_not, because, final_ms if linked.fcr else None, is_final and bool(linked.fcr),
        linked.follows, issue_id, issue,
    )  # fmt: skip


def _why_not(seen: View, linked: Linked | None) -> Iterable[str]:
    """Why the contact is not eligible for first-contact resolution; nothing if it is."""
    line = seen.timeline
    if not line.inbound:
        yield "outbound"
    if line.first_closed_ms is None:
        yield "not_closed"
    if line.discarded_ms is not None:
        yield "was_discarded"
    if line.answered_ms is None and line.replied_ms is None:
        yield "not_served"
    if not line.customer_id:
        yield "no_customer"
    elif linked is None:
        yield "facts_missing"


def _because(seen: View, customer: Customer, linked: Linked) -> Iterator[Did]:
    facts, line = linked.facts, seen.timeline
    if facts.unresolved:
        yield Did("because_unresolved")
    if line.reopened_ms is not None:
        yield Did("because_reopened", {"reopened_at": line.reopened_ms})
    if linked.followed_by:
        follower = customer.facts[linked.followed_by]
        yield Did(
            "because_followed",
            {
                "contact": follower.contact_id,
                "asked_at": follower.requested_ms,
                "after_ms": follower.requested_ms - (facts.last_closed_ms or 0),
                "channel": follower.channel,
            },
        )
    if facts.transferred:
        yield Did("because_transferred" if linked.transfer_breaks_fcr else "transferred_is_fine")
    if linked.fcr == "resolved":
        yield Did("because_nothing")
    if linked.chased:
        yield Did("chased")
    if linked.switched:
        yield Did("switched")
    if linked.returned:
        yield Did("returned")


# -- what is not known


def _unknown(seen: View, contact: Contact, linked: Linked | None) -> Iterator[Did]:
    line = seen.timeline
    if not line.has(REQUESTED):
        yield Did("unknown_request")
    if line.queue == UNKNOWN:
        yield Did("unknown_queue")
    if line.segment == UNKNOWN:
        yield Did("unknown_segment")
    if not line.topic:
        yield Did("unknown_topic")
    if not line.customer_id:
        yield Did("unknown_customer")
    elif linked is None:
        yield Did("unknown_facts")
    others = len(contact.named - {line.customer_id})
    if others:
        yield Did("other_customers", {"count": others})
    if seen.wait is not None and seen.wait.ended_ms is None:
        yield Did("unknown_end")
    if any(clock.running for clock in seen.clocks):
        yield Did("unknown_reply")
    if any(promise.fate == "open" for promise in seen.promises):
        yield Did("unknown_promise")
    if any(touch.raw_ms is not None for touch in line.touches):
        yield Did("unknown_time")
