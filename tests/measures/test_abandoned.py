"""Abandoned: the customer left first; abandoned_short: after at most 5 s. Booked when the wait began."""

import pytest

from tests.measures.scenes import MS, booked, contact

QUEUED = ("contact.queued", 59, {"queue": "sales"})


def test_leaving_is_booked_when_the_wait_began() -> None:
    assert booked("abandoned", contact(QUEUED, ("contact.abandoned", 200))) == {(0, "sales"): 1}


@pytest.mark.parametrize("earlier", ["contact.answered", "contact.refused", "contact.callback_requested"])
def test_whose_wait_ended_before_has_not_abandoned_it(earlier: str) -> None:
    call = contact(QUEUED, (earlier, 60), ("contact.abandoned", 61))
    assert booked("abandoned", call) == booked("abandoned_short", call) == {}


def test_a_refusal_in_the_same_millisecond_comes_second() -> None:
    call = contact(QUEUED, ("contact.refused", 70), ("contact.abandoned", 70))
    assert booked("abandoned", call) == {(0, "sales"): 1}


def test_leaving_the_menu_is_not_abandoning_a_wait() -> None:
    assert booked("abandoned", contact(("contact.requested", 0), ("contact.abandoned", 9))) == {}


@pytest.mark.parametrize(("patience", "short"), [(0, 1), (5, 1), (5 + MS, 0)])
def test_five_seconds_are_short_and_a_millisecond_more_is_not(patience: float, short: int) -> None:
    call = contact(QUEUED, ("contact.abandoned", 59 + patience))
    assert booked("abandoned", call) == {(0, "sales"): 1}
    assert booked("abandoned_short", call) == ({(0, "sales"): 1} if short else {})


def test_what_is_short_is_for_the_catalogue_to_say() -> None:
    call = contact(QUEUED, ("contact.abandoned", 67))
    told = "zone: UTC\nsettings: {abandoned_short: 8s}"
    assert booked("abandoned_short", call, catalogue=told) == {(0, "sales"): 1}


def test_who_was_answered_quickly_has_not_left_quickly() -> None:
    assert booked("abandoned_short", contact(QUEUED, ("contact.answered", 60))) == {}
