"""Was your question answered: how many said something, how many said yes."""

import pytest

from tests.measures.test_feedback import columns, given


@pytest.mark.parametrize(
    ("score", "scale_max", "yes"), [(0, None, 0), (1, None, 1), (0, 2, 0), (1, 2, 1), (2, 2, 1), (1, 1, 1)]
)
def test_a_score_of_one_or_above_says_yes(score: int, scale_max: int | None, yes: int) -> None:
    worth = {"solved_n": 1, "solved_yes": yes}
    assert columns(given("solved", score, scale_max)) == {name: n for name, n in worth.items() if n}
