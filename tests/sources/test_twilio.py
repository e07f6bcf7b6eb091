"""Tasks by their events, as forms or JSON: an alert is no answer, and what a cancellation means its reason says."""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from schemas.sources import SOURCES, BadLine, Output, Skipped
from schemas.touchpoint import Abandoned, Answered, Queued, Refused, Requested
from tests.sources.folded import folded, kinds, only, touchpoints

LINES = (Path(__file__).parents[1] / "data" / "sources" / "twilio.txt").read_bytes().splitlines()
EVENTS = [dict(parse_qsl(line.decode())) if b"EventType=" in line else json.loads(line) for line in LINES]
ANSWERED = [EVENTS[at] for at in (0, 1, 5, 7, 8)]
CANCELED = EVENTS[9:13]


def read(payload: object) -> Output:
    (output,) = SOURCES["twilio"].read([json.dumps(payload).encode()])
    return output


def test_a_task_from_its_creation_to_its_end_in_any_order_twice() -> None:
    held = folded(touchpoints("twilio", ANSWERED))
    assert kinds(held) == ["requested", "queued", "answered", "closed"]
    assert only(held, Answered).time - only(held, Queued).time == 24_500
    assert only(held, Answered).agent_id == "WK02", "not the worker whose reservation timed out"
    assert folded(touchpoints("twilio", ANSWERED[::-1] + ANSWERED)) == held


def test_a_form_is_read_like_json_of_its_fields() -> None:
    made = touchpoints("twilio", EVENTS[:2])
    outputs = [str(output) for output in SOURCES["twilio"].read(LINES[:2])]
    assert [each.id in output for each, output in zip(made, outputs, strict=True)] == [True, True]
    assert only(made, Requested).time == 1_700_208_000_120, "TimestampMs before Timestamp"


def test_who_hangs_up_has_abandoned_the_second_queue() -> None:
    held = folded(touchpoints("twilio", CANCELED))
    assert kinds(held) == ["requested", "queued", "queued", "abandoned"]
    assert only(held, Abandoned).queue == "Overflow"
    for reason in ("Task TTL Exceeded", ""):
        refused = touchpoints("twilio", [{**CANCELED[-1], "TaskCanceledReason": reason}])
        assert [type(each) for each in refused] == [Refused]


def test_a_task_resource_and_its_events_begin_once() -> None:
    held = folded(touchpoints("twilio", [*ANSWERED, EVENTS[16]]))
    assert kinds(held) == ["requested", "queued", "answered", "closed"]


@pytest.mark.parametrize(("at", "why"), [(2, "agent alert"), (3, "agent alert"), (6, "other event"), (17, "no task")])
def test_alerts_and_workers_are_left_out(at: int, why: str) -> None:
    assert read(EVENTS[at]) == Skipped(1, why)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"AccountSid": ""}, "`account_sid` is missing"),
        ({"Timestamp": "", "TimestampMs": ""}, "`timestamp` is missing"),
        ({"TimestampMs": "1700208000"}, "`timestamp_ms` is a time before 1973"),
        ({"EventType": ""}, "neither `EventType` nor `assignment_status`"),
    ],
)
def test_an_event_without_what_it_needs_is_a_bad_line(change: dict[str, str], sentence: str) -> None:
    event = {key: value for key, value in {**EVENTS[0], **change}.items() if key != "TaskAssignmentStatus"}
    bad = read(event)
    assert isinstance(bad, BadLine)
    assert sentence in bad.reject.detail
