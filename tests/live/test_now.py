"""Who waits now, how long, who is being talked to, and whose message has no answer: by hand-made contacts."""

import msgspec
import pytest

from pipeline.live.parts import Waiting, expected_wait_ms
from tests.live.world import NOON, D, H, M, S, World, berlin, queue, total


def test_nobody_was_ever_there() -> None:
    summary = World().summary(NOON)
    assert (summary.live, summary.queues, summary.totals, summary.data_until_ms) == (True, (), (), None)


def test_waiting_is_counted_by_queue_and_against_its_target() -> None:
    world = World(PLAIN_WITH_TARGET)
    world.call("a", NOON - 30 * S, queue="faults")
    world.call("b", NOON - 11 * S, queue="faults")
    world.call("c", NOON - 10 * S, queue="faults")
    world.call("d", NOON - 20 * S, queue="sales")
    summary = world.summary(NOON)
    faults, sales = queue(summary, "faults"), queue(summary, "sales")
    assert (faults.waiting_now, faults.overdue_now, faults.longest_wait_ms) == (3, 2, 30 * S)
    assert faults.waiting_age_p50_ms == pytest.approx(11 * S, rel=0.0625)
    assert faults.waiting_age_p90_ms == 30 * S
    assert (sales.waiting_now, sales.overdue_now, sales.longest_wait_ms) == (1, 0, 20 * S)
    assert [(row.queue, row.wait_target_ms) for row in summary.queues] == [("faults", 10 * S), ("sales", 20 * S)]
    everybody = total(summary, "live")
    assert (everybody.waiting_now, everybody.overdue_now, everybody.longest_wait_ms) == (4, 2, 30 * S)
    assert [(case.contact_id, case.over_ms) for case in summary.cases.beyond_target] == [("a", 20 * S), ("b", S)]


PLAIN_WITH_TARGET = "zone: Europe/Berlin\ntargets:\n  - {queue: faults, wait: 10s}\n"


def test_only_now_changes_what_is_seen_not_the_state() -> None:
    world = World()
    world.call("a", NOON)
    assert queue(world.summary(NOON + 20 * S), "sales").overdue_now == 0
    assert queue(world.summary(NOON + 20 * S + 1), "sales").overdue_now == 1


def test_whoever_is_passed_on_waits_again_in_the_new_queue() -> None:
    world = World()
    world.call("a", NOON - 5 * M, 10 * S, talk_ms=None)
    assert queue(world.summary(NOON - 4 * M), "sales").in_conversation_now == 1
    world.say(NOON - 40 * S, "a", "contact.transferred", queue="billing")
    summary = world.summary(NOON)
    assert (queue(summary, "billing").waiting_now, queue(summary, "billing").longest_wait_ms) == (1, 40 * S)
    assert (queue(summary, "sales").waiting_now, queue(summary, "sales").in_conversation_now) == (0, 0)
    world.say(NOON, "a", "contact.answered")
    summary = world.summary(NOON)
    assert (queue(summary, "billing").waiting_now, queue(summary, "billing").in_conversation_now) == (0, 1)
    world.say(NOON + M, "a", "contact.closed")
    assert total(world.summary(NOON + M), "live").in_conversation_now == 0


@pytest.mark.parametrize("end", ["contact.abandoned", "contact.closed", "contact.callback_requested"])
def test_whatever_ends_the_wait_ends_it(end: str) -> None:
    world = World()
    world.call("a", NOON - M)
    world.say(NOON - S, "a", end)
    assert total(world.summary(NOON), "live").waiting_now == 0


def test_discarded_contacts_do_not_wait() -> None:
    world = World()
    world.call("a", NOON - M)
    world.say(NOON - S, "a", "contact.discarded", reason="test")
    assert total(world.summary(NOON), "live").waiting_now == 0


def test_queued_and_answered_in_one_millisecond_is_a_conversation() -> None:
    world = World()
    world.say(NOON, "a", "contact.answered", queue="sales")
    world.say(NOON, "a", "contact.queued", queue="sales")
    found = queue(world.summary(NOON + M), "sales")
    assert (found.waiting_now, found.in_conversation_now) == (0, 1)


def test_reopened_is_no_conversation_until_it_is_answered() -> None:
    world = World()
    world.call("a", NOON - H, 5 * S)
    world.say(NOON - M, "a", "contact.reopened")
    assert total(world.summary(NOON), "live").in_conversation_now == 0
    world.say(NOON, "a", "contact.answered")
    assert total(world.summary(NOON), "live").in_conversation_now == 1


def test_outbound_and_deferred_contacts_are_no_conversation() -> None:
    world = World()
    world.say(NOON - M, "out", "contact.answered", queue="sales", direction="outbound")
    world.say(NOON - M, "mail", "contact.answered", "email", queue="sales")
    summary = world.summary(NOON)
    assert [row.numbers.in_conversation_now for row in summary.queues] == [0, 0]


def test_who_waits_beyond_belief_is_listed_and_counted_apart() -> None:
    world = World()
    world.call("ghost", NOON - H - 1)
    world.call("real", NOON - H)
    summary = world.summary(NOON)
    found = queue(summary, "sales")
    assert (found.waiting_now, found.waiting_stale, found.longest_wait_ms, found.overdue_now) == (1, 1, H, 1)
    assert [case.contact_id for case in summary.cases.stale] == ["ghost"]
    assert [case.contact_id for case in summary.cases.beyond_target] == ["real"]


def test_expected_wait_is_position_times_the_recent_time_between_answers() -> None:
    world = World()
    for n in range(6):
        world.call(f"done{n}", NOON - 29 * M + n * M, 5 * S)
    world.call("old", NOON - 31 * M, 5 * S)
    world.call("waits1", NOON - 9 * S)
    world.call("waits2", NOON - 8 * S)
    assert queue(world.summary(NOON), "sales").expected_wait_ms == 3 * 30 * M // 6
    assert (expected_wait_ms(0, 5), expected_wait_ms(4, 0), expected_wait_ms(0, 0)) == (0, None, None)


@pytest.mark.parametrize(("percent", "expected"), [(50, 5), (90, 9), (91, 10), (100, 10), (1, 1)])
def test_percentiles_are_nearest_rank(percent: int, expected: int) -> None:
    crowd = Waiting()
    assert crowd.percentile_ms(percent) is None
    for age_ms in range(10, 0, -1):
        crowd.see(age_ms)
    assert crowd.percentile_ms(percent) == expected
    assert (crowd.count, crowd.longest_ms) == (10, 10)


OFFICE = """
zone: Europe/Berlin
calendars: {office: {weekly: {monday-friday: 08:00-17:00}}}
opening_hours: [{channel: email, calendar: office}]
"""


def test_messages_age_on_the_clock_and_in_opening_hours() -> None:
    world = World(OFFICE)
    world.say(berlin(2026, 3, 13, 16), "friday", "contact.requested", "email", queue="sales")
    world.say(berlin(2026, 3, 16, 8), "monday", "message.received", "email", queue="sales")
    world.say(berlin(2026, 3, 16, 8, 30), "done", "message.received", "email", queue="sales")
    world.say(berlin(2026, 3, 16, 9), "done", "message.sent", "email", author="agent")
    at = berlin(2026, 3, 16, 11)
    summary = world.summary(at)
    found = queue(summary, "sales", "email")
    assert (found.unanswered_now, found.oldest_unanswered_ms, found.oldest_unanswered_open_ms) == (
        2,
        2 * D + 19 * H,
        4 * H,
    )
    assert found.unanswered_overdue_now == 0
    late = world.summary(at + 1)
    assert queue(late, "sales", "email").unanswered_overdue_now == 1
    (first, second) = late.cases.unanswered
    assert (first.contact_id, first.overdue, first.over_ms, first.kind) == ("friday", True, 1, "deferred")
    assert (second.contact_id, second.overdue) == ("monday", False)


def test_letters_are_due_in_open_days() -> None:
    world = World()
    world.say(NOON, "letter", "contact.requested", "letter", queue="post")
    assert queue(world.summary(NOON + 2 * D), "post", "letter").unanswered_overdue_now == 0
    summary = world.summary(NOON + 3 * D)
    assert queue(summary, "post", "letter").unanswered_overdue_now == 1
    assert (summary.cases.unanswered[0].over_ms, summary.cases.unanswered[0].overdue) == (None, True)


def test_bots_do_not_answer_and_closing_ends_the_clock() -> None:
    world = World()
    world.say(NOON, "a", "message.received", "email")
    world.say(NOON + 1, "a", "message.sent", "email", author="bot")
    assert total(world.summary(NOON + M), "deferred").unanswered_now == 1
    world.say(NOON + 2, "a", "contact.closed", "email")
    assert total(world.summary(NOON + M), "deferred").unanswered_now == 0


def test_a_message_after_closing_is_unanswered() -> None:
    world = World()
    world.say(NOON, "a", "contact.closed", "email", queue="sales")
    world.say(NOON + 1, "a", "message.received", "email")
    assert queue(world.summary(NOON + M), "sales", "email").unanswered_now == 1


def test_lists_hold_the_ten_worst_and_nothing_of_the_customer() -> None:
    world = World()
    for n in range(14):
        world.call(f"c{n:02}", NOON - (30 + n) * S, customer_id=f"person-{n}")
    summary = world.summary(NOON)
    assert [case.contact_id for case in summary.cases.beyond_target] == [f"c{n:02}" for n in range(13, 3, -1)]
    assert total(summary, "live").overdue_now == 14
    assert b"person" not in msgspec.json.encode(summary)


def test_until_the_log_is_read_once_nothing_is_shown_though_everything_is_recovered() -> None:
    world = World()
    world.call("waits, or was answered in what is not read yet", NOON - M)
    world.fold()
    partitions = [
        world.partition(world.contacts[0], waits_for="reading what the log held at the start, 5 records to go"),
        world.partition(world.customers),
    ]
    summary = world.summary(NOON, partitions=partitions)
    assert (summary.live, summary.queues, summary.cases.beyond_target) == (False, (), ())
    assert [(one.partition, one.reason) for one in summary.missing] == [
        ("touchpoints/0", "reading what the log held at the start, 5 records to go")
    ]
    assert summary.readiness.ready, "it is recovered, and its counters are told"
