"""Audits: criteria scored by mystery shoppers, and points."""

import pytest

from tests.measures.scenes import Told, booked, contact


def scored(score: int, scale_max: int, after: float = 0) -> Told:
    """One criterion of a visit."""
    return "audit.scored", after, {"criterion": "greeting", "score": score, "scale_max": scale_max}


@pytest.mark.parametrize(
    ("score", "scale_max", "points"),
    [(0, 5, 0), (1, 5, 2_000), (5, 5, 10_000), (2, 3, 6_666), (6, 5, 10_000), (-1, 5, 0), (1, 1, 10_000), (-1, 3, 0)],
)
def test_a_score_brought_to_points_which_end_where_the_scale_does(score: int, scale_max: int, points: int) -> None:
    visit = contact(scored(score, scale_max), channel="branch")
    assert booked("audits", visit) == {(0, "unknown"): 1}
    assert booked("audit_points", visit) == ({(0, "unknown"): points} if points else {})


@pytest.mark.parametrize("scale_max", [0, -1, -5])
def test_a_scale_without_a_step_is_not_counted(scale_max: int) -> None:
    visit = contact(scored(3, scale_max))
    assert booked("audits", visit) == booked("audit_points", visit) == {}


def test_each_criterion_counts_in_its_minute() -> None:
    visit = contact(scored(1, 2), scored(2, 2, 59), scored(1, 4, 60), queue="sales")
    assert booked("audits", visit) == {(0, "sales"): 2, (1, "sales"): 1}
    assert booked("audit_points", visit) == {(0, "sales"): 15_000, (1, "sales"): 2_500}
