"""Cells: what one moment adds, and that differences add up whatever happens in between."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from pipeline.core.cells import Booking, Cell, Contribution, Tally, add, revise, settled, take, tally_of, total
from pipeline.core.histogram import bucket
from pipeline.core.measure import Columns, Measure, column_key
from tests.oracle import MINUTE


def measure(name: str, *, optional: bool = False, histogram: bool = False) -> Measure[dict[str, int]]:
    """A measure that looks up its own name."""
    return Measure[dict[str, int]](
        name=name, unit="ms", family="waiting", moment="wait", title_en="", title_de="", definition="",
        value=lambda item: item.get(name), optional=optional, histogram=histogram,
    )  # fmt: skip


COLUMNS = Columns([measure("plain"), measure("open", optional=True), measure("wait", histogram=True)])
PLAIN, OPEN, WAIT, BUCKETS = (column_key(name) for name in ("plain", "open", "wait", "wait_buckets"))
HERE = ("phone", "sales", "private")


def booked(*items: dict[str, int], at_ms: int = 0) -> dict[tuple[Any, ...], Cell]:
    """The contribution of these moments, all at one time."""
    found: Contribution = {}
    booking = Booking(found, COLUMNS, *HERE)
    for item in items:
        booking.add("wait", at_ms, item)
    return cells_of(found)


def cells_of(contribution: Contribution) -> dict[tuple[Any, ...], Cell]:
    """To be compared."""
    return {key: dict(tally.items()) for key, tally in contribution.items()}


def test_a_moment_is_booked_in_its_minute() -> None:
    assert list(booked({"plain": 1}, at_ms=2 * MINUTE - 1)) == [(60, *HERE)]
    assert list(booked({"plain": 1}, at_ms=2 * MINUTE)) == [(120, *HERE)]


def test_moments_of_one_minute_are_summed() -> None:
    assert booked({"plain": 1}, {"plain": 4}) == {(0, *HERE): {PLAIN: 5}}


@given(st.lists(st.tuples(st.sampled_from(("sales", "other")), st.integers(0, 3), st.integers(0, 2))))
def test_it_does_not_matter_which_cell_was_booked_last(moments: list[tuple[str, int, int]]) -> None:
    one: Contribution = {}
    each: Contribution = {}
    booking = Booking(one, COLUMNS, *HERE)
    for queue, minute, plain in moments:
        booking.add_in(queue, "wait", minute * MINUTE, {"plain": plain})
        Booking(each, COLUMNS, *HERE).add_in(queue, "wait", minute * MINUTE, {"plain": plain})
    assert cells_of(one) == cells_of(each)
    booking.add("clock", 0, {"plain": 1})
    assert cells_of(one) == cells_of(each), "of such a moment nothing is counted here"


@given(
    st.sets(st.tuples(st.sampled_from(("sales", "other")), st.integers(0, 2))),
    st.lists(st.tuples(st.sampled_from(("sales", "other")), st.integers(0, 2), st.integers(0, 1))),
)
def test_what_is_said_to_be_booked_has_a_cell(there: set[tuple[str, int]], moments: list[tuple[str, int, int]]) -> None:
    found: Contribution = {(minute * 60, "phone", queue, "private"): Tally() for queue, minute in there}
    booking = Booking(found, COLUMNS, *HERE)
    for queue, minute, plain in moments:
        booking.add_in(queue, "wait", minute * MINUTE, {"plain": plain})
    for minute in range(3):
        said = booking.has_booked(minute, *HERE)
        looked_at = any(each[:2] == ("sales", minute) for each in moments)
        assert said == (looked_at and (minute * 60, *HERE) in found)
        for elsewhere in (("chat", "sales", "private"), ("phone", "other", "private"), ("phone", "sales", "gold")):
            assert not booking.has_booked(minute, *elsewhere)


def test_of_very_many_minutes_not_all_are_remembered() -> None:
    found: Contribution = {}
    booking = Booking(found, COLUMNS, *HERE)
    for minute in range(1_000):
        booking.add("wait", minute * MINUTE, {"plain": 1})
    known = [booking.has_booked(minute, *HERE) for minute in range(1_000)]
    assert len(found) == 1_000
    assert known[0]
    assert sum(known) < 100


def test_zero_is_not_kept_but_for_optional_measures_and_histograms() -> None:
    assert booked({"plain": 0}) == {}
    assert booked({"plain": 0}, {"plain": 1}) == {(0, *HERE): {PLAIN: 1}}
    assert booked({"open": 0}) == {(0, *HERE): {OPEN: 0, OPEN + 1: 1}}
    assert booked({"wait": 0}) == {(0, *HERE): {BUCKETS: 1}}


def test_a_histogram_counts_beside_the_sum() -> None:
    expected = {WAIT: 20_005, BUCKETS + bucket(20_000): 1, BUCKETS + 5: 1}
    assert booked({"wait": 20_000}, {"wait": 5}) == {(0, *HERE): expected}


def test_settled_drops_what_is_zero_and_sorts() -> None:
    cell = {WAIT: 3, PLAIN: 0, OPEN: 0, OPEN + 1: 2}
    assert list(settled(cell, COLUMNS).items()) == sorted({WAIT: 3, OPEN: 0, OPEN + 1: 2}.items())
    assert settled({OPEN: 0, OPEN + 1: 0, PLAIN: 0}, COLUMNS) == {}


CELLS = st.dictionaries(st.sampled_from((PLAIN, OPEN, OPEN + 1, WAIT)), st.integers(-3, 3).filter(bool), max_size=3)
TALLIES = CELLS.map(tally_of)
CONTRIBUTIONS = st.dictionaries(st.tuples(st.sampled_from((0, 60)), st.just("a"), st.just("b"), st.just("c")), TALLIES)
NUMBERS = st.integers(-(1 << 40), 1 << 47)
WIDE = st.dictionaries(NUMBERS, st.integers(-(1 << 40), 1 << 40), max_size=12)


@given(st.lists(st.tuples(NUMBERS, st.integers(-3, 3)), max_size=20))
def test_a_tally_is_a_sum_by_number_in_order(booked_one_by_one: list[tuple[int, int]]) -> None:
    tally, cell = Tally(), dict[int, int]()
    for number, value in booked_one_by_one:
        tally.book(number, value)
        add(cell, {number: value})
    assert tally.items() == sorted(cell.items())
    assert len(tally) == len(cell)
    assert all(number in tally and tally.get(number) == value for number, value in cell.items())
    assert (1 << 48) not in tally
    assert (tally.get(1 << 48), tally.get(1 << 48, 7)) == (0, 7)


@given(st.lists(st.tuples(WIDE, st.sampled_from((1, -1))), max_size=4))
def test_tallies_are_added_and_taken_away_like_dictionaries(steps: list[tuple[Cell, int]]) -> None:
    tally, cell = Tally(), dict[int, int]()
    for step, times in steps:
        other = tally_of(step)
        tally.add(other, times)
        (add if times == 1 else take)(cell, step)
        assert tally.items() == sorted(cell.items())
        assert other.items() == sorted(step.items()), "what is added stays as it was"


@given(WIDE, WIDE)
def test_a_copy_is_the_same_and_its_own(one: Cell, other: Cell) -> None:
    tally = tally_of(one)
    copy = tally.copy()
    assert copy == tally
    assert (copy == tally_of(other)) == (one == other)
    copy.add(tally_of(other))
    copy.book(0, 1)
    assert tally.items() == sorted(one.items())


@given(st.lists(st.dictionaries(st.sampled_from((PLAIN, OPEN, OPEN + 1, WAIT)), st.integers(-2, 2)), max_size=4))
def test_laid_out_are_settled_cells_one_after_the_other(cells: list[Cell]) -> None:
    numbers, values = BytesWriter(), BytesWriter()
    lengths = [tally_of(cell).lay_out(numbers, values, COLUMNS) for cell in cells]
    wanted = [settled(cell, COLUMNS) for cell in cells]
    assert lengths == [len(cell) for cell in wanted]
    for written, integers in (
        (numbers, [number for cell in wanted for number in cell]),
        (values, [value for cell in wanted for value in cell.values()]),
    ):
        assert written.getvalue() == struct.pack(f"<{len(integers)}q", *integers)


def test_what_has_more_than_64_bits_is_refused() -> None:
    with pytest.raises((OverflowError, ValueError)):
        tally_of({PLAIN: 1 << 63})


@given(st.lists(CONTRIBUTIONS, max_size=6))
def test_revisions_add_up_to_the_last_contribution(steps: list[Contribution]) -> None:
    sums: Contribution = {}
    before: Contribution = {}
    for step in steps:
        revise(sums, step, before)
        before = step
    found = {key: kept for key, cell in cells_of(sums).items() if (kept := {n: v for n, v in cell.items() if v})}
    assert found == {key: cell for key, cell in cells_of(before).items() if cell}


@given(CONTRIBUTIONS, CONTRIBUTIONS)
def test_what_stays_as_it_was_is_not_touched(new: Contribution, old: Contribution) -> None:
    touched: Contribution = {}
    revise(touched, new, old)
    assert set(touched) == {key for key in {*new, *old} if new.get(key) != old.get(key)}


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_a_total_is_the_sum_of_its_cells(cells: list[Cell]) -> None:
    tallies = [tally_of(cell) for cell in cells]
    assert {n: v for n, v in total(tallies).items() if v} == {
        n: v for n in (PLAIN, OPEN, OPEN + 1, WAIT) if (v := sum(cell.get(n, 0) for cell in cells))
    }
    assert tallies == [tally_of(cell) for cell in cells]
