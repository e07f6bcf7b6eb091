"""Ease: how many answered, and points; high is easy."""

import pytest

from tests.measures.test_feedback import columns, given


@pytest.mark.parametrize(
    ("score", "scale_max", "points"),
    [(1, None, 0), (2, None, 1_666), (7, None, 10_000), (5, 5, 10_000), (3, 5, 5_000), (1, 1, 10_000)],
)
def test_a_score_on_its_scale(score: int, scale_max: int | None, points: int) -> None:
    worth = {"ces_n": 1, "ces_points": points}
    assert columns(given("ces", score, scale_max)) == {name: n for name, n in worth.items() if n}


def test_answers_are_summed_and_satisfaction_is_something_else() -> None:
    assert columns(given("ces", 4), given("ces", 7)) == {"ces_n": 2, "ces_points": 15_000}
    assert "ces_n" not in columns(given("csat", 4))
