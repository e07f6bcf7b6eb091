"""Chatwoot: webhooks and automation webhooks about conversations and messages.

Real: one automation_event.conversation_created with a bot's greeting (grade C). Only documented: messages as events of
their own, changes of status.

- A contact is a conversation of an account: its id is the account's own, so a payload that does not name the account
  (some events do not) is a bad line. A message has one id in every payload, so told again it counts once.
- One payload mixes ISO times, whole and fractional seconds; times of messages are cut to the second, as the coarser of
  two forms has them. 0 and null mean "not yet": `waiting_since` 0 is nobody waiting. No wait is read from it.
- A message of type 3 (template: greetings, surveys) is a bot's, as is an outgoing one that no person sent. Activities
  (type 2) and private messages are none.
- Resolved closes. Another status after it reopens, before the message that did it.
- The customer is Chatwoot's own id of the contact. Names, addresses, numbers and texts are never read.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from schemas.sources.payloads import (
    Payload,
    before_message,
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
from schemas.sources.times import any_ms, revision
from schemas.touchpoint import Closed, MessageReceived, MessageSent, Reopened, Requested, Touchpoint

AUTOMATION: Final = "automation_event."
CONVERSATION_EVENTS: Final = frozenset(
    {
        "conversation_created",
        "conversation_updated",
        "conversation_status_changed",
        "conversation_opened",
        "conversation_resolved",
    }
)
MESSAGE_EVENTS: Final = frozenset({"message_created", "message_updated"})
CHANNELS: Final = {
    "channel::webwidget": "chat",
    "channel::email": "email",
    "channel::api": "web",
    "channel::facebookpage": "social",
    "channel::instagram": "social",
    "channel::tiktok": "social",
    "channel::twitterprofile": "social",
    "channel::whatsapp": "messenger",
    "channel::twiliosms": "messenger",
    "channel::sms": "messenger",
    "channel::telegram": "messenger",
    "channel::line": "messenger",
    "channel::voice": "phone",
}
"""`channel` of a conversation. Others are `messenger`."""
MESSAGE_TYPES: Final = {
    "0": "incoming",
    "1": "outgoing",
    "2": "activity",
    "3": "template",
    "incoming": "incoming",
    "outgoing": "outgoing",
    "activity": "activity",
    "template": "template",
}
"""Numbers inside a conversation, words in an event about a message."""
RESOLVED: Final = "resolved"


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """The touchpoints of events, in any order."""
    return outputs(lines, _touchpoints)


def _touchpoints(payload: Payload) -> list[Touchpoint] | str:
    event = word(payload, "event").removeprefix(AUTOMATION)
    if event in CONVERSATION_EVENTS:
        common = _common(payload, payload)
        messages = [made for message in parts(payload, "messages") for made in _of_message(message, common)]
        return _of_conversation(payload, messages, common) + messages
    if event in MESSAGE_EVENTS:
        return _of_message(payload, _common(payload, part(payload, "conversation"))) or "no message"
    if event:
        return "other event"
    raise ValueError("`event` is missing")


def _common(payload: Payload, conversation: Payload) -> dict[str, Any]:
    """What all touchpoints of a conversation carry. Raises ValueError."""
    meta = part(conversation, "meta")
    account = _account(payload, conversation)
    customer = name(part(meta, "sender"), "id") or name(part(conversation, "contact_inbox"), "contact_id")
    inbox = name(conversation, "inbox_id")
    return {
        "contact_id": namespaced("chatwoot", account, identifier(conversation, "id")),
        "channel": CHANNELS.get(word(conversation, "channel"), "messenger"),
        "customer_id": namespaced("chatwoot", account, customer) if customer else None,
        "queue": name(part(meta, "team"), "name") or (f"inbox-{inbox}"[:64] if inbox else None),
    }


def _account(payload: Payload, conversation: Payload) -> str:
    """The id of the account, wherever the payload has it. Raises ValueError."""
    messages = parts(conversation, "messages")
    for place, key in [(part(payload, "account"), "id"), (payload, "account_id"), (conversation, "account_id")]:
        if text(place, key):
            return identifier(place, key)
    for message in messages:
        if text(message, "account_id"):
            return identifier(message, "account_id")
    raise ValueError("the account is missing; ids of conversations are unique within one only")


def _of_conversation(conversation: Payload, messages: list[Touchpoint], common: dict[str, Any]) -> list[Touchpoint]:
    """The beginning, as every event tells it again, and what the status has become. Raises ValueError."""
    created = needed(time_of(any_ms, conversation, "created_at"), "created_at")
    updated = time_of(any_ms, conversation, "updated_at")
    made: list[Touchpoint] = [Requested(id="1-requested", time=created, revision=revision(updated), **common)]
    before, after = _status_change(conversation)
    if after and after != before and updated is not None:
        agent_id = name(part(part(conversation, "meta"), "assignee"), "id")
        if after == RESOLVED:
            made.append(Closed(id=f"9-closed:{updated}", time=updated, agent_id=agent_id, **common))
        elif before == RESOLVED:
            time = before_message(updated, messages)
            made.append(Reopened(id=f"3-reopened:{updated}", time=time, **common))
    return made


def _status_change(conversation: Payload) -> tuple[str, str]:
    """The status before and after, "" where it did not change."""
    for changes in parts(conversation, "changed_attributes"):
        status = part(changes, "status")
        if status:
            return word(status, "previous_value"), word(status, "current_value")
    resolved = word(conversation, "event").removeprefix(AUTOMATION) == "conversation_resolved"
    return ("", RESOLVED) if resolved else ("", "")


def _of_message(message: Payload, common: dict[str, Any]) -> list[Touchpoint]:
    """A message between people, or nothing. Raises ValueError."""
    kind = MESSAGE_TYPES.get(word(message, "message_type"), "activity")
    if kind == "activity" or message.get("private") is True:
        return []
    key = f"4-message:{identifier(message, 'id')}"
    # Whole seconds in both kinds of payload: nested messages have no more.
    time = needed(time_of(any_ms, message, "created_at"), "created_at") // 1000 * 1000
    if kind == "incoming":
        return [MessageReceived(id=key, time=time, **common)]
    sender = part(message, "sender")
    if kind == "template" or _is_bot(message, sender):
        return [MessageSent(id=key, time=time, author="bot", **common)]
    agent_id = name(sender, "id") or name(message, "sender_id")
    return [MessageSent(id=key, time=time, agent_id=agent_id, **common)]


def _is_bot(message: Payload, sender: Payload) -> bool:
    """Whether nobody, or a program, sent it. Nested messages may name the sender by its type and id only."""
    kind = word(sender, "type") or word(message, "sender_type")
    return kind != "user"


SOURCE: Final = Source("chatwoot", "Chatwoot's webhooks about conversations and messages", read)
