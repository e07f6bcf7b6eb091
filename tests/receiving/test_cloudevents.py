"""CloudEvents in both modes and in batches: the data is the touchpoint, what it leaves out is the event's."""

from typing import Any

import msgspec
import pytest

from schemas.cloudevents import from_binary, from_structured
from schemas.rejects import Reject
from tests.receiving.server import GOOD, NOW_MS, intake

DATA = {name: GOOD[name] for name in ("contact_id", "channel", "queue")}
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/crm",
    "type": "org.example.contact.queued",
    "time": "2026-03-02T10:00:00+01:00",
    "datacontenttype": "application/json",
    "data": DATA,
}
HEADERS = {f"ce-{name}": str(value) for name, value in EVENT.items() if name not in {"data", "datacontenttype"}}


async def test_a_structured_event_a_batch_and_a_binary_one_are_the_same_touchpoint() -> None:
    async with intake() as server:
        one = msgspec.json.encode(EVENT)
        many = msgspec.json.encode([EVENT, {**EVENT, "data": {**GOOD}}])
        data = msgspec.json.encode(DATA)
        assert (await server.post(one, content_type="application/cloudevents+json; charset=UTF-8"))[0] == 202
        assert (await server.post(many, content_type="application/cloudevents-batch+json"))[1]["accepted"] == 2
        assert (await server.post(data, headers=HEADERS))[0] == 202
        assert [(each.id, each.time, each.queue) for each in server.written.touchpoints] == [("1", NOW_MS, "b")] * 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"specversion": "0.3"}, "bad_value"),
        ({"specversion": ...}, "bad_value"),
        ({"data": ...}, "missing_field"),
        ({"data": [1]}, "not_an_object"),
        ({"data": None}, "not_an_object"),
        ({"id": ...}, "missing_field"),
        ({"type": 7}, "missing_field"),
        ({"time": "yesterday"}, "bad_time"),
        ({"time": "2026-03-02T10:00:00"}, "bad_time"),
        ({"time": 7}, "bad_time"),
        ({"data_base64": "e30=", "data": ...}, "missing_field"),
    ],
)
def test_an_event_that_is_none_is_named(changes: dict[str, Any], reason: str) -> None:
    event = {name: value for name, value in {**EVENT, **changes}.items() if value is not ...}
    found = from_structured(msgspec.json.encode(event))
    assert isinstance(found, Reject)
    assert found.reason == reason


@pytest.mark.parametrize("value", [b"", b"{", b"7", b"\xff"])
def test_what_is_no_event_at_all_is_named(value: bytes) -> None:
    assert isinstance(from_structured(value), Reject)
    assert isinstance(from_binary({"specversion": "1.0", "id": "1", "type": "contact.queued"}, value), Reject)


def test_the_data_goes_before_the_event() -> None:
    found = from_structured(msgspec.json.encode({**EVENT, "data": {**DATA, "id": "own", "time": 5}}))
    assert isinstance(found, bytes)
    decoded = msgspec.json.decode(found)
    assert (decoded["id"], decoded["time"], decoded["type"]) == ("own", 5, "contact.queued")


@pytest.mark.parametrize(
    ("text", "time_ms"),
    [
        ("2026-03-02T09:00:00Z", NOW_MS),
        ("2026-03-02T09:00:00.123456Z", NOW_MS + 123),
        ("1969-12-31T23:59:59Z", -1_000),
        ("2026-10-25T02:30:00+01:00", 1_792_891_800_000),
    ],
)
def test_times_are_exact(text: str, time_ms: int) -> None:
    found = from_structured(msgspec.json.encode({**EVENT, "time": text}))
    assert isinstance(found, bytes)
    assert msgspec.json.decode(found)["time"] == time_ms


async def test_attributes_that_are_no_text_and_data_nested_without_end_are_rejected() -> None:
    head = b"POST /v1/touchpoints HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nce-specversion: 1.0\r\n"
    head += b"ce-type: contact.queued\r\nce-id: \xff\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    deep = b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}\n"
    async with intake() as server:
        assert b"is not UTF-8" in await server.raw(head)
        status, answer, _ = await server.post(deep, headers=HEADERS, content_type="application/x-ndjson")
        assert (status, answer["rejected"][0]["reason"]) == (422, "not_json")
