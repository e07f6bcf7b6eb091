"""Complaints made good: praise within 30 days of settling, booked when the complaint was raised."""

from typing import Any

import pytest

from tests.measures.scenes import DAY, HOUR, MS, Told, booked, contact, total

RAISED: tuple[Told, ...] = (("contact.answered", 0, {"queue": "claims"}), ("complaint.raised", 60))
SETTLED = contact(*RAISED, ("complaint.settled", HOUR, {"goodwill": 2_000}), name="complaint", customer_id="ann")
MONTH = 30 * DAY


def praise(at: float = DAY, **given: Any) -> list[dict[str, Any]]:
    fields = {"kind": "nps", "score": 9, **given}
    return contact(("feedback.given", at, fields), name="later", customer_id="ann", queue="sales", channel="email")


@pytest.mark.parametrize(
    ("at", "recovered"), [(HOUR, 0), (HOUR + MS, 1), (HOUR + MONTH, 1), (HOUR + MONTH + MS, 0), (30, 0)]
)
def test_praise_counts_after_the_settling_and_within_30_days(at: float, recovered: int) -> None:
    expected = {(1, "claims"): 1} if recovered else {}
    assert booked("complaints_recovered", SETTLED, praise(at)) == expected


@pytest.mark.parametrize(
    ("given", "recovered"),
    [
        ({"kind": "nps", "score": 8}, 0),
        ({"kind": "nps", "score": 90, "scale_max": 100}, 1),
        ({"kind": "csat", "score": 5}, 1),
        ({"kind": "csat", "score": 4}, 0),
        ({"kind": "csat", "score": 6}, 0),
        ({"kind": "ces", "score": 7}, 0),
        ({"kind": "solved", "score": 1}, 0),
        ({"kind": "nps", "score": 10, "from": "employee"}, 0),
    ],
)
def test_praise_is_a_promoter_or_the_best_satisfaction(given: dict[str, Any], recovered: int) -> None:
    assert total("complaints_recovered", SETTLED, praise(**given)) == recovered


def test_one_praise_makes_good_every_complaint_settled_before_it_and_no_other() -> None:
    three = contact(
        *RAISED, ("complaint.raised", 70), ("complaint.raised", 80), ("complaint.settled", 90),
        ("complaint.settled", 2 * HOUR), name="complaint", customer_id="ann",
    )  # fmt: skip
    assert total("complaints_recovered", three, praise()) == 2
    assert total("complaints_recovered", three, praise(HOUR)) == 1


def test_praise_of_somebody_else_or_of_nobody_known_makes_nothing_good() -> None:
    bob = [{**t, "customer_id": "bob"} for t in praise()]
    assert total("complaints_recovered", SETTLED, bob) == 0
    unknown = [{k: v for k, v in t.items() if k != "customer_id"} for t in (*SETTLED, *praise())]
    assert total("complaints_recovered", [t for t in unknown if t["contact_id"] == "complaint"]) == 0
