"""Told before they asked, and asked all the same: within the window W [7 d] on either side of the outreach."""

from typing import Any

import pytest

from tests.measures.scenes import DAY, HOUR, MS, booked, contact, total

AT = 8 * DAY


def outreach(reason: str = "delay", **fields: Any) -> list[dict[str, Any]]:
    told = ("outreach.sent", AT, {"reason": reason})
    said = {"direction": "outbound", "customer_id": "ann", "queue": "delivery", **fields}
    return contact(told, name="outreach", channel="messenger", **said)


def asked(at: float, **fields: Any) -> list[dict[str, Any]]:
    return contact(("contact.requested", at), **{"name": "asked", "customer_id": "ann", "queue": "sales", **fields})


@pytest.mark.parametrize(("reason", "first"), [("problem", 1), ("delay", 1), ("appointment", 1), ("other", 0)])
def test_first_is_who_was_told_of_a_problem_a_delay_or_an_appointment(reason: str, first: int) -> None:
    minute = AT // 60
    assert booked("outreach_first", outreach(reason)) == ({(minute, "delivery"): 1} if first else {})


@pytest.mark.parametrize(
    ("at", "first", "followed"),
    [
        (AT - 7 * DAY - MS, 1, 0),
        (AT - 7 * DAY, 0, 0),
        (AT, 0, 0),
        (AT + MS, 1, 1),
        (AT + 7 * DAY, 1, 1),
        (AT + 7 * DAY + MS, 1, 0),
    ],
)
def test_before_and_after_are_within_the_window(at: float, first: int, followed: int) -> None:
    assert total("outreach_first", outreach(), asked(at)) == first
    assert total("outreach_followed", outreach(), asked(at)) == followed


@pytest.mark.parametrize(
    ("ours", "theirs", "same"), [("move", "move", 1), ("move", "router", 0), ("move", None, 1), (None, "router", 1)]
)
def test_another_topic_is_another_matter(ours: str | None, theirs: str | None, same: int) -> None:
    told = outreach(**({"topic": ours} if ours else {}))
    topic = {"topic": theirs} if theirs else {}
    assert total("outreach_followed", told, asked(AT + HOUR, **topic)) == same
    assert total("outreach_first", told, asked(AT - HOUR, **topic)) == 1 - same


def test_calls_of_ours_and_of_other_customers_do_not_count() -> None:
    for other in ({"direction": "outbound"}, {"customer_id": "bob"}):
        assert total("outreach_first", outreach(), asked(AT - HOUR, **other)) == 1
        assert total("outreach_followed", outreach(), asked(AT + HOUR, **other)) == 0


def test_who_is_told_within_their_own_call_had_asked() -> None:
    call = contact(
        ("contact.requested", AT - 60), ("outreach.sent", AT, {"reason": "delay"}), customer_id="ann", queue="sales"
    )
    assert (total("outreach", call), total("outreach_first", call), total("outreach_followed", call)) == (1, 0, 0)


def test_even_an_outreach_without_a_reason_can_be_followed() -> None:
    assert total("outreach_followed", outreach("other"), asked(AT + HOUR)) == 1
