"""Satisfaction: how many answered, how many gave the best one or two scores, and points."""

import pytest

from tests.measures.scenes import booked, contact
from tests.measures.test_feedback import columns, given


@pytest.mark.parametrize(
    ("score", "scale_max", "top1", "top2", "points"),
    [
        (1, None, 0, 0, 0),
        (2, None, 0, 0, 2_500),
        (4, None, 0, 1, 7_500),
        (5, None, 1, 1, 10_000),
        (3, 4, 0, 1, 6_666),  # rounded down
        (9, 10, 0, 1, 8_888),
        (8, 10, 0, 0, 7_777),
        (1, 2, 0, 1, 0),
        (1, 1, 1, 1, 10_000),  # a scale of one score
        (100, 100, 1, 1, 10_000),
    ],
)
def test_a_score_on_its_scale(score: int, scale_max: int | None, top1: int, top2: int, points: int) -> None:
    worth = {"csat_n": 1, "csat_top1": top1, "csat_top2": top2, "csat_points": points}
    assert columns(given("csat", score, scale_max)) == {name: n for name, n in worth.items() if n}


def test_answers_are_summed_in_the_minute_they_came() -> None:
    call = contact(given("csat", 2), given("csat", 4, after=59), given("csat", 5, after=60), queue="sales")
    assert booked("csat_n", call) == {(0, "sales"): 2, (1, "sales"): 1}
    assert booked("csat_points", call) == {(0, "sales"): 10_000, (1, "sales"): 10_000}


def test_other_questions_are_not_about_satisfaction() -> None:
    found = columns(given("nps", 5), given("ces", 5), given("solved", 1))
    assert not [name for name in found if name.startswith("csat")]
