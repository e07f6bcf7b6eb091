"""Numbers and dates in two languages; the examples in docstrings are run."""

import doctest
from datetime import date

import pytest

from pipeline.answers import speech, sums
from pipeline.core.zone import Zone


@pytest.mark.parametrize("module", [speech, sums])
def test_the_examples_in_the_docstrings_are_true(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0


@pytest.mark.parametrize(
    ("ms", "english", "german"),
    [
        (0, "0.0 s", "0,0 s"),
        (9_949, "9.9 s", "9,9 s"),
        (10_400, "10 s", "10 s"),
        (60_000, "1 min", "1 min"),
        (-85_000, "-1 min 25 s", "-1 min 25 s"),
        (3_600_000 + 59_000, "1 h", "1 h"),
        (400 * 86_400_000, "400 d", "400 T"),
    ],
)
def test_durations_have_their_two_largest_units(ms: int, english: str, german: str) -> None:
    assert speech.duration(ms, "en") == english
    assert speech.duration(ms, "de") == german


def test_days_and_moments_are_local_and_written_as_readers_do() -> None:
    berlin = Zone("Europe/Berlin")
    summer_ms = 1_782_864_000_000  # 2026-07-01 00:00 UTC
    assert speech.moment(summer_ms, berlin, "de") == "01.07.2026 02:00:00"
    assert speech.moment(summer_ms, berlin, "en", seconds=False) == "1 Jul 2026 02:00"
    assert speech.long_day(date(2026, 3, 2), "de") == "Montag, 02.03.2026"
    assert speech.moment(None, berlin, "de") == "-"


def test_a_difference_has_its_sign_and_says_points_not_percent() -> None:
    assert speech.points(0.051, "en") == "+5.1 pp"
    assert speech.points(-0.0004, "de") == "±0 PP"
    assert speech.signed(-1234, "de") == "-1.234"


def test_an_unknown_language_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'fr': write de or en"):
        speech.language("fr")
