"""What if: exact from contacts, and from histograms a range that holds the truth."""

from collections import defaultdict
from typing import Any

import pytest

from pipeline.answers import whatif
from pipeline.answers.sums import added, sums
from pipeline.answers.whatif import Outcome, Place, Question
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY
from schemas.catalogue import load
from tests.answers.stored import Stored, store
from tests.measures.scenes import HOUR, MONDAY_MS, contact
from tests.strategies import generate

DAYS = 100 * 86_400_000
LATER_MS = MONDAY_MS + DAYS
OLD = """
zone: Europe/Berlin
calendars: {office: {weekly: {monday-friday: 08:00-18:00}}}
opening_hours: [{channel: email, calendar: office}]
"""
NEW = (
    OLD
    + """
targets:
  - {channel: phone, wait: 45s}
  - {queue: sales, wait: 3s}
  - {channel: email, response: 30min}
  - {channel: letter, response: none}
settings: {abandoned_short: 20s}
"""
)
OTHER_HOURS = OLD.replace("08:00-18:00", "06:00-22:00")
DECISIVE = ("offered", "answered_in_target", "abandoned_in_target", "abandoned_short", "first_responses_due",
            "first_response_in_target")  # fmt: skip


def rulebook(text: str) -> Rulebook:
    return Rulebook(load(text, "what-if"))


def day_cells(stored: Stored) -> dict[Place, dict[int, int]]:
    found: dict[Place, list[dict[int, int]]] = defaultdict(list)
    for (_, resolution, window_s, channel, queue, segment, *_), (_, cell) in stored.cells.rows.items():
        if resolution == DAY:
            found[window_s, channel, queue, segment].append(cell)
    return {place: added(cells) for place, cells in found.items()}


def asked(stored: Stored, old: str, new: str, *, gone: bool = False, from_ms: int = 0) -> dict[Place, Outcome]:
    question = Question(rulebook(old), rulebook(new), from_ms, LATER_MS, LATER_MS)
    question.count(contact for n, contact in enumerate(stored.contacts.values()) if not (gone and n % 3))
    cells = {place: cell for place, cell in day_cells(stored).items() if place[0] * 1_000 >= from_ms}
    return question.outcomes(cells)


@pytest.mark.parametrize("new", [NEW, OTHER_HOURS])
def test_it_is_what_counting_anew_with_the_other_catalogue_gives(new: str) -> None:
    stream = generate(31, 250)
    newest = max(each["time"] for each in stream)
    as_counted = store([(newest, stream)], rulebook(OLD))
    anew = day_cells(store([(newest, stream)], rulebook(new)))
    differing = 0
    for place, outcome in asked(as_counted, OLD, new).items():
        truth = sums(anew.get(place, {}))
        for name in DECISIVE:
            assert outcome.low[name] == outcome.high[name] == truth[name], (place, name)
            differing += outcome.old[name] != truth[name]
        assert outcome.inexact == 0
        was = sums(day_cells(as_counted)[place])
        assert {name: outcome.old[name] for name in DECISIVE} == {name: was[name] for name in DECISIVE}
    assert differing > 5


def test_where_states_are_gone_the_histograms_give_a_range_that_holds_the_truth() -> None:
    stream = generate(32, 400)
    newest = max(each["time"] for each in stream)
    as_counted = store([(newest, stream)], rulebook(OLD))
    anew = day_cells(store([(newest, stream)], rulebook(NEW)))
    inexact = judged = 0
    for place, outcome in asked(as_counted, OLD, NEW, gone=True).items():
        truth, was = sums(anew.get(place, {})), sums(day_cells(as_counted)[place])
        for name in DECISIVE:
            assert outcome.old[name] == was[name], (place, name)
            assert outcome.low[name] <= truth[name] <= outcome.high[name], (place, name)
            judged += outcome.low[name] == outcome.high[name] != was[name]
        inexact += outcome.inexact
    assert inexact > 0
    assert judged > 0


def test_targets_that_begin_after_the_period_change_nothing_unless_taken_as_undated() -> None:
    later = OLD + "targets: [{channel: phone, wait: 45s, valid_from: 2026-06-01}]\n"
    calls = [
        contact(("contact.queued", n, {"queue": "q"}), ("contact.answered", n + wait), name=f"c{n}")
        for n, wait in enumerate((10, 30, 40, 50))
    ]
    stored = store([(MONDAY_MS + 3_600_000, [each for call in calls for each in call])], rulebook(OLD))
    (literal,) = asked(stored, OLD, later).values()
    assert literal.high["answered_in_target"] == 1
    question = Question(rulebook(OLD), Rulebook(whatif.undated(load(later, "x"))), 0, LATER_MS, LATER_MS)
    question.count(stored.contacts.values())
    outcomes = question.outcomes(day_cells(stored))
    (undated,) = outcomes.values()
    assert undated.high["answered_in_target"] == 3
    one, total = whatif.rows(outcomes, "sl_offered", by_day=False)
    assert (one.queue, one.contacts, one.old, one.new_low, one.exact) == ("q", 4, 0.25, 0.75, True)
    assert (total.queue, total.new_high) == ("", 0.75)


def test_of_several_dates_for_one_place_the_newest_is_taken_as_undated() -> None:
    text = OLD + (
        "targets:\n  - {channel: phone, wait: 30s}\n  - {channel: phone, wait: 40s, valid_from: 2027-01-01}\n"
        "  - {channel: phone, wait: 50s, valid_from: 2026-01-01}\n"
    )
    (entry,) = whatif.undated(load(text, "x")).targets
    assert entry.value is not None
    assert (entry.value.amount, entry.valid_from_ms) == (40_000, None)


def test_who_waits_within_the_new_target_is_neither_hit_nor_miss() -> None:
    now_ms = MONDAY_MS + 30_000
    waiting = contact(("contact.queued", 0, {"queue": "q"}))
    stored = store([(MONDAY_MS, waiting)], rulebook(OLD))
    question = Question(rulebook(OLD), rulebook(NEW), 0, LATER_MS, now_ms)
    question.count(stored.contacts.values())
    (outcome,) = question.outcomes(day_cells(stored)).values()
    assert (outcome.old["undecided"], outcome.low["undecided"]) == (0, 1)


def test_what_began_outside_the_period_is_left_out() -> None:
    call: list[dict[str, Any]] = contact(("contact.queued", 0), ("contact.answered", HOUR * 20))
    stored = store([(MONDAY_MS + 86_400_000, call)], rulebook(OLD))
    assert asked(stored, OLD, NEW, from_ms=MONDAY_MS + 86_400_000) == {}
