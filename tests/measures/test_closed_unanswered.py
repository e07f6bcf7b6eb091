"""Closed unanswered: response clocks, first or next, that a closing ended. Booked at the message."""

from tests.measures.scenes import Told, booked, contact

MESSAGE: Told = ("message.received", 59, {"queue": "sales"})
CLOSED: Told = ("contact.closed", 120)


def test_a_message_closed_away_is_booked_when_it_came() -> None:
    assert booked("closed_unanswered", contact(MESSAGE, CLOSED, channel="chat")) == {(0, "sales"): 1}


def test_the_first_and_the_next_count_alike() -> None:
    following: list[Told] = [("message.received", 61), CLOSED, ("message.received", 180), ("contact.closed", 190)]
    chat = contact(MESSAGE, ("message.sent", 60), *following, channel="chat")
    assert booked("closed_unanswered", chat) == {(1, "sales"): 1, (3, "sales"): 1}


def test_a_mail_nobody_wrote_more_about_is_a_message() -> None:
    assert booked("closed_unanswered", contact(("contact.requested", 0), CLOSED, channel="email")) == {
        (0, "unknown"): 1
    }


def test_who_got_a_reply_or_waits_for_one_is_not() -> None:
    assert booked("closed_unanswered", contact(MESSAGE, ("message.sent", 120), CLOSED, channel="chat")) == {}
    assert booked("closed_unanswered", contact(MESSAGE, channel="chat")) == {}


def test_a_bots_answer_does_not_help() -> None:
    chat = contact(MESSAGE, ("message.sent", 60, {"author": "bot"}), CLOSED, channel="chat")
    assert booked("closed_unanswered", chat) == {(0, "sales"): 1}


def test_a_reply_after_the_closing_is_too_late() -> None:
    chat = contact(MESSAGE, CLOSED, ("message.sent", 121), channel="chat")
    assert booked("closed_unanswered", chat) == {(0, "sales"): 1}


def test_what_was_discarded_or_reopened_is_not_a_miss() -> None:
    spam = contact(MESSAGE, ("contact.discarded", 60, {"reason": "spam"}), CLOSED, channel="chat")
    assert booked("closed_unanswered", spam) == {}
    assert booked("closed_unanswered", contact(MESSAGE, ("contact.reopened", 60), CLOSED, channel="chat")) == {}
