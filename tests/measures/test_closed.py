"""Closed: ever closed, booked at the first closing; closed_unknown_customer: of these, nobody named the customer."""

from tests.measures.scenes import booked, contact

REQUESTED = ("contact.requested", 0, {"queue": "sales"})


def test_a_contact_is_closed_once_at_its_first_closing() -> None:
    call = contact(REQUESTED, ("contact.closed", 119), ("contact.reopened", 150), ("contact.closed", 300))
    assert booked("closed", call) == {(1, "sales"): 1}


def test_to_abandon_or_to_discard_is_not_to_close() -> None:
    assert booked("closed", contact(REQUESTED, ("contact.abandoned", 60))) == {}
    assert booked("closed", contact(REQUESTED, ("contact.discarded", 60, {"reason": "spam"}))) == {}


def test_outbound_and_discarded_contacts_are_closed_too() -> None:
    outbound = contact(("contact.closed", 60), name="outbound", direction="outbound")
    spam = contact(("contact.discarded", 0, {"reason": "spam"}), ("contact.closed", 61), name="spam")
    assert booked("closed", outbound, spam) == {(1, "unknown"): 2}


def test_whose_customer_nobody_named_is_counted() -> None:
    call = contact(REQUESTED, ("contact.closed", 60))
    assert booked("closed_unknown_customer", call) == {(1, "sales"): 1}


def test_a_customer_named_at_any_time_is_known() -> None:
    call = contact(REQUESTED, ("contact.closed", 60), ("contact.reopened", 70, {"customer_id": "ann"}))
    assert booked("closed_unknown_customer", call) == {}
    assert booked("closed", call) == {(1, "sales"): 1}


def test_an_open_contact_of_nobody_is_not_closed() -> None:
    assert booked("closed_unknown_customer", contact(REQUESTED)) == {}
