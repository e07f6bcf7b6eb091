"""First responses: from the customer's message to a person's reply. Booked at the message that started the clock."""

import pytest

from tests.measures.scenes import CLOSING, DAY, HOUR, MS, OFFICE, Told, booked, contact, counted, total

COLUMNS = ("first_responses_due", "first_responses", "first_response_in_target")
MESSAGE = ("message.received", 59)
REPLY = ("message.sent", 94)


def test_a_reply_is_booked_at_the_message_under_the_contacts_queue() -> None:
    chat = contact(MESSAGE, ("message.received", 70), REPLY, channel="chat", queue="sales")
    assert [booked(column, chat) for column in COLUMNS] == [{(0, "sales"): 1}] * 3
    assert booked("first_response_ms", chat) == {(0, "sales"): 35_000}
    # 35,000 has 16 bits: e = 11, 35,000 >> 11 = 17, bucket 16 x 11 + 17.
    assert booked("first_response_ms_buckets", chat) == {(0, "sales"): {193: 1}}


def test_whoever_waits_for_a_reply_is_due_and_nothing_else() -> None:
    silent = contact(MESSAGE, channel="chat")
    assert counted(silent) == {(0, "chat", "unknown", "unknown"): {"requested": 1, "first_responses_due": 1}}


def test_a_bot_does_not_reply() -> None:
    chat = contact(MESSAGE, ("message.sent", 60, {"author": "bot"}), REPLY, channel="chat")
    assert booked("first_response_ms", chat) == {(0, "unknown"): 35_000}


def test_what_we_write_unasked_is_no_reply() -> None:
    assert [total(column, contact(("message.sent", 0), MESSAGE, channel="chat")) for column in COLUMNS] == [1, 0, 0]


@pytest.mark.parametrize(("channel", "due"), [("email", 1), ("form", 1), ("letter", 1), ("chat", 0), ("social", 0)])
def test_the_request_is_a_message_by_mail_form_or_letter(channel: str, due: int) -> None:
    assert total("first_responses_due", contact(("contact.requested", 0), channel=channel)) == due
    outbound = contact(("contact.requested", 0), channel=channel, direction="outbound")
    assert total("first_responses_due", outbound) == 0


@pytest.mark.parametrize("end", [("contact.reopened", 70), ("contact.discarded", 70, {"reason": "spam"})])
def test_reopening_and_discarding_take_the_clock_away_and_the_next_message_is_first(end: Told) -> None:
    assert [total(column, contact(MESSAGE, end, REPLY, channel="chat")) for column in COLUMNS] == [0, 0, 0]
    again = contact(MESSAGE, end, ("message.received", 120), ("message.sent", 140), channel="chat")
    assert booked("first_response_ms", again) == {(2, "unknown"): 20_000}


def test_a_clock_that_was_closed_away_stays_due() -> None:
    chat = contact(MESSAGE, ("contact.closed", 70), REPLY, channel="chat")
    assert [total(column, chat) for column in COLUMNS] == [1, 0, 0]


def test_only_the_first_clock_is_first() -> None:
    chat = contact(MESSAGE, REPLY, ("message.received", 120), ("message.sent", 140), channel="chat")
    assert booked("first_response_ms", chat) == {(0, "unknown"): 35_000}
    assert booked("first_response_open_ms", chat, catalogue=OFFICE) == {(0, "unknown"): 35_000}
    assert [total(column, chat) for column in COLUMNS] == [1, 1, 1]


@pytest.mark.parametrize(
    ("channel", "received", "sent", "in_target"),
    [
        ("chat", 0, 60, 1),  # 60 s on the clock
        ("chat", 0, 60 + MS, 0),
        ("chat", CLOSING, CLOSING + 60 + MS, 0),
        ("email", 0, 4 * HOUR, 1),  # 4 h in opening hours
        ("email", 0, 4 * HOUR + MS, 0),
        ("email", CLOSING - HOUR, DAY + 2 * HOUR, 1),  # 16:00 to 12:00: one hour and three
        ("email", CLOSING - HOUR, DAY + 2 * HOUR + MS, 0),
        ("letter", 0, 2 * DAY + 13 * HOUR, 1),  # 2 open days: Tuesday, Wednesday until 23:00
        ("letter", 0, 2 * DAY + 14 * HOUR, 0),  # midnight is Thursday
        ("letter", 3 * DAY, 7 * DAY, 1),  # Thursday to Monday: Friday and Monday
        ("letter", 3 * DAY, 8 * DAY, 0),
        ("phone", 0, 1, 0),  # no target
    ],
)
def test_in_target_is_at_most_the_target_in_its_own_time(
    channel: str, received: float, sent: float, in_target: int
) -> None:
    told = contact(("message.received", received), ("message.sent", sent), channel=channel)
    assert [total(column, told, catalogue=OFFICE) for column in COLUMNS] == [1, 1, in_target]


def test_without_a_calendar_open_time_runs_on_the_clock() -> None:
    for sent, in_target in ((CLOSING + 3 * HOUR, 1), (CLOSING + 3 * HOUR + MS, 0)):
        mail = contact(("message.received", CLOSING - HOUR), ("message.sent", sent), channel="email")
        assert total("first_response_in_target", mail) == in_target


def test_the_target_is_the_one_in_force_when_the_message_came() -> None:
    catalogue = "zone: UTC\ntargets: [{channel: chat, response: 10s, valid_from: 2026-03-02T10:01}]"
    before = contact(("message.received", 60 - MS), ("message.sent", 80), channel="chat", name="before")
    after = contact(("message.received", 60), ("message.sent", 80), channel="chat", name="after")
    assert booked("first_response_in_target", before, after, catalogue=catalogue) == {(0, "unknown"): 1}


def test_open_time_is_its_part_zero_while_closed_and_absent_without_a_calendar_or_reply() -> None:
    mail = contact(("message.received", CLOSING - HOUR), ("message.sent", DAY), channel="email")
    assert booked("first_response_ms", mail, catalogue=OFFICE) == {(360, "unknown"): 18 * HOUR * 1_000}
    assert booked("first_response_open_ms", mail, catalogue=OFFICE) == {(360, "unknown"): 2 * HOUR * 1_000}
    night = contact(("message.received", CLOSING), ("message.sent", CLOSING + 9), channel="email")
    assert booked("first_response_open_ms", night, catalogue=OFFICE) == {(420, "unknown"): 0}
    assert booked("first_response_open_ms", mail) == {}
    assert booked("first_response_open_ms", contact(MESSAGE, channel="email"), catalogue=OFFICE) == {}


def test_a_reply_in_the_same_millisecond_took_no_time() -> None:
    chat = contact(MESSAGE, ("message.sent", 59), channel="chat")
    assert booked("first_response_ms", chat) == {}
    assert booked("first_response_ms_buckets", chat) == {(0, "unknown"): {0: 1}}
