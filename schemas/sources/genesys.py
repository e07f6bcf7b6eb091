"""Genesys Cloud: analytics conversation details, one conversation each, or the answer of a query with `conversations`.

Real: one chat, answered after an alert, with a hold (grade A). Only documented: calls, transfers, abandons, menus.

- A contact is a conversation; it may be read again and again while it is open: its revision is its latest time.
- Waiting begins with a session of purpose `acd` (one per queue: a leg). The wait is what Genesys says: tAnswered, which
  is tAcd of the queue told again on the agent's side, counted once. An alert is no answer.
- Abandoned is tAbandon; or, where nobody counted it, a queue that the customer left, with nobody after it, in a
  conversation that ended. Without a queue and an agent it ended in the menu.
- Queues come by id. E-mails are left out: the details do not tell when a reply was written.
- The customer is `externalContactId`, where there is one. Names and addresses of participants are never read.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from schemas.codec import LAST_MS
from schemas.sources.payloads import (
    Payload,
    identifier,
    name,
    namespaced,
    needed,
    outputs,
    parts,
    time_of,
    word,
)
from schemas.sources.source import Output, Source
from schemas.sources.times import iso_ms, revision
from schemas.touchpoint import (
    Abandoned,
    Answered,
    Closed,
    Held,
    Queued,
    Requested,
    Resumed,
    Touchpoint,
    Transferred,
)
from schemas.vocabulary import CHANNELS as KINDS
from schemas.vocabulary import Direction

CHANNELS: Final = {
    "voice": "phone",
    "callback": "phone",
    "chat": "chat",
    "webmessaging": "messenger",
    "message": "messenger",
    "sms": "messenger",
    "video": "video",
}
"""Media types. `email` is not among them, see above."""
CUSTOMERS: Final = frozenset({"customer", "external"})
AGENTS: Final = frozenset({"agent", "user"})
QUEUE: Final = "acd"
TRANSFERS: Final = frozenset({"nblindtransferred", "nconsulttransferred"})
"""Metrics of transfers by their kind. nTransferred tells both again."""
DIRECTIONS: Final[dict[str, Direction]] = {"inbound": "inbound", "outbound": "outbound"}

_OUTCOMES: Final = frozenset({"tabandon", "tflowout"})
_LONGEST_WAIT_MS: Final = 10**10


class _Leg(Struct, frozen=True):
    """A queue's session: from when the customer waited in it, until when, and how it ended."""

    began: int
    id: str
    queue: str | None
    left: int | None
    metrics: dict[str, int]


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """The touchpoints of conversations, whole ones or those that go on."""
    return outputs(lines, _touchpoints, "conversations")


def _touchpoints(conversation: Payload) -> list[Touchpoint] | str:
    contact_id = namespaced("genesys", identifier(conversation, "conversationId"))
    start = needed(time_of(iso_ms, conversation, "conversationStart"), "conversationStart")
    end = time_of(iso_ms, conversation, "conversationEnd")
    participants = parts(conversation, "participants")
    media = [word(session, "mediaType") for session in _sessions(participants, CUSTOMERS)]
    media += [word(session, "mediaType") for each in participants for session in parts(each, "sessions")]
    channel = CHANNELS.get(next((each for each in media if each), ""))
    if channel is None:
        return "other media"
    direction = DIRECTIONS.get(word(conversation, "originatingDirection"))
    customer = next((key for each in participants if (key := name(each, "externalContactId"))), None)
    common: dict[str, Any] = {
        "contact_id": contact_id,
        "channel": channel,
        "revision": revision(max([start, end or 0, *_times(participants)])),
    }
    customer_id = namespaced("genesys", customer) if customer else None
    legs = sorted(_legs(participants), key=lambda leg: (leg.began, leg.id))
    answers = _answers(participants, legs, common)
    made: list[Touchpoint] = [
        Requested(id="1-requested", time=start, customer_id=customer_id, direction=direction, **common),
        *(Queued(id=f"3-queued:{leg.id}", time=leg.began, queue=leg.queue, **common) for leg in legs),
        *answers,
    ]
    abandoned = _abandoned(legs, [each.time for each in answers if isinstance(each, Answered)], end, common)
    if not legs and not answers and end is not None and direction == "inbound" and KINDS[channel] == "live":
        abandoned = Abandoned(id="4-abandoned", time=end, **common)  # in the menu
    if abandoned:
        made.append(abandoned)
    elif end is not None:
        made.append(Closed(id="9-closed", time=end, **common))
    return made


def _legs(participants: list[Payload]) -> Iterator[_Leg]:
    """The waits in queues. Raises ValueError."""
    for session in _sessions(participants, {QUEUE}):
        segments = parts(session, "segments")
        metrics = parts(session, "metrics")
        starts = [ms for each in segments if (ms := time_of(iso_ms, each, "segmentStart"))]
        starts = starts or [ms for each in metrics if (ms := time_of(iso_ms, each, "emitDate"))]
        if starts:
            yield _Leg(
                began=min(starts),
                id=identifier(session, "sessionId"),
                queue=next((queue for each in segments if (queue := name(each, "queueId"))), None),
                left=max((ms for each in segments if (ms := time_of(iso_ms, each, "segmentEnd"))), default=None),
                metrics={key: _value(each) for each in metrics if (key := word(each, "name")) in _OUTCOMES},
            )


def _answers(participants: list[Payload], legs: list[_Leg], common: dict[str, Any]) -> list[Touchpoint]:
    """What agents did: answers, holds and transfers. Raises ValueError."""
    made: list[Touchpoint] = []
    for participant in participants:
        for session in _sessions([participant], AGENTS):
            segments = parts(session, "segments")
            times = [ms for each in _of_type(segments, "interact") if (ms := time_of(iso_ms, each, "segmentStart"))]
            queue = next((queue for each in segments if (queue := name(each, "queueId"))), None)
            answered = _answered_ms(session, queue, legs) or min(times, default=None)
            if answered is None:
                continue  # alerted at most
            key, agent_id = identifier(session, "sessionId"), name(participant, "userId")
            made.append(Answered(id=f"4-answered:{key}", time=answered, queue=queue, agent_id=agent_id, **common))
            for n, segment in enumerate(_of_type(segments, "hold"), 1):
                began, ended = time_of(iso_ms, segment, "segmentStart"), time_of(iso_ms, segment, "segmentEnd")
                if began is not None and (ended is None or ended > began):
                    made.append(Held(id=f"6-held:{key}:{n}", time=began, agent_id=agent_id, **common))
                    if ended is not None:  # sorts before the hold that begins then
                        made.append(Resumed(id=f"5-resumed:{key}:{n}", time=ended, agent_id=agent_id, **common))
            metrics = parts(session, "metrics")
            for n, metric in enumerate((each for each in metrics if word(each, "name") in TRANSFERS), 1):
                passed_on = needed(time_of(iso_ms, metric, "emitDate"), "emitDate")
                made.append(Transferred(id=f"7-transferred:{key}:{n}", time=passed_on, agent_id=agent_id, **common))
    return made


def _answered_ms(session: Payload, queue: str | None, legs: list[_Leg]) -> int | None:
    """When the wait ended by Genesys' own count: tAnswered after the queue's beginning. Raises ValueError."""
    for metric in parts(session, "metrics"):
        if word(metric, "name") == "tanswered":
            told = needed(time_of(iso_ms, metric, "emitDate"), "emitDate")
            leg = next((leg for leg in reversed(legs) if leg.queue == queue and leg.began <= told), None)
            return told if leg is None else min(leg.began + _value(metric), LAST_MS)
    return None


def _abandoned(legs: list[_Leg], answers: list[int], end: int | None, common: dict[str, Any]) -> Abandoned | None:
    for leg in legs:
        if "tabandon" in leg.metrics:
            time = min(leg.began + leg.metrics["tabandon"], LAST_MS)
            return Abandoned(id=f"4-abandoned:{leg.id}", time=time, queue=leg.queue, **common)
    if end is None or not legs or "tflowout" in legs[-1].metrics or any(time >= legs[-1].began for time in answers):
        return None
    leg = legs[-1]
    return Abandoned(id=f"4-abandoned:{leg.id}", time=leg.left or end, queue=leg.queue, **common)


def _sessions(participants: list[Payload], purposes: frozenset[str] | set[str]) -> list[Payload]:
    return [each for who in participants if word(who, "purpose") in purposes for each in parts(who, "sessions")]


def _of_type(segments: list[Payload], kind: str) -> list[Payload]:
    return [segment for segment in segments if word(segment, "segmentType") == kind]


def _times(participants: list[Payload]) -> Iterator[int]:
    for participant in participants:
        for session in parts(participant, "sessions"):
            for each in parts(session, "segments"):
                yield time_of(iso_ms, each, "segmentStart") or 0
                yield time_of(iso_ms, each, "segmentEnd") or 0
            for each in parts(session, "metrics"):
                yield time_of(iso_ms, each, "emitDate") or 0


def _value(metric: Payload) -> int:
    """A metric's milliseconds. Raises ValueError."""
    value = metric.get("value")
    if not isinstance(value, int) or not 0 <= value <= _LONGEST_WAIT_MS:
        raise ValueError("the `value` of a metric is no number of milliseconds")
    return value


SOURCE: Final = Source("genesys", "Genesys Cloud's conversation details", read)
