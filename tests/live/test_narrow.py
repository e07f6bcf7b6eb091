"""The live values of some queues are those of a world that has no others."""

import msgspec

from pipeline.live.collect import collect
from pipeline.live.narrow import narrowed, narrowed_others, narrowed_state
from pipeline.live.present import Others, present
from pipeline.live.summary import Summary, WorkerStatus
from tests.live.world import NOON, H, M, S, World

ITSELF = ("partitions", "data_until_ms", "newest_ms", "source_silence_ms", "titles")
"""What the pipeline says of itself is not narrowed."""


def filled(*queues: str) -> World:
    """The same things happen in every queue, at different times."""
    world = World()
    for queue in ("sales", "billing", "orders"):
        if queue not in queues:
            continue
        late = len(queue) * S
        for n in range(14):
            world.call(f"{queue}-waits-{n}", NOON - late - n * 5 * S, queue=queue, customer_id=f"c{n}")
        world.call(f"{queue}-done", NOON - 8 * M - late, 10 * S, queue=queue, customer_id="c1")
        world.call(f"{queue}-left", NOON - 20 * M - late, abandoned_after_ms=30 * S, queue=queue)
        world.say(NOON - 6 * H - late, f"{queue}-mail", "message.received", "email", queue=queue)
    return world


def plain(summary: Summary) -> Summary:
    return msgspec.structs.replace(summary, **dict.fromkeys(ITSELF))


def test_narrowed_is_a_world_without_the_others() -> None:
    world = filled("sales", "billing", "orders")
    world.fold()
    for chosen in ({"sales"}, {"billing", "orders"}, set[str]()):
        state = world.state()
        found = present(narrowed([collect(narrowed_state(state, chosen), NOON)], chosen), world.rulebook, NOON)
        alone = filled(*chosen).summary(NOON)
        if chosen:
            assert plain(found) == plain(alone)
            assert found.cases.beyond_target
        assert {row.queue for row in found.queues} == chosen
        assert [(one.partition, one.applied, one.ready) for one in found.partitions] == [
            (one.partition, one.applied, one.ready) for one in world.summary(NOON).partitions
        ]


def test_who_was_passed_on_is_seen_where_they_wait() -> None:
    world = World()
    world.call("passed", NOON - 5 * M, 10 * S, talk_ms=None)
    world.say(NOON - 2 * M, "passed", "contact.transferred", queue="billing")
    world.fold()
    chosen = {"billing"}
    found = present(narrowed([collect(narrowed_state(world.state(), chosen), NOON)], chosen), world.rulebook, NOON)
    assert [row.queue for row in found.queues] == ["billing"]
    assert found.queues[0].numbers.waiting_now == 1


def test_what_silent_workers_said_last_is_narrowed_too() -> None:
    world = filled("sales", "billing")
    world.fold()
    others = Others(
        expected=["touchpoints/0", "touchpoints/1"],
        workers=[WorkerStatus("other", ("touchpoints/1",), 9_000, "silent")],
        silent=[collect(world.state(), NOON)],
    )
    narrow = narrowed_others(others, {"billing"})
    assert {queue for one in narrow.silent for _, queue in one.contacts} == {"billing"}
    assert (narrow.expected, narrow.workers) == (others.expected, others.workers)
