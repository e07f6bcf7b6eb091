"""The wait of the answered: from its beginning to the answer, with histogram and, in opening hours, its twin."""

import pytest

from tests.measures.scenes import CLOSING, OFFICE, booked, contact

QUEUED = ("contact.queued", 59, {"queue": "sales"})


def test_a_wait_is_booked_when_it_began_and_falls_in_one_bucket() -> None:
    call = contact(("contact.requested", 0), QUEUED, ("contact.answered", 79, {"queue": "claims"}))
    assert booked("wait_ms", call) == {(0, "sales"): 20_000}
    # 20,000 has 15 bits: e = 10, 20,000 >> 10 = 19, bucket 16 x 10 + 19.
    assert booked("wait_ms_buckets", call) == {(0, "sales"): {179: 1}}


def test_waits_of_one_minute_add_up() -> None:
    calls = [contact(("contact.queued", 1), ("contact.answered", 1 + wait), name=f"k{wait}") for wait in (20, 20.2, 35)]
    assert booked("wait_ms", *calls) == {(0, "unknown"): 75_200}
    # 35,000 has 16 bits: e = 11, 35,000 >> 11 = 17, bucket 16 x 11 + 17.
    assert booked("wait_ms_buckets", *calls) == {(0, "unknown"): {179: 2, 193: 1}}


def test_who_was_never_queued_waited_nothing_which_is_bucket_zero() -> None:
    call = contact(("contact.requested", 0), ("contact.answered", 60))
    assert booked("wait_ms", call) == {}
    assert booked("wait_ms_buckets", call) == {(1, "unknown"): {0: 1}}
    assert booked("wait_open_ms", call, catalogue=OFFICE) == {(1, "unknown"): 0}


def test_an_answer_before_the_queueing_is_a_wait_of_zero() -> None:
    call = contact(("contact.answered", 0), QUEUED)
    assert booked("wait_ms", call, catalogue=OFFICE) == {}
    assert booked("wait_open_ms", call, catalogue=OFFICE) == {(0, "sales"): 0}
    assert booked("wait_ms_buckets", call) == {(0, "sales"): {0: 1}}


@pytest.mark.parametrize("end", ["contact.abandoned", "contact.closed", "contact.informed"])
def test_only_the_answered_have_a_wait(end: str) -> None:
    call = contact(QUEUED, (end, 70, {"reason": "apology"} if end == "contact.informed" else {}))
    for column in ("wait_ms", "wait_ms_buckets", "wait_open_ms"):
        assert booked(column, call, catalogue=OFFICE) == {}


def test_open_time_ends_at_closing_time() -> None:
    call = contact(("contact.queued", CLOSING - 12), ("contact.answered", CLOSING + 8))
    assert booked("wait_ms", call, catalogue=OFFICE) == {(419, "unknown"): 20_000}
    assert booked("wait_open_ms", call, catalogue=OFFICE) == {(419, "unknown"): 12_000}


def test_open_time_is_zero_while_closed_and_absent_without_a_calendar() -> None:
    call = contact(("contact.queued", CLOSING), ("contact.answered", CLOSING + 8))
    assert booked("wait_open_ms", call, catalogue=OFFICE) == {(420, "unknown"): 0}
    assert booked("wait_open_ms", call) == {}
