"""Good records come back as they were sent; a bad one becomes a reject with reason and place, and nothing raises."""

import json
import pickle
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.codec import decode, encode
from schemas.rejects import Reject
from schemas.touchpoint import TYPES, Answered, FeedbackGiven, PromiseMade, Queued, Requested, Touchpoint

NOW = 1_700_000_000_000
DAY = 86_400_000
PLAIN: dict[str, Any] = {"id": "t1", "type": "contact.queued", "time": NOW, "contact_id": "c1", "channel": "phone"}
FURTHER: dict[str, dict[str, Any]] = {
    "contact.menu": {"step": "main"},
    "contact.self_service": {"outcome": "contained"},
    "contact.informed": {"reason": "estimate", "estimate_ms": 60_000},
    "contact.discarded": {"reason": "spam"},
    "promise.made": {"promise_id": "p1", "due": NOW + DAY},
    "promise.kept": {"promise_id": "p1"},
    "promise.broken": {"promise_id": "p1"},
    "feedback.asked": {"kind": "csat"},
    "feedback.given": {"kind": "nps", "score": -1, "from": "shopper"},
    "audit.scored": {"criterion": "greeting", "score": 3, "scale_max": 5},
}


def record(**changes: Any) -> bytes:
    """A plain record with some fields changed; a field set to `...` is left out."""
    return json.dumps({name: value for name, value in {**PLAIN, **changes}.items() if value is not ...}).encode()


def raw(further: str) -> bytes:
    """A plain record with JSON text appended inside its object."""
    return record()[:-1] + b"," + further.encode() + b"}"


def rejected(value: bytes | None) -> Reject:
    outcome = decode(value)
    assert isinstance(outcome, Reject), outcome
    return outcome


@pytest.mark.parametrize("kind", [str(kind.__struct_config__.tag) for kind in TYPES])
def test_every_type_is_read_and_written_unchanged(kind: str) -> None:
    fields = {**PLAIN, "type": kind, **FURTHER.get(kind, {})}
    touchpoint = decode(json.dumps(fields).encode())
    assert isinstance(touchpoint, Touchpoint), touchpoint
    assert json.loads(encode(touchpoint)) == fields
    assert decode(encode(touchpoint)) == touchpoint


BAD: list[tuple[str, bytes | None, str, str]] = [
    # Bodies (numbers of the list of bad inputs in comments).
    ("null value", None, "null_value", "tombstone"),  # 64
    ("empty", b"", "not_json", "empty"),  # 1
    ("white space", b" \n\t", "not_json", "empty"),
    ("null", b"null", "not_an_object", "`$` is null"),  # 2
    ("list", b"[" + record() + b"]", "not_an_object", "`$` is an array"),  # 3
    ("number", b"17", "not_an_object", "`$` is an int"),  # 4
    ("string", b'"contact.queued"', "not_an_object", "`$` is a str"),
    ("truncated", record()[:-9], "not_json", "truncated"),  # 5
    ("trailing garbage", record() + b" x", "not_json", "trailing"),  # 6
    ("two documents", record() + b"\n" + record(), "not_json", "trailing"),  # 7
    ("deep lists", b"[" * 10_000 + b"]" * 10_000, "not_json", "64 deep"),  # 9
    ("deep objects", b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "not_json", "64 deep"),
    ("deep in an unknown field", raw('"x":' + "[" * 300 + "]" * 300), "not_json", "64 deep"),
    ("NaN", raw('"x":NaN'), "not_json", "invalid character"),  # 10
    ("Infinity", raw('"x":-Infinity'), "not_json", "invalid character"),
    ("revision 1e400", raw('"revision":1e400'), "bad_value", "$.revision"),
    ("revision 2^63", record(revision=2**63), "bad_value", "$.revision"),  # 11
    ("revision 2^64", record(revision=2**64), "bad_value", "$.revision"),
    ("time 2^64", record(time=2**64), "bad_time", "$.time"),
    ("high surrogate alone", raw(r'"queue":"\ud800 and more"'), "not_json", "surrogate"),  # 12
    ("low surrogate alone", raw(r'"queue":"\udc00"'), "not_json", "surrogate"),
    ("surrogate as bytes", record()[:-1] + b',"queue":"\xed\xa0\x80"}', "not_json", "UTF-8"),
    ("not UTF-8", record()[:-1] + b',"queue":"\xff"}', "not_json", "UTF-8"),  # 13
    ("not UTF-8 in an unknown field", record()[:-1] + b',"x":"\xff"}', "not_json", "UTF-8"),
    ("byte order mark", b"\xef\xbb\xbf" + record(), "not_json", "byte order mark"),  # 14
    ("UTF-16", record().decode().encode("utf-16"), "not_json", "UTF-16"),
    ("raw control character", record()[:-1] + b',"queue":"a\nb"}', "not_json", "invalid character"),
    ("NUL in an identifier", record(contact_id="c\0"), "control_character", "$.contact_id"),  # 15
    ("2 MB string", record(queue="q" * 2_000_000), "too_large", "1,048,576"),  # 16
    ("comment", b"// x\n" + record(), "not_json", "invalid character"),
    ("single quotes", record().replace(b'"', b"'"), "not_json", "malformed"),
    ("pickle", pickle.dumps(PLAIN), "not_json", "malformed"),
    ("10 MiB", b"x" * 10 * 2**20, "too_large", "10,485,760"),
    # Touchpoints.
    ("empty id", record(id=""), "blank_id", "`$.id` is empty"),  # 42
    ("blank contact_id", record(contact_id=" \u00a0"), "blank_id", "$.contact_id"),
    ("blank customer_id", record(customer_id=" "), "blank_id", "$.customer_id"),
    ("1 KB id", record(id="x" * 1024), "bad_value", "`$.id`"),  # 43
    ("id with a line break", record(id="a\nb"), "control_character", "U+000A"),  # 44
    ("id with DEL", record(id="a\x7f"), "control_character", "U+007F"),
    ("customer_id with C1", record(customer_id="a\x85b"), "control_character", "$.customer_id"),
    ("promise_id with a tab", record(type="promise.kept", promise_id="a\t"), "control_character", "$.promise_id"),
    ("unknown type", record(type="contact.exploded"), "unknown_type", "contact.exploded"),  # 45
    ("very long unknown type", record(type="x" * 5_000), "unknown_type", "xxx ..."),
    ("no type", record(type=...), "missing_field", "`$.type` is missing"),
    ("type is null", record(type=None), "wrong_type", "$.type"),
    ("no time", record(time=...), "missing_field", "`$.time` is missing"),  # 47
    ("no id", record(id=...), "missing_field", "`$.id` is missing"),
    ("no contact_id", record(contact_id=...), "missing_field", "`$.contact_id` is missing"),
    ("no channel", record(channel=...), "missing_field", "`$.channel` is missing"),
    ("menu without step", record(type="contact.menu"), "missing_field", "`$.step` is missing"),
    ("seconds", record(time=NOW // 1000), "bad_time", "looks like seconds"),  # 48
    ("microseconds", record(time=NOW * 1000), "bad_time", "$.time"),
    ("microseconds of 1980", record(time=315_532_800_000_000), "bad_time", "looks like microseconds"),
    ("nanoseconds", record(time=NOW * 1_000_000), "bad_time", "$.time"),
    ("negative time", record(time=-1), "bad_time", "$.time"),  # 49
    ("time 0", record(time=0), "bad_time", "no time"),
    ("ISO time", record(time="2023-11-14T22:13:20"), "wrong_type", "`$.time` is a str"),  # 50
    ("time as a float", record(time=float(NOW) + 0.5), "wrong_type", "`$.time` is a float"),
    ("time null", record(time=None), "wrong_type", "`$.time` is null"),
    ("time true", record(time=True), "wrong_type", "`$.time` is a bool"),
    ("id is a number", record(id=17), "wrong_type", "`$.id` is an int"),
    ("resolved is a word", record(type="contact.closed", resolved="yes"), "wrong_type", "$.resolved"),
    ("unknown word", record(type="contact.refused", reason="bored"), "bad_value", "'bored'"),
    ("empty queue", record(queue=""), "bad_value", "`$.queue` is empty"),
    ("unknown channel", record(channel="telepathy"), "unknown_channel", "telepathy"),  # 57
    ("promise due in seconds", record(type="promise.made", promise_id="p", due=NOW // 1000), "bad_time", "$.due"),
    ("promise too late", record(type="promise.made", promise_id="p", due=NOW + 401 * DAY), "promise_too_late", "401"),
    ("promise due in year 9999", record(type="promise.made", promise_id="p", due=10**15 + 1), "bad_time", "$.due"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "reason", "place"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_record_is_rejected_with_its_reason_and_place(value: bytes | None, reason: str, place: str) -> None:
    reject = rejected(value)
    assert (reject.reason, place in reject.detail) == (reason, True), reject
    assert len(reject.detail) < 500


GOOD: list[tuple[str, bytes, str, object]] = [
    ("no customer", record(), "customer_id", None),  # 41
    ("null for absent", record(customer_id=None, queue=None), "queue", None),
    ("duplicate keys: the last counts", raw('"id":"t2"'), "id", "t2"),  # 8
    ("1e400 in an unknown field", raw('"x":1e400'), "id", "t1"),
    ("unknown field", raw('"mood":{"happy":[1,2]}'), "id", "t1"),  # 46
    ("moderately deep unknown field", raw('"x":' + "[" * 60 + "]" * 60 + ',"y":"' + "." * 600 + '"'), "id", "t1"),
    ("brackets inside a string", raw('"x":"' + "[{" * 300 + r"\"[" + '"'), "id", "t1"),
    ("id with quote and SQL", record(id="a';DROP TABLE x;--\""), "id", "a';DROP TABLE x;--\""),
    ("id with a zero width space", record(id="a\u200bb"), "id", "a\u200bb"),
    ("customer is the agent", record(customer_id="x", agent_id="x"), "agent_id", "x"),  # 58
    ("year 2099", record(time=4_070_908_800_000), "time", 4_070_908_800_000),
    ("emoji, right to left", record(queue="😀 \u202eabc"), "queue", "😀 \u202eabc"),  # 61
    ("escaped pair", raw(r'"queue":"\ud83d\ude00"'), "queue", "😀"),
    ("label breakers", record(queue='a"\\\nb'), "queue", 'a"\\\nb'),  # 62
    ("formula", record(queue="=cmd|' /C calc'!A0"), "queue", "=cmd|' /C calc'!A0"),  # 63
    ("128 characters", record(id="é" * 128), "id", "é" * 128),
    ("white space around", b" \n" + record() + b"\r\n", "id", "t1"),
    ("escaped key", record(queue=...)[:-1] + rb',"\u0071ueue":"q"}', "queue", "q"),
]


@pytest.mark.parametrize(("value", "field", "expected"), [case[1:] for case in GOOD], ids=[case[0] for case in GOOD])
def test_an_odd_record_is_accepted_as_it_is(value: bytes, field: str, expected: object) -> None:
    touchpoint = decode(value)
    assert isinstance(touchpoint, Queued), touchpoint
    assert getattr(touchpoint, field) == expected


def test_limits_are_inclusive() -> None:
    assert isinstance(decode(record(time=codec.FIRST_MS)), Queued)
    assert isinstance(decode(record(time=codec.LAST_MS)), Queued)
    assert rejected(record(time=codec.FIRST_MS - 1)).reason == "bad_time"
    assert rejected(record(time=codec.LAST_MS + 1)).reason == "bad_time"
    assert isinstance(decode(record(type="promise.made", promise_id="p", due=NOW + 400 * DAY)), PromiseMade)
    full = record().ljust(codec.MAX_BYTES)
    assert isinstance(decode(full), Queued)
    assert rejected(full + b" ").reason == "too_large"


def test_the_catalogue_says_which_channels_there_are() -> None:
    assert isinstance(decode(record(channel="fax"), {"fax"}), Queued)
    assert decode(record(channel="phone"), {"fax"}) == Reject(
        "unknown_channel", "`$.channel` is 'phone', no channel of the catalogue"
    )


@pytest.mark.parametrize("depth", [64, 65])
def test_the_depth_limit_does_not_depend_on_the_stack(depth: int) -> None:
    lists = depth - 1  # the record itself is the first level
    value = raw('"y":"' + "." * 600 + '","x":' + "[" * lists + "]" * lists)

    def deeper(levels: int) -> Touchpoint | Reject:
        return decode(value) if levels == 0 else deeper(levels - 1)

    room = sys.getrecursionlimit() // 3
    assert deeper(0) == deeper(room)
    assert isinstance(deeper(0), Queued) == (depth == 64)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_arbitrary_bytes_never_raise(value: bytes) -> None:
    assert isinstance(decode(value), Reject)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*PLAIN, "customer_id", "queue", "due", "promise_id", "reason", "revision", "score", "kind"])
kinds = st.sampled_from([str(kind.__struct_config__.tag) for kind in TYPES])


@given(kinds, st.dictionaries(names, json_values, max_size=4))
def test_any_object_is_a_touchpoint_or_a_reject_and_what_is_accepted_comes_back(kind: str, odd: dict[str, Any]) -> None:
    fields = {**PLAIN, "type": kind, **FURTHER.get(kind, {}), **odd}
    outcome = decode(json.dumps(fields).encode())
    if isinstance(outcome, Touchpoint):
        assert decode(encode(outcome)) == outcome
    else:
        assert outcome.detail


def test_canonical_json_leaves_out_defaults_and_begins_with_the_type() -> None:
    touchpoint = Requested(id="t", time=NOW, contact_id="c", channel="phone", queue=None, revision=0)
    assert encode(touchpoint) == (
        b'{"type":"contact.requested","id":"t","time":1700000000000,"contact_id":"c","channel":"phone"}'
    )
    given_ = FeedbackGiven(id="t", time=NOW, contact_id="c", channel="phone", kind="nps", score=9, from_="employee")
    assert json.loads(encode(given_))["from"] == "employee"


def test_a_plain_record_costs_little_more_than_its_parsing() -> None:
    """Bad identifiers are looked at closely only when a cheap check says so: a plain record never is."""
    value = msgspec.json.encode(
        Answered(id="t", time=NOW, contact_id="c", channel="phone", customer_id="k", agent_id="a", queue="q")
    )
    calls: list[str] = []

    def tracer(frame: Any, event: str, _: object) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)

    sys.setprofile(tracer)
    try:
        decode(value)
    finally:
        sys.setprofile(None)
    assert calls == ["decode"]
