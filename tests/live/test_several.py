"""What several workers collected is put together as if one process had everything; what is missing is said."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.engine import MOST_QUEUES_SHOWN
from pipeline.live import Collected, Others, PartitionState, Summary, WorkerStatus, collect, present, summarise
from pipeline.live.collect import MOST_PLACES
from pipeline.live.labels import MOST_NAMES
from tests.live.test_windows import CALLS, tell
from tests.live.world import NOON, M, S, World

EXPECTED = ("touchpoints/0", "touchpoints/1", "touchpoints/2", "contact-facts/0")


def partitions(world: World) -> list[PartitionState]:
    world.fold()
    return [world.partition(engine) for engine in (*world.contacts, world.customers)]


def sent(collected: Collected) -> Collected:
    """As it arrives at another worker."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(collected), type=Collected)


def shown(summary: Summary) -> dict[str, Any]:
    """Everything but what a worker says of itself."""
    return {name: getattr(summary, name) for name in summary.__struct_fields__ if name != "readiness"}


@given(CALLS, st.lists(st.integers(0, 2), min_size=4, max_size=4), st.integers(0, 2), st.permutations(range(3)))
def test_what_workers_collected_is_together_what_one_process_shows(
    calls: list[tuple[str, str, int, str, int]], owners: list[int], recovering: int, order: list[int]
) -> None:
    world, now_ms = tell(calls, 3), NOON + 2 * M
    states = partitions(world)
    if recovering:
        states[recovering] = msgspec.structs.replace(states[recovering], ready=False)
    sources = {"a": NOON, "b": NOON - M}
    whole = summarise(world.state(states, sources=sources), now_ms)
    workers = [
        collect(
            world.state(
                [state for state, owner in zip(states, owners, strict=True) if owner == worker], sources=sources
            ),
            now_ms,
        )
        for worker in range(3)
    ]
    together = present([sent(workers[number]) for number in order], world.rulebook, now_ms)
    assert shown(together) == shown(whole)


def three() -> tuple[World, list[PartitionState]]:
    world = World(partitions=3)
    for n in range(9):
        world.call(f"c{n}", NOON - M - n * S, queue=f"q{n % 2}", customer_id=f"x{n}")
    world.call("alone", NOON - M, queue="only-here")
    return world, partitions(world)


def of(world: World, states: list[PartitionState]) -> Collected:
    return collect(world.state(states), NOON)


def test_what_is_missing_is_named_and_nothing_is_summed_without_saying_so() -> None:
    world, states = three()
    (home,) = [state for state in states if "alone" in state.open]
    rest = [state for state in states if state is not home]
    lost = WorkerStatus("b", (home.partition,), 7_000, "silent for 7 s")
    heard = [WorkerStatus("a", tuple(state.partition for state in rest), 0), lost]
    summary = present([of(world, rest)], world.rulebook, NOON, Others(EXPECTED, heard, (of(world, [home]),)))
    assert (summary.live, len(summary.partitions), summary.partitions_total) == (False, 3, 4)
    assert [(one.partition, one.reason) for one in summary.missing] == [(home.partition, "worker b: silent for 7 s")]
    assert {row.queue: row.incomplete for row in summary.queues} == {"q0": True, "q1": True, "only-here": True}
    assert all(total.incomplete for total in summary.totals)
    assert sum(row.numbers.waiting_now for row in summary.queues) == 10 - len(home.open)
    assert summary.readiness.ready


def test_a_partition_nobody_has_is_missing_and_values_are_whole_again_with_it() -> None:
    world, states = three()
    without = present([of(world, states[1:])], world.rulebook, NOON, Others(EXPECTED))
    assert [(one.partition, one.reason) for one in without.missing] == [
        ("touchpoints/0", "no worker has it at the moment")
    ]
    whole = present([of(world, states[1:]), of(world, states[:1])], world.rulebook, NOON, Others(EXPECTED))
    assert (whole.live, whole.missing, any(row.incomplete for row in whole.queues)) == (True, (), False)
    assert shown(whole) == shown(summarise(world.state(states), NOON))


def test_a_missing_partition_of_customers_hides_only_what_they_tell() -> None:
    world, states = three()
    summary = present([of(world, states[:3])], world.rulebook, NOON, Others(EXPECTED))
    assert (summary.live, [one.partition for one in summary.missing]) == (True, ["contact-facts/0"])
    assert {row.numbers.not_called_back_today for row in summary.queues} == {None}
    assert not any(row.incomplete for row in summary.queues)


def test_with_nothing_ready_there_is_nothing_to_mark() -> None:
    world, states = three()
    away = [msgspec.structs.replace(state, ready=False) for state in states]
    summary = present([of(world, away)], world.rulebook, NOON, Others(EXPECTED))
    assert (summary.live, summary.queues, summary.totals, len(summary.missing)) == (False, (), (), 4)


def test_what_is_told_does_not_grow_with_the_number_of_contacts() -> None:
    few, many = World(), World()
    for world, total in ((few, 20), (many, 2_000)):
        for n in range(total):
            world.call(f"c{n:05}", NOON - 10 * M + n % 600 * S)
    lengths = [len(msgspec.msgpack.encode(of(world, partitions(world)))) for world in (few, many)]
    assert lengths[1] < 3 * lengths[0]


def test_endless_queue_names_become_one_and_no_sum_is_lost() -> None:
    world, total = World(), MOST_PLACES + 500
    for n in range(total):
        world.call(f"c{n}", NOON - M, queue=f"made-up-{n}")
    summary = world.summary(NOON)
    (engine,) = world.contacts
    assert len({window[3] for window in engine.recent}) == MOST_QUEUES_SHOWN + 1
    assert MOST_PLACES <= len(summary.queues) <= MOST_PLACES + 1
    assert summary.totals[0].numbers.waiting_now == summary.totals[0].numbers.today.offered == total
    assert len(summary.labelled) <= MOST_NAMES + 1
