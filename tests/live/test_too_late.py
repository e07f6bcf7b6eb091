"""Before it is too late: who will miss the target, what is due soon, which promises are open past their due."""

import msgspec

from pipeline.live.collect import collect
from pipeline.live.present import present
from tests.live.world import NOON, D, H, M, S, World, berlin, queue, total

BUSY = "zone: Europe/Berlin\ntargets:\n  - {queue: sales, wait: 60s}\n"


def busy(answers: int = 60) -> World:
    """A world in which `answers` calls were answered in the last half hour."""
    world = World(BUSY)
    for n in range(answers):
        world.call(f"done{n:03}", NOON - 29 * M + n * 20 * S, 5 * S)
    return world


def test_whose_turn_comes_too_late_is_foreseen_while_they_wait_within_target() -> None:
    world = busy()  # one answer every 30 s
    for n, waited in enumerate((55, 40, 20, 10)):
        world.call(f"w{n}", NOON - waited * S)
    summary = world.summary(NOON)
    # Turns come after 30, 60, 90 and 120 s; time is left for 5, 20, 40 and 50 s.
    assert queue(summary, "sales").will_miss_target_now == total(summary, "live").will_miss_target_now == 4
    assert [(c.contact_id, c.expected_ms, c.due_ms) for c in summary.cases.will_miss] == [
        ("w3", NOON + 120 * S, NOON + 50 * S),
        ("w2", NOON + 90 * S, NOON + 40 * S),
        ("w1", NOON + 60 * S, NOON + 20 * S),
        ("w0", NOON + 30 * S, NOON + 5 * S),
    ]
    first = summary.cases.will_miss[0]
    assert (first.step, first.since_ms, first.age_ms, first.overdue, first.over_ms, first.queue, first.kind) == (
        "answer", NOON - 10 * S, 10 * S, False, None, "sales", "live",
    )  # fmt: skip


def test_who_has_time_left_is_not_on_the_list_and_who_is_overdue_is_before_them_in_line() -> None:
    world = busy(90)  # one every 20 s
    world.call("new", NOON - 10 * S)
    assert queue(world.summary(NOON), "sales").will_miss_target_now == 0  # the turn comes in 20 s, 50 s are left
    world.call("late1", NOON - 90 * S)
    world.call("late2", NOON - 80 * S)
    summary = world.summary(NOON)
    assert [case.contact_id for case in summary.cases.will_miss] == ["new"]  # the third in line now: 60 s
    assert [case.contact_id for case in summary.cases.beyond_target] == ["late1", "late2"]
    assert {case.step for case in summary.cases.beyond_target} == {"answer"}


def test_without_a_recent_answer_nothing_is_foreseen() -> None:
    world = World(BUSY)
    world.call("w", NOON - 59 * S)
    summary = world.summary(NOON)
    assert (queue(summary, "sales").will_miss_target_now, summary.cases.will_miss) == (0, ())


def test_several_partitions_form_one_line() -> None:
    whole = busy()
    world = World(BUSY, partitions=3)
    for n in range(60):
        world.call(f"done{n:03}", NOON - 29 * M + n * 20 * S, 5 * S)
    for each in (whole, world):
        for n in range(14):
            each.call(f"w{n:02}", NOON - (55 - n) * S)
        each.fold()
    collected = [collect(world.state([world.partition(engine)]), NOON) for engine in (*world.contacts, world.customers)]
    parts = present(collected, world.rulebook, NOON)
    expected = whole.summary(NOON)
    assert parts.cases.will_miss == expected.cases.will_miss
    assert len(parts.cases.will_miss) == 10
    assert total(parts, "live").will_miss_target_now == total(expected, "live").will_miss_target_now == 14


OFFICE = """
zone: Europe/Berlin
calendars: {office: {weekly: {monday-friday: 08:00-17:00}}}
opening_hours: [{channel: email, calendar: office}, {channel: letter, calendar: office}]
"""


def test_mails_whose_target_ends_within_half_an_hour_are_listed_with_its_end() -> None:
    world = World(OFFICE)
    world.say(berlin(2026, 3, 13, 15), "friday", "message.received", "email", queue="sales")  # two hours on Monday left
    world.say(berlin(2026, 3, 16, 9), "monday", "message.received", "email", queue="sales")
    early = world.summary(berlin(2026, 3, 16, 9, 30) - 1)
    assert (queue(early, "sales", "email").responses_due_soon, early.cases.due_soon) == (0, ())
    summary = world.summary(berlin(2026, 3, 16, 9, 30))
    assert queue(summary, "sales", "email").responses_due_soon == 1
    (case,) = summary.cases.due_soon
    assert (case.contact_id, case.due_ms, case.step, case.overdue) == (
        "friday", berlin(2026, 3, 16, 10), "reply", False,
    )  # fmt: skip
    late = world.summary(berlin(2026, 3, 16, 10) + 1)
    assert (queue(late, "sales", "email").responses_due_soon, late.cases.due_soon) == (0, ())
    assert [(c.contact_id, c.over_ms) for c in late.cases.unanswered if c.overdue] == [("friday", 1)]


def test_at_the_end_of_the_day_what_is_soon_in_opening_hours_is_not_soon() -> None:
    world = World(OFFICE)
    world.say(berlin(2026, 3, 13, 13, 20), "mail", "message.received", "email")
    at = berlin(2026, 3, 13, 17)  # 20 minutes of Monday are left, in three days
    assert total(world.summary(at), "deferred").responses_due_soon == 0
    assert total(world.summary(berlin(2026, 3, 16, 8)), "deferred").responses_due_soon == 1


def test_letters_are_due_at_the_end_of_their_last_open_day() -> None:
    world = World(OFFICE)
    world.say(berlin(2026, 3, 12, 11), "letter", "contact.requested", "letter")
    assert total(world.summary(berlin(2026, 3, 16, 23, 29)), "deferred").responses_due_soon == 0
    summary = world.summary(berlin(2026, 3, 16, 23, 31))
    assert [(c.contact_id, c.due_ms) for c in summary.cases.due_soon] == [("letter", berlin(2026, 3, 17) - 1)]


def test_an_open_promise_is_due_soon_then_overdue_whatever_became_of_the_contact() -> None:
    world = World()
    world.call("k", NOON - 2 * H, 5 * S, customer_id="person-7")
    world.say(NOON - 2 * H + 10 * S, "k", "promise.made", promise_id="p", due=NOON, kind="callback")
    world.say(NOON - 2 * H + 11 * S, "k", "promise.made", promise_id="q", due=NOON + 3 * D, kind="delivery")
    before = world.summary(NOON - 30 * M - 1)
    assert queue(before, "sales").promises_due_soon == 0
    soon = world.summary(NOON - 30 * M)
    assert (queue(soon, "sales").promises_due_soon, queue(soon, "sales").promises_overdue_now) == (1, 0)
    assert queue(soon, "sales").promises_due_soon_by_kind == {"callback": 1}
    (case,) = soon.cases.promises_due_soon
    assert (case.contact_id, case.promise_id, case.promise_kind, case.due_ms, case.since_ms, case.step) == (
        "k", "p", "callback", NOON, NOON - 2 * H + 10 * S, "keep_promise",
    )  # fmt: skip
    assert queue(world.summary(NOON), "sales").promises_overdue_now == 0  # at its due it can still be kept
    late = world.summary(NOON + 1)
    assert (queue(late, "sales").promises_overdue_now, queue(late, "sales").promises_due_soon) == (1, 0)
    assert queue(late, "sales").promises_overdue_by_kind == {"callback": 1}
    assert [(c.promise_id, c.over_ms, c.overdue) for c in late.cases.promises_overdue] == [("p", 1, True)]
    assert b"person-7" not in msgspec.json.encode(late)
    assert (queue(late, "sales").waiting_now, queue(late, "sales").in_conversation_now) == (0, 0)
    world.say(NOON + H, "k", "promise.kept", promise_id="p")
    assert queue(world.summary(NOON + H), "sales").promises_overdue_now == 0
    world.say(NOON + H, "k", "promise.broken", promise_id="q")
    assert total(world.summary(NOON + 4 * D), "live").promises_overdue_now == 0


def test_lists_of_promises_hold_the_ten_worst_of_each_kind() -> None:
    world = World()
    for n in range(12):
        for kind in ("repair", "refund"):
            contact = f"{kind}{n:02}"
            world.call(contact, NOON - 2 * H, 5 * S)
            world.say(NOON - H, contact, "promise.made", promise_id="p", due=NOON - n * S - 1, kind=kind)
    summary = world.summary(NOON)
    found = [case.contact_id for case in summary.cases.promises_overdue]
    assert found == [f"{kind}{n:02}" for n in range(11, 1, -1) for kind in ("refund", "repair")]
    assert queue(summary, "sales").promises_overdue_by_kind == {"refund": 12, "repair": 12}


def test_what_lies_in_the_future_is_not_counted_yet() -> None:
    world = World()
    for n in range(3):
        world.call(f"k{n}", NOON - M, 5 * S)
    world.call("ahead", NOON + 2 * M, 5 * S)
    found = queue(world.summary(NOON), "sales")
    assert (found.recent.offered, found.recent.answered) == (3, 3)


def test_announced_waits_are_judged_by_what_came() -> None:
    world = World()
    for n, estimate in enumerate((60 * S, 30 * S)):
        world.call(f"k{n}", NOON - 5 * M, 40 * S)
        world.say(NOON - 5 * M, f"k{n}", "contact.informed", reason="estimate", estimate_ms=estimate)
    today = queue(world.summary(NOON), "sales").today
    assert (today.estimates_judged, today.estimate_error_mean_ms) == (2, 15 * S)
    other = World()
    other.call("k", NOON - M, 5 * S)
    assert queue(other.summary(NOON), "sales").today.estimate_error_mean_ms is None


def test_of_a_short_target_only_the_last_quarter_is_soon() -> None:
    world = World("zone: Europe/Berlin\ntargets:\n  - {channel: chat, response: 60s}\n")
    world.say(NOON, "chat", "message.received", "chat")
    for after, soon in ((44, 0), (45, 1), (60, 1), (61, 0)):
        assert total(world.summary(NOON + after * S), "live").responses_due_soon == soon, after
