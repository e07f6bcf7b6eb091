"""Monday morning: one seed, one story; and what is told of it is what the live page shows in that moment."""

from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.app.catalogues import simulated
from pipeline.core.rules import Rulebook
from pipeline.io.simulator.story import ACTS, LENGTH_MS, PREROLL_MS, QUEUE, STORIES, MondayMorning, act_at, story
from pipeline.live.summary import Numbers, Summary
from schemas.catalogue import load
from schemas.codec import decode, encode
from schemas.touchpoint import Abandoned, Answered, CallbackRequested, PromiseKept, PromiseMade, Touchpoint
from tests.live.world import S, World

START = 1_795_000_000_000
SEEDS = (7, 1, 2)
TARGET_MS = 20 * S


def at(seed: int, since_ms: int) -> Summary:
    """The live values so long after the start."""
    world = World(simulated())
    world._said = [msgspec.json.decode(encode(each)) for each in story(seed, START, since_ms)]
    return world.summary(START + since_ms)


def live(summary: Summary) -> Numbers:
    (found,) = [total.numbers for total in summary.totals if total.kind == "live"]
    return found


def began(number: int) -> int:
    """When an act begins, and a little more."""
    return ACTS[number - 1].at_ms + S


def test_one_seed_is_one_story_whenever_it_begins() -> None:
    def moved(by_ms: int) -> list[tuple[str, int, str | None]]:
        return [(type(each).__name__, each.time - START - by_ms, each.customer_id) for each in story(7, START + by_ms)]

    assert moved(0) == moved(12_345_000)
    assert story(7, START) == story(7, START)
    assert story(7, START) != story(8, START)


@settings(max_examples=10)
@given(st.lists(st.integers(0, PREROLL_MS + LENGTH_MS), max_size=6))
def test_how_the_time_is_cut_changes_nothing(cuts: list[int]) -> None:
    cut = MondayMorning(7, START)
    parts = [each for to in sorted(cuts) for each in cut.advance(START - PREROLL_MS + to)]
    assert parts + cut.advance(START + LENGTH_MS) == story(7, START)


def test_touchpoints_are_valid_unique_and_in_order() -> None:
    made = story(7, START)
    assert all(decode(encode(each)) == each for each in made)
    assert len({(each.contact_id, each.id) for each in made}) == len(made)
    assert [each.time for each in made] == sorted(each.time for each in made)
    assert made[0].time >= START - PREROLL_MS
    assert made[-1].time < START + LENGTH_MS


def test_the_acts_are_told_in_both_languages_one_after_the_other() -> None:
    assert [act.at_ms for act in ACTS] == sorted(act.at_ms for act in ACTS)
    assert ACTS[-1].at_ms < LENGTH_MS == 180_000
    assert all(set(act.text) == {"de", "en"} and all(act.text.values()) for act in ACTS)
    assert [act_at(act.at_ms) for act in ACTS] == list(range(1, len(ACTS) + 1))
    assert STORIES["monday-morning"] is MondayMorning


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_told_is_what_is_shown(seed: int) -> None:
    shown = {number: live(at(seed, began(number))) for number in range(1, len(ACTS) + 1)}
    assert shown[1].waiting_now <= 1
    assert shown[1].overdue_now == 0
    assert shown[3].overdue_now > 0
    assert shown[4].today.abandoned > shown[1].today.abandoned
    assert shown[4].not_called_back_today
    assert shown[5].longest_wait_ms > 6 * TARGET_MS
    before = live(at(seed, ACTS[4].at_ms - 10 * S))
    assert before.longest_wait_ms < 6 * TARGET_MS, "not earlier than told"
    assert shown[7].promises_due_soon > 5
    assert (shown[8].overdue_now, shown[8].promises_overdue_now) == (0, 0)
    assert shown[8].waiting_now < 3
    assert live(at(seed, LENGTH_MS + 60 * S)).not_called_back_today == 0


def test_the_alarm_has_its_time() -> None:
    """TouchlineLongestWait wants thirty seconds of it (see dashboards), with room for scrapes."""
    first, last = ACTS[4].at_ms + S, ACTS[6].at_ms - S
    assert last - first > 36 * S
    for since_ms in range(first, last, 6 * S):
        assert live(at(7, since_ms)).longest_wait_ms > 6 * TARGET_MS
    assert Rulebook(load(simulated(), "demo")).rules("phone", QUEUE, "unknown", START).wait_target_ms == TARGET_MS


def test_only_one_queue_is_in_trouble_and_everything_comes_to_an_end() -> None:
    made = story(7, START, LENGTH_MS + 120 * S)
    for row in at(7, began(6)).by_queue:
        assert (row.numbers.overdue_now > 0) == ((row.kind, row.queue) == ("live", QUEUE)), row.queue

    def of(kind: type[Touchpoint], counted: Callable[[Touchpoint], bool] = lambda _: True) -> int:
        return Counter(type(each) for each in made if counted(each))[kind]

    assert of(Abandoned) >= 8
    assert of(CallbackRequested) == of(PromiseMade) == of(PromiseKept) >= 10
    assert of(Answered, lambda each: START <= each.time < START + ACTS[1].at_ms + 160 * S) < of(Answered)
