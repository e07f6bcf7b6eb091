"""Zendesk: event webhooks about tickets (`zen:event-type:ticket.*`), one event a payload.

Real: one ticket.created (grade C). Only documented: all other events. Left out: messaging_ticket.* (an id only, the
rest would have to be asked for), the EventBridge connector (another shape). Trigger webhooks are free templates: no.

- A contact is a ticket of an account. Every event has an id of its own, so a repeated delivery counts once; `sequence`
  is not needed, since the order of deliveries does not matter. Times have nine digits of a second.
- A private comment is no reply. The author is a bot where Zendesk says `system`, or its id begins with `zd:`.
- Assignment to a group is a transfer where there was a group before. To an agent: nothing, it is no answer.
- SOLVED closes; CLOSED after it says nothing new; back from either the ticket is reopened, in the second of its update.
- A ticket that somebody else than the requester submitted is outbound, unless it came by phone.
- The customer is `requester_id`, opaque, by account. Subjects, texts and tags are never read.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from schemas.sources.payloads import Payload, identifier, name, namespaced, needed, outputs, part, text, time_of, word
from schemas.sources.source import Output, Source
from schemas.sources.times import iso_ms
from schemas.touchpoint import (
    Closed,
    Discarded,
    MessageReceived,
    MessageSent,
    Reopened,
    Requested,
    Touchpoint,
    Transferred,
)
from schemas.vocabulary import Direction, DiscardedReason

PREFIX: Final = "zen:event-type:ticket."
OTHER_PREFIX: Final = "zen:event-type:"
CHANNELS: Final = {
    "email": "email",
    "mail": "email",
    "web": "form",
    "web_form": "form",
    "web_widget": "form",
    "help_center": "form",
    "web_service": "web",
    "api": "web",
    "mobile": "web",
    "mobile_sdk": "web",
    "chat": "chat",
    "voice": "phone",
    "phone": "phone",
    "messaging": "messenger",
    "native_messaging": "messenger",
    "whatsapp": "messenger",
    "sms": "messenger",
    "twitter": "social",
    "x": "social",
    "facebook": "social",
    "instagram_dm": "social",
}
"""`via.channel` of a ticket. Others are `web`."""
DONE: Final = frozenset({"solved", "closed"})
DISCARDED: Final[dict[str, DiscardedReason]] = {"marked_as_spam": "spam", "merged": "duplicate"}

_SAME_CHANGE_MS: Final = 2000


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """The touchpoints of ticket events, in any order."""
    return outputs(lines, _touchpoints)


def _touchpoints(payload: Payload) -> list[Touchpoint] | str:
    if "detail-type" in payload:
        return "eventbridge"
    kind = word(payload, "type")
    if not kind.startswith(PREFIX):
        if kind.startswith(OTHER_PREFIX):
            return "no ticket event"
        raise ValueError("`type` is no zen:event-type; is it a trigger webhook?")
    detail, event = part(payload, "detail"), part(payload, "event")
    account = identifier(payload, "account_id")
    requester = name(detail, "requester_id")
    common: dict[str, Any] = {
        "time": needed(time_of(iso_ms, payload, "time"), "time"),
        "contact_id": namespaced("zendesk", account, identifier(detail, "id")),
        "channel": CHANNELS.get(word(part(detail, "via"), "channel"), "web"),
        "customer_id": namespaced("zendesk", account, requester) if requester else None,
        "queue": name(detail, "group_id"),
    }
    return _of_event(kind.removeprefix(PREFIX), identifier(payload, "id"), detail, event, common)


def _of_event(kind: str, key: str, detail: Payload, event: Payload, common: dict[str, Any]) -> list[Touchpoint] | str:
    """What one kind of event says. The numbers in the ids keep the order of touchpoints at one time."""
    if kind == "created":
        if not _written_by_requester(detail):
            # By an agent: on the phone for the caller, else to the customer, who does not wait for a reply by that.
            direction: Direction = "inbound" if common["channel"] == "phone" else "outbound"
            return [Requested(id="1-requested", direction=direction, **common)]
        made: list[Touchpoint] = [Requested(id="1-requested", direction="inbound", **common)]
        if detail.get("is_public") is not False:
            made.append(MessageReceived(id=f"2-message:{key}", **common))
        return made
    if kind == "comment_added":
        return _of_comment(key, part(event, "comment"), common)
    if kind in DISCARDED:
        return [Discarded(id=f"8-discarded:{key}", reason=DISCARDED[kind], **common)]
    before, after = word(event, "previous"), word(event, "current")
    if kind == "status_changed":
        if after in DONE and before not in DONE:
            return [Closed(id=f"9-closed:{key}", agent_id=name(detail, "assignee_id"), **common)]
        if before in DONE and after and after not in DONE:
            return [Reopened(id=f"3-reopened:{key}", **{**common, "time": _updated(detail, common["time"])})]
        return "other status"
    if kind == "group_assignment_changed":
        if not before or not after or before == after:
            return "first assignment"
        return [Transferred(id=f"5-transferred:{key}", **{**common, "queue": name(event, "current")})]
    return "other event"


def _of_comment(key: str, comment: Payload, common: dict[str, Any]) -> list[Touchpoint] | str:
    author = part(comment, "author")
    if comment.get("is_public") is not True:
        return "private note"
    if word(author, "type") == "system" or word(author, "id").startswith("zd:"):
        return [MessageSent(id=f"4-message:{key}", author="bot", **common)]
    if author.get("is_staff") is True:
        return [MessageSent(id=f"4-message:{key}", agent_id=name(author, "id"), **common)]
    return [MessageReceived(id=f"4-message:{key}", **common)]


def _written_by_requester(detail: Payload) -> bool:
    submitter = text(detail, "submitter_id")
    return not submitter or submitter == text(detail, "requester_id")


def _updated(detail: Payload, time: int) -> int:
    """The second in which the ticket changed: not after the comment that reopened it, whose clock has to go on."""
    updated = time_of(iso_ms, detail, "updated_at")
    return updated if updated is not None and 0 <= time - updated <= _SAME_CHANGE_MS else time


SOURCE: Final = Source("zendesk", "Zendesk's event webhooks about tickets", read)
