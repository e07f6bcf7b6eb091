"""Twilio TaskRouter: event callbacks (a form, or JSON of its fields), Event Streams (CloudEvents), and task resources.

Real: one task resource of the REST API (grade A). Only documented: the fields and kinds of events, in both spellings.

- A contact is a task of an account. All fields may come as text; TimestampMs is used before Timestamp (seconds).
- Waiting begins when the task enters its queue, not when it is created. reservation.created is an alert, an answer is
  reservation.accepted only. A task canceled because the caller hung up is abandoned, for other reasons refused.
  Neither takes an answer back: what came first is the outcome.
- A task resource tells the beginning only, and when the task entered its queue where it has `task_queue_entered_date`.
  Both have the same ids in events and in the resource, so they count once.
- TaskAttributes are free and hold numbers and names: of them nothing is read, so the customer is unknown. The kind
  `default` and unknown kinds of task are calls.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from schemas.sources.payloads import Payload, identifier, name, namespaced, needed, outputs, part, text, time_of, word
from schemas.sources.source import Output, Source
from schemas.sources.times import any_ms, epoch_ms, revision
from schemas.touchpoint import (
    Abandoned,
    Answered,
    Closed,
    Queued,
    Refused,
    Requested,
    Touchpoint,
    Transferred,
)

CHANNELS: Final = {
    "default": "phone",
    "voice": "phone",
    "chat": "chat",
    "web": "chat",
    "sms": "messenger",
    "whatsapp": "messenger",
    "messenger": "messenger",
    "email": "email",
    "video": "video",
}
"""Unique names of task channels."""
QUEUED: Final = frozenset({"task-queue.entered", "task-queue.moved"})
ALERTS: Final = frozenset(
    {"reservation.created", "reservation.rejected", "reservation.timeout", "reservation.rescinded"}
)
HANG_UP: Final = re.compile(r"hang|hung|caller|customer|disconnect|abandon")
"""What reasons of cancellation say that the customer left; they are the organisation's own words."""
STREAM: Final = "com.twilio.taskrouter."

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """The touchpoints of events and task resources, in any order; a line that is a form is one payload."""
    return outputs((_json(line) if _FORM.match(line) else line for line in lines), _touchpoints)


_FORM: Final = re.compile(rb"[A-Za-z]{1,40}=")


def _json(form: bytes) -> bytes:
    """A form as JSON of its fields; what is no UTF-8 or too long a form stays as it is, which is no JSON."""
    try:
        return msgspec.json.encode(dict(parse_qsl(form.decode("ascii"), errors="strict", max_num_fields=200)))
    except ValueError:  # UnicodeDecodeError is one, too
        return form


def _touchpoints(payload: Payload) -> list[Touchpoint] | str:
    if text(payload, "specversion"):
        stream = part(payload, "data")
        fields = {**part(stream, "payload"), "event_key": text(payload, "id")}
        fields.setdefault("eventtype", word(payload, "type").removeprefix(STREAM))
    else:
        fields = {_CAPITAL.sub("_", key).lower(): value for key, value in payload.items() if len(key) <= 64}
    kind = word(fields, "event_type") or word(fields, "eventtype")
    if kind:
        return _of_event(kind, fields)
    if text(fields, "assignment_status"):
        return _of_resource(fields)
    raise ValueError("neither `EventType` nor `assignment_status` is there")


def _of_event(kind: str, fields: Payload) -> list[Touchpoint] | str:
    """What one event says. The numbers in the ids keep the order of touchpoints at one time. Raises ValueError."""
    if kind in ALERTS:
        return "agent alert"
    if not text(fields, "task_sid"):
        return "no task"
    time = time_of(epoch_ms, fields, "timestamp_ms") or needed(time_of(any_ms, fields, "timestamp"), "timestamp")
    common = _common(fields, identifier(fields, "task_sid"), "task_channel_unique_name")
    queue, agent_id = name(fields, "task_queue_name"), name(fields, "worker_sid")
    task_queue = name(fields, "task_queue_sid") or queue
    if kind == "task.created":
        return [Requested(id="1-requested", time=time, revision=revision(time), **common)]
    if kind in QUEUED:
        key = identifier({"task_queue_sid": task_queue}, "task_queue_sid")
        return [_queued(key, time, queue, common)]
    key = name(fields, "reservation_sid") or "task"
    if kind == "reservation.accepted":
        return [Answered(id=f"3-answered:{key}"[:128], time=time, queue=queue, agent_id=agent_id, **common)]
    if kind == "task.transfer-completed":
        event = identifier(fields, "sid") if text(fields, "sid") else str(time)
        return [Transferred(id=f"5-transferred:{event}", time=time, **common)]
    if kind == "task.canceled":
        reason = word(fields, "task_canceled_reason")
        if HANG_UP.search(reason):
            return [Abandoned(id="4-canceled", time=time, queue=queue, **common)]
        return [Refused(id="4-canceled", time=time, queue=queue, **common)]
    if kind == "task.completed":
        return [Closed(id="9-closed", time=time, agent_id=agent_id, **common)]
    return "other event"


def _of_resource(task: Payload) -> list[Touchpoint]:
    """The beginning of a task as the REST API tells it. Raises ValueError."""
    common = _common(task, identifier(task, "sid"), "task_channel_unique_name")
    created = needed(time_of(any_ms, task, "date_created"), "date_created")
    updated, entered = time_of(any_ms, task, "date_updated"), time_of(any_ms, task, "task_queue_entered_date")
    made: list[Touchpoint] = [Requested(id="1-requested", time=created, revision=revision(updated), **common)]
    if entered is not None and text(task, "task_queue_sid"):
        queue = name(task, "task_queue_friendly_name")
        made.append(_queued(identifier(task, "task_queue_sid"), entered, queue, common))
    return made


def _queued(key: str, time: int, queue: str | None, common: dict[str, Any]) -> Queued:
    return Queued(id=f"2-queued:{time // 1000}:{key}", time=time, queue=queue, **common)


def _common(fields: Payload, task: str, channel: str) -> dict[str, Any]:
    return {
        "contact_id": namespaced("twilio", identifier(fields, "account_sid"), task),
        "channel": CHANNELS.get(word(fields, channel), "phone"),
    }


SOURCE: Final = Source("twilio", "Twilio TaskRouter's events and tasks", read)
