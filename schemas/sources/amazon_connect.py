"""Amazon Connect: contact records (Kinesis) and contact events (EventBridge, or their bare detail).

Real: one contact record (grade A: a call with holds, passed on to a number outside). Only documented: contact events
(grade D), chats, mails, callbacks, transfers between queues, agent events (recognised and left out).

- A contact is the chain of records with one InitialContactId; each transfer is a record of its own, a leg. The record
  and the events of a leg name their touchpoints alike, so both feeds together count once. LastUpdateTimestamp is the
  revision of a record; an event has 0, because the record knows more. The order of deliveries does not matter.
- Events name the queue by its ARN only: until the record comes, the queue is the last part of that.
- The wait is that in the queue, from EnqueueTimestamp to the agent, without the menu before it. No agent and no leg
  after it: abandoned, as Amazon counts it; without a queue it ended in the menu. Who is called back does not wait.
- Holds come as totals without times: they are not counted. Left out: MONITOR (a supervisor listens in), tasks.
- Attributes, endpoints and user names are never read. The customer is unknown: the record has no key but the number.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from schemas.sources.payloads import Payload, identifier, name, namespaced, needed, outputs, part, text, time_of, word
from schemas.sources.source import Output, Source
from schemas.sources.times import iso_ms, revision
from schemas.touchpoint import (
    Abandoned,
    Answered,
    CallbackRequested,
    Closed,
    Queued,
    Requested,
    Touchpoint,
    Transferred,
)
from schemas.vocabulary import Direction

CHANNELS: Final = {"voice": "phone", "chat": "chat", "email": "email"}
DIRECTIONS: Final[dict[str, Direction]] = {
    "inbound": "inbound",
    "transfer": "inbound",
    "queue_transfer": "inbound",
    "callback": "inbound",  # the customer asked for it
    "disconnect": "inbound",
    "api": "inbound",  # chats; a call by API is outbound, see below
    "webrtc_api": "inbound",
    "outbound": "outbound",
    "external_outbound": "outbound",
    "agent_reply": "outbound",
}
"""Initiation methods that are contacts with a customer."""
TRANSFERS: Final = frozenset({"transfer", "queue_transfer"})
AGENT_EVENTS: Final = frozenset({"login", "logout", "state_change", "heart_beat"})
CONTACT_EVENTS: Final = frozenset({"initiated", "connected_to_system", "queued", "connected_to_agent", "disconnected"})
"""Events whose times are read; of others (CONTACT_DATA_UPDATED, PAUSED ...) nothing is."""


class _Leg(Struct, frozen=True):
    """What a record and the events of a leg both say. Times in ms, None: not yet, or not known."""

    id: str
    contact_id: str
    first: bool
    last: bool
    channel: str
    method: str
    direction: Direction
    initiated: int
    enqueued: int | None
    queue: str | None
    answered: int | None
    agent_id: str | None
    disconnected: int | None
    passed_on: int | None
    revision: int


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """The touchpoints of records and events, in any order."""
    return outputs(lines, _touchpoints)


def _touchpoints(payload: Payload) -> list[Touchpoint] | str:
    if text(payload, "AgentARN") or word(payload, "EventType") in AGENT_EVENTS:
        return "agent event"
    detail = payload
    if "detail" in payload:
        if word(payload, "source") != "aws.connect":  # the detail-type has been renamed once
            return "not Amazon Connect"
        detail = part(payload, "detail")
    if "eventType" in detail:
        if word(detail, "eventType") not in CONTACT_EVENTS:
            return "other event"
        leg = _of_event(detail)
    else:
        leg = _of_record(detail)
    if leg.channel not in CHANNELS.values():
        return "no contact channel"
    if leg.method == "monitor":
        return "monitoring"
    return _of_leg(leg)


def _of_record(record: Payload) -> _Leg:
    """Raises ValueError."""
    queue, agent = part(record, "Queue"), part(record, "Agent")
    return _Leg(
        id=identifier(record, "ContactId"),
        contact_id=_contact(text(record, "InstanceARN"), name(record, "InitialContactId"), record, "ContactId"),
        first=_first(record, "ContactId", "InitialContactId"),
        last=not text(record, "NextContactId"),
        channel=_channel(word(record, "Channel")),
        method=word(record, "InitiationMethod"),
        direction=_direction(word(record, "InitiationMethod"), word(record, "Channel")),
        initiated=needed(time_of(iso_ms, record, "InitiationTimestamp"), "InitiationTimestamp"),
        enqueued=time_of(iso_ms, queue, "EnqueueTimestamp"),
        queue=name(queue, "Name") or _tail(text(queue, "ARN")),
        answered=time_of(iso_ms, agent, "ConnectedToAgentTimestamp"),
        agent_id=_tail(text(agent, "ARN")),
        disconnected=time_of(iso_ms, record, "DisconnectTimestamp"),
        passed_on=time_of(iso_ms, record, "TransferCompletedTimestamp"),
        revision=revision(time_of(iso_ms, record, "LastUpdateTimestamp")),
    )


def _of_event(detail: Payload) -> _Leg:
    """Raises ValueError."""
    queue, agent = part(detail, "queueInfo"), part(detail, "agentInfo")
    return _Leg(
        id=identifier(detail, "contactId"),
        contact_id=_contact(text(detail, "instanceArn"), name(detail, "initialContactId"), detail, "contactId"),
        first=_first(detail, "contactId", "initialContactId"),
        last=not text(detail, "nextContactId"),
        channel=_channel(word(detail, "channel")),
        method=word(detail, "initiationMethod"),
        direction=_direction(word(detail, "initiationMethod"), word(detail, "channel")),
        initiated=needed(time_of(iso_ms, detail, "initiationTimestamp"), "initiationTimestamp"),
        enqueued=time_of(iso_ms, queue, "enqueueTimestamp"),
        queue=_tail(text(queue, "queueArn")),
        answered=time_of(iso_ms, agent, "connectedToAgentTimestamp"),
        agent_id=_tail(text(agent, "agentArn")),
        disconnected=time_of(iso_ms, detail, "disconnectTimestamp"),
        passed_on=None,
        revision=0,
    )


def _of_leg(leg: _Leg) -> list[Touchpoint]:
    """The touchpoints of a leg. The numbers in the ids keep the order of touchpoints at one time."""
    made: list[Touchpoint] = []
    callback = leg.method == "callback"
    if leg.first:
        made.append(
            Requested(
                id="1-requested",
                time=leg.initiated,
                contact_id=leg.contact_id,
                channel=leg.channel,
                direction=leg.direction,
                revision=leg.revision,
            )
        )
    if callback:
        made.append(
            CallbackRequested(
                id=f"2-callback:{leg.id}",
                time=leg.initiated,
                contact_id=leg.contact_id,
                channel=leg.channel,
                queue=leg.queue,
                revision=leg.revision,
            )
        )
    if leg.method in TRANSFERS:
        # Without a queue: the wait of the leg begins when it is in the queue, not with the transfer.
        made.append(_transferred(leg, "2-transferred", leg.initiated))
    if leg.enqueued is not None and not callback:
        made.append(
            Queued(
                id=f"3-queued:{leg.id}",
                time=leg.enqueued,
                contact_id=leg.contact_id,
                channel=leg.channel,
                queue=leg.queue,
                revision=leg.revision,
            )
        )
    return made + _end_of_leg(leg, callback=callback)


def _end_of_leg(leg: _Leg, *, callback: bool) -> list[Touchpoint]:
    """Answered or abandoned, in one place: what a later version says holds. Then the end of the contact."""
    made: list[Touchpoint] = []
    outcome, ended = f"4-outcome:{leg.id}", leg.disconnected
    if leg.answered is not None:
        made.append(
            Answered(
                id=outcome,
                time=leg.answered,
                contact_id=leg.contact_id,
                channel=leg.channel,
                queue=leg.queue,
                agent_id=leg.agent_id,
                revision=max(leg.revision, 1),  # over an event that tells of the end, but not of the agent
            )
        )
    elif (
        ended is not None
        and leg.last
        and not callback
        and leg.direction == "inbound"
        and (leg.enqueued is not None or leg.first)
    ):
        made.append(
            Abandoned(
                id=outcome,
                time=ended,
                contact_id=leg.contact_id,
                channel=leg.channel,
                queue=leg.queue,
                revision=leg.revision,
            )
        )
        return made
    if leg.passed_on is not None and leg.last:  # to a number outside; else the next leg says it
        made.append(_transferred(leg, "5-transferred", leg.passed_on))
    if ended is not None and leg.last:
        made.append(
            # One for the chain, told by its last leg.
            Closed(
                id="9-closed",
                time=ended,
                contact_id=leg.contact_id,
                channel=leg.channel,
                revision=max(leg.revision, revision(ended)),
            )
        )
    return made


def _transferred(leg: _Leg, identity: str, time: int) -> Transferred:
    return Transferred(
        id=f"{identity}:{leg.id}",
        time=time,
        contact_id=leg.contact_id,
        channel=leg.channel,
        revision=leg.revision,
    )


def _contact(instance: str, initial: str | None, leg: Payload, key: str) -> str:
    return namespaced("amazon-connect", _tail(instance) or "", initial or identifier(leg, key))


def _first(leg: Payload, key: str, initial: str) -> bool:
    return text(leg, initial) in {"", text(leg, key)}


def _channel(word_for_it: str) -> str:
    return CHANNELS.get(word_for_it, "")


def _direction(method: str, channel: str) -> Direction:
    return "outbound" if (method, channel) == ("api", "voice") else DIRECTIONS.get(method, "inbound")


def _tail(arn: str) -> str | None:
    """The last part of an ARN: the id of a queue, an agent or an instance."""
    tail = arn.rpartition("/")[2]
    return tail if tail and tail.isprintable() and len(tail) <= 40 else None


SOURCE: Final = Source("amazon-connect", "Amazon Connect's contact records and contact events", read)
