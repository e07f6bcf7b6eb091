"""Handling: from the first answer to the last closing. Booked at the first closing."""

import pytest

from tests.measures.scenes import CLOSING, OFFICE, Told, booked, contact

ANSWERED = ("contact.answered", 59, {"queue": "sales"})
COLUMNS = ("handled", "handle_ms", "handle_ms_buckets", "handle_open_ms")


def test_handling_runs_from_the_first_answer_to_the_last_closing() -> None:
    told: list[Told] = [
        ANSWERED,
        ("contact.answered", 90, {"queue": "claims"}),
        ("contact.closed", 120),
        ("contact.closed", 179),
    ]
    call = contact(("contact.requested", 0), *told)
    assert booked("handled", call) == {(2, "sales"): 1}
    assert booked("handle_ms", call) == {(2, "sales"): 120_000}
    # 120,000 has 17 bits: e = 12, 120,000 >> 12 = 29, bucket 16 x 12 + 29.
    assert booked("handle_ms_buckets", call) == {(2, "sales"): {221: 1}}


def test_our_own_calls_are_handled_too() -> None:
    call = contact(ANSWERED, ("contact.closed", 79), direction="outbound")
    assert booked("handle_ms", call) == {(1, "sales"): 20_000}


@pytest.mark.parametrize("column", COLUMNS)
def test_who_was_not_answered_or_not_closed_was_not_handled(column: str) -> None:
    replied = contact(("message.received", 0), ("message.sent", 9), ("contact.closed", 60), channel="email")
    assert booked(column, replied, catalogue=OFFICE) == {}
    assert booked(column, contact(ANSWERED), catalogue=OFFICE) == {}
    assert booked(column, contact(ANSWERED, ("contact.abandoned", 70)), catalogue=OFFICE) == {}


def test_closed_before_answered_was_handled_in_no_time() -> None:
    call = contact(("contact.closed", 50), ANSWERED)
    assert booked("handled", call) == {(0, "sales"): 1}
    assert booked("handle_ms", call) == {}
    assert booked("handle_ms_buckets", call) == {(0, "sales"): {0: 1}}
    assert booked("handle_open_ms", call, catalogue=OFFICE) == {(0, "sales"): 0}


def test_open_time_ends_at_closing_time_is_zero_after_it_and_absent_without_a_calendar() -> None:
    late = contact(("contact.answered", CLOSING - 12), ("contact.closed", CLOSING + 8))
    assert booked("handle_open_ms", late, catalogue=OFFICE) == {(420, "unknown"): 12_000}
    after = contact(("contact.answered", CLOSING), ("contact.closed", CLOSING + 8))
    assert booked("handle_open_ms", after, catalogue=OFFICE) == {(420, "unknown"): 0}
    assert booked("handle_open_ms", late) == {}
