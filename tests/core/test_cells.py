"""Cells: what one moment adds, and that differences add up whatever happens in between."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.cells import Cell, Contribution, book, revise, settled, total
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


def booked(*items: dict[str, int], at_ms: int = 0) -> Contribution:
    """The contribution of these moments, all at one time."""
    found: Contribution = {}
    for item in items:
        book(found, COLUMNS.by_moment["wait"], at_ms, HERE, item)
    return found


def test_a_moment_is_booked_in_its_minute() -> None:
    assert list(booked({"plain": 1}, at_ms=2 * MINUTE - 1)) == [(60, *HERE)]
    assert list(booked({"plain": 1}, at_ms=2 * MINUTE)) == [(120, *HERE)]


def test_moments_of_one_minute_are_summed() -> None:
    assert booked({"plain": 1}, {"plain": 4}) == {(0, *HERE): {PLAIN: 5}}


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
CONTRIBUTIONS = st.dictionaries(st.tuples(st.sampled_from((0, 60)), st.just("a"), st.just("b"), st.just("c")), CELLS)


@given(st.lists(CONTRIBUTIONS, max_size=6))
def test_revisions_add_up_to_the_last_contribution(steps: list[Contribution]) -> None:
    sums: Contribution = {}
    before: Contribution = {}
    for step in steps:
        revise(sums, step, before)
        before = step
    found = {key: kept for key, cell in sums.items() if (kept := {n: v for n, v in cell.items() if v})}
    assert found == {key: cell for key, cell in before.items() if cell}


@given(CONTRIBUTIONS, CONTRIBUTIONS)
def test_what_stays_as_it_was_is_not_touched(new: Contribution, old: Contribution) -> None:
    touched: Contribution = {}
    revise(touched, new, old)
    assert set(touched) == {key for key in {*new, *old} if new.get(key) != old.get(key)}


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_a_total_is_the_sum_of_its_cells(cells: list[Cell]) -> None:
    before = [dict(cell) for cell in cells]
    assert {n: v for n, v in total(cells).items() if v} == {
        n: v for n in (PLAIN, OPEN, OPEN + 1, WAIT) if (v := sum(cell.get(n, 0) for cell in cells))
    }
    assert cells == before
