"""Announced waits: how many, how many can be judged, and how far off they were. Booked when the wait began."""

import pytest

from tests.measures.scenes import MS, Told, booked, contact, total

COLUMNS = ("estimates", "estimates_judged", "estimate_error_ms")
QUEUED = ("contact.queued", 59, {"queue": "sales"})


def said(at: float, seconds: int) -> Told:
    return ("contact.informed", at, {"reason": "estimate", "estimate_ms": seconds * 1_000})


def test_an_answer_judges_every_announcement_of_the_wait_without_sign() -> None:
    # Said 60 s, was 40 s: 20 off. Said 10 s, was 15 s: 5 off.
    call = contact(QUEUED, said(59, 60), said(84, 10), ("contact.answered", 99))
    assert [booked(column, call) for column in COLUMNS] == [
        {(0, "sales"): 2},
        {(0, "sales"): 2},
        {(0, "sales"): 25_000},
    ]


def test_an_exact_announcement_is_judged_and_not_off() -> None:
    call = contact(QUEUED, said(60, 20), ("contact.answered", 80))
    assert [total(column, call) for column in COLUMNS] == [1, 1, 0]


@pytest.mark.parametrize("end", ["contact.abandoned", "contact.closed", "contact.requested"])
def test_without_an_answer_nothing_is_judged(end: str) -> None:
    assert [total(column, contact(QUEUED, said(60, 20), (end, 80))) for column in COLUMNS] == [1, 0, 0]


@pytest.mark.parametrize(("at", "counts"), [(59 - MS, 0), (59, 1), (80, 1), (80 + MS, 0)])
def test_it_counts_from_the_first_to_the_last_millisecond_of_the_wait(at: float, counts: int) -> None:
    call = contact(QUEUED, said(at, 0), ("contact.answered", 80))
    assert [total(column, call) for column in COLUMNS[:2]] == [counts, counts]


def test_a_word_without_a_number_and_an_apology_announce_nothing() -> None:
    vague = ("contact.informed", 60, {"reason": "estimate"})
    apology = ("contact.informed", 60, {"reason": "apology", "estimate_ms": 5_000})
    assert [total(column, contact(QUEUED, vague, apology, ("contact.answered", 80))) for column in COLUMNS] == [0, 0, 0]
