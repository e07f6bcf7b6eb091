"""Reached after giving up: of the abandoned, whose customer was reached within 24 h. Booked when the wait began."""

from typing import Any

import pytest

from tests.measures.scenes import DAY, MS, Told, booked, contact

GAVE_UP = contact(
    ("contact.queued", 59, {"queue": "sales"}), ("contact.abandoned", 100), name="gave-up", customer_id="ann"
)


def later(*told: Told, **fields: Any) -> list[dict[str, Any]]:
    return contact(*told, **{"name": "later", "customer_id": "ann", **fields})


@pytest.mark.parametrize(("at", "returned"), [(100, 0), (100 + MS, 1), (100 + DAY, 1), (100 + DAY + MS, 0)])
def test_reached_after_giving_up_and_within_a_day(at: float, returned: int) -> None:
    expected = {(0, "sales"): 1} if returned else {}
    assert booked("abandoned_returned", GAVE_UP, later(("contact.answered", at))) == expected


@pytest.mark.parametrize(
    "reached",
    [
        later(("contact.answered", 200), direction="outbound", queue="claims"),
        later(("message.sent", 200), channel="chat"),
        later(("message.sent", 200, {"author": "bot"}), channel="email"),
        later(("outreach.sent", 200), channel="messenger"),
    ],
)
def test_it_may_be_a_call_of_ours_a_message_even_of_a_bot_or_an_outreach(reached: list[dict[str, Any]]) -> None:
    assert booked("abandoned_returned", GAVE_UP, reached) == {(0, "sales"): 1}


def test_the_contact_itself_may_go_on() -> None:
    call = contact(
        ("contact.queued", 59), ("contact.abandoned", 100), ("contact.answered", 200), name="k", customer_id="ann"
    )
    assert booked("abandoned_returned", call) == {(0, "unknown"): 1}


def test_calling_again_in_vain_is_not_being_reached() -> None:
    again = later(("contact.queued", 200), ("message.received", 210), ("contact.abandoned", 220))
    assert booked("abandoned_returned", GAVE_UP, again) == {}


def test_another_customer_or_an_unknown_one_is_somebody_else() -> None:
    assert booked("abandoned_returned", GAVE_UP, later(("contact.answered", 200), customer_id="bob")) == {}
    unknown = contact(("contact.queued", 59), ("contact.abandoned", 100), ("contact.answered", 200))
    assert booked("abandoned_returned", unknown) == {}


@pytest.mark.parametrize(
    ("first", "end"),
    [
        ("contact.queued", "contact.refused"),
        ("contact.queued", "contact.answered"),
        ("contact.requested", "contact.abandoned"),
    ],
)
def test_who_was_refused_or_answered_or_left_the_menu_did_not_abandon_a_wait(first: str, end: str) -> None:
    told = contact((first, 0), (end, 100), name="first", customer_id="ann")
    assert booked("abandoned_returned", told, later(("contact.answered", 200))) == {}


def test_what_is_soon_enough_is_for_the_catalogue_to_say() -> None:
    catalogue = "zone: UTC\nsettings: {returned_within: 1min}"
    for at, expected in ((160, {(0, "sales"): 1}), (160 + MS, {})):
        assert booked("abandoned_returned", GAVE_UP, later(("outreach.sent", at)), catalogue=catalogue) == expected
