"""What a contact's touchpoints mean: who, where, and the first time of everything. The families derive from it.

All times are effective times in ms; "first" and "earliest" follow (effective time, id). A timeline is a pure function
of the set of touchpoints and of the catalogue's rules.
"""

from typing import Final

from mypy_extensions import i64, mypyc_attr

from pipeline.core.calendar import Calendar
from pipeline.core.contact import Contact, Touch
from pipeline.core.rules import Rulebook, Rules
from schemas import touchpoint as tp
from schemas.vocabulary import UNKNOWN

_CODE: Final = {cls: code for code, cls in enumerate(tp.TYPES)}
REQUESTED: Final = _CODE[tp.Requested]
MENU: Final = _CODE[tp.Menu]
SELF_SERVICE: Final = _CODE[tp.SelfService]
QUEUED: Final = _CODE[tp.Queued]
INFORMED: Final = _CODE[tp.Informed]
ANSWERED: Final = _CODE[tp.Answered]
HELD: Final = _CODE[tp.Held]
RESUMED: Final = _CODE[tp.Resumed]
TRANSFERRED: Final = _CODE[tp.Transferred]
REFUSED: Final = _CODE[tp.Refused]
CALLBACK: Final = _CODE[tp.CallbackRequested]
ABANDONED: Final = _CODE[tp.Abandoned]
CLOSED: Final = _CODE[tp.Closed]
DISCARDED: Final = _CODE[tp.Discarded]
REOPENED: Final = _CODE[tp.Reopened]
RECEIVED: Final = _CODE[tp.MessageReceived]
SENT: Final = _CODE[tp.MessageSent]
PROMISE_MADE: Final = _CODE[tp.PromiseMade]
PROMISE_KEPT: Final = _CODE[tp.PromiseKept]
PROMISE_BROKEN: Final = _CODE[tp.PromiseBroken]
FEEDBACK_ASKED: Final = _CODE[tp.FeedbackAsked]
FEEDBACK_GIVEN: Final = _CODE[tp.FeedbackGiven]
COMPLAINT_RAISED: Final = _CODE[tp.ComplaintRaised]
COMPLAINT_SETTLED: Final = _CODE[tp.ComplaintSettled]
OUTREACH: Final = _CODE[tp.OutreachSent]
CUSTOMER_LEFT: Final = _CODE[tp.CustomerLeft]
CUSTOMER_STAYED: Final = _CODE[tp.CustomerStayed]
AUDIT_SCORED: Final = _CODE[tp.AuditScored]

_BIT: Final[i64] = 1
_RARE: Final = 1 << ABANDONED | 1 << DISCARDED | 1 << REOPENED | 1 << REFUSED
"""Of these, too, a timeline keeps the first."""
_MESSAGE_CHANNELS: Final = frozenset({"email", "form", "letter"})
"""Channels on which the request itself is a message that wants a reply."""


@mypyc_attr(acyclic=True)
class Timeline:
    """Dimensions, parties and first times of one contact with at least one touchpoint (shapes: ms, or None where it did
    not happen). `out_of_scope_ms`: the first closing that says the matter is none of ours. `seen`: a bit set of the
    types that occur, bit `1 << code`.
    """

    __slots__ = (
        "_rules", "abandoned_ms", "answered_ms", "channel", "contact_id", "contained_ms", "customer_id", "discarded_ms",
        "first_closed_ms", "inbound", "last_closed_ms", "last_ms", "live", "out_of_scope_ms", "queue", "queued_ms",
        "refused_reason", "reopened_ms", "replied_ms", "requested_ms", "rulebook", "seen", "segment", "source", "topic",
        "touches", "transfers",
    )  # fmt: skip

    def __init__(self, contact_id: str, touches: list[Touch], rulebook: Rulebook) -> None:
        requested: int | None = None
        queued: int | None = None
        answered: int | None = None
        abandoned: int | None = None
        first_closed: int | None = None
        last_closed: int | None = None
        discarded: int | None = None
        reopened: int | None = None
        replied: int | None = None
        contained: int | None = None
        out_of_scope: int | None = None
        refused_reason = ""
        transfers = 0
        seen: i64 = 0
        for touch in touches:
            code = touch.type
            bit = _BIT << code
            is_first = not seen & bit
            seen |= bit
            if code == QUEUED:
                if is_first:
                    queued = touch.at_ms
            elif code == ANSWERED:
                if is_first:
                    answered = touch.at_ms
            elif code == CLOSED:
                last_closed = touch.at_ms
                if is_first:
                    first_closed = last_closed
                if out_of_scope is None and touch.details is not None and touch.details.get("scope") == "out":
                    out_of_scope = touch.at_ms
            elif code == REQUESTED:
                if is_first:
                    requested = touch.at_ms
            elif code == SENT:
                if replied is None and is_reply(touch):
                    replied = touch.at_ms
            elif code == TRANSFERRED:
                transfers += 1
            elif code == SELF_SERVICE:
                if contained is None and is_contained(touch):
                    contained = touch.at_ms
            elif is_first and _RARE >> code & 1:
                if code == ABANDONED:
                    abandoned = touch.at_ms
                elif code == DISCARDED:
                    discarded = touch.at_ms
                elif code == REOPENED:
                    reopened = touch.at_ms
                else:
                    refused_reason = (touch.details or {}).get("reason", "other")
        channel, queue, segment, topic, customer_id, source, inbound = _who(touches)
        self.contact_id = contact_id
        self.touches = touches[:]  # what is derived stays as it was, whatever comes
        self.channel = channel
        self.queue = queue
        self.segment = segment
        self.topic = topic
        self.customer_id = customer_id
        self.source = source
        self.inbound = inbound
        self.live = rulebook.kind(channel) == "live"
        self.requested_ms = touches[0].at_ms if requested is None else requested
        self.last_ms = touches[-1].at_ms
        self.queued_ms = queued
        self.answered_ms = answered
        self.abandoned_ms = abandoned
        self.contained_ms = contained
        self.first_closed_ms = first_closed
        self.last_closed_ms = last_closed
        self.out_of_scope_ms = out_of_scope
        self.replied_ms = replied
        self.discarded_ms = discarded
        self.reopened_ms = reopened
        self.refused_reason = refused_reason
        self.transfers = transfers
        self.seen = seen
        self.rulebook = rulebook
        self._rules: Rules | None = None

    def has(self, code: int) -> bool:
        """Whether a touchpoint of this type occurs."""
        return bool(self.seen >> code & 1)

    def rules(self, at_ms: int) -> Rules:
        """The promises in force for this contact at a time."""
        found = self._rules
        if found is None or self.rulebook.dated:
            found = self._rules = self.rulebook.rules(self.channel, self.queue, self.segment, at_ms)
        return found


def open_ms(calendar: Calendar | None, start_ms: int, end_ms: int) -> int | None:
    """The part of [start, end) in opening hours; None where no calendar applies."""
    return None if calendar is None else calendar.open_ms(start_ms, end_ms)


def is_reply(touch: Touch) -> bool:
    """A reply is a message sent by a person: bots do not reply."""
    return touch.type == SENT and (touch.details is None or touch.details.get("author", "agent") == "agent")


def is_contained(touch: Touch) -> bool:
    """The matter was dealt with in self-service."""
    return touch.type == SELF_SERVICE and touch.details is not None and touch.details["outcome"] == "contained"


def is_message(touch: Touch, timeline: Timeline) -> bool:
    """The customer wrote to us; a form, a letter or a mail counts as one."""
    if touch.type == RECEIVED:
        return True
    return touch.type == REQUESTED and timeline.inbound and timeline.channel in _MESSAGE_CHANNELS


def timeline(contact: Contact, rulebook: Rulebook) -> Timeline:
    """Derive the timeline of a contact with at least one touchpoint."""
    return Timeline(contact.contact_id, contact.touches, rulebook)


@mypyc_attr(acyclic=True)
class EntryQueue:
    """Under which queue a contact is booked, touchpoint by touchpoint: the first it was queued in, else the first it
    was answered in, else the first that is named otherwise, but for where it was passed on to.
    """

    __slots__ = ("_answered", "_named", "_queued")

    def __init__(self) -> None:
        self._queued = ""
        self._answered = ""
        self._named = ""

    def see(self, code: int, queue: str) -> None:
        """One more touchpoint, of this type, that names this queue ('' none)."""
        if code == QUEUED:
            self._queued = self._queued or queue
        elif code == ANSWERED:
            self._answered = self._answered or queue
        elif code != TRANSFERRED:
            self._named = self._named or queue

    @property
    def queue(self) -> str:
        """What the touchpoints so far come to."""
        return self._queued or self._answered or self._named or UNKNOWN


def _who(touches: list[Touch]) -> tuple[str, str, str, str, str, str, bool]:
    """Channel, queue, segment, topic, customer, source and whether inbound: of the first touchpoint that says it."""
    common = touches[0].common
    channel, segment, topic = common.channel, common.segment, common.topic
    customer_id, source, direction = "", common.source, common.direction
    entry = EntryQueue()
    previous, named = None, ""
    for touch in touches:
        common = touch.common
        customer_id = customer_id or touch.customer_id
        if common is not previous:
            previous, named = common, common.queue
            segment = segment or common.segment
            topic = topic or common.topic
            source = source or common.source
            direction = direction or common.direction
        entry.see(touch.type, named)
    return channel, entry.queue, segment or UNKNOWN, topic, customer_id, source, direction != "outbound"
