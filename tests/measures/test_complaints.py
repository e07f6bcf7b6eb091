"""Complaints: booked when raised, and so is that they were settled; each settling settles the oldest open one."""

import pytest

from tests.measures.scenes import DAY, MS, booked, contact

RAISED, SETTLED = "complaint.raised", "complaint.settled"


def test_a_complaint_settled_days_later_counts_in_the_minute_it_was_raised() -> None:
    call = contact(("contact.queued", 0, {"queue": "sales"}), (RAISED, 60), (SETTLED, 3 * DAY))
    assert booked("complaints", call) == booked("complaints_settled", call) == {(1, "sales"): 1}


def test_settling_it_twice_settles_it_once() -> None:
    call = contact((RAISED, 0), (SETTLED, 60), (SETTLED, 120))
    assert booked("complaints", call) == booked("complaints_settled", call) == {(0, "unknown"): 1}


def test_the_oldest_is_settled_first() -> None:
    call = contact((RAISED, 0), (RAISED, 60), (RAISED, 120), (SETTLED, 180), (SETTLED, 181))
    assert booked("complaints", call) == {(0, "unknown"): 1, (1, "unknown"): 1, (2, "unknown"): 1}
    assert booked("complaints_settled", call) == {(0, "unknown"): 1, (1, "unknown"): 1}


def test_a_settling_does_not_settle_what_is_raised_after_it() -> None:
    call = contact((RAISED, 0), (SETTLED, 60), (SETTLED, 61), (RAISED, 120), (SETTLED, 180))
    assert booked("complaints_settled", call) == {(0, "unknown"): 1, (2, "unknown"): 1}
    assert booked("complaints_settled", contact((SETTLED, 60 - MS), (RAISED, 60))) == {}


@pytest.mark.parametrize(("told", "settled"), [(((RAISED, 0), (SETTLED, 0)), 1), (((SETTLED, 0), (RAISED, 0)), 0)])
def test_in_the_same_ms_their_ids_say_which_came_first(told: tuple[tuple[str, float], ...], settled: int) -> None:
    call = contact(*told)
    for order in (call, call[::-1]):
        assert booked("complaints_settled", order) == ({(0, "unknown"): 1} if settled else {})


def test_a_settling_without_a_complaint_is_nothing() -> None:
    other = contact((RAISED, 0), name="other")
    call = contact((SETTLED, 60))
    assert booked("complaints_settled", call, other) == {}
    assert booked("complaints", call) == {}
