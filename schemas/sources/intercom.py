"""Intercom: notifications (`notification_event`) about conversations and tickets.

Real: conversation.user.created of the API of 2019 (grade B). Only documented: everything else, such as replies,
closings, ratings, and tickets.

- A contact is a conversation or a ticket of a workspace. What happened are its parts, each with an id and a time of its
  own: a part told again, in whichever notification, counts once. The notification's own time is not used.
- A note is private. Fin and other bots have the author type `bot`; the operator writes as an admin whose address begins
  with `operator+`. Both are bots. A part of any type with a text is a message: replies come with assignments, too.
- A conversation is closed and opened by parts of these types; a ticket by parts that change its state to or from
  resolved.
- The customer is Intercom's own id of the person. Names, addresses and texts are never read further than that.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from schemas.sources.payloads import (
    Payload,
    identifier,
    name,
    namespaced,
    needed,
    outputs,
    part,
    parts,
    text,
    time_of,
    word,
)
from schemas.sources.source import Output, Source
from schemas.sources.times import revision, seconds_ms
from schemas.touchpoint import Closed, FeedbackGiven, MessageReceived, MessageSent, Reopened, Requested, Touchpoint

ITEMS: Final = frozenset({"conversation", "ticket"})
CHANNELS: Final = {
    "conversation": "messenger",
    "push": "messenger",
    "email": "email",
    "facebook": "social",
    "instagram": "social",
    "twitter": "social",
    "whatsapp": "messenger",
    "sms": "messenger",
    "phone_call": "phone",
    "phone_switch": "phone",
}
"""`source.type` of a conversation. Others, and tickets, are `messenger`."""
CUSTOMERS: Final = frozenset({"user", "lead", "contact"})
BOTS: Final = frozenset({"bot", "operator", "fin"})
STAFF: Final = frozenset({"admin", "team"})
NOTES: Final = frozenset({"note", "note_and_reopen"})
CLOSINGS: Final = frozenset({"close"})
OPENINGS: Final = frozenset({"open", "note_and_reopen"})
STATE_CHANGES: Final = "ticket_state_updated"
RESOLVED: Final = "resolved"
RATING_MAX: Final = 5

_OPERATOR: Final = "operator+"


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """The touchpoints of notifications, in any order."""
    return outputs(lines, _touchpoints)


def _touchpoints(payload: Payload) -> list[Touchpoint] | str:
    if word(payload, "type") != "notification_event":
        raise ValueError("`type` is not notification_event")
    item = part(part(payload, "data"), "item")
    kind = word(item, "type")
    if kind not in ITEMS:
        return "no conversation"
    app = identifier(payload, "app_id")
    person = _person(item)
    common: dict[str, Any] = {
        "contact_id": namespaced("intercom", app, identifier(item, "id")),
        "channel": CHANNELS.get(word(part(item, "source"), "type"), "messenger"),
        "customer_id": namespaced("intercom", app, person) if person else None,
        "queue": _team(item),
        # Every notification tells the conversation as it is by now: what the newest says of it holds.
        "revision": revision(time_of(seconds_ms, item, "updated_at")),
    }
    created = needed(time_of(seconds_ms, item, "created_at"), "created_at")
    made = _begun(item, created, common)
    for each in [*_list(item, "conversation_parts"), *_list(item, "ticket_parts")]:
        made += _of_part(each, common)
    return made + _rated(item, common)


def _begun(item: Payload, created: int, common: dict[str, Any]) -> list[Touchpoint]:
    """The beginning, as every notification tells it again: the same touchpoints each time. Raises ValueError."""
    first = part(item, "source") or part(item, "conversation_message")
    author = part(first, "author")
    ours = word(author, "type") in STAFF | BOTS
    made: list[Touchpoint] = [
        Requested(id="1-requested", time=created, direction="outbound" if ours else "inbound", **common)
    ]
    if not ours:
        made.append(MessageReceived(id="2-message", time=created, **common))
    return made


def _of_part(each: Payload, common: dict[str, Any]) -> list[Touchpoint]:
    """What one part says. The numbers in the ids keep the order of touchpoints at one time. Raises ValueError."""
    key, kind = identifier(each, "id"), word(each, "part_type")
    time = needed(time_of(seconds_ms, each, "created_at"), "created_at")
    author = part(each, "author")
    agent_id = name(author, "id") if word(author, "type") == "admin" and not _is_bot(author) else None
    made: list[Touchpoint] = []
    state, before = word(each, "ticket_state"), word(each, "previous_ticket_state")
    if kind in OPENINGS or (before == RESOLVED and state not in {"", RESOLVED}):
        made.append(Reopened(id=f"3-reopened:{key}", time=time, **common))
    if text(each, "body") and kind not in NOTES:
        if word(author, "type") in CUSTOMERS:
            made.append(MessageReceived(id=f"4-message:{key}", time=time, **common))
        elif _is_bot(author):
            made.append(MessageSent(id=f"4-message:{key}", time=time, author="bot", **common))
        elif word(author, "type") in STAFF:
            made.append(MessageSent(id=f"4-message:{key}", time=time, agent_id=agent_id, **common))
    if kind in CLOSINGS or (state == RESOLVED and before != RESOLVED and kind.startswith(STATE_CHANGES)):
        made.append(Closed(id=f"9-closed:{key}", time=time, agent_id=agent_id, **common))
    return made


def _rated(item: Payload, common: dict[str, Any]) -> list[Touchpoint]:
    """The customer's rating, which may be changed later: then the newest holds. Raises ValueError."""
    rating = part(item, "conversation_rating")
    score, time = rating.get("rating"), time_of(seconds_ms, rating, "created_at")
    if isinstance(score, bool) or not isinstance(score, int) or not 1 <= score <= RATING_MAX or time is None:
        return []  # asked for, not given yet
    return [FeedbackGiven(id="7-rating", time=time, kind="csat", score=score, scale_max=RATING_MAX, **common)]


def _is_bot(author: Payload) -> bool:
    return word(author, "type") in BOTS or word(author, "email").startswith(_OPERATOR)


def _list(item: Payload, key: str) -> list[Payload]:
    """Parts come in an object that has them under the same name again."""
    return parts(part(item, key), key)


def _person(item: Payload) -> str | None:
    """Intercom's id of the customer."""
    author = part(part(item, "source") or part(item, "conversation_message"), "author")
    people = [*_list(item, "contacts"), part(item, "user"), author if word(author, "type") in CUSTOMERS else {}]
    return next((key for each in people if (key := name(each, "id"))), None)


def _team(item: Payload) -> str | None:
    assignee = part(item, "assignee")
    return name(item, "team_assignee_id") or (name(assignee, "id") if word(assignee, "type") == "team" else None)


SOURCE: Final = Source("intercom", "Intercom's notifications about conversations and tickets", read)
