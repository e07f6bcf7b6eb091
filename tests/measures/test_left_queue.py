"""Left the queue: neither a person nor the customer's leaving ended the wait. Booked when it began."""

from typing import Any

import pytest

from tests.measures.scenes import booked, contact

QUEUED = ("contact.queued", 59, {"queue": "sales"})
CONTAINED = {"outcome": "contained"}


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("contact.refused", {"reason": "out_of_hours"}),
        ("contact.callback_requested", {}),
        ("contact.closed", {}),
        ("contact.self_service", CONTAINED),
    ],
)
def test_any_other_end_of_a_wait_is_leaving_the_queue(type_: str, fields: dict[str, Any]) -> None:
    call = contact(QUEUED, (type_, 120, fields), ("contact.answered", 130), ("contact.abandoned", 140))
    assert booked("left_queue", call) == {(0, "sales"): 1}


@pytest.mark.parametrize("first", ["contact.answered", "contact.abandoned"])
def test_what_comes_after_an_answer_or_an_abandon_is_not(first: str) -> None:
    assert booked("left_queue", contact(QUEUED, (first, 70), ("contact.closed", 80))) == {}


def test_who_still_waits_has_not_left() -> None:
    failed = ("contact.self_service", 70, {"outcome": "failed"})
    assert booked("left_queue", contact(QUEUED, failed, ("contact.transferred", 80))) == {}


def test_a_closing_before_the_wait_does_not_end_it() -> None:
    assert booked("left_queue", contact(("contact.closed", 0), QUEUED)) == {}


def test_every_offered_contact_has_one_of_four_fates() -> None:
    calls = [
        contact(("contact.queued", 0), *end, name=name)
        for name, end in {
            "answered": [("contact.answered", 1)],
            "abandoned": [("contact.abandoned", 1)],
            "left": [("contact.closed", 1)],
            "waiting": [],
        }.items()
    ]
    fates = [booked(name, *calls)[0, "unknown"] for name in ("offered", "answered", "abandoned", "left_queue")]
    assert fates == [4, 1, 1, 1]
