"""Answered: a person ended the wait; answered_queued: after a queue. Booked when the wait began."""

import pytest

from tests.measures.scenes import booked, contact

QUEUED = ("contact.queued", 59, {"queue": "sales"})


def test_an_answer_is_booked_when_the_wait_began_under_the_entry_queue() -> None:
    call = contact(QUEUED, ("contact.answered", 200, {"queue": "claims"}), ("contact.answered", 300))
    assert booked("answered", call) == {(0, "sales"): 1}
    assert booked("answered_queued", call) == {(0, "sales"): 1}


def test_who_was_never_queued_is_answered_but_not_after_a_queue() -> None:
    call = contact(("contact.requested", 0), ("contact.answered", 60, {"queue": "sales"}))
    assert booked("answered", call) == {(1, "sales"): 1}
    assert booked("answered_queued", call) == {}


@pytest.mark.parametrize("earlier", ["contact.abandoned", "contact.refused", "contact.callback_requested"])
def test_who_was_lost_before_is_not_answered(earlier: str) -> None:
    call = contact(QUEUED, (earlier, 69), ("contact.answered", 70))
    assert booked("answered", call) == booked("answered_queued", call) == {}


@pytest.mark.parametrize("tied", ["contact.abandoned", "contact.refused", "contact.closed"])
def test_in_the_same_millisecond_the_answer_counts(tied: str) -> None:
    assert booked("answered", contact(QUEUED, (tied, 70), ("contact.answered", 70))) == {(0, "sales"): 1}


def test_an_answer_noted_before_the_queueing_counts_when_the_wait_begins() -> None:
    call = contact(("contact.answered", 0), QUEUED)
    assert booked("answered", call) == booked("answered_queued", call) == {(0, "sales"): 1}


def test_a_message_or_a_bot_is_no_answer() -> None:
    chat = contact(("contact.queued", 0), ("message.sent", 5), ("message.sent", 6, {"author": "bot"}), channel="chat")
    assert booked("answered", chat) == {}
