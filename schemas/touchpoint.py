"""The touchpoint: one thing that happened between a customer and us; one Kafka record of topic `touchpoints`.

One Struct per type, told apart by the field `type`. Times are integers: milliseconds since the epoch, UTC.
Unknown fields are ignored; a missing or misspelt field is an error that names its place. The JSON Schema beside
this file is generated from these classes (`python -m schemas.jsonschema`).
"""

from typing import Annotated

from msgspec import Meta, Struct, field

from schemas.vocabulary import (
    Author,
    Direction,
    DiscardedReason,
    FeedbackFrom,
    FeedbackKind,
    InformedReason,
    OutreachReason,
    PromiseKind,
    RefusedReason,
    Scope,
    SelfServiceOutcome,
)

Name = Annotated[str, Meta(min_length=1, max_length=128)]
"""An identifier or a name: 1 to 128 characters."""
Milliseconds = Annotated[int, Meta(ge=0, le=10**15)]
Count = Annotated[int, Meta(ge=0, le=2**31)]
Score = Annotated[int, Meta(ge=-(10**6), le=10**6)]
Minor = Annotated[int, Meta(ge=0, le=10**12)]
"""An amount of money in the minor unit of its currency (cents)."""


class Touchpoint(Struct, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """What every touchpoint carries. `time` is when it happened; `customer_id` is a pseudonym."""

    id: Name
    time: Milliseconds
    contact_id: Name
    channel: Name
    customer_id: Name | None = None
    direction: Direction | None = None
    queue: Name | None = None
    segment: Name | None = None
    topic: Name | None = None
    agent_id: Name | None = None
    source: Name | None = None
    revision: Count = 0


class Requested(Touchpoint, tag="contact.requested"):
    """The customer turned to us (or, outbound, we to them): the contact begins."""


class Menu(Touchpoint, tag="contact.menu"):
    """One step in a menu before a queue or a person."""

    step: Name
    option: Name | None = None


class SelfService(Touchpoint, tag="contact.self_service"):
    """Self-service ended: the matter was contained in it, or it failed."""

    outcome: SelfServiceOutcome


class Queued(Touchpoint, tag="contact.queued"):
    """Waiting for a person begins (`queue` names the queue)."""


class Informed(Touchpoint, tag="contact.informed"):
    """The waiting customer heard something from us."""

    reason: InformedReason
    estimate_ms: Milliseconds | None = None


class Answered(Touchpoint, tag="contact.answered"):
    """A person (`agent_id`) serves the customer."""


class Held(Touchpoint, tag="contact.held"):
    """Put on hold."""


class Resumed(Touchpoint, tag="contact.resumed"):
    """Taken off hold."""


class Transferred(Touchpoint, tag="contact.transferred"):
    """Passed on (`queue` names the new queue, where there is one)."""


class Refused(Touchpoint, tag="contact.refused"):
    """We declined to serve."""

    reason: RefusedReason = "other"


class CallbackRequested(Touchpoint, tag="contact.callback_requested"):
    """The customer asked to be called back instead of waiting."""


class Abandoned(Touchpoint, tag="contact.abandoned"):
    """The customer left before being served."""


class Closed(Touchpoint, tag="contact.closed"):
    """The contact ended. `resolved` is what the person noted, where they did."""

    resolved: bool | None = None
    scope: Scope = "in"


class Discarded(Touchpoint, tag="contact.discarded"):
    """Not a matter at all: spam, thanks, a test, a duplicate, a wrong address."""

    reason: DiscardedReason


class Reopened(Touchpoint, tag="contact.reopened"):
    """A closed contact goes on."""


class MessageReceived(Touchpoint, tag="message.received"):
    """The customer wrote to us."""


class MessageSent(Touchpoint, tag="message.sent"):
    """We wrote to the customer."""

    author: Author = "agent"


class PromiseMade(Touchpoint, tag="promise.made"):
    """Something was promised until `due`."""

    promise_id: Name
    due: Milliseconds
    kind: PromiseKind = "other"


class PromiseKept(Touchpoint, tag="promise.kept"):
    """A promise was kept."""

    promise_id: Name


class PromiseBroken(Touchpoint, tag="promise.broken"):
    """A promise will not be kept."""

    promise_id: Name


class FeedbackAsked(Touchpoint, tag="feedback.asked"):
    """We asked for feedback."""

    kind: FeedbackKind


class FeedbackGiven(Touchpoint, tag="feedback.given"):
    """Feedback came: `score` out of `scale_max`."""

    kind: FeedbackKind
    score: Score
    scale_max: Score | None = None
    from_: FeedbackFrom = field(default="customer", name="from")


class ComplaintRaised(Touchpoint, tag="complaint.raised"):
    """The customer complained."""


class ComplaintSettled(Touchpoint, tag="complaint.settled"):
    """The complaint was settled, perhaps with goodwill (minor units of currency)."""

    goodwill: Minor | None = None


class OutreachSent(Touchpoint, tag="outreach.sent"):
    """We turned to the customer first."""

    reason: OutreachReason = "other"


class CustomerLeft(Touchpoint, tag="customer.left"):
    """The customer left us."""


class CustomerStayed(Touchpoint, tag="customer.stayed"):
    """The customer was about to leave and stayed."""


class AuditScored(Touchpoint, tag="audit.scored"):
    """A mystery shopper scored one criterion."""

    criterion: Name
    score: Score
    scale_max: Score


TYPES: tuple[type[Touchpoint], ...] = (
    Requested, Menu, SelfService, Queued, Informed, Answered, Held, Resumed, Transferred, Refused,
    CallbackRequested, Abandoned, Closed, Discarded, Reopened, MessageReceived, MessageSent,
    PromiseMade, PromiseKept, PromiseBroken, FeedbackAsked, FeedbackGiven, ComplaintRaised, ComplaintSettled,
    OutreachSent, CustomerLeft, CustomerStayed, AuditScored,
)  # fmt: skip
"""Every type, in the order of the design. The position is stored in the state: append only, never reorder."""


class Erased(Touchpoint, tag="customer.erased"):
    """Nothing of this contact may name `customer_id` any more, whenever it comes. `touchline erase` writes it to topic
    `touchpoints`, one for each of the customer's contacts; no source can.
    """
