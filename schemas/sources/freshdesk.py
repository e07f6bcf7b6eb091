"""Freshdesk: tickets of the REST API (with `include=conversations,stats`), and automation webhooks.

Real: one webhook of a ticket's creation (grade B). What a webhook holds the admin has written, and it tells no time:
it is left out, unless the admin adds a field `time` (ISO 8601 with a zone) to the template. All else: only documented.

- A contact is a ticket of a helpdesk. A webhook names that in `ticket_url`; tickets of the API do not: where you have
  several, or both, add `"helpdesk": "NAME.freshdesk.com"` beside a ticket's `id`.
- A ticket read again counts once, with `updated_at` as its revision. Conversations come in any order.
- Private notes are no replies. Status 4 (resolved) and 5 (closed) close, when `stats` say so, else not at all, because
  `updated_at` is too late as soon as anything else changes. Of resolved and closed the first counts.
- The customer is `requester_id`. Addresses, names, subjects and texts are never read.
"""

import re
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
from schemas.sources.times import iso_ms, revision
from schemas.touchpoint import Closed, Discarded, MessageReceived, MessageSent, Reopened, Requested, Touchpoint

CHANNELS: Final = {
    "1": "email",
    "2": "form",  # the portal
    "3": "phone",
    "5": "social",
    "6": "social",
    "7": "chat",
    "9": "form",  # the feedback widget
    "10": "email",
    "13": "messenger",
}
"""`source` of a ticket. Others are `web`."""
OUTBOUND: Final = "10"
DONE: Final = frozenset({"4", "5"})
WEBHOOK: Final = "freshdesk_webhook"

_STATUS: Final = re.compile(r"status:\{from:(\d{1,4}),to:(\d{1,4})\}", re.ASCII)
_HOST: Final = re.compile(r"https?://([a-z0-9.-]{1,64})/", re.ASCII)


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """The touchpoints of tickets and webhooks, in any order."""
    return outputs(lines, _touchpoints)


def _touchpoints(payload: Payload) -> list[Touchpoint] | str:
    return _of_webhook(part(payload, WEBHOOK)) if WEBHOOK in payload else _of_ticket(payload)


def _of_ticket(ticket: Payload) -> list[Touchpoint]:
    """A ticket as it is by now. The numbers in the ids keep the order of touchpoints at one time. Raises ValueError."""
    created = needed(time_of(iso_ms, ticket, "created_at"), "created_at")
    updated = time_of(iso_ms, ticket, "updated_at")
    channel, stats = text(ticket, "source"), part(ticket, "stats")
    helpdesk = text(ticket, "helpdesk")
    common: dict[str, Any] = {
        "contact_id": _contact(helpdesk, identifier(ticket, "id")),
        "channel": CHANNELS.get(channel, "web"),
        "customer_id": _contact(helpdesk, customer) if (customer := name(ticket, "requester_id")) else None,
        "queue": name(ticket, "group_id"),
        "revision": revision(updated),
    }
    outbound = channel == OUTBOUND
    made: list[Touchpoint] = [
        Requested(id="1-requested", time=created, direction="outbound" if outbound else "inbound", **common)
    ]
    if not outbound:
        made.append(MessageReceived(id="2-message", time=created, **common))
    for each in parts(ticket, "conversations"):
        made += _of_conversation(each, common)
    reopened = time_of(iso_ms, stats, "reopened_at")
    if reopened is not None:
        made.append(Reopened(id=f"3-reopened:{reopened}", time=before_message(reopened, made), **common))
    ends = [time_of(iso_ms, stats, "resolved_at"), time_of(iso_ms, stats, "closed_at")]
    closed = next((end for end in ends if end is not None and end >= (reopened or 0)), None)
    if closed is not None and text(ticket, "status") in DONE:
        made.append(Closed(id=f"9-closed:{closed}", time=closed, agent_id=name(ticket, "responder_id"), **common))
    if ticket.get("spam") is True:
        made.append(Discarded(id="8-discarded", time=updated or created, reason="spam", **common))
    return made


def _of_conversation(each: Payload, common: dict[str, Any]) -> list[Touchpoint]:
    """A reply, of one side or the other; nothing where it is private. Raises ValueError."""
    if each.get("private") is not False:
        return []
    key = f"4-message:{identifier(each, 'id')}"
    time = needed(time_of(iso_ms, each, "created_at"), "created_at")
    if each.get("incoming") is True:
        return [MessageReceived(id=key, time=time, **common)]
    return [MessageSent(id=key, time=time, agent_id=name(each, "user_id"), **common)]


def _of_webhook(hook: Payload) -> list[Touchpoint] | str:
    """What an automation's template says about an event. Raises ValueError."""
    host = _HOST.match(word(hook, "ticket_url"))
    contact_id = _contact(host[1] if host else "", identifier(hook, "ticket_id"))
    time = time_of(iso_ms, hook, "time")
    if time is None:
        return "no time"
    event = word(hook, "triggered_event").replace(" ", "")
    common: dict[str, Any] = {"time": time, "contact_id": contact_id, "channel": "web", "queue": name(hook, "group_id")}
    if "ticket_action:created" in event:
        return [Requested(id="1-requested", **common), MessageReceived(id="2-message", **common)]
    status = _STATUS.search(event)
    if not status or (status[1] in DONE) == (status[2] in DONE):
        return "other event"
    if status[2] in DONE:
        return [Closed(id=f"9-closed:{time}", **common)]
    return [Reopened(id=f"3-reopened:{time}", **common)]


def _contact(helpdesk: str, key: str) -> str:
    """An id within a helpdesk. Raises ValueError."""
    if not helpdesk.isprintable():
        raise ValueError("`helpdesk` is no name of printable characters")
    return namespaced("freshdesk", *([helpdesk] if helpdesk else []), key)


SOURCE: Final = Source("freshdesk", "Freshdesk's tickets and automation webhooks", read)
