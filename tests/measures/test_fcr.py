"""First-contact resolution: eligible contacts, resolved ones, and why not. Booked at the first closing."""

from typing import Any

import pytest

from tests.measures.scenes import DAY, MS, PLAIN, Told, booked, contact, total

COLUMNS = ("fcr_eligible", "fcr_resolved", "fcr_followed", "fcr_reopened", "fcr_unresolved", "fcr_transferred")
RESOLVED = [1, 1, 0, 0, 0, 0]
NOT_ELIGIBLE = [0, 0, 0, 0, 0, 0]
ANSWERED: Told = ("contact.answered", 0, {"queue": "sales"})
CLOSED_AT = 119
CLOSED: Told = ("contact.closed", CLOSED_AT)
WEEK = 7 * DAY


def first(*told: Told, **fields: Any) -> list[dict[str, Any]]:
    """Ann's first contact."""
    return contact(*told, **{"name": "first", "customer_id": "ann", **fields})


def again(after_closing: float, **fields: Any) -> list[dict[str, Any]]:
    """Ann calls again, and gives up in the menu."""
    told: tuple[Told, Told] = (("contact.requested", CLOSED_AT + after_closing), ("contact.abandoned", 2 * WEEK))
    return contact(*told, **{"name": "again", "customer_id": "ann", **fields})


def fcr(*contacts: list[dict[str, Any]], catalogue: str = PLAIN) -> list[int]:
    return [total(column, *contacts, catalogue=catalogue) for column in COLUMNS]


def test_answered_and_closed_and_nothing_more_is_resolved_booked_at_the_first_closing() -> None:
    call = first(("contact.requested", 0), ANSWERED, CLOSED, ("contact.closed", 300))
    assert booked("fcr_eligible", call) == booked("fcr_resolved", call) == {(1, "sales"): 1}
    assert fcr(call) == RESOLVED


def test_a_reply_is_handling_by_a_person_a_bots_is_not() -> None:
    assert fcr(first(("message.sent", 0), CLOSED, channel="email")) == RESOLVED
    assert fcr(first(("message.sent", 0, {"author": "bot"}), CLOSED, channel="email")) == NOT_ELIGIBLE


@pytest.mark.parametrize(
    "call",
    [
        first(ANSWERED),
        first(CLOSED),
        first(ANSWERED, CLOSED, customer_id=None),
        first(ANSWERED, CLOSED, direction="outbound"),
        first(ANSWERED, CLOSED, ("contact.discarded", 300, {"reason": "duplicate"})),
    ],
    ids=["not closed", "not handled", "customer unknown", "outbound", "discarded"],
)
def test_who_is_not_eligible_is_in_no_column(call: list[dict[str, Any]]) -> None:
    unlucky: list[Told] = [("contact.reopened", 400), ("contact.transferred", 410)]
    if call[-1]["type"] != "contact.answered":
        unlucky.append(("contact.closed", 420, {"resolved": False}))
    more = contact(*unlucky, name="first", customer_id=call[0]["customer_id"])
    more = [{**touchpoint, "id": f"more-{touchpoint['id']}"} for touchpoint in more]
    assert fcr(call + more, again(DAY)) == NOT_ELIGIBLE


@pytest.mark.parametrize(
    ("after_closing", "followed"), [(-1, 0), (0, 0), (MS, 1), (WEEK, 1), (WEEK + MS, 0)]
)  # the window W is 7 d
def test_a_contact_within_a_week_after_the_closing_follows(after_closing: float, followed: int) -> None:
    assert fcr(first(ANSWERED, CLOSED), again(after_closing)) == [1, 1 - followed, followed, 0, 0, 0]


def test_the_week_is_counted_from_the_last_closing() -> None:
    call = first(ANSWERED, CLOSED, ("contact.closed", CLOSED_AT + DAY))
    assert booked("fcr_followed", call, again(WEEK + DAY)) == {(1, "sales"): 1}
    assert fcr(call, again(DAY - 1)) == RESOLVED


@pytest.mark.parametrize(
    ("fields", "followed"),
    [
        ({"channel": "email"}, 1),
        ({"topic": "bill"}, 1),
        ({"topic": "move"}, 0),
        ({"direction": "outbound"}, 0),
        ({"customer_id": "bob"}, 0),
        ({"customer_id": None}, 0),
    ],
)
def test_it_follows_if_the_same_customer_asks_us_about_the_same_topic(fields: dict[str, Any], followed: int) -> None:
    call = first(ANSWERED, CLOSED, topic="bill")
    assert total("fcr_followed", call, again(60, **fields)) == followed
    assert total("fcr_resolved", call, again(60, **fields)) == 1 - followed


def test_a_discarded_follower_follows_too() -> None:
    spam = contact(
        ("contact.requested", 180), ("contact.discarded", 181, {"reason": "thanks"}), name="spam", customer_id="ann"
    )
    assert total("fcr_followed", first(ANSWERED, CLOSED), spam) == 1


def test_how_long_a_follow_up_counts_is_for_the_catalogue_to_say() -> None:
    told = "zone: UTC\nsettings: {follow_up_window: 1d}"
    assert total("fcr_followed", first(ANSWERED, CLOSED), again(DAY), catalogue=told) == 1
    assert total("fcr_followed", first(ANSWERED, CLOSED), again(DAY + MS), catalogue=told) == 0


def test_a_reopened_contact_is_not_resolved() -> None:
    call = first(ANSWERED, CLOSED, ("contact.reopened", 300), ("contact.closed", 400))
    assert fcr(call) == [1, 0, 0, 1, 0, 0]
    assert booked("fcr_reopened", call) == {(1, "sales"): 1}


@pytest.mark.parametrize(
    ("said", "unresolved"), [([False], 1), ([True], 0), ([True, False], 1), ([False, True], 0), ([False, None], 1)]
)
def test_the_latest_closing_that_says_so_decides_whether_it_was_resolved(
    said: list[bool | None], unresolved: int
) -> None:
    closings: list[Told] = [
        ("contact.closed", CLOSED_AT + 60 * n, {} if resolved is None else {"resolved": resolved})
        for n, resolved in enumerate(said)
    ]
    call = first(ANSWERED, *closings)
    assert fcr(call) == [1, 1 - unresolved, 0, 0, unresolved, 0]
    assert booked("fcr_unresolved", call) == ({(1, "sales"): 1} if unresolved else {})


def test_a_transfer_breaks_it_only_if_the_catalogue_says_so() -> None:
    call = first(ANSWERED, ("contact.transferred", 60, {"queue": "claims"}), CLOSED)
    assert fcr(call) == [1, 1, 0, 0, 0, 1]
    assert booked("fcr_transferred", call) == {(1, "sales"): 1}
    assert fcr(call, catalogue="zone: UTC\nsettings: {transfer_breaks_fcr: true}") == [1, 0, 0, 0, 0, 1]


def test_reasons_may_overlap() -> None:
    closed: Told = ("contact.closed", CLOSED_AT, {"resolved": False})
    call = first(ANSWERED, ("contact.transferred", 5), closed, ("contact.reopened", CLOSED_AT))
    assert fcr(call, again(60)) == [1, 0, 1, 1, 1, 1]
