"""Durations that would be negative are 0, and counted where they are booked."""

from tests.measures.scenes import booked, contact

QUEUED = ("contact.queued", 60, {"queue": "sales"})


def test_answered_or_given_up_before_the_queueing_is_counted_when_the_wait_began() -> None:
    for early in ("contact.answered", "contact.abandoned"):
        assert booked("negative_durations", contact((early, 0), QUEUED)) == {(1, "sales"): 1}


def test_in_the_same_millisecond_is_not_negative() -> None:
    assert booked("negative_durations", contact(("contact.answered", 60), QUEUED)) == {}


def test_what_is_early_but_not_the_outcome_is_no_duration() -> None:
    refused = contact(("contact.abandoned", 50), QUEUED, ("contact.answered", 60))
    assert booked("negative_durations", refused) == {}
    assert booked("answered", refused) == {(1, "sales"): 1}


def test_closed_before_answered_is_a_negative_handling_booked_at_the_first_closing() -> None:
    call = contact(("contact.requested", 0), ("contact.closed", 120), ("contact.answered", 180))
    assert booked("negative_durations", call) == {(2, "unknown"): 1}


def test_closed_before_requested_is_a_negative_resolution() -> None:
    call = contact(("contact.closed", 60), ("contact.requested", 120))
    assert booked("negative_durations", call) == {(1, "unknown"): 1}


def test_closed_before_both_is_one_for_each() -> None:
    call = contact(("contact.closed", 60), ("contact.requested", 120), ("contact.answered", 120))
    assert booked("negative_durations", call) == {(1, "unknown"): 2}


def test_it_is_the_last_closing_that_ends_both() -> None:
    told = [("contact.closed", 60), ("contact.requested", 120), ("contact.answered", 120), ("contact.closed", 120)]
    assert booked("negative_durations", contact(*told)) == {}
