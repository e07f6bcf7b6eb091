"""A call's lines as the touchpoints of its waits, whatever part of the log is read."""

import pytest

from schemas.codec import decode
from schemas.sources import SOURCES, BadLine, Item, Skipped
from schemas.touchpoint import Abandoned, Answered, Queued, Refused, Resumed, Touchpoint

read = SOURCES["asterisk"].read
ENTERED = b"1700000100|1700000099.7|sales|NONE|ENTERQUEUE||5550100|1"
TIMED_OUT = b"1700000160|1700000099.7|sales|NONE|EXITWITHTIMEOUT|1|1|60"
OVERFLOWED = b"1700000160|1700000099.7|overflow|NONE|ENTERQUEUE||5550100|1"


def made(*rows: bytes) -> list[Touchpoint]:
    touchpoints = [decode(output.value) for output in read(rows) if isinstance(output, Item)]
    assert all(isinstance(touchpoint, Touchpoint) for touchpoint in touchpoints)
    return [touchpoint for touchpoint in touchpoints if isinstance(touchpoint, Touchpoint)]


def test_hold_is_in_seconds_and_gives_the_wait_whose_beginning_was_not_read() -> None:
    connected = b"1700000130|1700000099.7|sales|PJSIP/2|CONNECT|30|1700000110.8|9000"
    queued, answered = made(connected)
    assert isinstance(queued, Queued)
    assert isinstance(answered, Answered)
    assert answered.time - queued.time == 30_000
    assert made(ENTERED, connected) == [queued, answered], "the same touchpoints as of the whole log"
    begun, abandoned = made(b"1700000130|1700000099.7|sales|NONE|ABANDON|2|3|30")
    assert (begun, type(abandoned)) == (queued, Abandoned)


def test_who_leaves_by_timeout_waits_no_more_unless_another_queue_takes_the_call() -> None:
    assert isinstance(made(ENTERED, TIMED_OUT)[-1], Refused)
    _, refused, taken_back, queued = made(ENTERED, TIMED_OUT, OVERFLOWED)
    assert isinstance(taken_back, Resumed)
    assert (taken_back.id, taken_back.time) == (refused.id, refused.time)
    assert taken_back.revision > refused.revision
    assert queued.queue == "overflow"


def test_calls_that_wait_when_asterisk_starts_were_lost_in_the_crash() -> None:
    start = b"1700000300|NONE|NONE|NONE|QUEUESTART|"
    _, lost = made(ENTERED, start)
    assert isinstance(lost, Refused)
    assert lost.time == 1_700_000_300_000
    assert [type(output) for output in read([start])] == [Skipped]
    assert len(made(ENTERED, start, start)) == 2


@pytest.mark.parametrize(
    ("member", "agent_id"),
    [
        ("PJSIP/204", "PJSIP/204"),
        ("SIP/0004f20a0001", "SIP/0004f20a0001"),
        ("Agent/1001", "Agent/1001"),
        ("Local/204@agents/n", "Local/204@agents/n"),
        ("Local/015550102222@out/n", None),
        ("SIP/trunk/+15550102222", None),
        ("Anna Example", None),
        ("NONE", None),
    ],
)
def test_a_member_is_kept_if_it_is_an_interface_and_no_person_or_number(member: str, agent_id: str | None) -> None:
    *_, answered = made(f"1700000130|1700000099.7|sales|{member}|CONNECT|30|1700000110.8|9000".encode())
    assert answered.agent_id == agent_id


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (b"1700000100|1.7|sales", "3 fields"),
        (b"soon|1.7|sales|NONE|ENTERQUEUE||5550100|1", "`epoch` is no number"),
        (b"0|1.7|sales|NONE|ENTERQUEUE||5550100|1", "`epoch` is missing"),
        (b"1700000100123|1.7|sales|NONE|ENTERQUEUE||5550100|1", "another unit"),
        (b"1700000100|1.7||NONE|ENTERQUEUE||5550100|1", "third field"),
        (b"1700000100|" + b"7" * 97 + b"|sales|NONE|ENTERQUEUE||5550100|1", "second field"),
        (b"1700000100|1.7|sales|PJSIP/2|CONNECT|a while|1.8|9", "parameter 1"),
        (b"1700000100|1.7|sales|NONE|ABANDON|1|1", "parameter 3"),
    ],
)
def test_a_line_of_another_form_is_a_bad_line_that_keeps_no_number(row: bytes, sentence: str) -> None:
    bad, *rest = read([row, ENTERED])
    assert isinstance(bad, BadLine)
    assert (bad.line, bad.reject.reason, bad.value) == (1, "bad_row", b"")
    assert sentence in bad.reject.detail
    assert [type(output) for output in rest] == [Item]


def test_ami_without_timestamps_is_named_and_says_how_to_turn_them_on() -> None:
    event = b"Event: QueueCallerJoin\r\nUniqueid: 1700000099.7\r\nQueue: sales\r\nCallerIDNum: 5550100".split(b"\r\n")
    (bad,) = read([b"Asterisk Call Manager/5.0", b"", *event])
    assert isinstance(bad, BadLine)
    assert (bad.line, bad.value) == (3, b""), "the caller's number is not kept"
    assert "timestampevents = yes" in bad.reject.detail


def test_ami_and_queue_log_of_one_call_are_the_same_touchpoints_by_their_ids() -> None:
    joined = [b"Event: QueueCallerJoin", b"Timestamp: 1700000100.0", b"Uniqueid: 1700000099.7", b"Queue: sales", b""]
    assert made(*joined) == made(ENTERED)


def test_a_transfer_in_ami_is_no_closing() -> None:
    (touchpoint,) = made(
        b"Event: AgentComplete", b"Timestamp: 1700000100.0", b"Uniqueid: 1.7", b"Queue: sales", b"Reason: transfer"
    )
    assert type(touchpoint).__name__ == "Transferred"
