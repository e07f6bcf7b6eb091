"""Within target: at most the wait target in force when the wait began, of that channel, queue and segment."""

import pytest

from tests.measures.scenes import HOUR, MS, booked, contact, total

COLUMNS = ("answered_in_target", "answered_in_half_target", "abandoned_in_target")
QUEUED = ("contact.queued", 59, {"queue": "sales"})


@pytest.mark.parametrize(
    ("wait", "within", "within_half"), [(0, 1, 1), (10, 1, 1), (10 + MS, 1, 0), (20, 1, 0), (20 + MS, 0, 0)]
)
def test_a_call_answered_at_exactly_twenty_seconds_is_in_target(wait: float, within: int, within_half: int) -> None:
    call = contact(QUEUED, ("contact.answered", 59 + wait))
    assert [total(column, call) for column in COLUMNS] == [within, within_half, 0]


@pytest.mark.parametrize(("patience", "within"), [(20, 1), (20 + MS, 0)])
def test_a_call_abandoned_at_exactly_twenty_seconds_is_in_target(patience: float, within: int) -> None:
    call = contact(QUEUED, ("contact.abandoned", 59 + patience))
    assert [total(column, call) for column in COLUMNS] == [0, 0, within]


@pytest.mark.parametrize(("column", "end"), list(zip(COLUMNS, ["answered", "answered", "abandoned"], strict=True)))
def test_each_is_booked_when_the_wait_began_under_the_entry_queue(column: str, end: str) -> None:
    assert booked(column, contact(QUEUED, (f"contact.{end}", 62, {"queue": "claims"}))) == {(0, "sales"): 1}


@pytest.mark.parametrize(("channel", "target"), [("chat", 60), ("branch", 300), ("video", 60), ("email", 4 * HOUR)])
def test_each_channel_has_its_target_on_the_clock(channel: str, target: int) -> None:
    for wait, within in ((target, 1), (target + MS, 0)):
        told = contact(("contact.queued", 0), ("contact.answered", wait), channel=channel)
        assert total("answered_in_target", told) == within


def test_the_target_is_the_entry_queues() -> None:
    told = "zone: UTC\ntargets: [{queue: sales, wait: 30s}, {queue: claims, wait: 40s}]"
    moved = ("contact.transferred", 60, {"queue": "claims"})
    for wait, within in ((30, 1), (30 + MS, 0)):
        call = contact(QUEUED, moved, ("contact.answered", 59 + wait))
        assert total("answered_in_target", call, catalogue=told) == within


def test_a_new_target_holds_for_waits_that_begin_from_then_on() -> None:
    told = "zone: UTC\ntargets: [{channel: phone, wait: 5s, valid_from: 2026-03-02T10:01}]"
    before = contact(("contact.queued", 60 - MS), ("contact.answered", 70), name="before")
    after = contact(("contact.queued", 60), ("contact.answered", 70), name="after")
    assert booked("answered_in_target", before, after, catalogue=told) == {(0, "unknown"): 1}


def test_without_a_target_nothing_is_in_it() -> None:
    told = "zone: UTC\ntargets: [{channel: phone, wait: none}]"
    answered = contact(QUEUED, ("contact.answered", 59), name="answered")
    abandoned = contact(QUEUED, ("contact.abandoned", 59), name="abandoned")
    assert [total(column, answered, abandoned, catalogue=told) for column in COLUMNS] == [0, 0, 0]


def test_who_leaves_otherwise_or_waits_is_not_in_target() -> None:
    left = contact(QUEUED, ("contact.closed", 60), name="left")
    waiting = contact(QUEUED, name="waiting")
    assert [total(column, left, waiting) for column in COLUMNS] == [0, 0, 0]
