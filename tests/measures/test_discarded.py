"""Discarded: not a matter at all. One per contact, in the minute of the first contact.discarded."""

import pytest

from tests.measures.scenes import Told, booked, contact


@pytest.mark.parametrize("reason", ["spam", "thanks", "test", "duplicate", "wrong_address"])
def test_a_contact_is_discarded_once_in_the_minute_it_happened(reason: str) -> None:
    mail = contact(
        ("contact.requested", 0, {"queue": "sales"}),
        ("contact.discarded", 119, {"reason": reason}),
        ("contact.discarded", 180, {"reason": "test"}),
        channel="email",
    )
    assert booked("discarded", mail) == {(1, "sales"): 1}


def test_what_was_only_closed_or_refused_was_not_discarded() -> None:
    mail = contact(("contact.requested", 0), ("contact.refused", 60), ("contact.closed", 70), channel="email")
    assert booked("discarded", mail) == {}


def test_closing_it_besides_changes_nothing() -> None:
    told: list[Told] = [("contact.discarded", 60, {"reason": "spam"}), ("contact.closed", 130)]
    assert booked("discarded", contact(*told)) == {(1, "unknown"): 1}


def test_a_contact_of_ours_was_never_requested_and_leaves_no_denominator() -> None:
    ours = contact(
        ("contact.requested", 0), ("contact.discarded", 60, {"reason": "wrong_address"}), direction="outbound"
    )
    assert booked("discarded", ours) == {}
