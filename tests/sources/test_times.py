"""Times of all the forms that source systems use, to the millisecond, without a float on the way."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sources.times import any_ms, epoch_ms, iso_ms, revision, seconds_ms

T = 1_736_331_127_000  # 2025-01-08T10:12:07Z


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-01-08T10:12:07Z", T),
        ("2025-01-08T10:12:07.672717030Z", T + 672),
        ("2025-01-08T10:12:07.999999999Z", T + 999),
        ("2025-01-08T10:12:07.6Z", T + 600),
        ("2025-01-08 10:12:07,060z", T + 60),
        ("2025-01-08T12:12:07+02:00", T),
        ("2025-01-08T04:42:07-0530", T),
        ("2025-01-08T10:12Z", T - 7000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
    ],
)
def test_iso_times(text: str, ms: int) -> None:
    assert iso_ms(text) == ms
    assert any_ms(text) == ms


@pytest.mark.parametrize("nothing", [None, "", 0])
def test_nothing_and_zero_mean_not_yet(nothing: object) -> None:
    assert iso_ms(nothing) is seconds_ms(nothing) is epoch_ms(nothing) is any_ms(nothing) is None


@pytest.mark.parametrize("zero", ["0", "0.0", "0.000000"])
def test_a_zero_as_text_means_not_yet_too(zero: str) -> None:
    assert seconds_ms(zero) is None


@pytest.mark.parametrize(
    "text",
    [
        "2025-01-08T10:12:07",
        "2025-13-08T10:12:07Z",
        "2025-02-30T10:12:07Z",
        "2025-01-08T24:12:07Z",
        "yesterday",
        "2025",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "٢٠٢٥-01-08T10:12:07Z",
    ],
)
def test_what_is_no_time_or_has_no_zone_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        iso_ms(text)
    assert text not in str(caught.value)


@pytest.mark.parametrize("value", [1_747_336_268, "1747336268", "1747336268.0009"])
def test_seconds(value: object) -> None:
    assert seconds_ms(value) == 1_747_336_268_000


def test_seconds_with_a_fraction_keep_their_milliseconds_exactly() -> None:
    assert seconds_ms("1747336268.676807") == 1_747_336_268_676
    assert seconds_ms("1747336268.677") == 1_747_336_268_677
    assert epoch_ms("1747336268677") == 1_747_336_268_677


@pytest.mark.parametrize("value", [-1, "-1", "1e9", 1_747_336_268_676, "soon", [1], {"a": 1}, 1.5, 10**30, "9" * 30])
def test_seconds_in_another_unit_or_form_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        seconds_ms(value)


@given(st.datetimes(datetime(1974, 1, 1), datetime(2500, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_any_moment_in_any_zone(moment: datetime, offset: int) -> None:
    utc = moment.replace(tzinfo=UTC)
    sign, (hours, minutes) = "-" if offset < 0 else "+", divmod(abs(offset), 60)
    seconds = int(utc.replace(microsecond=0).timestamp())
    expected = seconds * 1000 + utc.microsecond // 1000
    assert iso_ms(utc.isoformat().replace("+00:00", "Z")) == expected
    local = f"{utc.isoformat().replace('+00:00', '')}{sign}{hours:02}:{minutes:02}"
    assert iso_ms(local) == expected - offset * 60_000
    assert seconds_ms(f"{seconds}.{utc.microsecond:06}") == expected


def test_revisions_grow_with_the_second_and_fit_for_decades() -> None:
    assert revision(None) == revision(1_000_000_000_000) == 0
    assert revision(T + 1000) == revision(T) + 1
    assert revision(3_400_000_000_000) < revision(3_400_000_001_000) <= 2**31  # the year 2077
    assert revision(10**14) == 2**31
