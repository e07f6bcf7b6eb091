"""Delay of the follow-up: last closing to the first follower's request. Booked at the first closing."""

from typing import Any

from tests.measures.scenes import DAY, MS, Told, booked, contact

ANSWERED: Told = ("contact.answered", 0, {"queue": "sales"})


def first(*told: Told, **fields: Any) -> list[dict[str, Any]]:
    """Ann's first contact."""
    return contact(*told, **{"name": "first", "customer_id": "ann", **fields})


def again(at: float, name: str = "again", **fields: Any) -> list[dict[str, Any]]:
    """Ann asks again."""
    return contact(("contact.requested", at), **{"name": name, "customer_id": "ann", **fields})


CLOSED_TWICE = first(ANSWERED, ("contact.closed", 59), ("contact.closed", 145))


def test_it_runs_from_the_last_closing_to_the_earliest_follower() -> None:
    for followers in ((again(300, "b"), again(180, "c")), (again(180, "b"), again(300, "c"))):
        assert booked("followup_delay_ms", CLOSED_TWICE, *followers) == {(0, "sales"): 35_000}
        # 35,000 has 16 bits: e = 11, 35,000 >> 11 = 17, bucket 16 x 11 + 17.
        assert booked("followup_delay_ms_buckets", CLOSED_TWICE, *followers) == {(0, "sales"): {193: 1}}


def test_the_longest_is_a_week_the_shortest_a_millisecond() -> None:
    assert booked("followup_delay_ms", CLOSED_TWICE, again(145 + 7 * DAY)) == {(0, "sales"): 604_800_000}
    assert booked("followup_delay_ms", CLOSED_TWICE, again(145 + 7 * DAY + MS)) == {}
    assert booked("followup_delay_ms", CLOSED_TWICE, again(145 + MS)) == {(0, "sales"): 1}
    assert booked("followup_delay_ms_buckets", CLOSED_TWICE, again(145)) == {}


def test_who_is_not_eligible_has_none_though_followed() -> None:
    unanswered = first(("contact.requested", 0), ("contact.closed", 145))
    for column in ("followup_delay_ms", "followup_delay_ms_buckets"):
        assert booked(column, unanswered, again(180)) == {}


def test_what_does_not_follow_is_passed_over() -> None:
    others = (again(150, "bob", customer_id="bob"), again(160, "ours", direction="outbound"))
    assert booked("followup_delay_ms", CLOSED_TWICE, *others) == {}
    assert booked("followup_delay_ms", CLOSED_TWICE, *others, again(180)) == {(0, "sales"): 35_000}
