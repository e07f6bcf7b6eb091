"""The log against the embedded broker: a real Kafka wire, real Faust, no fakes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import GroupAuthorizationFailedError

from pipeline.io.broker import RECORD_BYTES_MAX, ROOM_BYTES, EmbeddedBroker
from pipeline.io.kafka import Security, Tuning
from pipeline.io.log import FaustLog
from pipeline.ports import Batch, LogError, OutRecord
from tests.io.logs import PARTITIONS_TOTAL, Worker, new_log, numbered, running, settled, until

PARTITIONS = [f"touchpoints/{number}" for number in range(PARTITIONS_TOTAL)]


@pytest.fixture
async def bootstrap() -> AsyncIterator[str]:
    broker = EmbeddedBroker()
    yield broker.start()
    broker.stop()


async def committed_offsets(bootstrap: str, group: str, topic: str) -> dict[str, int | None]:
    """What a tool that looks at the group's lag sees."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        found = {f"{topic}/{n}": await consumer.committed(TopicPartition(topic, n)) for n in range(PARTITIONS_TOTAL)}
    finally:
        await consumer.stop()
    return found


async def test_every_record_once_in_order_committed_and_again_from_where_it_is_sought(bootstrap: str) -> None:
    total = 50_000
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    async with running(log):
        await log.produce("touchpoints", numbered(total))
        await until(lambda: worker.records_total() >= total, "all records")
        ends = {partition: (await log.bounds(partition))[1] for partition in PARTITIONS}
        assert sum(ends.values()) == total
        for partition in PARTITIONS:
            assert worker.offsets(partition) == list(range(ends[partition])), "each once, in order"
            froms = [batch.from_offset for batch in worker.batches[partition]]
            assert froms == [0, *[batch.to_offset for batch in worker.batches[partition]][:-1]], "an unbroken chain"
        keys = {partition: {record.key for record in worker.records(partition)} for partition in PARTITIONS}
        assert sum(len(some) for some in keys.values()) == total // 5, "a key is in one partition"
        number = worker.offsets("touchpoints/1").index(7)
        record = worker.records("touchpoints/1")[number]
        assert record.timestamp_ms == 1_700_000_000_000 + int(record.value or b"")
        assert {one.partition: one.position for one in log.progress()} == ends
        assert sum(one.records_total for one in log.progress()) == total
        stopping_at = time.monotonic()
    assert time.monotonic() - stopping_at < 5
    assert worker.calls == [("assigned", tuple(PARTITIONS)), ("revoked", tuple(PARTITIONS))]
    assert await committed_offsets(bootstrap, "group", "touchpoints") == ends

    # The same group again: where it starts is what is sought, not what Kafka has as committed.
    starts = dict(zip(PARTITIONS, (0, 17, ends["touchpoints/2"], ends["touchpoints/3"] - 1), strict=True))
    again = Worker(starts)
    log = new_log(bootstrap, "group", {"touchpoints": again.handle}, again)
    async with running(log):
        expected = {partition: list(range(starts[partition], ends[partition])) for partition in PARTITIONS}
        await until(lambda: again.records_total() >= sum(map(len, expected.values())), "what was sought")
        await log.produce("touchpoints", [OutRecord(b"k", b"new", 1, partition=2)])
        expected["touchpoints/2"].append(ends["touchpoints/2"])
        await until(lambda: bool(again.batches["touchpoints/2"]), "the new record")
    assert {partition: again.offsets(partition) for partition in PARTITIONS} == expected
    assert not worker.bugs + again.bugs


async def test_without_a_seek_it_goes_on_from_what_is_committed_else_from_the_first(bootstrap: str) -> None:
    worker = Worker(start=None)
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    async with running(log):
        await log.produce("touchpoints", numbered(10, partition=0))
        await until(lambda: worker.records_total() == 10, "the first")
    again = Worker(start=None)
    log = new_log(bootstrap, "group", {"touchpoints": again.handle}, again)
    async with running(log):
        await log.produce("touchpoints", numbered(5, partition=0) + numbered(5, partition=1))
        await until(lambda: again.records_total() == 10, "the second")
    assert again.offsets("touchpoints/0") == list(range(10, 15))
    assert again.offsets("touchpoints/1") == list(range(5))


async def test_after_a_seek_nothing_fetched_before_arrives(bootstrap: str) -> None:
    """From inside the handler and from outside, backwards and forwards, with batches under way all the time."""
    worker = Worker(durable=False)
    after_seek: list[int | None] = []
    wanted: list[int] = []

    async def handle(batch: Batch) -> None:
        if wanted and len(after_seek) < len(wanted):
            after_seek.append(batch.from_offset)
        await worker.handle(batch)

    log = new_log(bootstrap, "group", {"touchpoints": handle}, worker, tuning=Tuning(batch_records=100))
    async with running(log):
        await log.produce("touchpoints", numbered(5_000, partition=0))
        for turn in range(30):
            target = (turn * 1_234 + 7) % 4_999
            wanted.append(target)
            await log.seek("touchpoints/0", target)
            await until(lambda: len(after_seek) == len(wanted), "a batch")
            if turn % 3 == 0:
                await asyncio.sleep(0.01)
        assert after_seek == wanted
        worker.batches.clear()
        await log.seek("touchpoints/0", 4_321)
        await until(lambda: worker.offsets("touchpoints/0")[-1:] == [4_999], "the end")
        assert worker.offsets("touchpoints/0") == list(range(4_321, 5_000))
    assert log.repaired_total == 0


async def test_a_handler_that_raises_ends_everything_before_a_commit(bootstrap: str) -> None:
    worker = Worker()

    async def handle(batch: Batch) -> None:
        await worker.handle(batch)
        if batch.to_offset > 1_500:
            raise ZeroDivisionError

    log = new_log(bootstrap, "group", {"touchpoints": handle}, worker, tuning=Tuning(batch_records=1_000))
    async with running(log):
        # Durable is reported and the exception follows at once: not even that may be committed.
        await log.produce("touchpoints", numbered(5_000, partition=0))
        await until(lambda: bool(worker.bugs), "the bug")
        handled = worker.records_total()
        await asyncio.sleep(1.5)  # longer than the commit interval
        assert worker.records_total() == handled, "no handler is called any more"
    assert [type(bug) for bug in worker.bugs] == [ZeroDivisionError]
    assert all(offset is None for offset in (await committed_offsets(bootstrap, "group", "touchpoints")).values())
    assert ("revoked", tuple(PARTITIONS)) not in worker.calls, "no flush after a bug"


async def test_the_embedded_broker_loses_nothing_to_a_slow_reader(bootstrap: str) -> None:
    """12 MiB for a partition that keeps 5, incompressible; what is handled is durable only a while later."""
    worker = Worker(durable=False)
    total, ahead = 12 * 1024, 0

    async def handle(batch: Batch) -> None:
        await worker.handle(batch)
        await asyncio.sleep(0.02)

    log = new_log(bootstrap, "group", {"touchpoints": handle}, worker, tuning=Tuning(compression=None))

    async def flushing() -> None:
        nonlocal ahead
        while True:
            await asyncio.sleep(0.1)
            durable = len(worker.offsets("touchpoints/0"))
            ahead = max(ahead, (await log.bounds("touchpoints/0"))[1] - durable)
            log.durable("touchpoints/0", durable)

    async with running(log):
        flusher = asyncio.create_task(flushing())
        await log.produce("touchpoints", numbered(total, partition=0, size_bytes=1_000))
        await until(lambda: worker.records_total() >= total, "all records")
        flusher.cancel()
        first, end = await log.bounds("touchpoints/0")
    assert first > 0, "the broker did drop what was no longer needed"
    assert end == total
    assert worker.offsets("touchpoints/0") == list(range(total))
    assert ahead * 1_000 <= ROOM_BYTES


async def test_a_handler_that_feeds_another_topic_does_not_lock_up(bootstrap: str) -> None:
    """Touchpoints are handled by writing ten times as much to facts, whose reader is slow to become durable."""
    touchpoints, facts = Worker(durable=False), Worker()
    grown = 10

    async def fold(batch: Batch) -> None:
        facts_of = [OutRecord(one.key, (one.value or b"") * grown, one.timestamp_ms) for one in batch.records]
        await log.produce("facts", facts_of)
        await touchpoints.handle(batch)
        log.durable(batch.partition, batch.to_offset)

    async def customers(batch: Batch) -> None:
        await asyncio.sleep(0.02)
        await facts.handle(batch)

    facts.log = log = new_log(bootstrap, "group", {"touchpoints": fold, "facts": customers}, touchpoints)
    total = 1_500
    async with running(log):
        await log.produce("touchpoints", numbered(total, size_bytes=1_000))
        await until(lambda: facts.records_total() >= total, "all facts", seconds=60)
    assert touchpoints.records_total() == facts.records_total() == total
    for number in range(PARTITIONS_TOTAL):
        offsets = facts.offsets(f"facts/{number}")
        assert offsets == list(range(len(offsets)))


async def test_a_slow_partition_holds_up_nobody_and_what_is_read_ahead_is_bounded(bootstrap: str) -> None:
    worker = Worker()
    free = asyncio.Event()

    async def handle(batch: Batch) -> None:
        if batch.partition == "touchpoints/0":
            await free.wait()
        await worker.handle(batch)

    log = new_log(bootstrap, "group", {"touchpoints": handle}, worker, tuning=Tuning(batch_records=50))
    async with running(log):
        await log.produce("touchpoints", numbered(2_000, partition=0))
        for _ in range(5):
            await log.produce("touchpoints", numbered(1_000, partition=1))
        await until(lambda: len(worker.offsets("touchpoints/1")) == 5_000, "the other partition")
        assert not worker.offsets("touchpoints/0")
        assert sum(len(one.batch.records) for one in log._held["touchpoints/0"].queue) < 2 * 50

        log.pause("touchpoints/1")
        await log.produce("touchpoints", numbered(100, partition=1))
        free.set()
        await until(lambda: len(worker.offsets("touchpoints/0")) == 2_000, "the slow partition")
        assert len(worker.offsets("touchpoints/1")) == 5_000, "paused"
        log.resume("touchpoints/1")
        await until(lambda: len(worker.offsets("touchpoints/1")) == 5_100, "the paused partition")
    assert worker.offsets("touchpoints/1") == list(range(5_100))


async def test_a_batch_says_how_much_the_log_has_after_it(bootstrap: str) -> None:
    worker = Worker({"touchpoints/0": 0})
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker, tuning=Tuning(batch_records=100))
    async with running(log):
        log.pause("touchpoints/0")
        await log.produce("touchpoints", numbered(250, partition=0))
        await log.seek("touchpoints/0", 0)
        log.resume("touchpoints/0")
        await until(lambda: worker.records_total() == 250, "records")
    assert [batch.left for batch in worker.batches["touchpoints/0"]] == [150, 50, 0]


async def test_what_faust_drops_is_fetched_again(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker, tuning=Tuning(batch_records=100))
    arrived: Callable[..., Awaitable[None]] = log._arrived
    seen = 0

    async def dropping(fetched: object) -> None:
        nonlocal seen
        seen += 1
        if seen % 7 != 3:
            await arrived(fetched)

    monkeypatch.setattr(log, "_arrived", dropping)
    async with running(log):
        await log.produce("touchpoints", numbered(5_000, partition=0))
        await until(lambda: worker.offsets("touchpoints/0")[-1:] == [4_999], "all records")
    assert worker.offsets("touchpoints/0") == list(range(5_000))
    assert log.repaired_total > 0


async def test_null_keys_null_values_and_large_records_are_records(bootstrap: str) -> None:
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    large = b"x" * (RECORD_BYTES_MAX - 100)
    async with running(log):
        await log.produce(
            "touchpoints",
            [
                OutRecord(None, b"no key", 1, partition=0),
                OutRecord(b"tombstone", None, 2, partition=0),
                OutRecord(None, None, 3, partition=0, headers=[("name", b"value")]),
                OutRecord(b"", b"", 4, partition=0),
                OutRecord(b"large", large, 5, partition=0),
            ],
        )
        await until(lambda: worker.records_total() == 5, "five records")
        with pytest.raises(LogError, match="more than the embedded broker holds"):
            await log.produce("touchpoints", [OutRecord(b"larger", large * 2, 6)])
        await log.produce("touchpoints", [OutRecord(None, b"%d" % number, 7) for number in range(8)])
        await until(lambda: worker.records_total() == 13, "eight without a key")
    assert [(record.key, record.value) for record in worker.records("touchpoints/0")][:5] == [
        (None, b"no key"),
        (b"tombstone", None),
        (None, None),
        (b"", b""),
        (b"large", large),
    ]
    assert [len(worker.offsets(partition)) for partition in PARTITIONS] == [7, 2, 2, 2], "without a key: in turn"


async def test_two_workers_of_a_group_share_the_partitions_and_hand_them_over(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every record is handled by somebody, at the place its owner took it over, while one joins and leaves."""
    # The mock refuses a follower that asks for its share after the leader has told it, so the leader takes its time.
    assign = RoundRobinPartitionAssignor.assign

    def assign_slowly(*given: object) -> object:
        time.sleep(0.3)
        return assign(*given)

    monkeypatch.setattr(RoundRobinPartitionAssignor, "assign", assign_slowly)
    durable: dict[str, int] = dict.fromkeys(PARTITIONS, 0)
    seen: dict[str, list[int]] = {partition: [] for partition in PARTITIONS}

    class Sharing(Worker):
        async def handle(self, batch: Batch) -> None:
            assert batch.partition in self.owned
            assert batch.from_offset == durable[batch.partition], "nobody is behind or ahead"
            seen[batch.partition] += [record.offset for record in batch.records]
            durable[batch.partition] = batch.to_offset
            self.log.durable(batch.partition, batch.to_offset)

        async def assigned(self, partitions: object) -> None:
            self.starts = dict(durable)
            await super().assigned(partitions)  # type: ignore[arg-type]

    one, two = Sharing(), Sharing()
    # Not embedded: with two processes nobody could guard the mock. The data fits.
    log = new_log(bootstrap, "group", {"touchpoints": one.handle}, one, embedded=False)
    async with running(log):
        await log.produce("touchpoints", numbered(4_000))
        other = new_log(bootstrap, "group", {"touchpoints": two.handle}, two, embedded=False)
        async with running(other):
            await until(lambda: len(one.owned) == len(two.owned) == 2, "a fair share")
            assert not one.owned & two.owned
            await log.produce("touchpoints", numbered(4_000))
            await until(lambda: sum(durable.values()) == 8_000, "8,000")
        await until(lambda: len(one.owned) == 4, "everything back")
        await log.produce("touchpoints", numbered(4_000))
        await until(lambda: sum(durable.values()) == 12_000, "12,000")
    assert two.calls[-1][0] == "revoked"
    for partition in PARTITIONS:
        assert seen[partition] == list(range(durable[partition]))
    assert not one.bugs + two.bugs
    assert await committed_offsets(bootstrap, "group", "touchpoints") == durable


async def test_stopping_waits_for_the_flush_but_not_for_ever_and_cancels_a_waiting_handler(bootstrap: str) -> None:
    ended: list[str] = []

    class Slow(Worker):
        async def revoked(self, partitions: object) -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("flush")

        async def handle(self, batch: Batch) -> None:
            self.log.durable(batch.partition, 3)
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("handler")

    worker = Slow()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker, tuning=Tuning(revoke_seconds=0.5))
    async with running(log):
        await log.produce("touchpoints", numbered(10, partition=0))
        await until(lambda: log.progress()[0].end_offset == 10, "the end is known", seconds=10)
        stopping_at = time.monotonic()
    assert time.monotonic() - stopping_at < 3
    assert ended == ["flush", "handler"]
    assert (await committed_offsets(bootstrap, "group", "touchpoints"))["touchpoints/0"] == 3


async def test_a_listener_that_fails_is_a_bug(bootstrap: str) -> None:
    class Failing(Worker):
        async def assigned(self, partitions: object) -> None:
            raise KeyError("state")

    worker = Failing()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    async with running(log):
        await until(lambda: bool(worker.bugs), "the bug")
    assert [type(bug) for bug in worker.bugs] == [KeyError]


async def test_a_partition_whose_reader_died_ends_the_process(bootstrap: str) -> None:
    worker = Worker()
    tuning = Tuning(watch_interval_seconds=0.1, stalled_seconds=1.0)
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker, tuning=tuning)
    async with running(log):
        await log.produce("touchpoints", numbered(10, partition=0))
        await until(lambda: worker.records_total() == 10, "the first")
        await asyncio.sleep(1.5)
        assert not worker.bugs, "nothing to read is no reason"
        log.pause("touchpoints/0")
        await log.produce("touchpoints", numbered(10, partition=0))
        await asyncio.sleep(1.5)
        assert not worker.bugs, "paused is no reason"
        # As if aiokafka's fetcher had died without a word.
        log._consumer.thread.want = lambda partitions: None  # type: ignore[method-assign]
        log.resume("touchpoints/0")
        await until(lambda: bool(worker.bugs), "the end")
    assert "Nothing was read from touchpoints/0" in str(worker.bugs[0])


async def test_a_member_that_the_group_refuses_ends_the_process(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For aiokafka that is the end of its membership, and it tells nobody."""
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)

    async def refused(*_: object) -> None:
        raise GroupAuthorizationFailedError("group")

    async with running(log):
        monkeypatch.setattr(GroupCoordinator, "_do_rejoin_group", refused)
        log._consumer.thread._ensure_consumer()._coordinator.request_rejoin()
        await until(lambda: bool(worker.bugs), "the end")
    assert "GroupAuthorizationFailedError" in str(worker.bugs[0])

    again = Worker()
    log = new_log(bootstrap, "another", {"touchpoints": again.handle}, again)
    with pytest.raises(LogError, match=r"The group another cannot be joined at .*GroupAuthorizationFailedError"):
        await log.start()
    assert not again.bugs


async def test_an_unreachable_broker_is_one_clear_sentence() -> None:
    worker = Worker()
    log = new_log("127.0.0.1:1", "group", {"touchpoints": worker.handle}, worker)
    with pytest.raises(LogError, match=r"Kafka at 127\.0\.0\.1:1 cannot be reached"):
        await log.start()
    with pytest.raises(LogError, match="not started"):
        await log.produce("touchpoints", numbered(1))


async def test_a_password_does_not_travel_in_plain_text() -> None:
    worker = Worker()
    log = FaustLog(
        "127.0.0.1:1",
        group="group",
        client_id="group",
        topics={"touchpoints": worker.handle},
        listener=worker,
        security=Security(username="user", password="secret"),
    )
    with pytest.raises(LogError, match="plain text"):
        await log.start()


async def test_partitions_and_bounds_of_a_topic_nobody_handles(bootstrap: str) -> None:
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    async with running(log):
        assert await log.partitions("dead-letters") == PARTITIONS_TOTAL
        await log.produce("dead-letters", numbered(20, partition=3))
        assert await log.bounds("dead-letters/3") == (0, 20)

        async def all_known() -> bool:
            return [one.end_offset for one in log.progress()] == [0, 0, 0, 0]

        await settled(all_known, "four partitions")
