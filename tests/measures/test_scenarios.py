"""Cases as the service literature tells them, and what they count. Times as they were, in Europe/Berlin."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.contact import Contact
from pipeline.core.rules import Rulebook
from pipeline.core.view import view
from schemas.catalogue import load
from schemas.codec import decode
from schemas.rejects import Reject
from tests.measures.scenes import counted

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
CATALOGUE = """
zone: Europe/Berlin
calendars:
  office:
    weekly: {monday-thursday: 08:00-18:00, friday: 08:00-16:00}
    holidays: {country: DE, subdivision: BY}
    exceptions: {2026-12-24: 08:00-12:00}
opening_hours:
  - {calendar: office}
targets:
  - {channel: phone, wait: 20s}
  - {channel: email, response: 4 open h}
"""


class Case:
    """One contact as it is told: each line has a local time."""

    def __init__(self, name: str, channel: str, customer: str = "", **fields: Any) -> None:
        said = {"customer_id": customer} if customer else {}
        self.fields = {"contact_id": name, "channel": channel, **said, **fields}
        self.touchpoints: list[dict[str, Any]] = []

    def at(self, moment: str, type_: str, **fields: Any) -> "Case":
        """What happened then; the next line follows."""
        time = int(datetime.fromisoformat(moment).replace(tzinfo=BERLIN).timestamp() * 1_000)
        number = f"{self.fields['contact_id']}-{len(self.touchpoints):02}"
        self.touchpoints.append({"id": number, "type": type_, "time": time, **self.fields, **fields})
        return self


def count(*cases: Case) -> dict[str, Any]:
    """Every column of these cases, summed over all cells."""
    found: dict[str, Any] = {}
    for columns in counted(*(case.touchpoints for case in cases), catalogue=CATALOGUE).values():
        for name, value in columns.items():
            if isinstance(value, int):
                found[name] = found.get(name, 0) + value
    return found


def counts(case: Case, *others: Case, **expected: int) -> None:
    """These columns have these sums."""
    found = count(case, *others)
    assert {name: found.get(name, 0) for name in expected} == expected


def at_ms(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=BERLIN).timestamp() * 1_000)


def test_a_caller_bounced_three_times() -> None:
    """From desk to desk: told each time that somebody else is responsible, waiting again each time, and for longer."""
    call = (
        Case("bounced", "phone", "frau-a")
        .at("2026-03-02 10:00:00", "contact.requested")
        .at("2026-03-02 10:00:10", "contact.queued", queue="sales")
        .at("2026-03-02 10:00:25", "contact.answered", agent_id="one")
        .at("2026-03-02 10:02:00", "contact.transferred", queue="billing")
        .at("2026-03-02 10:04:00", "contact.answered", agent_id="two")
        .at("2026-03-02 10:05:00", "contact.transferred", queue="contracts")
        .at("2026-03-02 10:11:00", "contact.answered", agent_id="three")
        .at("2026-03-02 10:12:00", "contact.transferred", queue="sales")
        .at("2026-03-02 10:20:00", "contact.answered", agent_id="one")
        .at("2026-03-02 10:25:00", "contact.closed", resolved=True)
    )
    counts(
        call,
        offered=1,
        answered=1,
        answered_in_target=1,  # the first desk was quick: the service level is content
        wait_ms=15_000,
        transfers=3,
        contacts_transferred=1,
        legs_offered=4,  # the customer waited four times
        legs_answered=4,
        legs_wait_ms=15_000 + 2 * MINUTE + 6 * MINUTE + 8 * MINUTE,
        handle_ms=24 * MINUTE + 35_000,
        fcr_transferred=1,
        fcr_resolved=1,  # a transfer alone does not break it
    )


def test_a_caller_who_hangs_up_at_the_second_desk() -> None:
    call = (
        Case("lost", "phone", "herr-b")
        .at("2026-03-02 10:00:00", "contact.queued", queue="sales")
        .at("2026-03-02 10:00:05", "contact.answered")
        .at("2026-03-02 10:01:00", "contact.transferred", queue="billing")
        .at("2026-03-02 10:06:00", "contact.abandoned")
    )
    counts(call, offered=1, answered=1, abandoned=0, legs_offered=2, legs_answered=1, legs_abandoned=1, closed=0)


def test_a_promise_kept_a_minute_late() -> None:
    """Called back at 15:01 instead of 15:00: the customer had put the phone away."""
    call = (
        Case("callback", "phone", "frau-c", queue="technical_support")
        .at("2026-03-02 09:00:00", "contact.answered")
        .at("2026-03-02 09:05:00", "promise.made", promise_id="p", due=at_ms("2026-03-02 15:00"), kind="callback")
        .at("2026-03-02 09:06:00", "contact.closed")
        .at("2026-03-02 15:01:00", "promise.kept", promise_id="p")
    )
    counts(call, promises_due=1, promises_kept=0, promises_late=1, promise_late_ms=MINUTE, promises_broken=0)


def test_a_promise_kept_on_the_dot_is_kept() -> None:
    call = (
        Case("callback", "phone", "frau-c")
        .at("2026-03-02 09:05:00", "promise.made", promise_id="p", due=at_ms("2026-03-02 15:00"), kind="callback")
        .at("2026-03-02 15:00:00", "promise.kept", promise_id="p")
    )
    counts(call, promises_due=1, promises_kept=1, promises_late=0)


def test_a_complaint_settled_with_goodwill_and_a_customer_who_is_content_again() -> None:
    complaint = (
        Case("complaint", "phone", "frau-d", queue="complaints", topic="delivery")
        .at("2026-03-02 09:00:00", "contact.answered")
        .at("2026-03-02 09:01:00", "complaint.raised")
        .at("2026-03-02 09:30:00", "contact.closed")
        .at("2026-03-04 09:01:00", "complaint.settled", goodwill=2_500)
    )
    counts(
        complaint, complaints=1, complaints_settled=1, settle_ms=2 * DAY, goodwill_minor=2_500, complaints_recovered=0
    )
    survey = Case("survey", "email", "frau-d").at("2026-03-20 12:00:00", "feedback.given", kind="nps", score=10)
    counts(complaint, survey, complaints=1, complaints_recovered=1, nps_promoters=1)


def test_a_mail_on_friday_evening_answered_on_monday() -> None:
    """Sixty-one hours on the clock, an hour and a half of open time: in target."""
    mail = (
        Case("mail", "email", "herr-e", queue="orders")
        .at("2026-03-06 20:30:00", "contact.requested")
        .at("2026-03-09 09:30:00", "message.sent", author="agent")
        .at("2026-03-09 09:31:00", "contact.closed")
    )
    counts(
        mail,
        first_responses_due=1,
        first_responses=1,
        first_response_ms=61 * HOUR,
        first_response_open_ms=90 * MINUTE,
        first_response_in_target=1,
        requested_closed=1,
        fcr_resolved=1,
    )


def test_a_mail_before_the_clocks_change_loses_no_hour_of_opening() -> None:
    """Friday 15:00 to Monday 09:00: an hour of Friday and one of Monday, and 65 hours on the clock, not 66."""
    mail = (
        Case("mail", "email", "herr-e")
        .at("2026-03-27 15:00:00", "contact.requested")
        .at("2026-03-30 09:00:00", "message.sent")
    )
    counts(mail, first_response_ms=65 * HOUR, first_response_open_ms=2 * HOUR, first_response_in_target=1)


def test_a_mail_on_christmas_eve_is_answered_in_target_a_week_later() -> None:
    """Half a day on the 24th, then holidays and a weekend."""
    mail = (
        Case("mail", "email", "frau-f")
        .at("2026-12-24 11:00:00", "contact.requested")
        .at("2026-12-28 11:00:00", "message.sent")
    )
    counts(mail, first_response_open_ms=4 * HOUR, first_response_in_target=1)
    late = (
        Case("late", "email", "frau-f")
        .at("2026-12-24 11:00:00", "contact.requested")
        .at("2026-12-28 11:00:01", "message.sent")
    )
    counts(late, first_response_open_ms=4 * HOUR + 1_000, first_response_in_target=0)


def test_an_automatic_reply_answers_nobody() -> None:
    mail = (
        Case("mail", "email", "herr-g")
        .at("2026-03-02 09:00:00", "contact.requested")
        .at("2026-03-02 09:00:01", "message.sent", author="bot")
        .at("2026-03-02 16:00:00", "message.sent", author="agent")
    )
    counts(mail, first_responses=1, first_response_ms=7 * HOUR, first_response_in_target=0, replies=1)


def test_the_ticket_closed_to_look_good_and_the_customer_who_asks_again() -> None:
    """Closed unanswered, then the same question by phone: it costs more than the answer would have."""
    mail = (
        Case("mail", "email", "frau-h", topic="invoice")
        .at("2026-03-02 09:00:00", "contact.requested")
        .at("2026-03-02 09:30:00", "contact.closed", resolved=True)
    )
    call = (
        Case("call", "phone", "frau-h", topic="invoice", queue="billing")
        .at("2026-03-03 10:00:00", "contact.queued")
        .at("2026-03-03 10:00:10", "contact.answered")
        .at("2026-03-03 10:10:00", "contact.closed", resolved=True)
    )
    counts(
        mail,
        call,
        closed_unanswered=1,
        first_responses=0,
        fcr_eligible=1,  # only the call was served by a person
        fcr_resolved=1,
        issues=0,  # and it began nothing: it followed the mail
        channel_switches=1,
    )


def test_waiting_in_silence_and_waiting_with_a_word() -> None:
    silent = (
        Case("silent", "phone")
        .at("2026-03-02 10:00:00", "contact.queued", queue="sales")
        .at("2026-03-02 10:01:30", "contact.answered")
    )
    told = (
        Case("told", "phone")
        .at("2026-03-02 10:00:00", "contact.queued", queue="sales")
        .at("2026-03-02 10:00:40", "contact.informed", reason="estimate", estimate_ms=60_000)
        .at("2026-03-02 10:01:30", "contact.answered")
    )
    counts(silent, offered=1, wait_ms=90_000, waited_unannounced=1, estimates=0)
    counts(told, offered=1, wait_ms=90_000, waited_unannounced=0, estimates_judged=1, estimate_error_ms=10_000)


def test_the_delivery_that_is_late_and_the_customer_who_is_told_first() -> None:
    told = Case("told", "messenger", "frau-i", topic="delivery", direction="outbound").at(
        "2026-03-02 08:00:00", "outreach.sent", reason="delay"
    )
    counts(told, outreach=1, outreach_first=1, outreach_followed=0)
    asks = Case("asks", "phone", "frau-i", topic="delivery").at("2026-03-04 10:00:00", "contact.requested")
    counts(told, asks, outreach_first=1, outreach_followed=1)
    had_asked = Case("asked", "phone", "frau-i", topic="delivery").at("2026-03-01 10:00:00", "contact.requested")
    counts(told, had_asked, outreach_first=0)


def test_the_menu_that_goes_in_circles_and_the_customer_who_gives_up_in_it() -> None:
    call = (
        Case("menu", "phone", "herr-j")
        .at("2026-03-02 10:00:00", "contact.requested")
        .at("2026-03-02 10:00:10", "contact.menu", step="main", option="2")
        .at("2026-03-02 10:00:20", "contact.menu", step="contracts", option="9")
        .at("2026-03-02 10:00:30", "contact.menu", step="main", option="2")
        .at("2026-03-02 10:00:50", "contact.abandoned")
    )
    counts(call, requested=1, ended_in_menu=1, offered=0, abandoned=0, menu_steps=3, menu_repeats=1)


def test_he_gave_up_was_called_back_and_stayed_and_she_gave_up_and_left() -> None:
    gave_up = (
        Case("gave up", "phone", "herr-k")
        .at("2026-03-02 10:00:00", "contact.queued", queue="contracts")
        .at("2026-03-02 10:03:00", "contact.abandoned")
    )
    back = (
        Case("back", "phone", "herr-k", direction="outbound")
        .at("2026-03-02 11:00:00", "contact.answered")
        .at("2026-03-02 11:05:00", "customer.stayed")
    )
    counts(gave_up, back, abandoned=1, patience_ms=3 * MINUTE, abandoned_returned=1, customers_stayed=1)
    hers = (
        Case("hers", "phone", "frau-l")
        .at("2026-03-02 10:00:00", "contact.queued", queue="contracts")
        .at("2026-03-02 10:03:00", "contact.abandoned")
    )
    letter = Case("letter", "letter", "frau-l").at("2026-03-20 10:00:00", "customer.left")
    counts(hers, letter, abandoned_returned=0, customers_left=1, left_after_bad=1)


@pytest.mark.parametrize(("moment", "closed"), [("2026-03-02 08:00:00", 0), ("2026-01-06 10:00:00", 1)])
def test_who_calls_on_a_holiday_calls_outside_opening_hours(moment: str, closed: int) -> None:
    """The 6th of January is a holiday in Bavaria."""
    counts(Case("call", "phone").at(moment, "contact.requested"), requested=1, requested_closed=closed)


def test_the_promise_nobody_remembers_stays_open() -> None:
    rulebook = Rulebook(load(CATALOGUE, "catalogue"))
    case = (
        Case("forgotten", "phone", "frau-m")
        .at("2026-03-02 09:00:00", "contact.answered")
        .at("2026-03-02 09:05:00", "promise.made", promise_id="p", due=at_ms("2026-03-03 12:00"), kind="repair")
        .at("2026-03-02 09:06:00", "contact.closed")
    )
    counts(case, promises_due=1, promises_kept=0, promises_late=0, promises_broken=0)
    contact = Contact("forgotten")
    for touchpoint in case.touchpoints:
        decoded = decode(str(touchpoint).replace("'", '"').encode(), rulebook.catalogue.channels)
        assert not isinstance(decoded, Reject)
        contact.apply(decoded, decoded.time, decoded.time)
    seen = view(contact, rulebook)
    assert (seen.is_open, seen.is_live) == (False, True), "closed, but somebody has something to do"
