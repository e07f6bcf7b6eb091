"""Replies: what a person wrote that ended a response clock, in the minute it was given."""

from tests.measures.scenes import Told, booked, contact

MESSAGE: Told = ("message.received", 0, {"queue": "sales"})


def test_a_reply_is_booked_when_it_was_given_first_ones_and_next_ones_alike() -> None:
    told: list[Told] = [("message.sent", 119), ("message.received", 120), ("message.sent", 180)]
    assert booked("replies", contact(MESSAGE, *told, channel="chat")) == {(1, "sales"): 1, (3, "sales"): 1}


def test_a_second_line_of_ours_a_bot_and_what_nobody_asked_for_are_no_replies() -> None:
    told: list[Told] = [("message.sent", 61, {"author": "bot"}), ("message.sent", 120), ("message.sent", 180)]
    assert booked("replies", contact(MESSAGE, *told, channel="chat")) == {(2, "sales"): 1}
    assert booked("replies", contact(("message.sent", 0), channel="chat")) == {}


def test_a_closing_is_no_reply_nor_is_what_comes_after_it() -> None:
    assert booked("replies", contact(MESSAGE, ("contact.closed", 60), ("message.sent", 61), channel="chat")) == {}
