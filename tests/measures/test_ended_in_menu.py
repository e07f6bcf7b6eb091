"""Ended in the menu: the customer left without a queue or an answer. Booked at the request."""

from tests.measures.scenes import booked, contact

REQUESTED = ("contact.requested", 59, {"queue": "sales"})
LEFT = ("contact.abandoned", 70)
CONTAINED = ("contact.self_service", 70, {"outcome": "contained"})
FAILED = ("contact.self_service", 70, {"outcome": "failed"})


def test_who_hangs_up_in_the_menu_ended_there_and_was_not_offered() -> None:
    call = contact(REQUESTED, ("contact.menu", 60, {"step": "1"}), LEFT)
    assert booked("ended_in_menu", call) == {(0, "sales"): 1}
    assert booked("offered", call) == {}


def test_so_did_who_was_served_by_the_machine_and_both_together_count_once() -> None:
    assert booked("ended_in_menu", contact(REQUESTED, CONTAINED)) == {(0, "sales"): 1}
    assert booked("ended_in_menu", contact(REQUESTED, CONTAINED, LEFT)) == {(0, "sales"): 1}


def test_who_is_still_there_has_not_left() -> None:
    assert booked("ended_in_menu", contact(REQUESTED, FAILED)) == {}


def test_who_was_queued_or_answered_got_further_even_if_later() -> None:
    assert booked("ended_in_menu", contact(REQUESTED, LEFT, ("contact.queued", 80))) == {}
    assert booked("ended_in_menu", contact(REQUESTED, LEFT, ("contact.answered", 80))) == {}


def test_only_inbound_contacts_on_live_channels_have_a_menu() -> None:
    assert booked("ended_in_menu", contact(REQUESTED, LEFT, direction="outbound")) == {}
    assert booked("ended_in_menu", contact(REQUESTED, LEFT, channel="email")) == {}
    assert booked("ended_in_menu", contact(REQUESTED, LEFT, channel="chat")) == {(0, "sales"): 1}
