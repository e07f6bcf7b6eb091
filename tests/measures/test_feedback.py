"""Feedback: asked for; and invalid where a customer's score is not on its scale, which then counts for nothing else."""

import pytest

from tests.measures.scenes import Told, booked, contact, counted


def given(kind: str, score: int, scale_max: int | None = None, after: float = 0, who: str = "") -> Told:
    """Feedback of a customer, unless it says of whom."""
    scale = {} if scale_max is None else {"scale_max": scale_max}
    return "feedback.given", after, {"kind": kind, "score": score, **scale, **({"from": who} if who else {})}


def columns(*told: Told) -> dict[str, int]:
    """What these answers, all of one minute, add to an outbound contact, which counts for nothing else."""
    cells = counted(contact(*told, direction="outbound"))
    assert len(cells) <= 1
    return next(iter(cells.values()), {})


@pytest.mark.parametrize("kind", ["csat", "nps", "ces", "solved"])
def test_asking_counts_every_time_in_its_minute(kind: str) -> None:
    asked: list[Told] = [("feedback.asked", after, {"kind": kind}) for after in (0, 59, 60)]
    assert booked("feedback_asked", contact(*asked, queue="sales")) == {(0, "sales"): 2, (1, "sales"): 1}


@pytest.mark.parametrize(("kind", "bottom", "top"), [("csat", 1, 5), ("nps", 0, 10), ("ces", 1, 7), ("solved", 0, 1)])
def test_a_scale_that_is_not_said_is_the_usual_one(kind: str, bottom: int, top: int) -> None:
    invalid = {"feedback_invalid": 1}
    assert columns(given(kind, bottom - 1)) == columns(given(kind, top + 1)) == invalid
    for score in (bottom, top):
        assert columns(given(kind, score)) == columns(given(kind, score, top)) != invalid
        assert columns(given(kind, score))[f"{kind}_n"] == 1


@pytest.mark.parametrize("kind", ["csat", "nps", "ces", "solved"])
@pytest.mark.parametrize(("score", "scale_max"), [(4, 3), (0, 0), (1, 0), (-5, -1), (-1, 5), (10**6, 10**6 - 1)])
def test_off_the_scale_or_on_none_it_counts_for_nothing_else(kind: str, score: int, scale_max: int) -> None:
    assert columns(given(kind, score, scale_max)) == {"feedback_invalid": 1}


@pytest.mark.parametrize("who", ["employee", "shopper"])
@pytest.mark.parametrize("score", [1, 10, 999])
def test_employees_and_shoppers_are_no_customers(who: str, score: int) -> None:
    assert columns(given("nps", score, 10, who=who)) == {}
    assert columns(given("csat", score, who=who), given("csat", 5)) == columns(given("csat", 5))


def test_saying_that_it_is_the_customer_changes_nothing() -> None:
    assert columns(given("nps", 9, who="customer")) == columns(given("nps", 9))


def test_invalid_feedback_is_booked_when_it_came() -> None:
    call = contact(given("nps", 11, after=119), given("nps", 12, after=120), given("nps", 9, after=120), queue="sales")
    assert booked("feedback_invalid", call) == {(1, "sales"): 1, (2, "sales"): 1}
