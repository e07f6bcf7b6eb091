"""Issues: eligible contacts that follow nothing, and those of them resolved at first contact. At the first closing."""

from typing import Any

import pytest

from tests.measures.scenes import DAY, MS, booked, contact


def call(name: str, asked: float, **fields: Any) -> list[dict[str, Any]]:
    """Ann calls, is answered at once, and rings off after a minute."""
    told = (("contact.requested", asked), ("contact.answered", asked), ("contact.closed", asked + 60))
    return contact(*told, **{"name": name, "customer_id": "ann", "queue": "sales", **fields})


FIRST = call("first", 0)


def test_a_call_alone_is_an_issue_and_resolved() -> None:
    assert booked("issues", FIRST) == booked("issues_resolved_first", FIRST) == {(1, "sales"): 1}


def test_a_second_call_about_it_begins_no_issue_and_leaves_the_first_unresolved() -> None:
    second = call("second", 180)
    assert booked("issues", FIRST, second) == {(1, "sales"): 1}
    assert booked("issues_resolved_first", FIRST, second) == {}
    assert booked("fcr_resolved", FIRST, second) == {(4, "sales"): 1}  # the contact's view: the second one resolved it


@pytest.mark.parametrize(("asked", "issues"), [(60, 2), (60 + MS, 1), (60 + 7 * DAY, 1), (60 + 7 * DAY + MS, 2)])
def test_what_comes_with_the_closing_or_after_a_week_is_an_issue_of_its_own(asked: float, issues: int) -> None:
    second = call("second", asked)
    assert sum(booked("issues", FIRST, second).values()) == issues
    assert sum(booked("issues_resolved_first", FIRST, second).values()) == (2 if issues == 2 else 0)


def test_another_topic_is_another_issue() -> None:
    bill, move = call("first", 0, topic="bill"), call("second", 180, topic="move")
    assert booked("issues", bill, move) == booked("issues_resolved_first", bill, move)
    assert booked("issues", bill, move) == {(1, "sales"): 1, (4, "sales"): 1}


def test_following_a_contact_nobody_answered_is_following_too() -> None:
    closed_only = contact(("contact.requested", 0), ("contact.closed", 60), name="first", customer_id="ann")
    assert booked("issues", closed_only, call("second", 180)) == {}


def test_only_eligible_contacts_are_issues() -> None:
    assert booked("issues", call("k", 0, customer_id=None)) == {}
    assert booked("issues", call("k", 0, direction="outbound")) == {}


def test_an_issue_that_was_reopened_is_not_resolved_first() -> None:
    reopened = [*FIRST, {**FIRST[-1], "id": "reopened", "type": "contact.reopened"}]
    assert booked("issues", reopened) == {(1, "sales"): 1}
    assert booked("issues_resolved_first", reopened) == {}
