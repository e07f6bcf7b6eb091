"""The last 30 minutes, today, both cohorts of resolution; what is missing is absent; names for labels lose no sum."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.live import CallBack, PartitionState, Reading, Summary, readiness, recent_days, summarise
from pipeline.live.labels import MOST_NAMES, MOST_PLACES, labelled
from pipeline.live.parts import Parts, Place
from pipeline.live.summary import Fcr, Numbers
from schemas.catalogue import Settings, default, load
from tests.live.world import NOON, D, H, M, S, World, berlin, queue, total


def test_the_five_service_levels_by_hand() -> None:
    world = World()
    for n, wait in enumerate((5 * S, 20 * S, 20 * S + 1)):
        world.call(f"a{n}", NOON - 10 * M, wait)
    world.call("short", NOON - 10 * M, abandoned_after_ms=5 * S)
    world.call("quick", NOON - 10 * M, abandoned_after_ms=20 * S)
    world.call("slow", NOON - 10 * M, abandoned_after_ms=60 * S)
    world.call("within", NOON - 20 * S)
    world.call("beyond", NOON - 21 * S)
    found = queue(world.summary(NOON), "sales").recent
    assert (found.offered, found.answered, found.abandoned, found.undecided) == (8, 3, 3, 1)
    assert found.service_levels == {
        "sl_offered": 2 / 7,
        "sl_net": 2 / 6,
        "sl_without_quick": 2 / 5,
        "sl_answered": 2 / 3,
        "sl_connect": 4 / 7,
    }
    assert (found.abandon_ratio, found.asa_ms) == (3 / 8, 45 * S // 3)


def test_who_waits_within_target_is_neither_hit_nor_miss_until_the_target_has_passed() -> None:
    world = World()
    world.call("a", NOON - M, 5 * S)
    world.call("b", NOON)
    assert queue(world.summary(NOON + 20 * S), "sales").today.service_levels["sl_offered"] == 1.0
    assert queue(world.summary(NOON + 20 * S + 1), "sales").today.service_levels["sl_offered"] == 0.5


def test_the_window_of_30_minutes_ends_where_it_says() -> None:
    world = World()
    world.call("in", NOON - 29 * M, 5 * S)
    world.call("out", NOON - 30 * M, 30 * S)
    found = queue(world.summary(NOON + 59 * S), "sales")
    assert (found.recent.offered, found.recent.service_levels["sl_offered"]) == (1, 1.0)
    assert (found.today.offered, found.today.service_levels["sl_offered"]) == (2, 0.5)


def test_today_is_the_local_day() -> None:
    world = World()
    world.call("yesterday", berlin(2026, 3, 17, 23, 59), 5 * S)
    world.call("today", berlin(2026, 3, 18, 0, 0), 30 * S)
    found = queue(world.summary(berlin(2026, 3, 18, 0, 5)), "sales").today
    assert (found.offered, found.service_levels["sl_net"]) == (1, 0.0)


def test_quantiles_come_from_the_histogram_and_are_not_too_low() -> None:
    world = World()
    for n in range(1, 101):
        world.call(f"c{n}", NOON - H, n * S)
    found = queue(world.summary(NOON), "sales").today
    for percent, value in ((50, found.wait_p50_ms), (90, found.wait_p90_ms), (95, found.wait_p95_ms)):
        assert value is not None
        assert percent * S <= value <= percent * S * 1.0625


def test_first_responses_count_the_unanswered_but_not_those_still_in_target() -> None:
    world = World()
    for n, hours in enumerate((1, 5)):
        world.say(NOON - 9 * H, f"done{n}", "message.received", "email", queue="sales")
        world.say(NOON - 9 * H + hours * H, f"done{n}", "message.sent", "email", author="agent")
    world.say(NOON - 5 * H, "late", "message.received", "email", queue="sales")
    world.say(NOON - H, "fresh", "message.received", "email", queue="sales")
    found = queue(world.summary(NOON), "sales", "email").today
    assert (found.first_responses_due, found.first_responses, found.first_responses_undecided) == (4, 2, 1)
    assert found.first_response_in_target_ratio == 1 / 3
    assert found.first_response_p50_ms is not None
    assert H <= found.first_response_p50_ms <= H * 1.0625


def test_kinds_are_never_mixed() -> None:
    world = World()
    world.call("a", NOON - M)
    world.say(NOON - M, "b", "contact.queued", "email", queue="sales")
    summary = world.summary(NOON)
    assert [one.kind for one in summary.totals] == ["live", "deferred"]
    assert (total(summary, "live").waiting_now, total(summary, "deferred").waiting_now) == (1, 1)


# -- resolution


def resolved(world: World, at_ms: int, contact_id: str, customer_id: str = "") -> None:
    world.call(contact_id, at_ms - 3 * M, 5 * S, customer_id=customer_id or f"of-{contact_id}")


def test_resolution_is_provisional_for_w_and_confirmed_when_nothing_can_change_it() -> None:
    world = World()
    resolved(world, berlin(2026, 3, 18, 10), "today")
    resolved(world, berlin(2026, 3, 12, 0, 10), "first-provisional-day")
    resolved(world, berlin(2026, 3, 11, 23, 50), "too-old-for-provisional")
    resolved(world, berlin(2026, 3, 9, 23, 50), "newest-confirmed-day", "again")
    resolved(world, berlin(2026, 3, 11, 9), "follows", "again")
    resolved(world, berlin(2026, 3, 3, 0, 10), "oldest-confirmed-day")
    resolved(world, berlin(2026, 3, 2, 23, 50), "before-both")
    world.say(NOON, "watermark", "contact.requested")
    summary = world.summary(NOON)
    found = queue(summary, "sales")
    assert (found.fcr_provisional, summary.cohort_days) == (Fcr(2, 2, 1.0), 7)
    assert found.fcr_confirmed == Fcr(2, 1, 0.5)
    assert summary.confirmed_until_ms == berlin(2026, 3, 10)


def test_resolution_is_confirmed_by_what_was_read_not_by_the_clock() -> None:
    world = World()
    resolved(world, berlin(2026, 3, 9, 12), "a")
    summary = world.summary(NOON + 30 * D)
    assert summary.confirmed_until_ms == berlin(2026, 3, 1)
    assert queue(summary, "sales").fcr_confirmed == Fcr(0, 0, None)


def test_days_enough_are_kept_for_both_cohorts() -> None:
    assert recent_days(Settings()) == 17
    assert recent_days(Settings(follow_up_window_ms=D + 1, lateness_ms=0)) == 6


# -- giving up


def test_who_gave_up_today_is_called_back() -> None:
    world = World()
    world.call("left", NOON - H, abandoned_after_ms=M, customer_id="x")
    world.call("reached", NOON - H, abandoned_after_ms=M, customer_id="y")
    world.say(NOON - 30 * M, "outbound", "contact.answered", customer_id="y", direction="outbound")
    calls = [CallBack("yesterday", "phone", "sales", NOON - D), CallBack("left", "phone", "sales", NOON - 59 * M)]
    summary = world.summary(NOON, call_backs=calls)
    assert queue(summary, "sales").not_called_back_today == 1
    assert [case.contact_id for case in summary.cases.call_back] == ["left"]


# -- what is missing


def states(world: World) -> tuple[PartitionState, PartitionState]:
    world.fold()
    return world.partition(world.contacts[0]), world.partition(world.customers)


def busy() -> World:
    world = World()
    world.call("a", NOON - M)
    resolved(world, NOON - H, "b")
    return world


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ready": False}, "recovering"),
        ({"ready": False, "warehouse_up": False}, "waiting for the warehouse to recover from"),
        ({"stopped_because": "too many rejects"}, "stopped: too many rejects"),
    ],
)
def test_while_contacts_are_missing_there_are_no_values(changes: dict[str, object], reason: str) -> None:
    world = busy()
    contacts, customers = states(world)
    missing = msgspec.structs.replace(contacts, **changes)
    summary = summarise(world.state([missing, customers]), NOON)
    assert (summary.live, summary.queues, summary.totals, summary.labelled) == (False, (), (), ())
    assert [(one.partition, one.reason) for one in summary.readiness.missing] == [("touchpoints/0", reason)]


def test_one_of_two_partitions_is_not_half_of_the_truth() -> None:
    world = World(partitions=2)
    world.call("a", NOON - M)
    world.fold()
    first, second = (world.partition(engine) for engine in world.contacts)
    summary = summarise(world.state([first, msgspec.structs.replace(second, ready=False)]), NOON)
    assert (summary.live, summary.queues) == (False, ())


def test_without_the_customers_only_what_they_tell_is_missing() -> None:
    world = busy()
    contacts, customers = states(world)
    for partitions in ([contacts], [contacts, msgspec.structs.replace(customers, ready=False)]):
        found = queue(summarise(world.state(partitions), NOON), "sales")
        assert (found.waiting_now, found.today.offered) == (1, 2)
        assert (found.fcr_provisional, found.fcr_confirmed, found.not_called_back_today) == (None, None, None)


def test_the_warehouse_away_hides_nothing() -> None:
    world = busy()
    contacts, customers = states(world)
    summary = summarise(world.state([msgspec.structs.replace(contacts, warehouse_up=False), customers]), NOON)
    assert (summary.warehouse_up, summary.live, summary.readiness.ready) == (False, True, True)


def test_nothing_assigned_is_not_ready() -> None:
    assert readiness([]).missing[0].reason == "no partitions are assigned to this worker yet"


def test_data_until_is_the_smallest_watermark_of_partitions_that_have_data() -> None:
    world = World(partitions=8)
    world.call("a", NOON - H)
    world.call("b", NOON)
    summary = world.summary(NOON)
    assert len({status.watermark_ms for status in summary.partitions if status.position}) == 2
    assert (summary.data_until_ms, summary.newest_ms) == (NOON - H, NOON)


@pytest.mark.parametrize(
    ("log_end", "earlier", "expected"),
    [
        (3, None, 0),
        (1_003, None, None),
        (1_003, Reading(NOON - 10 * S, 1, 901), None),
        (1_003, Reading(NOON - 10 * S, 3, 1_103), 100 * S),
    ],
)
def test_catching_up_takes_as_long_as_it_comes_nearer(log_end: int, earlier: Reading, expected: int | None) -> None:
    world = World()
    for n in range(3):
        world.say(NOON, f"c{n}", "contact.requested")
    world.fold()
    state = world.partition(world.contacts[0], log_end=log_end, earlier=earlier)
    (status,) = summarise(world.state([state]), NOON).partitions
    assert (status.log_lag, status.catch_up_ms) == (log_end - 3, expected)


def test_sources_are_as_silent_as_they_are() -> None:
    summary = World().summary(NOON, sources={"b": NOON - M, "a": NOON + S})
    assert summary.source_silence_ms == {"a": 0, "b": M}


# -- laws


CALLS = st.lists(
    st.tuples(
        st.sampled_from(["sales", "billing", "faults"]),
        st.sampled_from(["phone", "chat", "email"]),
        st.integers(0, 40 * M),
        st.sampled_from(["waits", "answered", "abandoned", "message", "replied"]),
        st.integers(0, 90 * S),
    ),
    max_size=25,
)


def tell(calls: list[tuple[str, str, int, str, int]], partitions: int) -> World:
    world = World(partitions=partitions)
    for n, (name, channel, ago, what, later) in enumerate(calls):
        at, contact_id = NOON - ago, f"c{n}"
        if what in ("message", "replied"):
            world.say(at, contact_id, "message.received", channel, queue=name)
            if what == "replied":
                world.say(at + later, contact_id, "message.sent", channel)
        else:
            world.call(
                contact_id,
                at,
                later if what == "answered" else None,
                queue=name,
                channel=channel,
                abandoned_after_ms=later if what == "abandoned" else None,
            )
    return world


def told(calls: list[tuple[str, str, int, str, int]], partitions: int) -> Summary:
    return tell(calls, partitions).summary(NOON + 2 * M)


@given(CALLS)
def test_partitions_make_no_difference(calls: list[tuple[str, str, int, str, int]]) -> None:
    one, three = told(calls, 1), told(calls, 3)
    assert (one.queues, one.totals, one.cases) == (three.queues, three.totals, three.cases)


SUMS: tuple[Callable[[Numbers], int], ...] = (
    lambda n: n.waiting_now,
    lambda n: n.overdue_now,
    lambda n: n.in_conversation_now,
    lambda n: n.unanswered_now,
    lambda n: n.today.offered,
    lambda n: n.recent.abandoned,
    lambda n: n.today.undecided,
    lambda n: n.today.first_responses_due,
)


@given(CALLS)
def test_totals_are_sums_and_maxima_of_their_queues(calls: list[tuple[str, str, int, str, int]]) -> None:
    summary = told(calls, 1)
    for one in summary.totals:
        rows = [row.numbers for row in summary.queues if row.kind == one.kind]
        for read in SUMS:
            assert read(one.numbers) == sum(read(numbers) for numbers in rows)
        assert one.numbers.longest_wait_ms == max(numbers.longest_wait_ms for numbers in rows)


def test_other_is_the_sum_of_its_parts_not_a_mean_of_means() -> None:
    world = World("zone: Europe/Berlin\nqueues: {sales: {}}\n")
    world.call("a", NOON - M, 5 * S, queue="made-up-1")
    for n in range(3):
        world.call(f"b{n}", NOON - M, 50 * S, queue="made-up-2")
    world.call("c", NOON - M, 5 * S)
    summary = world.summary(NOON)
    assert [row.queue for row in summary.queues] == ["made-up-1", "made-up-2", "sales"]
    labels = {row.queue: row.numbers for row in summary.labelled}
    assert (list(labels), summary.labels_dropped) == (["other", "sales"], 2)
    assert labels["other"].today.service_levels["sl_offered"] == 1 / 4
    assert labels["other"].today.wait_p50_ms == pytest.approx(50 * S, rel=0.0625)


def test_without_listed_queues_the_most_used_names_are_labels() -> None:
    places: dict[Place, Parts] = {("phone", f"q{n:03}"): Parts(used=(n, n)) for n in range(80)}
    found, dropped = labelled(places, default())
    assert (len(found), dropped) == (MOST_NAMES + 1, 30)
    assert {queue_name for _, queue_name in found} == {f"q{n:03}" for n in range(30, 80)} | {"other"}


def test_at_midnight_the_names_of_yesterday_stay() -> None:
    places: dict[Place, Parts] = {("phone", f"q{n:03}"): Parts(used=(0, n)) for n in range(80)}
    found, _ = labelled(places, default())
    assert ("phone", "q079") in found


def test_labels_are_bounded_whatever_the_catalogue_lists() -> None:
    names = [f"q{n:03}" for n in range(200)]
    catalogue = load("zone: Europe/Berlin\nqueues:\n" + "".join(f"  {name}: {{}}\n" for name in names), "c")
    places: dict[Place, Parts] = {(channel, name): Parts(stale=1) for channel in catalogue.channels for name in names}
    found, dropped = labelled(places, catalogue)
    assert len(found) <= MOST_PLACES + len(catalogue.channels)
    assert dropped == len(places) - MOST_PLACES
    assert sum(parts.stale for parts in found.values()) == len(places)
