"""One contact explained: what each touchpoint did, every cell it counts in, why its resolution is what it is.

Told from the same derivations that are counted (`pipeline.core.view`, `pipeline.core.customer`), never from a
second reading of the rules.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from pipeline.answers.explain_steps import steps
from pipeline.answers.explanation import Counted, Did, Explanation, Resolution, Sibling
from pipeline.core import customers, view
from pipeline.core.cells import Contribution
from pipeline.core.contact import Contact
from pipeline.core.customer import Customer, Linked, Windows
from pipeline.core.facts import Facts
from pipeline.core.histogram import bounds
from pipeline.core.measure import Columns
from pipeline.core.rules import Rulebook
from pipeline.core.timeline import REQUESTED
from pipeline.core.view import View
from schemas.vocabulary import UNKNOWN


class Known(Struct, frozen=True):
    """What an explanation is made from. `facts`: those of the customer who holds the contact, '' none; `data_until_ms`:
    up to where every partition of the log has been read, None if that is not known.
    """

    contact: Contact
    facts: Sequence[Facts]
    now_ms: int
    data_until_ms: int | None
    at_ms: int | None = None
    """Told as of this moment: then `facts` are empty, since what other contacts said then is not kept."""
    revised_since: int = 0
    """Touchpoints that were revised since, so that what they said before may be gone."""


def explain(known: Known, rulebook: Rulebook, contact_columns: Columns, customer_columns: Columns) -> Explanation:
    """Explain a contact by the rules it is counted by."""
    seen = view.view(known.contact, rulebook)
    line = seen.timeline
    customer = _customer(known.facts, rulebook)
    own = customer.facts.get(line.contact_id)
    linked = customer.linked(line.contact_id) if own is not None and own.held else None
    cells = list(_counted("contact", view.contribution(seen, contact_columns), contact_columns))
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
        steps(seen),
        cells,
        _resolution(seen, customer, linked, known, rulebook),
        list(_unknown(seen, known, linked)),
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
    return f"{base}, histogram [{low}, {beyond}) ms"


# -- the resolution


def _resolution(seen: View, customer: Customer, linked: Linked | None, known: Known, rulebook: Rulebook) -> Resolution:
    line, settings = seen.timeline, rulebook.settings
    final_ms = None
    if line.last_closed_ms is not None:
        final_ms = line.last_closed_ms + settings.follow_up_window_ms + settings.lateness_ms
    until_ms = known.now_ms if known.data_until_ms is None else min(known.now_ms, known.data_until_ms)
    why_not = list(_why_not(seen, known, linked))
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


def _why_not(seen: View, known: Known, linked: Linked | None) -> Iterable[str]:
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
        yield "facts_missing" if known.at_ms is None else "unknown_facts_then"


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


def _unknown(seen: View, known: Known, linked: Linked | None) -> Iterator[Did]:
    line, contact = seen.timeline, known.contact
    if known.at_ms is not None:
        yield Did("told_then", {"told_at": known.at_ms})
    if known.revised_since:
        yield Did("revised_since", {"count": known.revised_since})
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
        yield Did("unknown_facts" if known.at_ms is None else "unknown_facts_then")
    others = len(set(contact.named) - {line.customer_id})
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
