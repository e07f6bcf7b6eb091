"""Next responses: every clock after the contact's first. Booked at the message that started the clock."""

import pytest

from tests.measures.scenes import CLOSING, DAY, HOUR, MS, OFFICE, Told, booked, contact, total

COLUMNS = ("next_responses_due", "next_responses", "next_response_in_target")
FIRST: tuple[Told, Told] = (("message.received", 0), ("message.sent", 40))


def test_each_message_after_a_reply_starts_a_clock_at_its_minute() -> None:
    told: list[Told] = [
        ("message.received", 59),
        ("message.sent", 79),
        ("message.received", 120),
        ("message.sent", 155),
    ]
    chat = contact(*FIRST, *told, channel="chat", queue="sales")
    assert [booked(column, chat) for column in COLUMNS] == [{(0, "sales"): 1, (2, "sales"): 1}] * 3
    assert booked("next_response_ms", chat) == {(0, "sales"): 20_000, (2, "sales"): 35_000}
    # 20,000: e = 10, 16 x 10 + 19. 35,000: e = 11, 16 x 11 + 17.
    assert booked("next_response_ms_buckets", chat) == {(0, "sales"): {179: 1}, (2, "sales"): {193: 1}}


def test_the_first_clock_is_not_a_next_one() -> None:
    chat = contact(*FIRST, channel="chat")
    for column in (*COLUMNS, "next_response_ms", "next_response_ms_buckets", "next_response_open_ms"):
        assert booked(column, chat, catalogue=OFFICE) == {}


def test_several_messages_before_the_reply_are_one_clock_and_a_second_reply_none() -> None:
    told: list[Told] = [("message.received", 60), ("message.received", 70), ("message.sent", 80), ("message.sent", 90)]
    chat = contact(*FIRST, *told, channel="chat")
    assert booked("next_responses_due", chat) == {(1, "unknown"): 1}
    assert booked("next_response_ms", chat) == {(1, "unknown"): 20_000}


def test_who_is_left_without_a_reply_is_due_also_when_it_was_closed_away() -> None:
    waiting = contact(*FIRST, ("message.received", 60), channel="chat")
    assert [total(column, waiting) for column in COLUMNS] == [1, 0, 0]
    assert booked("next_response_ms_buckets", waiting) == {}
    closed = contact(*FIRST, ("message.received", 60), ("contact.closed", 70), channel="chat")
    assert [total(column, closed) for column in COLUMNS] == [1, 0, 0]


@pytest.mark.parametrize("end", [("contact.reopened", 70), ("contact.discarded", 70, {"reason": "thanks"})])
def test_reopening_and_discarding_take_the_clock_away(end: Told) -> None:
    chat = contact(*FIRST, ("message.received", 60), end, ("message.sent", 80), channel="chat")
    assert [total(column, chat) for column in COLUMNS] == [0, 0, 0]


def test_after_a_reopening_the_next_message_is_a_next_one() -> None:
    told: list[Told] = [("contact.closed", 50), ("contact.reopened", 60), ("message.received", 120)]
    assert booked("next_responses_due", contact(*FIRST, *told, channel="chat")) == {(2, "unknown"): 1}


@pytest.mark.parametrize(("response", "in_target"), [(60, 1), (60 + MS, 0)])
def test_the_target_is_that_of_first_responses(response: float, in_target: int) -> None:
    chat = contact(*FIRST, ("message.received", 60), ("message.sent", 60 + response), channel="chat")
    assert [total(column, chat) for column in COLUMNS] == [1, 1, in_target]


def test_a_mail_has_four_open_hours() -> None:
    for sent, in_target in ((DAY + 2 * HOUR, 1), (DAY + 2 * HOUR + MS, 0)):
        mail = contact(*FIRST, ("message.received", CLOSING - HOUR), ("message.sent", sent), channel="email")
        assert total("next_response_in_target", mail, catalogue=OFFICE) == in_target


def test_open_time_is_its_part_zero_while_closed_and_absent_without_a_calendar_or_reply() -> None:
    late = contact(*FIRST, ("message.received", CLOSING - 12), ("message.sent", CLOSING + 8), channel="email")
    assert booked("next_response_open_ms", late, catalogue=OFFICE) == {(419, "unknown"): 12_000}
    night = contact(*FIRST, ("message.received", CLOSING), ("message.sent", CLOSING + 8), channel="email")
    assert booked("next_response_open_ms", night, catalogue=OFFICE) == {(420, "unknown"): 0}
    assert booked("next_response_open_ms", late) == {}
    waiting = contact(*FIRST, ("message.received", 60), channel="email")
    assert booked("next_response_open_ms", waiting, catalogue=OFFICE) == {}
