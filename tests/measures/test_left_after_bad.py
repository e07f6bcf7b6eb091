"""Left after something bad: within 30 days of it, in any contact of the customer."""

from typing import Any

import pytest

from tests.measures.scenes import DAY, HOUR, MS, Told, booked, contact, total

MONTH = 30 * DAY
LEFT = MONTH + DAY


def left(at: float = LEFT, **fields: Any) -> list[dict[str, Any]]:
    said = {"customer_id": "ann", "queue": "retention", **fields}
    return contact(("customer.left", at), name="left", channel="letter", **said)


def before(*told: Told, channel: str = "phone") -> list[dict[str, Any]]:
    return contact(*told, name="before", channel=channel, customer_id="ann", queue="sales")


@pytest.mark.parametrize(("at", "after_bad"), [(LEFT - MONTH - MS, 0), (LEFT - MONTH, 1), (LEFT, 1), (LEFT + MS, 0)])
def test_within_30_days_and_not_afterwards(at: float, after_bad: int) -> None:
    expected = {(LEFT // 60, "retention"): 1} if after_bad else {}
    assert booked("left_after_bad", left(), before(("contact.refused", at))) == expected


def made(due: float, *more: Told) -> list[dict[str, Any]]:
    promise = {"promise_id": "p", "due": left()[0]["time"] + round(due * 1_000)}
    return before(("promise.made", LEFT - 2 * HOUR, promise), *more)


@pytest.mark.parametrize(
    ("bad", "after_bad"),
    [
        (before(("contact.queued", LEFT - 60), ("contact.abandoned", LEFT - 30)), 1),
        (before(("contact.requested", LEFT - 60), ("contact.abandoned", LEFT - 30)), 0),
        (before(("contact.closed", LEFT - 30, {"resolved": False})), 1),
        (before(("contact.closed", LEFT - 30, {"resolved": True})), 0),
        (before(("message.received", LEFT - 60), ("contact.closed", LEFT - 30), channel="email"), 1),
        (before(("complaint.raised", LEFT - 60), ("complaint.settled", LEFT - 30)), 1),
        (before(("feedback.given", LEFT - 30, {"kind": "nps", "score": 6})), 1),
        (before(("feedback.given", LEFT - 30, {"kind": "nps", "score": 7})), 0),
        (before(("feedback.given", LEFT - 30, {"kind": "nps", "score": 0, "from": "shopper"})), 0),
        (made(-HOUR), 1),
        (made(HOUR), 0),
        (made(-HOUR, ("promise.kept", LEFT - HOUR, {"promise_id": "p"})), 0),
        (made(-HOUR, ("promise.kept", LEFT + HOUR, {"promise_id": "p"})), 1),
        (made(HOUR, ("promise.broken", LEFT - HOUR, {"promise_id": "p"})), 1),
        (made(HOUR, ("promise.broken", LEFT + MS, {"promise_id": "p"})), 0),
    ],
)
def test_what_is_bad(bad: list[dict[str, Any]], after_bad: int) -> None:
    assert total("left_after_bad", left(), bad) == after_bad


def test_what_happened_to_others_or_to_nobody_known_is_no_cause() -> None:
    refused = contact(("contact.refused", LEFT - 60), name="other", customer_id="bob")
    assert total("left_after_bad", left(), refused) == 0
    unknown = contact(("contact.refused", LEFT - 60), ("customer.left", LEFT), name="k")
    assert (total("customers_left", unknown), total("left_after_bad", unknown)) == (1, 0)


def test_a_last_word_that_nobody_answers_is_nothing_bad() -> None:
    thanks = before(
        ("message.received", LEFT - 60), ("message.sent", LEFT - 50), ("message.received", LEFT - 40),
        ("contact.closed", LEFT - 30), channel="chat",
    )  # fmt: skip
    assert (total("closed_unanswered", left(), thanks), total("left_after_bad", left(), thanks)) == (1, 0)
