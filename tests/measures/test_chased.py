"""Chased: the customer asked again while a contact was open and unanswered. Booked at that contact's first closing."""

from typing import Any

import pytest

from tests.measures.scenes import DAY, MS, Told, booked, contact

ASKED: Told = ("contact.requested", 0, {"queue": "sales"})
CLOSED: Told = ("contact.closed", 9 * DAY)
BOOKED = {(9 * DAY // 60, "sales"): 1}


def mail(*told: Told, **fields: Any) -> list[dict[str, Any]]:
    """Ann's mail."""
    return contact(ASKED, *told, **{"name": "mail", "channel": "email", "customer_id": "ann", **fields})


def asks(at: float, **fields: Any) -> list[dict[str, Any]]:
    """Ann calls about it, and gets no further than the menu."""
    told = (("contact.requested", at), ("contact.abandoned", at + 5))
    return contact(*told, **{"name": "call", "customer_id": "ann", **fields})


@pytest.mark.parametrize(("at", "chased"), [(0, 0), (MS, 1), (600 - MS, 1), (600, 0), (601, 0)])
def test_asking_after_the_request_and_before_the_reply_is_chasing(at: float, chased: int) -> None:
    told = mail(("message.sent", 600), CLOSED)
    assert booked("chased", told, asks(at)) == (BOOKED if chased else {})


@pytest.mark.parametrize(
    "end",
    [
        ("contact.answered", 600),
        ("contact.abandoned", 600),
        ("contact.discarded", 600, {"reason": "spam"}),
        ("contact.self_service", 600, {"outcome": "contained"}),
        ("contact.closed", 600),
    ],
)
def test_any_end_ends_it(end: Told) -> None:
    closed = {(10, "sales"): 1} if end[0] == "contact.closed" else BOOKED
    assert booked("chased", mail(end, CLOSED), asks(600 - MS)) == closed
    assert booked("chased", mail(end, CLOSED), asks(600)) == {}


@pytest.mark.parametrize(
    "no_end",
    [
        ("message.sent", 600, {"author": "bot"}),
        ("contact.self_service", 600, {"outcome": "failed"}),
        ("contact.queued", 600),
    ],
)
def test_a_bots_answer_a_failed_self_service_and_a_queue_do_not(no_end: Told) -> None:
    assert booked("chased", mail(no_end, CLOSED), asks(8 * DAY)) == BOOKED  # longer than any follow-up counts


def test_what_is_not_closed_yet_is_not_counted_yet() -> None:
    assert booked("chased", mail(), asks(60)) == {}


@pytest.mark.parametrize(
    ("fields", "chased"),
    [
        ({"topic": "bill"}, 1),
        ({"topic": "move"}, 0),
        ({"direction": "outbound"}, 0),
        ({"customer_id": "bob"}, 0),
        ({"customer_id": None}, 0),
    ],
)
def test_it_is_the_same_customer_asking_us_about_the_same_topic(fields: dict[str, Any], chased: int) -> None:
    assert booked("chased", mail(CLOSED, topic="bill"), asks(60, **fields)) == (BOOKED if chased else {})


def test_chased_twice_is_one_contact_chased() -> None:
    assert booked("chased", mail(CLOSED), asks(60), asks(120, name="call-2")) == BOOKED


def test_our_own_contact_is_not_chased() -> None:
    assert booked("chased", mail(CLOSED, direction="outbound"), asks(60)) == {}
