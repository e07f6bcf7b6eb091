"""Histograms: no value falls between buckets, merging is addition, and a quantile is close and never too low."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.histogram import bounds, bucket, quantile

VALUES = st.one_of(st.integers(0, 100), st.integers(0, 1 << 45))


@given(VALUES)
def test_a_value_lies_in_its_bucket_which_is_narrow(value: int) -> None:
    low, high = bounds(bucket(value))
    assert low <= value < high
    assert high - low <= max(1, value // 16)


def test_buckets_follow_one_another_without_gap_or_overlap() -> None:
    assert all(bounds(index)[1] == bounds(index + 1)[0] for index in range(700))
    assert all(bucket(a) <= bucket(b) for a, b in pairwise(range(5_000)))


@given(st.lists(VALUES, min_size=1, max_size=60), st.integers(0, 100))
def test_a_quantile_is_never_too_low_and_at_most_a_sixteenth_too_high(values: list[int], percent: int) -> None:
    rank = max(-(-len(values) * percent // 100), 1)
    exact = sorted(values)[rank - 1]
    found = quantile(Counter(bucket(v) for v in values), percent)
    assert found is not None
    assert exact <= found <= exact + exact // 16


@given(st.lists(VALUES, max_size=20), st.lists(VALUES, min_size=1, max_size=20))
def test_merged_histograms_are_that_of_all_values(one: list[int], other: list[int]) -> None:
    merged = Counter(bucket(v) for v in one) + Counter(bucket(v) for v in other)
    assert quantile(merged, 90) == quantile(Counter(bucket(v) for v in one + other), 90)


def test_there_is_no_quantile_of_nothing_and_less_than_nothing_is_nothing() -> None:
    assert quantile({}, 50) is None
    assert quantile({7: -2}, 50) is None
    assert quantile({3: -5, 9: 1}, 50) == 9
