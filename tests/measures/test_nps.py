"""Recommendation: promoters 9 and 10, detractors 0 to 6, those between are neither."""

import pytest

from tests.measures.test_feedback import columns, given

PROMOTER = {"nps_n": 1, "nps_promoters": 1}
DETRACTOR = {"nps_n": 1, "nps_detractors": 1}
NEITHER = {"nps_n": 1}


@pytest.mark.parametrize(
    ("score", "expected"), [(0, DETRACTOR), (6, DETRACTOR), (7, NEITHER), (8, NEITHER), (9, PROMOTER), (10, PROMOTER)]
)
def test_out_of_ten(score: int, expected: dict[str, int]) -> None:
    assert columns(given("nps", score)) == columns(given("nps", score, 10)) == expected


@pytest.mark.parametrize(
    ("score", "scale_max", "expected"),
    [
        (5, 5, PROMOTER),
        (4, 5, NEITHER),  # 8
        (3, 5, DETRACTOR),  # 6
        (6, 7, NEITHER),  # 8.57 is 8
        (89, 100, NEITHER),  # 8.9 is 8
        (90, 100, PROMOTER),
        (69, 100, DETRACTOR),  # 6.9 is 6
        (70, 100, NEITHER),
        (1, 1, PROMOTER),
        (0, 1, DETRACTOR),
    ],
)
def test_other_scales_are_brought_to_ten_rounded_down(score: int, scale_max: int, expected: dict[str, int]) -> None:
    assert columns(given("nps", score, scale_max)) == expected


def test_a_shopper_recommends_nothing() -> None:
    assert columns(given("nps", 10, who="shopper"), given("nps", 3)) == DETRACTOR
