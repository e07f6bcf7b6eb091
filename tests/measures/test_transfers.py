"""Passing on: transfers of closed contacts, and the contacts that had any. Booked at the first closing."""

from tests.measures.scenes import Told, booked, contact

QUEUED = ("contact.queued", 0, {"queue": "sales"})


def test_two_transfers_are_two_of_one_contact_under_its_entry_queue() -> None:
    told: list[Told] = [
        ("contact.transferred", 60, {"queue": "claims"}),
        ("contact.transferred", 120),
        ("contact.closed", 180),
    ]
    call = contact(QUEUED, *told)
    assert booked("contacts_transferred", call) == {(3, "sales"): 1}
    assert booked("transfers", call) == {(3, "sales"): 2}


def test_a_transfer_after_the_closing_counts_where_the_contact_was_first_closed() -> None:
    call = contact(QUEUED, ("contact.closed", 60), ("contact.transferred", 120), ("contact.closed", 180))
    assert booked("contacts_transferred", call) == booked("transfers", call) == {(1, "sales"): 1}


def test_what_is_not_closed_yet_is_not_counted_yet() -> None:
    call = contact(QUEUED, ("contact.transferred", 60), ("contact.abandoned", 70))
    assert booked("contacts_transferred", call) == booked("transfers", call) == {}


def test_queueing_anew_is_no_transfer() -> None:
    call = contact(QUEUED, ("contact.queued", 60, {"queue": "claims"}), ("contact.closed", 180))
    assert booked("contacts_transferred", call) == booked("transfers", call) == {}
