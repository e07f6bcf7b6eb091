"""Which facts a facts topic that begins anew lacks: the notes, and how they are thinned out."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.told import Told, delivered, noted, reached


def test_what_is_counted_past_every_end_is_delivered() -> None:
    told = [Told(0), Told(10, (5, 2)), Told(20, (5, 9)), Told(30, (8, 9))]
    assert delivered(told, {0: 5, 1: 2}) == 10
    assert delivered(told, {0: 7, 1: 9}) == 20
    assert delivered(told, {0: 8, 1: 9}) == 30
    assert delivered(told, {0: 8}) == 0, "of partition 1 nothing is known"
    assert delivered([Told(7), Told(9, (1,))], {}) == 7, "the first was delivered before this topic began"
    assert delivered([], {0: 5}) == 0


def test_ends_never_go_back_and_partitions_not_written_to_keep_theirs() -> None:
    assert reached([Told(1, (5, 2))], {1: 4}) == (5, 4)
    assert reached([Told(1, (5, 2))], {0: 3}) == (5, 2), "somebody who does not know of the new topic"
    assert reached([], {2: 4}) == (0, 0, 4)
    assert reached([Told(1, (5,))], {}) == (5,)


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=400), st.data())
def test_notes_are_few_and_what_is_told_again_is_at_most_sixteen_times_what_is_missing(
    steps: list[int], data: st.DataObject
) -> None:
    told = [Told(0)]
    versions = [0]
    for step in steps:
        versions.append(versions[-1] + step)
        told = noted(told, Told(versions[-1], (versions[-1],)))  # the ends happen to be the versions
    assert told[0] == Told(0)
    assert told[-1].version == versions[-1]
    assert len(told) <= 14
    counted = data.draw(st.sampled_from(versions))
    since = delivered(told, {0: counted})
    assert since <= counted
    missing = versions[-1] - counted
    if missing:
        assert versions[-1] - since <= 16 * (missing + max(steps))


def test_a_version_that_is_noted_again_replaces_what_was_noted() -> None:
    assert noted([Told(0), Told(5, (1,)), Told(9, (4,))], Told(5, (3,))) == [Told(0), Told(5, (3,))]
