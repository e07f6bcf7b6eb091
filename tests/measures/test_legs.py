"""Stays in queues: a caller passed on waits again. Booked when the stay began, under the queue stayed in."""

from typing import Any

import pytest

from tests.measures.scenes import CLOSING, OFFICE, booked, contact, total

SALES = ("contact.queued", 59, {"queue": "sales"})
CLAIMS = ("contact.transferred", 120, {"queue": "claims"})


def test_who_is_passed_on_after_the_answer_has_two_answered_stays() -> None:
    call = contact(SALES, ("contact.answered", 79), CLAIMS, ("contact.answered", 155))
    assert booked("legs_offered", call) == {(0, "sales"): 1, (2, "claims"): 1}
    assert booked("legs_answered", call) == {(0, "sales"): 1, (2, "claims"): 1}
    assert booked("legs_wait_ms", call) == {(0, "sales"): 20_000, (2, "claims"): 35_000}


def test_who_is_passed_on_while_waiting_has_one_stay_without_an_end_of_its_own() -> None:
    call = contact(SALES, CLAIMS, ("contact.answered", 155))
    assert booked("legs_offered", call) == {(0, "sales"): 1, (2, "claims"): 1}
    assert booked("legs_answered", call) == {(2, "claims"): 1}
    assert booked("legs_wait_ms", call) == {(2, "claims"): 35_000}
    assert booked("wait_ms", call) == {(0, "sales"): 96_000}  # the contact's own wait is all of it


def test_who_gives_up_in_the_second_queue_was_answered_in_the_first() -> None:
    call = contact(SALES, ("contact.answered", 79), CLAIMS, ("contact.abandoned", 155))
    assert booked("legs_abandoned", call) == {(2, "claims"): 1}
    assert booked("legs_answered", call) == {(0, "sales"): 1}
    assert booked("abandoned", call) == {}
    assert booked("legs_wait_ms", call) == {(0, "sales"): 20_000}


def test_the_same_queue_again_while_waiting_is_the_same_stay() -> None:
    again = ("contact.queued", 70, {"queue": "sales"})
    call = contact(SALES, again, ("contact.answered", 79), ("contact.queued", 180, {"queue": "sales"}))
    assert booked("legs_offered", call) == {(0, "sales"): 1, (3, "sales"): 1}
    assert booked("legs_wait_ms", call) == {(0, "sales"): 20_000}


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("contact.refused", {}),
        ("contact.callback_requested", {}),
        ("contact.closed", {}),
        ("contact.self_service", {"outcome": "contained"}),
    ],
)
def test_any_other_end_is_neither_an_answer_nor_a_loss(type_: str, fields: dict[str, Any]) -> None:
    call = contact(SALES, (type_, 60, fields), ("contact.answered", 70), ("contact.abandoned", 80))
    columns = ("legs_offered", "legs_answered", "legs_abandoned", "legs_wait_ms")
    assert [total(column, call) for column in columns] == [1, 0, 0, 0]


def test_a_queueing_without_a_name_is_unknown_and_a_transfer_without_one_is_no_stay() -> None:
    call = contact(("contact.queued", 0), ("contact.answered", 5), ("contact.transferred", 60))
    assert booked("legs_offered", call) == {(0, "unknown"): 1}


def test_a_call_that_was_never_queued_stays_in_a_queue_once_it_is_passed_on() -> None:
    call = contact(("contact.answered", 0, {"queue": "sales"}), CLAIMS)
    assert booked("legs_offered", call) == {(2, "claims"): 1}


def test_a_mail_or_an_outbound_call_that_is_passed_on_does_not() -> None:
    assert booked("legs_offered", contact(("contact.requested", 0), CLAIMS, channel="email")) == {}
    assert booked("legs_offered", contact(SALES, CLAIMS, direction="outbound")) == {}


def test_open_time_ends_at_closing_time_is_zero_after_it_and_absent_without_a_calendar() -> None:
    late = contact(("contact.queued", CLOSING - 12), ("contact.answered", CLOSING + 8))
    assert booked("legs_wait_open_ms", late, catalogue=OFFICE) == {(419, "unknown"): 12_000}
    after = contact(("contact.queued", CLOSING), ("contact.answered", CLOSING + 8))
    assert booked("legs_wait_open_ms", after, catalogue=OFFICE) == {(420, "unknown"): 0}
    assert booked("legs_wait_open_ms", late) == {}


@pytest.mark.parametrize("end", ["contact.abandoned", "contact.closed"])
def test_stays_that_nobody_answered_have_no_length(end: str) -> None:
    assert booked("legs_wait_open_ms", contact(SALES, (end, 70)), catalogue=OFFICE) == {}
