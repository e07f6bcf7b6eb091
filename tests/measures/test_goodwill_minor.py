"""Goodwill: what settlings granted, booked when the complaint was raised."""

from tests.measures.scenes import Told, booked, contact

RAISED: Told = ("complaint.raised", 0)


def settled(after: float, goodwill: int | None = None) -> Told:
    """A settling, perhaps with goodwill."""
    return "complaint.settled", after, {} if goodwill is None else {"goodwill": goodwill}


def test_a_complaint_settled_with_goodwill() -> None:
    assert booked("goodwill_minor", contact(RAISED, settled(600, 2_500), queue="sales")) == {(0, "sales"): 2_500}


def test_none_and_nothing_are_the_same() -> None:
    assert booked("goodwill_minor", contact(RAISED, settled(600))) == {}
    assert booked("goodwill_minor", contact(RAISED, settled(600, 0))) == {}


def test_what_a_settling_grants_that_settles_nothing_does_not_count() -> None:
    assert booked("goodwill_minor", contact(RAISED, settled(60, 100), settled(90, 900))) == {(0, "unknown"): 100}
    assert booked("goodwill_minor", contact(settled(60, 100))) == {}


def test_each_goes_with_its_complaint() -> None:
    call = contact(RAISED, ("complaint.raised", 60), settled(90, 100), settled(95, 7))
    assert booked("goodwill_minor", call) == {(0, "unknown"): 100, (1, "unknown"): 7}
