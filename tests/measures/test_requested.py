"""Requested: all inbound contacts, at their request; requested_closed: those outside opening hours."""

import pytest

from tests.measures.scenes import CLOSING, DAY, HOUR, MS, OFFICE, booked, contact


def test_a_contact_is_requested_once_at_its_first_request_under_the_queue_it_enters_later() -> None:
    call = contact(
        ("contact.menu", 0, {"step": "1"}),
        ("contact.requested", 60),
        ("contact.requested", 120),
        ("contact.queued", 180, {"queue": "sales"}),
    )
    assert booked("requested", call) == {(1, "sales"): 1}


def test_without_a_request_the_first_touchpoint_is_one() -> None:
    assert booked("requested", contact(("contact.abandoned", 125), ("contact.closed", 300))) == {(2, "unknown"): 1}


@pytest.mark.parametrize("channel", ["phone", "email", "letter", "branch", "social"])
def test_it_may_be_any_channel(channel: str) -> None:
    assert booked("requested", contact(("contact.requested", 0), channel=channel)) == {(0, "unknown"): 1}


def test_what_we_began_is_not_requested() -> None:
    call = contact(("contact.requested", CLOSING, {"direction": "outbound"}), ("contact.answered", CLOSING + 9))
    assert booked("requested", call, catalogue=OFFICE) == {}
    assert booked("requested_closed", call, catalogue=OFFICE) == {}


@pytest.mark.parametrize(("at", "closed"), [(0, 0), (CLOSING - MS, 0), (CLOSING, 1), (DAY - HOUR, 0), (5 * DAY, 1)])
def test_five_sharp_is_closed_nine_sharp_is_open_and_so_is_no_saturday(at: float, closed: int) -> None:
    minute = int(at // 60)
    expected = {(minute, "unknown"): 1} if closed else {}
    assert booked("requested_closed", contact(("contact.requested", at)), catalogue=OFFICE) == expected


def test_without_a_calendar_nothing_is_closed() -> None:
    assert booked("requested_closed", contact(("contact.requested", 5 * DAY))) == {}


def test_it_is_the_request_that_was_outside_not_the_queue() -> None:
    call = contact(("contact.requested", CLOSING - 1), ("contact.queued", CLOSING + 1))
    assert booked("requested_closed", call, catalogue=OFFICE) == {}
