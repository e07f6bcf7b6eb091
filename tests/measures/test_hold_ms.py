"""Holds of closed contacts: from contact.held to contact.resumed or closing. Booked at the first closing."""

import pytest

from tests.measures.scenes import CLOSING, OFFICE, Told, booked, contact

ANSWERED: Told = ("contact.answered", 0, {"queue": "sales"})
HELD: Told = ("contact.held", 10)
CLOSED: Told = ("contact.closed", 119)


def test_holds_of_a_contact_add_up_and_fall_in_one_bucket() -> None:
    told: list[Told] = [HELD, ("contact.resumed", 25), ("contact.held", 60), ("contact.resumed", 80), CLOSED]
    call = contact(ANSWERED, *told)
    assert booked("held", call) == {(1, "sales"): 1}
    assert booked("hold_ms", call) == {(1, "sales"): 35_000}
    # 35,000 has 16 bits: e = 11, 35,000 >> 11 = 17, bucket 16 x 11 + 17.
    assert booked("hold_ms_buckets", call) == {(1, "sales"): {193: 1}}


def test_a_closing_ends_a_hold() -> None:
    assert booked("hold_ms", contact(ANSWERED, HELD, CLOSED, ("contact.closed", 180))) == {(1, "sales"): 109_000}


def test_holding_whom_is_held_and_resuming_whom_is_not_changes_nothing() -> None:
    told: list[Told] = [("contact.resumed", 5), HELD, ("contact.held", 20), ("contact.resumed", 30)]
    call = contact(ANSWERED, *told, ("contact.resumed", 40), CLOSED)
    assert booked("hold_ms", call) == {(1, "sales"): 20_000}


def test_a_hold_that_never_ended_is_one_without_a_length() -> None:
    call = contact(ANSWERED, CLOSED, ("contact.held", 130))
    assert booked("held", call) == {(1, "sales"): 1}
    for column in ("hold_ms", "hold_ms_buckets", "hold_open_ms"):
        assert booked(column, call, catalogue=OFFICE) == {}


@pytest.mark.parametrize("column", ["held", "hold_ms", "hold_ms_buckets", "hold_open_ms"])
def test_an_open_contact_or_one_without_a_hold_adds_nothing(column: str) -> None:
    assert booked(column, contact(ANSWERED, HELD, ("contact.resumed", 25)), catalogue=OFFICE) == {}
    assert booked(column, contact(ANSWERED, ("contact.resumed", 25), CLOSED), catalogue=OFFICE) == {}


def test_a_hold_of_no_time_is_in_bucket_zero() -> None:
    call = contact(ANSWERED, HELD, ("contact.resumed", 10), CLOSED)
    assert booked("hold_ms", call) == {}
    assert booked("hold_ms_buckets", call) == {(1, "sales"): {0: 1}}


def test_open_time_ends_at_closing_time_is_zero_after_it_and_absent_without_a_calendar() -> None:
    late = contact(ANSWERED, ("contact.held", CLOSING - 12), ("contact.closed", CLOSING + 8))
    assert booked("hold_open_ms", late, catalogue=OFFICE) == {(420, "sales"): 12_000}
    after = contact(ANSWERED, ("contact.held", CLOSING), ("contact.closed", CLOSING + 8))
    assert booked("hold_open_ms", after, catalogue=OFFICE) == {(420, "sales"): 0}
    assert booked("hold_open_ms", late) == {}
