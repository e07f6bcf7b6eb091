"""How late promises were kept: only of late ones, on the clock, with a histogram."""

from tests.measures.scenes import HOUR, MS, OFFICE, booked, contact
from tests.measures.test_promises import broken, kept, made


def test_a_promise_kept_a_minute_late() -> None:
    call = contact(made(0, HOUR), kept(HOUR + 60), queue="sales")
    assert booked("promise_late_ms", call) == {(60, "sales"): 60_000}
    assert booked("promise_late_ms_buckets", call) == {(60, "sales"): {16 * 11 + 29: 1}}  # 60,000 >> 11 = 29


def test_the_least_delay_is_one() -> None:
    assert booked("promise_late_ms", contact(made(0, HOUR), kept(HOUR + MS))) == {(60, "unknown"): 1}
    assert booked("promise_late_ms_buckets", contact(made(0, HOUR), kept(HOUR))) == {}


def test_broken_and_open_ones_have_no_delay() -> None:
    call = contact(made(0, HOUR, "a"), made(0, HOUR, "b"), broken(2 * HOUR, "a"))
    assert booked("promise_late_ms", call) == booked("promise_late_ms_buckets", call) == {}


def test_one_due_before_it_was_made_is_late_from_its_due_on() -> None:
    assert booked("promise_late_ms", contact(made(90, 60), kept(61))) == {(1, "unknown"): 30_000}


def test_delays_are_summed_on_the_clock_whatever_the_opening_hours() -> None:
    call = contact(made(0, HOUR, "a"), made(0, HOUR, "b"), kept(2 * HOUR, "a"), kept(20 * HOUR, "b"))
    assert booked("promise_late_ms", call, catalogue=OFFICE) == {(60, "unknown"): 20 * 3_600_000}
