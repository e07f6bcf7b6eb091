"""Offered: the wait began. One per contact, booked when it began, under the entry queue."""

import pytest

from tests.measures.scenes import booked, contact


def test_a_call_is_offered_once_when_it_is_first_queued() -> None:
    call = contact(
        ("contact.requested", 0),
        ("contact.menu", 5, {"step": "1"}),
        ("contact.queued", 60, {"queue": "sales"}),
        ("contact.queued", 130, {"queue": "claims"}),
        ("contact.answered", 200),
    )
    assert booked("offered", call) == {(1, "sales"): 1}


def test_a_call_answered_without_a_queue_is_offered_at_the_answer() -> None:
    call = contact(("contact.requested", 0), ("contact.answered", 119, {"queue": "sales"}))
    assert booked("offered", call) == {(1, "sales"): 1}


def test_a_mail_is_offered_only_if_it_is_queued() -> None:
    answered = ("contact.answered", 10)
    assert booked("offered", contact(("contact.requested", 0), answered, channel="email")) == {}
    assert booked("offered", contact(("contact.queued", 0), answered, channel="email")) == {(0, "unknown"): 1}


@pytest.mark.parametrize("type_", ["contact.requested", "contact.transferred", "message.sent", "contact.abandoned"])
def test_nothing_but_queueing_and_answering_offers(type_: str) -> None:
    assert booked("offered", contact((type_, 0, {"queue": "sales"}))) == {}


def test_an_outbound_call_is_not_offered() -> None:
    assert booked("offered", contact(("contact.queued", 0), direction="outbound")) == {}
