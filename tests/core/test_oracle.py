"""The oracle against numbers worked out by hand: a wrong oracle would prove a wrong engine right."""

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.oracle import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    TOUCHPOINT,
    Arrival,
    Cell,
    ChannelPromise,
    Opening,
    Promises,
    QueueTarget,
    Recount,
    ResponseTarget,
    bucket_of,
    default_channels,
    open_ms,
    recount,
)

NOON = int(datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp()) * SECOND
LATER = NOON + 400 * DAY
"""An append time that clamps nothing."""
WEEK = 7 * DAY
DEFAULTS = Promises()
NINE_TO_FIVE = Opening({day: [(9 * 60, 17 * 60)] for day in range(5)})

COLUMNS = """
requested requested_closed ended_in_menu offered answered answered_queued abandoned left_queue abandoned_short
answered_in_target abandoned_in_target answered_in_half_target wait_ms wait_open_ms wait_ms_buckets
patience_ms patience_open_ms patience_ms_buckets waited_unannounced abandoned_returned
estimates estimates_judged estimate_error_ms legs_offered legs_answered legs_abandoned legs_wait_ms legs_wait_open_ms
first_responses_due first_responses first_response_ms first_response_open_ms first_response_ms_buckets
first_response_in_target next_responses_due next_responses next_response_ms next_response_open_ms
next_response_ms_buckets next_response_in_target closed_unanswered
closed closed_unknown_customer handled handle_ms handle_open_ms handle_ms_buckets held hold_ms hold_open_ms
hold_ms_buckets resolution_ms resolution_open_ms resolution_ms_buckets
contacts_reopened contacts_transferred transfers negative_durations
fcr_eligible fcr_resolved fcr_followed fcr_reopened fcr_unresolved fcr_transferred issues issues_resolved_first
chased followup_delay_ms followup_delay_ms_buckets channel_switches
menu_steps menu_repeats refused_out_of_scope refused_out_of_hours refused_no_authority refused_other
self_service_contained self_service_failed discarded out_of_scope_done replies
promises_due promises_kept promises_late promise_late_ms promise_late_ms_buckets promises_broken
feedback_asked feedback_invalid csat_n csat_top1 csat_top2 csat_points nps_n nps_promoters nps_detractors
ces_n ces_points solved_n solved_yes
complaints complaints_settled settle_ms settle_ms_buckets goodwill_minor
audits audit_points outreach customers_left customers_stayed
complaints_recovered outreach_first outreach_followed left_after_bad
"""

ids = itertools.count()


def tp(type_: str, after_ms: int = 0, contact: str = "k", channel: str = "phone", **fields: Any) -> dict[str, Any]:
    """One touchpoint, so long after noon. Ids rise in the order of writing."""
    body = {"id": f"t{next(ids):06}", "type": type_, "time": NOON + after_ms, "contact_id": contact, "channel": channel}
    return {**body, **fields}


def call(contact: str, *told: tuple[str, int], **fields: Any) -> list[dict[str, Any]]:
    """A contact's touchpoints as (type, seconds after noon), all with the same further fields."""
    return [tp(type_, after_s * SECOND, contact, **fields) for type_, after_s in told]


def count(*touchpoints: dict[str, Any] | list[dict[str, Any]], promises: Promises = DEFAULTS) -> Recount:
    """The recount of touchpoints in this order, none of them clamped."""
    flat = [t for one in touchpoints for t in (one if isinstance(one, list) else [one])]
    return recount([Arrival("touchpoints/0", o, LATER, t) for o, t in enumerate(flat)], promises)


def total(counted: Recount, column: str) -> int:
    """A column summed over all cells."""
    return sum(columns.get(column, 0) for columns in counted.cells.values())


def totals(counted: Recount, *columns: str) -> list[int]:
    """Several columns, summed."""
    return [total(counted, column) for column in columns]


def cell(after_ms: int = 0, channel: str = "phone", queue: str = "unknown", segment: str = "unknown") -> Cell:
    """The key of the cell of this moment."""
    return ((NOON + after_ms) // MINUTE * MINUTE, channel, queue, segment)


def ms(zone: str, *wall: int) -> int:
    """A local wall time as ms after noon."""
    year, month, day, hour, minute = wall
    return int(datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).timestamp()) * SECOND - NOON


def with_channel(name: str, promise: ChannelPromise, **more: Any) -> Promises:
    """The default promises with one channel changed."""
    return Promises(channels={**default_channels(), name: promise}, **more)


# ---- cells and buckets


def test_a_call_from_menu_to_closing_fills_exactly_these_two_cells() -> None:
    counted = count(
        tp("contact.requested", 0),
        tp("contact.menu", 5_000, step="1"),
        tp("contact.queued", 10_000, queue="sales", segment="private"),
        tp("contact.answered", 30_000, queue="claims"),
        tp("contact.held", 40_000),
        tp("contact.resumed", 55_000),
        tp("contact.closed", 130_000),
    )
    assert counted.cells == {
        cell(0, queue="sales", segment="private"): {
            "menu_steps": 1,
            "requested": 1,
            "offered": 1,
            "answered": 1,
            "answered_queued": 1,
            "answered_in_target": 1,  # 20 s of 20 s, which is not half of it
            "wait_ms": 20_000,
            "wait_ms_buckets": {16 * 10 + 19: 1},  # 15 bits: e = 10, 20,000 >> 10 = 19
            "legs_offered": 1,
            "legs_answered": 1,
            "legs_wait_ms": 20_000,
        },
        cell(130_000, queue="sales", segment="private"): {
            "closed": 1,
            "closed_unknown_customer": 1,
            "handled": 1,
            "handle_ms": 100_000,
            "handle_ms_buckets": {16 * 12 + 24: 1},
            "held": 1,
            "hold_ms": 15_000,
            "hold_ms_buckets": {16 * 9 + 29: 1},
            "resolution_ms": 130_000,
            "resolution_ms_buckets": {16 * 12 + 31: 1},
        },
    }


def test_buckets_are_exact_below_32_and_then_sixteen_to_each_power_of_two() -> None:
    assert [bucket_of(v) for v in (0, 1, 15, 16, 17, 31, 32, 33, 34, 63, 64)] == [
        0, 1, 15, 16, 17, 31, 32, 32, 33, 47, 48,
    ]  # fmt: skip
    buckets = [bucket_of(v) for v in range(5_000)]
    assert all(0 <= after - before <= 1 for before, after in itertools.pairwise(buckets))


def test_a_wait_of_zero_is_counted_in_bucket_zero_and_its_sum_is_left_out() -> None:
    columns = count(tp("contact.answered", 0, queue="sales")).cells[cell(queue="sales")]
    assert columns["wait_ms_buckets"] == {0: 1}
    assert "wait_ms" not in columns


# ---- the contact


def test_queue_is_that_of_the_first_queueing_that_names_one_and_a_transfer_never_changes_it() -> None:
    transferred = tp("contact.transferred", 0, queue="claims")
    named = [
        tp("contact.queued", 1_000),
        tp("contact.queued", 3_000, queue="sales"),
        tp("contact.answered", 2_000, queue="service"),
        tp("contact.requested", 0, queue="other"),
    ]
    assert count(transferred, *named).contacts["k"]["queue"] == "sales"
    assert count(transferred, *named[2:]).contacts["k"]["queue"] == "service"
    assert count(transferred, *named[3:]).contacts["k"]["queue"] == "other"
    assert count(transferred).contacts["k"]["queue"] == "unknown"


def test_what_a_contact_is_comes_from_the_earliest_that_says_it_not_from_the_first_to_arrive() -> None:
    counted = count(
        tp("contact.closed", 9_000, channel="email", segment="late", topic="late", customer_id="late"),
        tp("contact.answered", 5_000, segment="early", topic="early", customer_id="early", direction="outbound"),
        tp("contact.menu", 1_000, channel="chat", step="1"),
    )
    row = counted.contacts["k"]
    assert [row[k] for k in ("channel", "segment", "topic", "customer_id", "direction", "requested_ms")] == [
        "chat", "early", "early", "early", "outbound", NOON + 1_000,
    ]  # fmt: skip


def test_requested_is_the_first_request_even_if_something_was_earlier() -> None:
    counted = count(tp("contact.menu", 0, step="1"), tp("contact.requested", 70_000), tp("contact.requested", 60_000))
    assert counted.contacts["k"]["requested_ms"] == NOON + 60_000
    assert counted.cells == {cell(): {"menu_steps": 1}, cell(60_000): {"requested": 1}}


def test_of_one_id_the_highest_revision_counts_whichever_comes_first() -> None:
    old = tp("contact.queued", 0, queue="sales")
    new = {**old, "revision": 1, "queue": "claims", "time": NOON + 60_000}
    for order in ((old, new), (new, old), (new, old, new)):
        assert count(*order).cells == {cell(60_000, queue="claims"): {"requested": 1, "offered": 1, "legs_offered": 1}}


def test_of_one_revision_the_greater_body_counts_and_unknown_fields_and_defaults_are_no_body() -> None:
    one = tp("contact.refused", 0, queue="sales")
    two = {**one, "queue": "service"}
    assert count(two, one).contacts["k"]["queue"] == count(one, two).contacts["k"]["queue"] == "service"
    same = {**one, "reason": "other", "revision": 0, "colour": "zz", "agent_id": None}
    assert count(two, same).contacts["k"]["queue"] == "service"


def test_the_same_id_in_two_contacts_is_two_touchpoints() -> None:
    one = tp("contact.queued", 0, "k", queue="sales")
    assert total(count(one, {**one, "contact_id": "l"}), "offered") == 2


def test_a_time_ahead_of_the_append_time_is_taken_back_to_a_minute_after_the_running_maximum() -> None:
    ahead = tp("contact.queued", 10 * MINUTE, queue="sales")
    log = [
        Arrival("touchpoints/0", 5, NOON + 90_000, tp("contact.menu", 0, step="1")),
        Arrival("touchpoints/0", 6, NOON - HOUR, ahead),  # Kafka's clock stepped back: 90 s still count
        Arrival("touchpoints/1", 0, NOON + HOUR, tp("contact.menu", 0, "other", step="1")),  # another partition's
    ]
    for arrived in (log, log[::-1]):
        assert recount(arrived, DEFAULTS).contacts["k"]["queued_ms"] == NOON + 90_000 + 60_000


def test_exactly_a_minute_ahead_is_believed_and_of_repetitions_the_smallest_time_counts() -> None:
    ahead = tp("contact.queued", 60_000)
    at_noon, later = Arrival("touchpoints/0", 0, NOON, ahead), Arrival("touchpoints/0", 1, NOON + HOUR, ahead)
    earlier = Arrival("touchpoints/0", 0, NOON - 30_000, ahead)
    assert recount([at_noon, later], DEFAULTS).contacts["k"]["queued_ms"] == NOON + 60_000
    assert recount([earlier, later], DEFAULTS).contacts["k"]["queued_ms"] == NOON + 30_000


# ---- waiting


@pytest.mark.parametrize(
    ("wait_ms", "in_target", "in_half"), [(0, 1, 1), (10_000, 1, 1), (10_001, 1, 0), (20_000, 1, 0), (20_001, 0, 0)]
)
def test_within_is_at_or_below_the_target_and_half_of_it(wait_ms: int, in_target: int, in_half: int) -> None:
    counted = count(tp("contact.queued"), tp("contact.answered", wait_ms))
    assert totals(counted, "answered_in_target", "answered_in_half_target", "wait_ms") == [in_target, in_half, wait_ms]


@pytest.mark.parametrize(
    ("patience_ms", "short", "in_target"), [(5_000, 1, 1), (5_001, 0, 1), (20_000, 0, 1), (20_001, 0, 0)]
)
def test_abandoned_at_exactly_the_limit_is_still_within_it(patience_ms: int, short: int, in_target: int) -> None:
    counted = count(tp("contact.queued"), tp("contact.abandoned", patience_ms))
    assert totals(counted, "offered", "abandoned", "abandoned_short", "abandoned_in_target", "patience_ms") == [
        1, 1, short, in_target, patience_ms,
    ]  # fmt: skip
    assert total(counted, "answered") == 0


def test_the_target_is_that_of_the_queue_at_the_time_the_wait_began() -> None:
    dated = [QueueTarget("phone", "sales", NOON + 60_000, 30_000), QueueTarget("phone", "sales", NOON + 120_000, 5_000)]
    promises = Promises(queue_targets=dated)
    for began, in_target in ((59_999, 0), (60_000, 1), (119_999, 1), (120_000, 0)):
        told = [tp("contact.queued", began, queue="sales"), tp("contact.answered", began + 30_000)]
        assert total(count(*told, promises=promises), "answered_in_target") == in_target


def test_without_a_target_nothing_is_within_it() -> None:
    promises = with_channel("phone", ChannelPromise("live"))
    counted = count(tp("contact.queued"), tp("contact.answered", 0), promises=promises)
    assert totals(counted, "answered", "answered_in_target", "answered_in_half_target") == [1, 0, 0]


def test_answered_without_a_queue_waited_nothing_and_stood_in_no_queue() -> None:
    counted = count(tp("contact.requested"), tp("contact.answered", 70_000, queue="sales"))
    assert counted.cells == {
        cell(0, queue="sales"): {"requested": 1},
        cell(70_000, queue="sales"): {
            "offered": 1,
            "answered": 1,
            "answered_in_target": 1,
            "answered_in_half_target": 1,
            "wait_ms_buckets": {0: 1},
        },
    }


def test_answered_before_queued_waited_nothing_is_counted_as_negative_and_leaves_its_leg_waiting() -> None:
    counted = count(tp("contact.answered", 0), tp("contact.queued", 30_000, queue="sales"))
    assert counted.contacts["k"]["outcome_ms"] == NOON + 30_000
    assert totals(counted, "offered", "answered", "answered_queued", "negative_durations") == [1, 1, 1, 1]
    assert totals(counted, "wait_ms", "legs_offered", "legs_answered") == [0, 1, 0]


def test_an_early_abandon_that_is_not_the_outcome_is_not_counted_as_negative() -> None:
    counted = count(tp("contact.abandoned", 0), tp("contact.queued", 30_000), tp("contact.answered", 20_000))
    # Both count at the beginning of the wait: the answer goes first, and it was early, too.
    assert totals(counted, "answered", "abandoned", "negative_durations") == [1, 0, 1]
    refused = count(tp("contact.queued", 30_000), tp("contact.refused", 30_000), tp("contact.abandoned", 31_000))
    assert totals(refused, "left_queue", "abandoned", "negative_durations") == [1, 0, 0]


OUTCOMES = (
    "contact.answered",
    "contact.abandoned",
    "contact.refused",
    "contact.callback_requested",
    "contact.closed",
    "contact.self_service",
)


@pytest.mark.parametrize("types", list(itertools.pairwise(OUTCOMES)))
def test_of_what_happens_in_one_ms_the_more_telling_is_the_outcome(types: tuple[str, str]) -> None:
    stronger, weaker = types
    fields: Mapping[str, Any] = {"outcome": "contained"} if weaker == "contact.self_service" else {}
    counted = count(tp("contact.queued"), tp(weaker, 9_000, **fields), tp(stronger, 9_000))
    assert counted.contacts["k"]["outcome"] == stronger.removeprefix("contact.")
    assert total(counted, "left_queue") == (stronger not in ("contact.answered", "contact.abandoned"))


def test_whoever_still_waits_is_offered_and_nothing_else() -> None:
    counted = count(tp("contact.queued", queue="sales"))
    assert counted.cells == {cell(queue="sales"): {"requested": 1, "offered": 1, "legs_offered": 1}}
    assert counted.contacts["k"]["outcome"] == ""


def test_a_closing_before_the_wait_began_does_not_end_it() -> None:
    counted = count(tp("contact.closed", 0), tp("contact.queued", 10_000), tp("contact.closed", 40_000))
    assert totals(counted, "offered", "left_queue") == [1, 1]
    assert counted.contacts["k"]["outcome_ms"] == NOON + 40_000


def test_leaving_in_the_menu_is_neither_offered_nor_abandoned() -> None:
    left = count(tp("contact.requested"), tp("contact.abandoned", 70_000))
    assert left.cells == {cell(): {"requested": 1, "ended_in_menu": 1}}
    contained = count(tp("contact.requested"), tp("contact.self_service", 70_000, outcome="contained"))
    assert contained.cells == {
        cell(): {"requested": 1, "ended_in_menu": 1},
        cell(70_000): {"self_service_contained": 1},
    }
    failed = count(tp("contact.requested"), tp("contact.self_service", 70_000, outcome="failed"))
    assert failed.cells == {cell(): {"requested": 1}, cell(70_000): {"self_service_failed": 1}}
    for offered in ("contact.queued", "contact.answered"):
        told = call("k", ("contact.requested", 0), (offered, 5), ("contact.abandoned", 9))
        assert totals(count(told), "offered", "ended_in_menu") == [1, 0]
    deferred = count(call("k", ("contact.requested", 0), ("contact.abandoned", 9), channel="email"))
    assert totals(deferred, "requested", "ended_in_menu") == [1, 0]


def test_a_deferred_contact_waits_only_once_it_is_queued() -> None:
    answered = [tp("contact.requested", channel="web"), tp("contact.answered", 4 * HOUR, channel="web")]
    assert totals(count(*answered), "requested", "offered", "ended_in_menu") == [1, 0, 0]
    queued = count(*answered, tp("contact.queued", 0, channel="web"))
    assert totals(queued, "offered", "answered_in_target", "wait_ms", "legs_offered") == [1, 1, 4 * HOUR, 1]


def test_an_outbound_call_is_not_requested_and_does_not_wait_but_is_handled() -> None:
    told = [
        tp("contact.requested", direction="outbound"),
        tp("contact.queued", 1_000, queue="sales"),
        tp("contact.answered", 2_000),
        tp("contact.closed", 5_000),
    ]
    counted = count(*told)
    assert totals(counted, "requested", "offered", "legs_offered", "answered") == [0, 0, 0, 0]
    assert totals(counted, "closed", "handled", "handle_ms", "resolution_ms") == [1, 1, 3_000, 5_000]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("contact.queued", 0), ("contact.answered", 60)], 0),
        ([("contact.queued", 0), ("contact.answered", 61)], 1),
        ([("contact.queued", 0), ("contact.informed", 30), ("contact.answered", 90)], 0),
        ([("contact.queued", 0), ("contact.informed", 30), ("contact.answered", 91)], 1),
        # Still waiting: only the silence up to the last word is known.
        ([("contact.queued", 0)], 0),
        ([("contact.queued", 0), ("contact.informed", 61)], 1),
        ([("contact.queued", 0), ("contact.informed", 59)], 0),
        # A word before the wait is none in it, nor is the silence from it; the same goes for one after it.
        ([("contact.informed", 0), ("contact.queued", 10), ("contact.answered", 71)], 1),
        ([("contact.informed", 0), ("contact.queued", 100), ("contact.answered", 110)], 0),
        ([("contact.queued", 0), ("contact.answered", 10), ("contact.informed", 100)], 0),
        # On hold.
        ([("contact.queued", 0), ("contact.answered", 1), ("contact.held", 10), ("contact.resumed", 71)], 1),
        ([("contact.queued", 0), ("contact.answered", 1), ("contact.held", 10), ("contact.closed", 70)], 0),
        ([("contact.queued", 0), ("contact.answered", 1), ("contact.held", 10)], 0),
    ],
)
def test_unannounced_is_a_silence_longer_than_a_minute(told: list[tuple[str, int]], expected: int) -> None:
    touchpoints = [
        tp(type_, after * SECOND, **({"reason": "apology"} if type_ == "contact.informed" else {}))
        for type_, after in told
    ]
    assert total(count(*touchpoints), "waited_unannounced") == expected


def test_an_estimate_is_judged_by_the_answer() -> None:
    told = [
        tp("contact.queued", 0),
        tp("contact.informed", 5_000, reason="estimate", estimate_ms=60_000),
        tp("contact.informed", 20_000, reason="estimate", estimate_ms=10_000),
        tp("contact.informed", 20_000, reason="estimate"),
        tp("contact.informed", 20_000, reason="apology", estimate_ms=1),
        tp("contact.informed", 35_001, reason="estimate", estimate_ms=1),
    ]
    answered = count(*told, tp("contact.answered", 35_000))
    # Said 60 s, were 30: off by 30. Said 10 s, were 15: off by 5. The last one came after the answer.
    assert totals(answered, "estimates", "estimates_judged", "estimate_error_ms") == [2, 2, 35_000]
    abandoned = count(*told, tp("contact.abandoned", 10_000))
    assert totals(abandoned, "estimates", "estimates_judged", "estimate_error_ms") == [1, 0, 0]
    assert totals(count(*told), "estimates", "estimates_judged") == [3, 0]


def test_an_estimate_counts_from_the_first_to_the_last_ms_of_the_wait() -> None:
    told = [tp("contact.informed", after, reason="estimate", estimate_ms=0) for after in (-1, 0, 9_000, 9_001)]
    counted = count(*told, tp("contact.queued"), tp("contact.answered", 9_000))
    assert totals(counted, "estimates", "estimate_error_ms") == [2, 9_000]


def test_requested_while_closed_and_open_time_is_present_though_it_is_zero() -> None:
    promises = with_channel("phone", ChannelPromise("live", 20_000, opening=NINE_TO_FIVE))
    columns = count(tp("contact.queued", 5 * HOUR), tp("contact.answered", 5 * HOUR + 10_000), promises=promises).cells[
        cell(5 * HOUR)
    ]
    assert columns["requested_closed"] == 1
    assert (columns["wait_ms"], columns["wait_open_ms"], columns["legs_wait_open_ms"]) == (10_000, 0, 0)
    at_five = count(tp("contact.requested", 5 * HOUR - 1), promises=promises)
    assert total(at_five, "requested_closed") == 0


def test_a_wait_over_closing_time_has_its_open_part() -> None:
    promises = with_channel("phone", ChannelPromise("live", 20_000, opening=NINE_TO_FIVE))
    counted = count(tp("contact.queued", 5 * HOUR - 1_500), tp("contact.abandoned", 5 * HOUR + 500), promises=promises)
    assert totals(counted, "patience_ms", "patience_open_ms") == [2_000, 1_500]


# ---- legs


def test_who_is_passed_on_while_waiting_leaves_one_leg_without_outcome_and_waits_in_the_next() -> None:
    counted = count(
        tp("contact.queued", 0, queue="sales"),
        tp("contact.queued", 5_000, queue="sales"),
        tp("contact.transferred", 10_000, queue="claims"),
        tp("contact.answered", 25_000),
        tp("contact.closed", 70_000, customer_id="c"),
    )
    assert counted.cells[cell(queue="sales")]["wait_ms"] == 25_000
    assert counted.cells[cell(queue="sales")]["legs_offered"] == 1
    assert "legs_answered" not in counted.cells[cell(queue="sales")]
    assert counted.cells[cell(queue="claims")] == {"legs_offered": 1, "legs_answered": 1, "legs_wait_ms": 15_000}
    assert counted.cells[cell(70_000, queue="sales")]["transfers"] == 1


def test_who_is_passed_on_after_the_answer_waits_again_and_may_give_up_though_answered() -> None:
    counted = count(
        tp("contact.queued", 0, queue="sales"),
        tp("contact.answered", 5_000),
        tp("contact.transferred", 60_000, queue="claims"),
        tp("contact.queued", 61_000, queue="claims"),
        tp("contact.abandoned", 80_000),
    )
    assert counted.cells[cell(60_000, queue="claims")] == {"legs_offered": 1, "legs_abandoned": 1}
    assert totals(counted, "offered", "answered", "abandoned", "legs_offered", "legs_answered") == [1, 1, 0, 2, 1]


def test_a_transfer_begins_a_leg_on_a_live_channel_but_not_in_a_mail_that_was_never_queued() -> None:
    told = [("contact.requested", 0), ("contact.transferred", 1), ("contact.answered", 4)]
    assert totals(count(call("k", *told, queue="sales")), "legs_offered", "legs_wait_ms") == [1, 3_000]
    mail = call("k", *told, queue="sales", channel="email")
    assert total(count(mail), "legs_offered") == 0
    assert total(count(mail, tp("contact.queued", 9_000, channel="email", queue="sales")), "legs_offered") == 2


def test_a_transfer_without_a_queue_is_no_leg_and_a_queueing_without_one_is_in_unknown() -> None:
    counted = count(tp("contact.queued", 0), tp("contact.transferred", 0), tp("contact.refused", 9_000))
    assert counted.cells == {
        cell(): {"requested": 1, "offered": 1, "left_queue": 1, "legs_offered": 1, "refused_other": 1}
    }


def test_a_transfer_without_a_queue_after_the_answer_begins_no_leg() -> None:
    told = [("contact.queued", 0), ("contact.answered", 5), ("contact.transferred", 9), ("contact.answered", 12)]
    assert totals(count(call("k", *told)), "legs_offered", "legs_answered") == [1, 1]


def test_legs_go_by_time_and_id_so_an_answer_of_the_same_ms_with_a_smaller_id_ends_none() -> None:
    late = count(tp("contact.queued", 0, id="b", queue="sales"), tp("contact.answered", 0, id="a"))
    assert totals(late, "answered", "legs_answered", "negative_durations") == [1, 0, 0]
    right = count(tp("contact.queued", 0, id="a", queue="sales"), tp("contact.answered", 0, id="b"))
    assert totals(right, "answered", "legs_answered") == [1, 1]


@pytest.mark.parametrize(
    "leaving", ["contact.refused", "contact.callback_requested", "contact.closed", "contact.self_service"]
)
def test_who_leaves_a_queue_otherwise_ends_the_leg_without_an_answer(leaving: str) -> None:
    fields: Mapping[str, Any] = {"outcome": "contained"} if leaving == "contact.self_service" else {}
    told = [tp("contact.queued", 0, queue="sales"), tp(leaving, 5_000, **fields), tp("contact.answered", 9_000)]
    assert totals(count(*told), "legs_offered", "legs_answered", "legs_wait_ms", "left_queue") == [1, 0, 0, 1]
    other = tp("contact.self_service", 5_000, outcome="failed", queue="claims")
    assert totals(count(told[0], other, told[2]), "legs_offered", "legs_answered") == [1, 1]


# ---- abandoned, then reached

ABANDONED = [tp("contact.queued", customer_id="c"), tp("contact.abandoned", 30_000)]


@pytest.mark.parametrize(
    ("reached", "expected"),
    [
        (tp("contact.answered", 30_000 + DAY, "l", customer_id="c"), 1),
        (tp("contact.answered", 30_001 + DAY, "l", customer_id="c"), 0),
        (tp("contact.answered", 30_001, "l", customer_id="c", direction="outbound"), 1),
        (tp("contact.answered", 30_000, "l", customer_id="c"), 0),
        (tp("message.sent", 40_000, "l", customer_id="c", channel="email", author="bot"), 1),
        (tp("outreach.sent", 40_000, "k"), 1),
        (tp("message.received", 40_000, "l", customer_id="c"), 0),
        (tp("contact.answered", 40_000, "l", customer_id="d"), 0),
        (tp("contact.answered", 40_000, "l"), 0),
    ],
)
def test_returned_means_the_customer_was_reached_within_a_day(reached: dict[str, Any], expected: int) -> None:
    assert total(count(ABANDONED, reached), "abandoned_returned") == expected


def test_who_was_answered_or_left_otherwise_does_not_return() -> None:
    reached = tp("contact.answered", 40_000, "l", customer_id="c")
    for outcome in ("contact.answered", "contact.refused"):
        told = [tp("contact.queued", customer_id="c"), tp(outcome, 30_000)]
        assert total(count(told, reached), "abandoned_returned") == 0


def test_returned_is_booked_where_the_wait_began() -> None:
    counted = count(ABANDONED, tp("contact.answered", 10 * MINUTE, "l", customer_id="c", channel="chat"))
    assert counted.cells[cell()]["abandoned_returned"] == 1


def test_an_unknown_customer_who_abandoned_never_returned() -> None:
    assert (
        total(
            count(call("k", ("contact.queued", 0), ("contact.abandoned", 3), ("outreach.sent", 9))),
            "abandoned_returned",
        )
        == 0
    )


# ---- response


def mail(open_hours: Opening | None, zone: str, received_ms: int, sent_ms: int) -> Recount:
    """One mail and its reply."""
    promise = ChannelPromise("deferred", 4 * HOUR, ResponseTarget("open", 4 * HOUR), None, open_hours)
    told = [tp("contact.requested", received_ms, channel="email"), tp("message.sent", sent_ms, channel="email")]
    return count(*told, promises=with_channel("email", promise, zone=zone))


def test_a_mail_of_friday_evening_answered_on_monday_took_ninety_open_minutes() -> None:
    berlin = "Europe/Berlin"
    received, sent = ms(berlin, 2026, 3, 6, 16, 30), ms(berlin, 2026, 3, 9, 10, 0)
    clock = 65 * HOUR + 30 * MINUTE
    counted = mail(NINE_TO_FIVE, berlin, received, sent)
    assert counted.cells[cell(received, "email")] == {
        "requested": 1,
        "first_responses_due": 1,
        "first_responses": 1,
        "first_response_ms": clock,
        "first_response_open_ms": 90 * MINUTE,
        "first_response_ms_buckets": {bucket_of(clock): 1},
        "first_response_in_target": 1,
    }
    without = mail(None, berlin, received, sent)
    assert totals(without, "first_response_ms", "first_response_in_target") == [clock, 0]
    assert "first_response_open_ms" not in without.cells[cell(received, "email")]


def test_over_the_weekend_that_loses_an_hour_the_clock_runs_one_hour_less_and_open_time_the_same() -> None:
    berlin = "Europe/Berlin"
    counted = mail(NINE_TO_FIVE, berlin, ms(berlin, 2026, 3, 27, 16, 30), ms(berlin, 2026, 3, 30, 10, 0))
    assert totals(counted, "first_response_ms", "first_response_open_ms") == [64 * HOUR + 30 * MINUTE, 90 * MINUTE]


def test_open_hours_within_the_night_the_clocks_change_are_those_the_clock_shows() -> None:
    berlin = "Europe/Berlin"
    night = Opening({6: [(60, 240)]})  # Sundays, 1 to 4 h: two hours in spring, four in autumn
    spring, autumn = ms(berlin, 2026, 3, 29, 0, 0) + NOON, ms(berlin, 2026, 10, 25, 0, 0) + NOON
    assert open_ms(spring, spring + DAY, night, berlin) == 2 * HOUR
    assert open_ms(autumn, autumn + DAY, night, berlin) == 4 * HOUR


def test_four_open_hours_are_within_and_a_millisecond_more_is_not() -> None:
    start = -HOUR  # 11:00 on a Tuesday: four hours of it until 15:00
    for more, in_target in ((0, 1), (1, 0)):
        assert total(mail(NINE_TO_FIVE, "UTC", start, start + 4 * HOUR + more), "first_response_in_target") == in_target
    # 16:00 to 12:00 of the next day: one hour and three.
    counted = mail(NINE_TO_FIVE, "UTC", 4 * HOUR, 24 * HOUR)
    assert totals(counted, "first_response_open_ms", "first_response_in_target") == [4 * HOUR, 1]


@pytest.mark.parametrize(
    ("closed_dates", "calendar", "answered_on", "in_target"),
    [
        ((), True, 9, 1),  # from Thursday: Friday and Monday are two open days
        ((), True, 10, 0),
        ((date(2026, 3, 6),), True, 10, 1),  # the Friday is a holiday: Monday and Tuesday
        ((), True, 8, 1),  # on Sunday only Friday has passed
        ((), False, 7, 1),  # without a calendar Friday and Saturday
        ((), False, 8, 0),
    ],
)
def test_a_letter_is_answered_within_two_open_days(
    closed_dates: tuple[date, ...], calendar: bool, answered_on: int, in_target: int
) -> None:
    opening = Opening(NINE_TO_FIVE.weekly, frozenset(closed_dates)) if calendar else None
    promise = ChannelPromise("deferred", None, ResponseTarget("open_days", 2), None, opening)
    counted = count(
        tp("contact.requested", ms("UTC", 2026, 3, 5, 8, 0), channel="letter"),
        tp("message.sent", ms("UTC", 2026, 3, answered_on, 23, 59), channel="letter"),
        promises=with_channel("letter", promise),
    )
    assert totals(counted, "first_responses", "first_response_in_target") == [1, in_target]


def test_open_days_are_local_dates() -> None:
    promises = Promises(zone="Europe/Berlin")
    told = [
        # Half past eleven on Thursday in London is Friday in Berlin: Saturday and Sunday are two days.
        tp("message.received", ms("UTC", 2026, 3, 5, 23, 30), channel="letter"),
        tp("message.sent", ms("UTC", 2026, 3, 8, 22, 59), channel="letter"),
    ]
    assert total(count(*told, promises=promises), "first_response_in_target") == 1
    assert total(count(*told), "first_response_in_target") == 0


@pytest.mark.parametrize(
    ("channel", "direction", "due"),
    [
        ("email", "inbound", 1),
        ("form", "inbound", 1),
        ("letter", "inbound", 1),
        ("web", "inbound", 0),
        ("chat", "inbound", 0),
        ("email", "outbound", 0),
    ],
)
def test_a_mail_a_form_and_a_letter_are_messages_themselves(channel: str, direction: str, due: int) -> None:
    counted = count(tp("contact.requested", channel=channel, direction=direction))
    assert totals(counted, "first_responses_due", "first_responses") == [due, 0]


def test_a_mail_with_its_first_message_is_one_message() -> None:
    told = [("contact.requested", 0), ("message.received", 60), ("message.sent", 90), ("contact.requested", 120)]
    counted = count(call("k", *told, channel="email"))
    # The second request is a message, too: the next clock.
    assert totals(counted, "first_responses_due", "first_response_ms", "next_responses_due") == [1, 90_000, 1]


def test_chat_lines_to_and_fro() -> None:
    counted = count(
        tp("message.received", 0, channel="chat"),
        tp("message.received", 10_000, channel="chat"),
        tp("message.sent", 20_000, channel="chat", author="bot"),
        tp("message.sent", 60_000, channel="chat"),
        tp("message.sent", 61_000, channel="chat"),
        tp("message.received", 70_000, channel="chat"),
        tp("message.sent", 130_001, channel="chat", author="agent"),
        tp("message.received", 140_000, channel="chat"),
        tp("contact.closed", 150_000, channel="chat"),
    )
    first = ("first_responses_due", "first_responses", "first_response_ms", "first_response_in_target")
    assert totals(counted, *first) == [1, 1, 60_000, 1]
    following = ("next_responses_due", "next_responses", "next_response_ms", "next_response_in_target")
    assert totals(counted, *following) == [2, 1, 60_001, 0]
    assert counted.cells[cell(140_000, "chat")]["closed_unanswered"] == 1
    assert counted.cells[cell(70_000, "chat")]["next_responses"] == 1


def test_a_mail_without_a_reply_is_due_and_nothing_else() -> None:
    counted = count(tp("message.received", 0, channel="social"))
    assert counted.cells == {cell(0, "social"): {"requested": 1, "first_responses_due": 1}}


def test_a_reopening_takes_a_running_clock_away_as_if_it_had_never_started() -> None:
    first = [("message.received", 0), ("contact.reopened", 10), ("message.received", 70), ("message.sent", 100)]
    counted = count(call("k", *first, channel="web"))
    assert counted.cells[cell(70_000, "web")]["first_response_ms"] == 30_000
    assert totals(counted, "first_responses_due", "next_responses_due") == [1, 0]
    answered = [("message.received", 0), ("message.sent", 10), ("contact.closed", 20), ("message.received", 30)]
    again = [("contact.reopened", 40), ("message.received", 50), ("message.sent", 55)]
    counted = count(call("k", *answered, *again, channel="web"))
    assert totals(counted, "first_response_ms", "next_responses_due", "next_response_ms") == [10_000, 1, 5_000]


def test_a_discarded_mail_is_not_due_but_a_reply_before_it_counts() -> None:
    spam = [tp("contact.requested", channel="email"), tp("contact.discarded", 5_000, channel="email", reason="spam")]
    assert totals(count(*spam), "requested", "first_responses_due") == [1, 0]
    counted = count(*spam, tp("message.sent", 1_000, channel="email"))
    assert totals(counted, "first_responses_due", "first_responses") == [1, 1]


def test_a_target_on_the_clock_stays_there_though_a_calendar_applies() -> None:
    promise = ChannelPromise("live", None, ResponseTarget("clock", MINUTE), None, NINE_TO_FIVE)
    told = [tp("message.received", 6 * HOUR, channel="chat"), tp("message.sent", 6 * HOUR + 60_001, channel="chat")]
    counted = count(*told, promises=with_channel("chat", promise))
    assert totals(counted, "first_responses", "first_response_in_target", "first_response_open_ms") == [1, 0, 0]


def test_within_one_ms_the_smaller_id_is_earlier() -> None:
    received = tp("message.received", 0, id="b", channel="web")
    assert total(count(received, tp("message.sent", 0, id="a", channel="web")), "first_responses") == 0
    counted = count(received, tp("message.sent", 0, id="c", channel="web"))
    assert totals(counted, "first_responses", "first_response_in_target") == [1, 1]


def test_a_phone_contact_has_no_response_target() -> None:
    counted = count(tp("message.received", 0), tp("message.sent", 0))
    assert totals(counted, "first_responses", "first_response_in_target") == [1, 0]


# ---- resolution


def test_closed_twice_is_booked_at_the_first_closing_and_lasts_to_the_last() -> None:
    counted = count(
        tp("contact.requested", 0, customer_id="c"),
        tp("contact.answered", 10_000),
        tp("contact.closed", 70_000),
        tp("contact.reopened", 80_000),
        tp("contact.closed", 190_000),
    )
    columns = counted.cells[cell(70_000)]
    assert (columns["closed"], columns["handle_ms"], columns["resolution_ms"]) == (1, 180_000, 190_000)
    assert (columns["contacts_reopened"], columns["fcr_eligible"], columns["fcr_reopened"]) == (1, 1, 1)
    assert cell(190_000) not in counted.cells


def test_durations_below_zero_are_zero_and_counted() -> None:
    promises = with_channel("phone", ChannelPromise("live", 20_000, opening=NINE_TO_FIVE))
    counted = count(
        tp("contact.closed", 0), tp("contact.requested", 60_000), tp("contact.answered", 70_000), promises=promises
    )
    columns = counted.cells[cell()]
    assert columns == {
        "closed": 1,
        "closed_unknown_customer": 1,
        "handled": 1,
        "handle_open_ms": 0,
        "handle_ms_buckets": {0: 1},
        "resolution_open_ms": 0,
        "resolution_ms_buckets": {0: 1},
        "negative_durations": 2,
    }


def test_an_abandoned_contact_is_not_closed() -> None:
    assert totals(count(ABANDONED), "closed", "handled", "resolution_ms", "fcr_eligible") == [0, 0, 0, 0]


def test_holds_nest_nowhere_and_a_closing_ends_one() -> None:
    held = [("contact.held", 10), ("contact.held", 20), ("contact.resumed", 25), ("contact.resumed", 50)]
    counted = count(call("k", *held, ("contact.held", 60), ("contact.closed", 64), ("contact.held", 70)))
    assert totals(counted, "held", "hold_ms") == [1, 15_000 + 4_000]
    assert counted.cells[cell(64_000)]["hold_ms_buckets"] == {bucket_of(19_000): 1}


def test_a_hold_that_never_ended_is_held_without_a_length_and_an_open_contact_books_none() -> None:
    promises = with_channel("phone", ChannelPromise("live", 20_000, opening=NINE_TO_FIVE))
    columns = count(call("k", ("contact.closed", 0), ("contact.held", 1)), promises=promises).cells[cell()]
    assert columns["held"] == 1
    assert not {"hold_ms", "hold_open_ms", "hold_ms_buckets"} & set(columns)
    assert total(count(call("k", ("contact.held", 0), ("contact.resumed", 1))), "held") == 0


# ---- first-contact resolution

SERVED = [("contact.requested", 0), ("contact.answered", 10), ("contact.closed", 100)]


def asks_again(after_ms: int, contact: str = "l", **fields: Any) -> dict[str, Any]:
    """The same customer calls again, so long after the first contact was closed."""
    return tp("contact.requested", 100_000 + after_ms, contact, **{"customer_id": "c", **fields})


@pytest.mark.parametrize(
    ("again", "followed"),
    [
        (asks_again(0), 0),
        (asks_again(1), 1),
        (asks_again(WEEK), 1),
        (asks_again(WEEK + 1), 0),
        (asks_again(1, topic="invoice"), 1),
        (asks_again(1, topic="move"), 0),
        (asks_again(1, direction="outbound"), 0),
        (asks_again(1, customer_id="d"), 0),
        (asks_again(1, customer_id=None), 0),
        (asks_again(1, "k2", channel="email"), 1),
    ],
)
def test_a_contact_followed_within_the_window_is_not_resolved(again: dict[str, Any], followed: int) -> None:
    counted = count(call("k", *SERVED, customer_id="c", topic="invoice"), again)
    names = ("fcr_eligible", "fcr_followed", "fcr_resolved", "issues", "issues_resolved_first")
    assert totals(counted, *names) == [1, followed, 1 - followed, 1, 1 - followed]
    assert counted.contacts["k"]["fcr"] == ("followed" if followed else "resolved")


def test_a_follower_counts_whatever_became_of_it() -> None:
    for fate in ("contact.abandoned", "contact.discarded"):
        told = [asks_again(5_000), tp(fate, 110_000, "l", **({"reason": "spam"} if fate.endswith("discarded") else {}))]
        assert total(count(call("k", *SERVED, customer_id="c"), *told), "fcr_followed") == 1


@pytest.mark.parametrize(
    ("told", "eligible"),
    [
        ([("contact.answered", 1), ("contact.closed", 2)], 1),
        ([("message.sent", 1), ("contact.closed", 2)], 1),
        ([("contact.queued", 1), ("contact.closed", 2)], 0),
        ([("contact.answered", 1)], 0),
        ([("contact.closed", 1), ("contact.answered", 2)], 1),
    ],
)
def test_eligible_is_who_was_served_by_a_person_and_closed(told: list[tuple[str, int]], eligible: int) -> None:
    assert total(count(call("k", *told, customer_id="c")), "fcr_eligible") == eligible
    assert total(count(call("k", *told)), "fcr_eligible") == 0
    assert total(count(call("k", *told, customer_id="c", direction="outbound")), "fcr_eligible") == 0


def test_a_bot_and_a_discarded_contact_do_not_make_eligible() -> None:
    bot = [tp("message.sent", 0, author="bot", customer_id="c"), tp("contact.closed", 1_000)]
    assert totals(count(*bot), "closed", "fcr_eligible") == [1, 0]
    thanks = [*call("k", *SERVED, customer_id="c"), tp("contact.discarded", 200_000, reason="thanks")]
    assert totals(count(thanks), "closed", "handled", "fcr_eligible", "issues") == [1, 1, 0, 0]


def test_follow_ups_in_a_chain_are_one_issue() -> None:
    counted = count(
        call("a", ("contact.requested", 0), ("contact.answered", 0), ("contact.closed", 100), customer_id="c"),
        call("b", ("contact.requested", 160), ("contact.answered", 160), ("contact.closed", 200), customer_id="c"),
        call("d", ("contact.requested", 300), ("contact.answered", 300), ("contact.closed", 400), customer_id="c"),
        promises=Promises(window_ms=150_000),
    )
    rows = counted.contacts
    # a is closed at 100 s, so d (300 s) is beyond its window of 150 s, but within b's.
    assert [rows[k]["follows_contact_id"] for k in "abd"] == ["", "a", "b"]
    assert [rows[k]["followed_by_contact_id"] for k in "abd"] == ["b", "d", ""]
    assert {rows[k]["issue_id"] for k in "abd"} == {"a"}
    assert totals(counted, "fcr_eligible", "fcr_followed", "fcr_resolved", "issues") == [3, 2, 1, 1]
    assert totals(counted, "issues_resolved_first", "followup_delay_ms") == [0, 60_000 + 100_000]
    assert counted.cells[cell(100_000)]["followup_delay_ms_buckets"] == {bucket_of(60_000): 1}


def test_who_follows_two_follows_the_one_closed_last_and_both_are_followed() -> None:
    counted = count(
        call("a", ("contact.requested", 0), ("contact.answered", 1), ("contact.closed", 100), customer_id="c"),
        call("b", ("contact.requested", 0), ("contact.answered", 1), ("contact.closed", 90), customer_id="c"),
        call("d", ("contact.requested", 200), customer_id="c"),
    )
    assert counted.contacts["d"]["follows_contact_id"] == "a"
    assert totals(counted, "fcr_followed", "followup_delay_ms") == [2, 100_000 + 110_000]


def test_of_two_that_follow_at_once_the_smaller_id_is_the_follower() -> None:
    counted = count(call("k", *SERVED, customer_id="c"), asks_again(5, "m"), asks_again(5, "l"))
    assert counted.contacts["k"]["followed_by_contact_id"] == "l"


def test_contacts_closed_before_they_were_requested_do_not_send_the_chain_in_circles() -> None:
    odd = [("contact.closed", 5), ("contact.requested", 10), ("contact.answered", 1)]
    counted = count(call("a", *odd, customer_id="c"), call("b", *odd, customer_id="c"))
    assert [counted.contacts[k]["follows_contact_id"] for k in "ab"] == ["b", "a"]
    assert [counted.contacts[k]["issue_id"] for k in "ab"] == ["a", "a"]


def closing(after_s: int, **fields: Any) -> dict[str, Any]:
    """A closing of the contact."""
    return tp("contact.closed", after_s * SECOND, **fields)


def test_unresolved_is_what_the_latest_closing_says_that_says_anything() -> None:
    told = [tp("contact.answered", 0, customer_id="c")]
    assert total(count(told, closing(1, resolved=False)), "fcr_unresolved") == 1
    assert total(count(told, closing(1, resolved=False), closing(2)), "fcr_unresolved") == 1
    assert total(count(told, closing(1, resolved=False), closing(2, resolved=True)), "fcr_unresolved") == 0
    assert total(count(told, closing(2, resolved=False), closing(1, resolved=True)), "fcr_unresolved") == 1


def test_reasons_overlap_in_the_counts_and_have_an_order_in_the_word() -> None:
    told: list[dict[str, Any]] = call("k", *SERVED, ("contact.transferred", 20), customer_id="c")
    names = ("fcr_resolved", "fcr_followed", "fcr_reopened", "fcr_unresolved", "fcr_transferred")
    everything = [tp("contact.reopened", 99_000), closing(100, resolved=False), asks_again(1)]
    words = []
    for more in (everything, [everything[0], everything[2]], everything[2:], []):
        counted = count(told, *more)
        words.append(counted.contacts["k"]["fcr"])
        assert total(counted, "fcr_transferred") == 1
    assert words == ["unresolved", "reopened", "followed", "resolved"]
    assert totals(count(told, *everything), *names) == [0, 1, 1, 1, 1]


def test_a_transfer_breaks_it_only_where_the_setting_says_so() -> None:
    told = call("k", *SERVED, ("contact.transferred", 20), ("contact.transferred", 30), customer_id="c")
    assert totals(count(told), "fcr_resolved", "contacts_transferred", "transfers") == [1, 1, 2]
    strict = count(told, promises=Promises(transfer_breaks_fcr=True))
    assert totals(strict, "fcr_eligible", "fcr_resolved", "issues", "issues_resolved_first") == [1, 0, 1, 0]
    assert strict.contacts["k"]["fcr"] == "transferred"
    never = count(call("k", *SERVED, customer_id="c"), promises=Promises(transfer_breaks_fcr=True))
    assert never.contacts["k"]["fcr"] == "resolved"


# ---- chasing and changing the channel


@pytest.mark.parametrize(
    ("asked_s", "chased"), [(0, 0), (1, 1), (99, 1), (100, 0), (150, 0)]
)  # requested at 0, first answered at 100, closed at 200
def test_a_chase_is_asking_again_while_the_first_is_open_and_unanswered(asked_s: int, chased: int) -> None:
    first = call("a", ("contact.requested", 0), ("message.sent", 100), ("contact.closed", 200),
                 channel="email", customer_id="c")  # fmt: skip
    counted = count(first, call("b", ("contact.requested", asked_s), customer_id="c"))
    assert totals(counted, "chased", "channel_switches", "fcr_followed") == [chased, chased, 0]
    if chased:
        assert counted.cells[cell(200_000, "email")]["chased"] == 1
        assert counted.cells[cell(asked_s * SECOND)]["channel_switches"] == 1


def test_on_the_same_channel_or_another_topic_or_while_still_open_a_chase_is_none_or_no_switch() -> None:
    told = [("contact.requested", 0), ("contact.closed", 200)]
    again = [("contact.requested", 50)]
    same = count(call("a", *told, customer_id="c"), call("b", *again, customer_id="c"))
    assert totals(same, "chased", "channel_switches") == [1, 0]
    other = count(call("a", *told, customer_id="c", topic="x"), call("b", *again, customer_id="c", topic="y"))
    assert total(other, "chased") == 0
    still_open = count(
        call("a", told[0], customer_id="c", channel="email"), call("b", *again, customer_id="c", channel="chat")
    )
    assert totals(still_open, "chased", "channel_switches") == [0, 0]


def test_an_answer_before_the_request_does_not_end_the_openness_but_one_after_it_does() -> None:
    told = [("contact.answered", 0), ("contact.requested", 10), ("contact.closed", 200)]
    again = call("b", ("contact.requested", 50), customer_id="c")
    assert total(count(call("a", *told, customer_id="c"), again), "chased") == 1
    assert total(count(call("a", *told, ("contact.answered", 40), customer_id="c"), again), "chased") == 0


def test_a_follow_up_on_another_channel_is_one_switch_however_many_it_follows() -> None:
    counted = count(
        call("a", *SERVED, customer_id="c"),
        call("b", *SERVED, customer_id="c"),
        tp("contact.requested", 300_000, "d", channel="chat", customer_id="c", queue="q"),
    )
    assert counted.cells[cell(300_000, "chat", "q")] == {"requested": 1, "channel_switches": 1}


def test_the_customer_is_the_earliest_named_and_a_correction_moves_the_contact() -> None:
    first = call("k", *SERVED, customer_id="c")
    named = tp("contact.closed", 0, "l", customer_id="d")
    later = [tp("contact.requested", 200_000, "l"), tp("contact.menu", 201_000, "l", step="1", customer_id="c")]
    assert total(count(first, *later), "fcr_followed") == 1
    assert total(count(first, *later, named), "fcr_followed") == 0
    corrected = {**named, "revision": 1, "customer_id": "c"}
    assert total(count(first, *later, named, corrected), "fcr_followed") == 1


def test_a_contact_is_open_until_something_ends_it_and_after_a_reopening() -> None:
    told = [("contact.answered", 0), ("contact.closed", 10), ("contact.reopened", 20), ("contact.abandoned", 30)]
    states = [count(call("k", *told[:n])).contacts["k"]["is_open"] for n in (1, 2, 3, 4)]
    assert states == [True, False, True, False]
    for outcome, goes_on in (("contained", False), ("failed", True)):
        assert count(tp("contact.self_service", outcome=outcome)).contacts["k"]["is_open"] is goes_on
    assert count(tp("contact.discarded", reason="spam")).contacts["k"]["is_open"] is False


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("contact.answered", {}),
        ("message.sent", {}),
        ("contact.closed", {}),
        ("contact.abandoned", {}),
        ("contact.discarded", {"reason": "spam"}),
        ("contact.self_service", {"outcome": "contained"}),
    ],
)
def test_after_any_end_asking_again_is_no_chase(type_: str, fields: dict[str, Any]) -> None:
    first = call("a", ("contact.requested", 10), ("contact.closed", 200), customer_id="c")
    again = call("b", ("contact.requested", 50), customer_id="c")
    assert total(count(first, again), "chased") == 1
    for after_s, chased in ((9, 1), (10, 0), (50, 0), (51, 1)):
        assert total(count(first, again, tp(type_, after_s * SECOND, "a", **fields)), "chased") == chased


def test_a_contact_closed_only_before_it_was_requested_stays_open_for_chases() -> None:
    odd = call("a", ("contact.closed", 0), ("contact.requested", 10), customer_id="c")
    counted = count(odd, tp("contact.requested", 300 * DAY, "b", customer_id="c"))
    assert totals(counted, "chased", "followup_delay_ms") == [1, 0]


def test_an_outbound_contact_neither_chases_nor_is_chased() -> None:
    for directions in (("outbound", "inbound"), ("inbound", "outbound")):
        first = call("a", ("contact.requested", 0), ("contact.closed", 200), customer_id="c", direction=directions[0])
        again = call("b", ("contact.requested", 50), customer_id="c", direction=directions[1])
        assert total(count(first, again), "chased") == 0


def test_who_follows_two_closed_in_one_ms_follows_the_greater_id() -> None:
    again = tp("contact.requested", 200_000, "d", customer_id="c")
    for order in ("ab", "ba"):
        counted = count(*(call(k, *SERVED, customer_id="c") for k in order), again)
        assert counted.contacts["d"]["follows_contact_id"] == "b"


def test_a_row_says_what_is_known_of_a_contact() -> None:
    promises = Promises(window_ms=HOUR, lateness_ms=MINUTE)
    told = [
        tp("contact.queued", 0, queue="sales", source="pbx", topic="move", customer_id="c", segment="private"),
        tp("contact.answered", 30_000),
        tp("message.received", 40_000),
        tp("message.sent", 45_000),
        tp("contact.transferred", 50_000),
        tp("contact.closed", 60_000),
        tp("contact.closed", 90_000),
    ]
    assert count(*told, promises=promises).contacts["k"] == {
        "contact_id": "k",
        "customer_id": "c",
        "channel": "phone",
        "queue": "sales",
        "segment": "private",
        "topic": "move",
        "direction": "inbound",
        "source": "pbx",
        "requested_ms": NOON,
        "queued_ms": NOON,
        "answered_ms": NOON + 30_000,
        "first_response_at_ms": NOON + 45_000,
        "abandoned_ms": None,
        "closed_ms": NOON + 60_000,
        "last_closed_ms": NOON + 90_000,
        "wait_began_ms": NOON,
        "outcome": "answered",
        "outcome_ms": NOON + 30_000,
        "wait_ms": 30_000,
        "patience_ms": None,
        "first_response_ms": 5_000,
        "transfers": 1,
        "is_open": False,
        "discarded": False,
        "target_ms": 20_000,
        "in_target": False,
        "refused_reason": "",
        "fcr": "resolved",
        "fcr_confirmed_ms": NOON + 90_000 + HOUR + MINUTE,
        "issue_id": "k",
        "follows_contact_id": "",
        "followed_by_contact_id": "",
    }


def test_a_row_of_who_gave_up_or_was_refused_has_no_wait_and_no_first_contact_resolution() -> None:
    left = count(
        tp("contact.queued"),
        tp("contact.abandoned", 7_000),
        tp("contact.refused", 8_000, reason="no_authority"),
        tp("contact.refused", 9_000),
        tp("contact.discarded", 9_000, reason="test"),
        tp("message.received", 9_500),
    ).contacts["k"]
    names = ("wait_ms", "patience_ms", "in_target", "refused_reason", "discarded", "fcr", "fcr_confirmed_ms")
    assert [left[k] for k in names] == [None, 7_000, None, "no_authority", True, "", None]
    assert (left["abandoned_ms"], left["first_response_ms"], left["first_response_at_ms"]) == (NOON + 7_000, None, None)
    for told in (call("k", *SERVED), call("k", *SERVED[:2], customer_id="c")):  # nobody known, not closed
        assert count(told).contacts["k"]["fcr"] == ""
    at_target = count(tp("contact.queued"), tp("contact.answered", 20_000)).contacts["k"]
    assert at_target["in_target"] is True
    closed_unanswered = count(call("k", ("message.received", 0), ("contact.closed", 5))).contacts["k"]
    assert (closed_unanswered["first_response_ms"], closed_unanswered["first_response_at_ms"]) == (None, None)


def test_an_abandon_before_the_queue_is_a_patience_of_zero_and_one_at_the_queue_is_not_negative() -> None:
    early = count(tp("contact.abandoned", 0), tp("contact.queued", 5_000))
    assert totals(early, "abandoned", "abandoned_short", "patience_ms", "negative_durations") == [1, 1, 0, 1]
    at_once = count(tp("contact.abandoned", 0), tp("contact.queued", 0))
    assert totals(at_once, "abandoned", "negative_durations") == [1, 0]


# ---- effort, dead ends, self-service


def test_a_menu_step_seen_again_is_a_repeat_in_its_own_minute() -> None:
    counted = count(
        tp("contact.menu", 0, step="language"),
        tp("contact.menu", 10_000, step="topic"),
        tp("contact.menu", 60_000, step="topic", option="0"),
        tp("contact.menu", 61_000, step="topic"),
        tp("contact.menu", 120_000, step="Topic"),
        tp("contact.menu", 125_000, "other", step="topic"),  # another caller's first
    )
    assert counted.cells == {
        cell(0): {"requested": 1, "menu_steps": 2},
        cell(60_000): {"menu_steps": 2, "menu_repeats": 2},
        cell(120_000): {"requested": 1, "menu_steps": 2},
    }


def test_which_menu_step_is_the_repeat_goes_by_time_and_within_a_ms_by_id_not_by_arrival() -> None:
    counted = count(tp("contact.menu", 60_000, step="a"), tp("contact.menu", 0, step="a"))
    assert counted.cells[cell(60_000)] == {"menu_steps": 1, "menu_repeats": 1}
    same_ms = count(tp("contact.menu", 0, step="a", id="z"), tp("contact.menu", 0, step="a", id="y"))
    assert same_ms.cells == {cell(): {"requested": 1, "menu_steps": 2, "menu_repeats": 1}}


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_every_refusal_counts_by_its_reason_whatever_the_direction(direction: str) -> None:
    reasons: list[dict[str, Any]] = [
        {"reason": "out_of_scope"}, {"reason": "out_of_hours"}, {"reason": "no_authority"},
        {"reason": "no_authority"}, {"reason": "other"}, {}, {},
    ]  # fmt: skip
    counted = count([tp("contact.refused", 60_000, channel="web", direction=direction, **r) for r in reasons])
    columns = counted.cells[cell(60_000, "web")]
    names = ("refused_out_of_scope", "refused_out_of_hours", "refused_no_authority", "refused_other")
    assert [columns[name] for name in names] == [1, 1, 2, 3]


def test_self_service_counts_each_time_by_its_outcome_also_in_a_deferred_or_outbound_contact() -> None:
    told = [tp("contact.self_service", 60_000 * n, channel="web", direction="outbound", outcome=outcome)
            for n, outcome in enumerate(("failed", "contained", "contained"))]  # fmt: skip
    counted = count(told)
    assert counted.cells == {
        cell(0, "web"): {"self_service_failed": 1},
        cell(60_000, "web"): {"self_service_contained": 1},
        cell(120_000, "web"): {"self_service_contained": 1},
    }


def test_a_contact_is_discarded_once_at_the_first_time_anybody_does() -> None:
    told = [tp("contact.discarded", 70_000, reason="spam"), tp("contact.discarded", 10_000, reason="test")]
    counted = count(told, tp("contact.discarded", 130_000, "ours", reason="thanks", direction="outbound"))
    assert counted.cells == {cell(0): {"requested": 1, "discarded": 1}}


def test_out_of_scope_is_done_once_at_the_first_closing_that_says_so() -> None:
    inside, outside = closing(0, scope="in"), [closing(60, scope="out"), closing(120, scope="out")]
    counted = count(tp("contact.queued", 0, queue="sales"), inside, outside)
    assert counted.cells[cell(60_000, queue="sales")] == {"out_of_scope_done": 1}
    assert totals(counted, "out_of_scope_done", "closed") == [1, 1]
    assert totals(count(inside, closing(1)), "out_of_scope_done", "closed") == [0, 1]


def test_replies_are_counted_in_the_minute_they_were_given() -> None:
    counted = count(
        tp("message.received", 0, channel="web", queue="sales"),
        tp("message.sent", 30_000, channel="web", author="bot"),
        tp("message.sent", 60_000, channel="web"),
        tp("message.sent", 61_000, channel="web"),  # nobody had asked again
        tp("message.received", 62_000, channel="web"),
        tp("message.sent", 63_000, channel="web"),
        tp("message.received", 120_000, channel="web"),
        tp("contact.closed", 121_000, channel="web"),
        tp("message.sent", 180_000, channel="web"),  # the closing has ended the clock
    )
    assert counted.cells[cell(60_000, "web", "sales")]["replies"] == 2
    assert total(counted, "replies") == 2
    assert totals(counted, "first_responses", "next_responses", "next_responses_due") == [1, 1, 2]


def test_a_reply_in_an_outbound_contact_counts_and_one_after_a_discarding_does_not() -> None:
    outbound = call("k", ("message.received", 0), ("message.sent", 60), channel="web", direction="outbound")
    assert count(outbound).cells[cell(60_000, "web")] == {"replies": 1}
    told = [tp("contact.requested", channel="email"), tp("contact.discarded", 1_000, channel="email", reason="spam")]
    assert total(count(told, tp("message.sent", 2_000, channel="email")), "replies") == 0
    mail_answered = count(told[0], tp("message.sent", 60_000, channel="email"), {**told[1], "time": NOON + 90_000})
    assert mail_answered.cells[cell(60_000, "email")] == {"replies": 1, "discarded": 1}


# ---- promises

PROMISE_COLUMNS = ("promises_due", "promises_kept", "promises_late", "promise_late_ms", "promises_broken")


def made(after_ms: int = 0, due_ms: int = 60_000, promise: str = "p", **fields: Any) -> dict[str, Any]:
    """A promise made so long after noon and due so long after noon."""
    return tp("promise.made", after_ms, promise_id=promise, due=NOON + due_ms, **fields)


def kept(after_ms: int, promise: str = "p", **fields: Any) -> dict[str, Any]:
    """The promise is kept."""
    return tp("promise.kept", after_ms, promise_id=promise, **fields)


def broken(after_ms: int, promise: str = "p", **fields: Any) -> dict[str, Any]:
    """The promise will not be kept."""
    return tp("promise.broken", after_ms, promise_id=promise, **fields)


def test_a_promise_is_booked_where_it_is_due_though_that_is_after_everything_else() -> None:
    far = 300 * DAY
    counted = count(
        made(0, far, queue="sales", segment="private", kind="repair"), kept(60_000), tp("contact.queued", 0)
    )
    assert counted.cells[cell(far, queue="sales", segment="private")] == {"promises_due": 1, "promises_kept": 1}
    assert cell(60_000, queue="sales", segment="private") not in counted.cells


def test_a_late_promise_is_late_by_what_passed_since_it_was_due() -> None:
    counted = count(made(0, 60_000), kept(5 * MINUTE))
    assert counted.cells[cell(60_000)] == {
        "promises_due": 1,
        "promises_late": 1,
        "promise_late_ms": 240_000,
        "promise_late_ms_buckets": {16 * 13 + 29: 1},  # 18 bits: e = 13, 240,000 >> 13 = 29
    }
    assert cell(5 * MINUTE) not in counted.cells


@pytest.mark.parametrize("said_after_ms", [1_000, 5 * MINUTE])
def test_a_broken_promise_is_booked_at_its_due_too(said_after_ms: int) -> None:
    counted = count(made(0, 2 * MINUTE), broken(said_after_ms))
    assert counted.cells == {cell(): {"requested": 1}, cell(2 * MINUTE): {"promises_due": 1, "promises_broken": 1}}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([made()], [1, 0, 0, 0, 0]),  # still open, even if overdue: nobody has said
        ([made(), kept(59_999)], [1, 1, 0, 0, 0]),
        ([made(), kept(60_000)], [1, 1, 0, 0, 0]),
        ([made(), kept(60_001)], [1, 0, 1, 1, 0]),
        ([made(), broken(1_000)], [1, 0, 0, 0, 1]),
        ([made(), broken(90_000)], [1, 0, 0, 0, 1]),
        # Both: the earlier word counts; in one ms it is kept, whichever id is smaller.
        ([made(), kept(1_000), broken(2_000)], [1, 1, 0, 0, 0]),
        ([made(), broken(1_000), kept(2_000)], [1, 0, 0, 0, 1]),
        ([made(), broken(1_000), kept(1_000)], [1, 1, 0, 0, 0]),
        ([made(), kept(70_000), broken(80_000)], [1, 0, 1, 10_000, 0]),
        ([made(), kept(70_000), broken(65_000)], [1, 0, 0, 0, 1]),
        ([made(), broken(70_000), kept(70_000)], [1, 0, 1, 10_000, 0]),
        # Kept twice, broken twice: the first of each.
        ([made(), kept(70_000), kept(50_000)], [1, 1, 0, 0, 0]),
        ([made(), broken(80_000), broken(40_000), kept(50_000)], [1, 0, 0, 0, 1]),
        # Without a making there is no promise.
        ([kept(1_000), broken(2_000)], [0, 0, 0, 0, 0]),
        ([made(promise="q"), kept(1_000), broken(2_000)], [1, 0, 0, 0, 0]),
        # Said before it was made: it counts at the making.
        ([made(10_000), kept(0)], [1, 1, 0, 0, 0]),
        ([made(10_000), kept(5_000), broken(0)], [1, 1, 0, 0, 0]),
        ([made(10_000), broken(0), kept(10_001)], [1, 0, 0, 0, 1]),
        # Due before it was made: it can only be late.
        ([made(10_000, 4_000), kept(12_000)], [1, 0, 1, 8_000, 0]),
        ([made(10_000, 4_000), kept(1_000)], [1, 0, 1, 6_000, 0]),
        ([made(10_000, 4_000), broken(11_000)], [1, 0, 0, 0, 1]),
        ([made(10_000, 10_000), kept(1_000)], [1, 1, 0, 0, 0]),
        # Made twice: due as first said, by time and within a ms by id.
        ([made(5_000, 90_000), made(1_000, 30_000), kept(40_000)], [1, 0, 1, 10_000, 0]),
        ([made(5_000, 30_000), made(1_000, 90_000), kept(40_000)], [1, 1, 0, 0, 0]),
        ([made(0, 90_000, id="b"), made(0, 30_000, id="a"), kept(40_000)], [1, 0, 1, 10_000, 0]),
        ([made(5_000), made(20_000), kept(1_000), broken(15_000)], [1, 1, 0, 0, 0]),
        # Two promises are two, and one contact's word says nothing of another's promise of that name.
        ([made(), made(promise="q"), kept(1_000, "q"), broken(70_000)], [2, 1, 0, 0, 1]),
        ([made(), made(contact="l"), kept(1_000, contact="l")], [2, 1, 0, 0, 0]),
        ([made(direction="outbound"), kept(1_000)], [1, 1, 0, 0, 0]),
    ],
)
def test_what_came_of_a_promise(told: list[dict[str, Any]], expected: list[int]) -> None:
    for order in (told, told[::-1]):
        assert totals(count(order), *PROMISE_COLUMNS) == expected


def test_a_promise_made_twice_is_booked_at_the_first_due_only() -> None:
    counted = count(made(0, HOUR), made(1_000, 2 * HOUR))
    assert counted.cells[cell(HOUR)] == {"promises_due": 1}
    assert cell(2 * HOUR) not in counted.cells


def test_a_correction_of_the_making_moves_the_promise() -> None:
    first = made(0, HOUR)
    counted = count(first, {**first, "due": NOON + 2 * HOUR, "revision": 1}, kept(90 * MINUTE))
    assert cell(HOUR) not in counted.cells
    assert counted.cells[cell(2 * HOUR)] == {"promises_due": 1, "promises_kept": 1}


def test_the_making_is_clamped_and_the_due_is_not() -> None:
    # Its clock was ten minutes ahead: it was made at 1 min, and so was the keeping that seemed to come before it.
    log = [Arrival("touchpoints/0", 0, NOON, made(10 * MINUTE, 30_000)), Arrival("touchpoints/0", 1, NOON, kept(5_000))]
    counted = recount(log, DEFAULTS)
    assert totals(counted, *PROMISE_COLUMNS) == [1, 0, 1, 30_000, 0]
    assert counted.cells[cell()]["promises_late"] == 1


# ---- voice of the customer


def said(kind: str, score: int, scale_max: int | None = None, by: str | None = None) -> dict[str, Any]:
    """Feedback, given a minute after noon."""
    rest: dict[str, Any] = {"scale_max": scale_max, "from": by}
    return tp("feedback.given", 60_000, kind=kind, score=score, **{k: v for k, v in rest.items() if v is not None})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (said("csat", 5), {"csat_n": 1, "csat_top1": 1, "csat_top2": 1, "csat_points": 10_000}),
        (said("csat", 4), {"csat_n": 1, "csat_top2": 1, "csat_points": 7_500}),
        (said("csat", 3, 5), {"csat_n": 1, "csat_points": 5_000}),
        (said("csat", 1), {"csat_n": 1}),
        (said("csat", 6, 10), {"csat_n": 1, "csat_points": 5_555}),
        (said("csat", 2, 4), {"csat_n": 1, "csat_points": 3_333}),
        (said("csat", 1, 2), {"csat_n": 1, "csat_top2": 1}),
        (said("csat", 1, 1), {"csat_n": 1, "csat_top1": 1, "csat_top2": 1, "csat_points": 10_000}),
        (said("csat", 0), {"feedback_invalid": 1}),
        (said("csat", 6), {"feedback_invalid": 1}),
        (said("csat", 1, 0), {"feedback_invalid": 1}),
        (said("nps", 10), {"nps_n": 1, "nps_promoters": 1}),
        (said("nps", 9), {"nps_n": 1, "nps_promoters": 1}),
        (said("nps", 8, 10), {"nps_n": 1}),
        (said("nps", 7), {"nps_n": 1}),
        (said("nps", 6), {"nps_n": 1, "nps_detractors": 1}),
        (said("nps", 0), {"nps_n": 1, "nps_detractors": 1}),
        (said("nps", 5, 5), {"nps_n": 1, "nps_promoters": 1}),
        (said("nps", 4, 5), {"nps_n": 1}),
        (said("nps", 3, 5), {"nps_n": 1, "nps_detractors": 1}),
        (said("nps", 89, 100), {"nps_n": 1}),  # 8.9 is not 9 yet
        (said("nps", 90, 100), {"nps_n": 1, "nps_promoters": 1}),
        (said("nps", 69, 100), {"nps_n": 1, "nps_detractors": 1}),
        (said("nps", 70, 100), {"nps_n": 1}),
        (said("nps", -1), {"feedback_invalid": 1}),
        (said("nps", 11), {"feedback_invalid": 1}),
        (said("nps", 0, 0), {"feedback_invalid": 1}),
        (said("ces", 7), {"ces_n": 1, "ces_points": 10_000}),
        (said("ces", 6), {"ces_n": 1, "ces_points": 8_333}),
        (said("ces", 3, 5), {"ces_n": 1, "ces_points": 5_000}),
        (said("ces", 1, 1), {"ces_n": 1, "ces_points": 10_000}),
        (said("ces", 1), {"ces_n": 1}),
        (said("ces", 0), {"feedback_invalid": 1}),
        (said("ces", 8), {"feedback_invalid": 1}),
        (said("solved", 1), {"solved_n": 1, "solved_yes": 1}),
        (said("solved", 0), {"solved_n": 1}),
        (said("solved", 2, 3), {"solved_n": 1, "solved_yes": 1}),
        (said("solved", 2), {"feedback_invalid": 1}),
        (said("solved", -1), {"feedback_invalid": 1}),
        (said("solved", 0, 0), {"feedback_invalid": 1}),
        (said("solved", 1, 1, by="customer"), {"solved_n": 1, "solved_yes": 1}),
        (said("csat", 5, by="employee"), {}),
        (said("nps", 10, by="shopper"), {}),
        (said("nps", 11, by="shopper"), {}),
    ],
)
def test_what_customers_said_counts_in_the_minute_they_said_it(given: dict[str, Any], expected: dict[str, int]) -> None:
    for direction in ("inbound", "outbound"):
        asked = tp("contact.requested", 0, direction=direction, queue="sales", segment="private")
        counted = count(asked, given)
        assert counted.cells.get(cell(60_000, queue="sales", segment="private"), {}) == expected


def test_each_time_somebody_is_asked_or_answers_counts() -> None:
    asked = [tp("feedback.asked", after, kind=kind) for after, kind in ((0, "csat"), (1_000, "nps"), (60_000, "nps"))]
    counted = count(asked, said("nps", 10), said("nps", 2), said("nps", 77))
    assert counted.cells == {
        cell(): {"requested": 1, "feedback_asked": 2},
        cell(60_000): {
            "feedback_asked": 1,
            "nps_n": 2,
            "nps_promoters": 1,
            "nps_detractors": 1,
            "feedback_invalid": 1,
        },
    }


def raised(after_s: int, contact: str = "k", **fields: Any) -> dict[str, Any]:
    """The customer complains."""
    return tp("complaint.raised", after_s * SECOND, contact, **fields)


def settled(after_s: int, goodwill: int | None = None, contact: str = "k", **fields: Any) -> dict[str, Any]:
    """A complaint is settled."""
    paid: dict[str, Any] = {} if goodwill is None else {"goodwill": goodwill}
    return tp("complaint.settled", after_s * SECOND, contact, **paid, **fields)


def test_a_complaint_is_booked_where_it_was_raised_with_all_that_came_of_it() -> None:
    counted = count(tp("contact.queued", 0, queue="sales"), raised(60), settled(600, 1_999))
    assert counted.cells[cell(60_000, queue="sales")] == {
        "complaints": 1,
        "complaints_settled": 1,
        "settle_ms": 540_000,
        "settle_ms_buckets": {16 * 15 + 16: 1},  # 20 bits: e = 15, 540,000 >> 15 = 16
        "goodwill_minor": 1_999,
    }
    assert cell(600_000, queue="sales") not in counted.cells


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([raised(0)], [1, 0, 0, 0]),
        ([settled(5, 500)], [0, 0, 0, 0]),
        ([settled(5, 500), raised(6)], [1, 0, 0, 0]),
        ([raised(0), settled(5), settled(7, 500)], [1, 1, 5_000, 0]),  # the second settles nothing, and pays nothing
        ([raised(0), raised(3), settled(5, 100), settled(7, 20)], [2, 2, 9_000, 120]),
        ([raised(0), raised(3), settled(5)], [2, 1, 5_000, 0]),
        ([raised(0), settled(1), raised(3), settled(7)], [2, 2, 5_000, 0]),
        ([settled(1), raised(2), settled(2)], [1, 1, 0, 0]),
        ([raised(0), settled(1), settled(2, 9), raised(3), settled(7)], [2, 2, 5_000, 0]),
        ([raised(0, id="b"), settled(0, id="a")], [1, 0, 0, 0]),
        ([raised(0, id="a"), settled(0, id="b")], [1, 1, 0, 0]),
        ([raised(0), settled(5, contact="l")], [1, 0, 0, 0]),  # of another contact
        ([raised(0, direction="outbound"), settled(5, 0)], [1, 1, 5_000, 0]),
    ],
)
def test_a_settling_settles_the_oldest_complaint_before_it(told: list[dict[str, Any]], expected: list[int]) -> None:
    for order in (told, told[::-1]):
        counted = count(order)
        assert totals(counted, "complaints", "complaints_settled", "settle_ms", "goodwill_minor") == expected
        buckets = [columns.get("settle_ms_buckets", {}) for columns in counted.cells.values()]
        assert sum(sum(b.values()) for b in buckets) == expected[1]


def test_of_two_complaints_the_older_one_gets_the_earlier_settling() -> None:
    counted = count(raised(60), raised(0), settled(130, 7), settled(120, 500))
    assert counted.cells[cell()] == {
        "requested": 1, "complaints": 1, "complaints_settled": 1, "settle_ms": 120_000, "goodwill_minor": 500,
        "settle_ms_buckets": {bucket_of(120_000): 1},
    }  # fmt: skip
    assert counted.cells[cell(60_000)]["goodwill_minor"] == 7
    assert counted.cells[cell(60_000)]["settle_ms"] == 70_000


@pytest.mark.parametrize(
    ("score", "scale_max", "audits", "points"),
    [(3, 5, 1, 6_000), (0, 5, 1, 0), (5, 5, 1, 10_000), (6, 5, 1, 10_000), (-1, 5, 1, 0), (2, 3, 1, 6_666),
     (1, 1, 1, 10_000), (0, 0, 0, 0), (3, 0, 0, 0), (-3, -5, 0, 0)],
)  # fmt: skip
def test_an_audit_has_points_between_nothing_and_everything(
    score: int, scale_max: int, audits: int, points: int
) -> None:
    counted = count(tp("audit.scored", 0, criterion="greeting", score=score, scale_max=scale_max))
    assert totals(counted, "audits", "audit_points") == [audits, points]


def test_every_criterion_every_outreach_and_everybody_who_left_or_stayed_counts_in_its_minute() -> None:
    counted = count(
        tp("outreach.sent", 0, direction="outbound", reason="delay"),
        tp("outreach.sent", 1_000),
        tp("audit.scored", 60_000, criterion="greeting", score=1, scale_max=2),
        tp("audit.scored", 61_000, criterion="greeting", score=2, scale_max=2),
        tp("customer.left", 120_000),
        tp("customer.left", 180_000),
        tp("customer.stayed", 120_000),
    )
    assert counted.cells == {
        cell(): {"outreach": 2},
        cell(60_000): {"audits": 2, "audit_points": 15_000},
        cell(120_000): {"customers_left": 1, "customers_stayed": 1},
        cell(180_000): {"customers_left": 1},
    }


def test_none_of_it_has_open_time_though_a_calendar_applies() -> None:
    promises = with_channel("phone", ChannelPromise("live", 20_000, opening=NINE_TO_FIVE))
    counted = count(made(), kept(90_000), raised(0), settled(30), promises=promises)
    assert totals(counted, "promise_late_ms", "settle_ms") == [30_000, 30_000]
    assert not [name for columns in counted.cells.values() for name in columns if name.endswith("_open_ms")]


# ---- streams


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_neither_order_nor_repetition_changes_a_recount(data: st.DataObject) -> None:
    stream = data.draw(strategies.touchpoint_streams())
    promises = data.draw(strategies.promises())
    other = data.draw(st.permutations(stream)) + data.draw(st.lists(st.sampled_from(stream), max_size=5))
    assert count(stream, promises=promises) == count(other, promises=promises)


@given(strategies.touchpoint_streams(), strategies.promises())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_in_any_stream_the_counts_add_up(stream: list[dict[str, Any]], promises: Promises) -> None:
    counted = count(stream, promises=promises)
    waiting = sum(r["wait_began_ms"] is not None and r["outcome"] == "" for r in counted.contacts.values())
    assert total(counted, "offered") == sum(totals(counted, "answered", "abandoned", "left_queue")) + waiting
    for n, histogram in (("answered", "wait"), ("abandoned", "patience"), ("closed", "resolution"),
                         ("handled", "handle"), ("first_responses", "first_response"),
                         ("next_responses", "next_response"), ("fcr_followed", "followup_delay"),
                         ("promises_late", "promise_late"), ("complaints_settled", "settle")):  # fmt: skip
        columns = [c.get(f"{histogram}_ms_buckets", {}) for c in counted.cells.values()]
        assert total(counted, n) == sum(sum(c.values()) for c in columns)
        assert total(counted, f"{histogram}_open_ms") <= total(counted, f"{histogram}_ms")
    assert max(totals(counted, "issues", "fcr_resolved")) <= total(counted, "fcr_eligible")
    assert total(counted, "replies") == sum(totals(counted, "first_responses", "next_responses"))
    assert sum(totals(counted, "promises_kept", "promises_late", "promises_broken")) <= total(counted, "promises_due")
    assert max(totals(counted, "nps_promoters", "nps_detractors")) <= total(counted, "nps_n")
    assert total(counted, "csat_top1") <= total(counted, "csat_top2") <= total(counted, "csat_n")
    assert total(counted, "solved_yes") <= total(counted, "solved_n")
    assert total(counted, "complaints_recovered") <= total(counted, "complaints_settled")
    assert max(totals(counted, "outreach_first", "outreach_followed")) <= total(counted, "outreach")
    assert total(counted, "left_after_bad") <= total(counted, "customers_left")
    assert total(counted, "menu_repeats") <= total(counted, "menu_steps")
    for points, n in (("csat_points", "csat_n"), ("ces_points", "ces_n"), ("audit_points", "audits")):
        assert 0 <= total(counted, points) <= 10_000 * total(counted, n)


def test_generated_streams_decode_repeat_and_reach_every_column() -> None:
    stream = strategies.generate(7, 1500)
    assert stream == strategies.generate(7, 1500)
    decoder = msgspec.json.Decoder(TOUCHPOINT)
    for touchpoint in stream:
        assert decoder.decode(json.dumps(touchpoint)).time >= 10**11
    log = strategies.arrivals(stream, 7, partitions=3)
    assert log == strategies.arrivals(stream, 7, partitions=3)
    assert {a.partition for a in log} == {"touchpoints/0", "touchpoints/1", "touchpoints/2"}
    counted = recount(log, strategies.PROMISES["office"])
    assert {name for columns in counted.cells.values() for name in columns} == set(COLUMNS.split())


@given(strategies.touchpoint_streams())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_streams_for_properties_decode(stream: list[dict[str, Any]]) -> None:
    decoder = msgspec.json.Decoder(TOUCHPOINT)
    for touchpoint in stream:
        assert decoder.decode(json.dumps(touchpoint)).time >= 10**11


def test_shuffled_and_duplicated_keep_what_they_are_given() -> None:
    stream = strategies.generate(3, 30)
    key = {json.dumps(t, sort_keys=True) for t in stream}
    for other in (strategies.shuffled(stream, 1), strategies.duplicated(stream, 1)):
        assert other != stream
        assert {json.dumps(t, sort_keys=True) for t in other} == key
    assert len(strategies.duplicated(stream, 1)) > len(stream) == len(strategies.shuffled(stream, 1))
