"""Promises: all of them in the minute they are due; kept, late and broken exclude each other."""

import itertools
from typing import Any

import pytest

from tests.measures.scenes import DAY, HOUR, MONDAY_MS, MS, Told, booked, contact, counted, total

FATES = ("promises_kept", "promises_late", "promises_broken")


def made(after: float, due: float, name: str = "p", **more: Any) -> Told:
    """A promise, with its due told in seconds as everything else is."""
    return "promise.made", after, {"promise_id": name, "due": MONDAY_MS + round(due * 1_000), **more}


def kept(after: float, name: str = "p") -> Told:
    """A promise was kept."""
    return "promise.kept", after, {"promise_id": name}


def broken(after: float, name: str = "p") -> Told:
    """A promise will not be kept."""
    return "promise.broken", after, {"promise_id": name}


def fate(*told: Told) -> str:
    """What became of the one promise in these touchpoints; '' while it is open."""
    (columns,) = [cell for cell in counted(contact(*told)).values() if "promises_due" in cell]
    assert columns["promises_due"] == 1
    found = {name: columns[name] for name in FATES if name in columns}
    assert sum(found.values()) <= 1
    return next(iter(found), "").removeprefix("promises_")


def test_a_callback_is_booked_in_the_minute_it_is_due_under_the_contacts_queue() -> None:
    call = contact(
        ("contact.queued", 0, {"queue": "sales"}), made(30, HOUR, kind="callback"), kept(HOUR - 60), segment="vip"
    )
    assert counted(call)[60, "phone", "sales", "vip"] == {"promises_due": 1, "promises_kept": 1}


@pytest.mark.parametrize(
    ("at", "expected"), [(HOUR - MS, "kept"), (HOUR, "kept"), (HOUR + MS, "late"), (HOUR + 60, "late"), (5, "kept")]
)
def test_at_or_before_due_is_in_time(at: float, expected: str) -> None:
    assert fate(made(0, HOUR), kept(at)) == expected


def test_an_open_one_is_due_and_nothing_else_even_when_it_is_over_due() -> None:
    assert fate(made(0, HOUR)) == ""
    assert fate(made(0, HOUR), ("contact.closed", DAY)) == ""


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([broken(10), kept(20)], "broken"),
        ([kept(10), broken(20)], "kept"),
        ([kept(HOUR + 10), broken(HOUR + 20)], "late"),
        ([broken(10), kept(HOUR + 20)], "broken"),
        ([broken(HOUR + 20)], "broken"),
        ([broken(20), kept(20)], "kept"),
        ([kept(HOUR + 20), broken(HOUR + 20)], "late"),
        ([broken(20 - MS), kept(20)], "broken"),
        ([kept(10), kept(HOUR + 10)], "kept"),
        ([broken(10), kept(20), broken(30)], "broken"),
        ([kept(HOUR + 10), kept(HOUR + 20)], "late"),
    ],
)
def test_the_first_word_counts_and_kept_and_broken_at_once_is_kept(told: list[Told], expected: str) -> None:
    for order in itertools.permutations([made(0, HOUR), *told]):
        assert fate(*order) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([kept(0)], "kept"),  # counts at the making
        ([broken(0)], "broken"),
        ([broken(0), kept(5)], "kept"),  # both at the making
        ([broken(0), kept(11)], "broken"),
        ([kept(0), broken(11)], "kept"),
    ],
)
def test_what_lies_before_the_making_counts_at_the_making(told: list[Told], expected: str) -> None:
    assert fate(*told, made(10, HOUR)) == expected


@pytest.mark.parametrize(
    ("told", "expected"), [([], ""), ([kept(0)], "late"), ([kept(90)], "late"), ([broken(90)], "broken")]
)
def test_a_promise_due_before_it_was_made_cannot_be_kept_in_time(told: list[Told], expected: str) -> None:
    assert fate(made(61, 60), *told) == expected
    assert booked("promises_due", contact(made(61, 60), *told)) == {(1, "unknown"): 1}


def test_due_when_it_is_made_it_can_be_kept_at_once() -> None:
    assert fate(made(60, 60), kept(60)) == "kept"
    assert fate(made(60, 60), kept(0)) == "kept"


def test_of_two_makings_the_first_counts() -> None:
    call = contact(made(0, HOUR, kind="callback"), made(10, 2 * HOUR, kind="repair"), kept(HOUR + 1))
    assert booked("promises_late", call) == booked("promises_due", call) == {(60, "unknown"): 1}


def test_keeping_what_nobody_promised_is_ignored() -> None:
    call = contact(made(0, HOUR), kept(5, "another"), broken(6, "third"))
    assert booked("promises_due", call) == {(60, "unknown"): 1}
    assert [total(name, call) for name in FATES] == [0, 0, 0]
    assert total("promises_due", contact(kept(5), broken(6))) == 0


def test_each_promise_of_a_contact_counts_by_itself_and_an_id_means_another_in_another_contact() -> None:
    one = contact(made(0, HOUR, "a"), made(0, HOUR, "b"), made(0, DAY, "c"), kept(9, "a"), broken(9, "b"), name="one")
    two = contact(made(0, HOUR, "c"), kept(HOUR + 5, "c"), name="two")
    assert booked("promises_due", one, two) == {(60, "unknown"): 3, (1_440, "unknown"): 1}
    assert booked("promises_kept", one, two) == {(60, "unknown"): 1}
    assert booked("promises_broken", one, two) == {(60, "unknown"): 1}
    assert booked("promises_late", one, two) == {(60, "unknown"): 1}
