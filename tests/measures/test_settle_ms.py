"""Time to settle: from a complaint to its settling, booked when it was raised, on the clock, with a histogram."""

from tests.measures.scenes import DAY, OFFICE, booked, contact

RAISED, SETTLED = "complaint.raised", "complaint.settled"


def test_from_raising_to_settling() -> None:
    call = contact((RAISED, 60), (SETTLED, 80), queue="sales")
    assert booked("settle_ms", call) == {(1, "sales"): 20_000}
    assert booked("settle_ms_buckets", call) == {(1, "sales"): {179: 1}}


def test_settled_at_once_it_took_no_time_and_is_in_the_histogram() -> None:
    call = contact((RAISED, 0), (SETTLED, 0))
    assert booked("settle_ms", call) == {}
    assert booked("settle_ms_buckets", call) == {(0, "unknown"): {0: 1}}


def test_an_open_one_has_taken_no_time() -> None:
    call = contact((RAISED, 0), ("contact.closed", DAY))
    assert booked("settle_ms", call) == booked("settle_ms_buckets", call) == {}


def test_each_settling_goes_with_its_complaint() -> None:
    call = contact((RAISED, 0), (RAISED, 60), (SETTLED, 61), (SETTLED, 100))
    assert booked("settle_ms", call) == {(0, "unknown"): 61_000, (1, "unknown"): 40_000}


def test_it_runs_on_the_clock_through_the_night() -> None:
    assert booked("settle_ms", contact((RAISED, 0), (SETTLED, DAY)), catalogue=OFFICE) == {(0, "unknown"): 86_400_000}
