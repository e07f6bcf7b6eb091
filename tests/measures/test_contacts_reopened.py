"""Reopened: closed contacts with a contact.reopened. Booked at the first closing."""

from tests.measures.scenes import Told, booked, contact

CLOSED = ("contact.closed", 59, {"queue": "sales"})


def test_a_contact_is_reopened_once_booked_at_its_first_closing() -> None:
    told: list[Told] = [CLOSED, ("contact.reopened", 120), ("contact.closed", 180), ("contact.reopened", 240)]
    assert booked("contacts_reopened", contact(*told)) == {(0, "sales"): 1}


def test_a_closing_again_without_a_reopening_is_none() -> None:
    assert booked("contacts_reopened", contact(CLOSED, ("contact.closed", 120))) == {}


def test_what_was_never_closed_is_not_counted() -> None:
    assert booked("contacts_reopened", contact(("contact.reopened", 120))) == {}


def test_whoever_the_customer_is_and_whichever_way_it_went() -> None:
    call = contact(CLOSED, ("contact.reopened", 60), direction="outbound")
    assert booked("contacts_reopened", call) == {(0, "sales"): 1}
