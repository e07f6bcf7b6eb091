"""The contract with Faust and aiokafka: what is overridden exists and is called, what is read is there."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.fetcher import Fetcher, FetchResult, PartitionRecords
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import IllegalStateError
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from msgspec.structs import replace

from pipeline.io import transport, unpacking
from pipeline.io.broker import EmbeddedBroker
from pipeline.io.transport import Consumer, ConsumerThread, brokers_url, register
from pipeline.io.unpacking import Unpacking
from pipeline.ports import LogError, Record
from tests.io.logs import QUICK, Worker, new_log, numbered, running, until


@pytest.fixture
async def bootstrap() -> AsyncIterator[str]:
    broker = EmbeddedBroker()
    yield broker.start()
    broker.stop()


def test_the_versions_are_those_the_transport_was_written_for() -> None:
    assert version("faust-streaming") == "0.15.3"
    assert version("aiokafka").startswith("0.14.")


@pytest.mark.parametrize(
    ("ours", "theirs"), [(Consumer, driver.Consumer), (ConsumerThread, driver.AIOKafkaConsumerThread)]
)
def test_every_override_takes_what_the_original_takes(ours: type, theirs: type) -> None:
    overridden = {
        name
        for name, member in vars(ours).items()
        if inspect.isfunction(member) and hasattr(theirs, name) and name != "__init__"
    }
    assert overridden >= (
        {
            "_getmany",
            "_to_message",
            "_new_offset",
            "commit",
            "ack",
            "perform_seek",
            "on_partitions_revoked",
            "verify_all_partitions_active",
        }
        if ours is Consumer
        else {"on_start", "getmany", "_fetch_records", "_commit", "_create_worker_consumer"}
    )
    for name in overridden:
        original = inspect.signature(inspect.unwrap(getattr(theirs, name))).parameters
        override = inspect.signature(getattr(ours, name)).parameters
        assert list(override) == list(original)[: len(override)], name
        assert all(one.default is not inspect.Parameter.empty for one in list(original.values())[len(override) :]), name


def test_what_is_read_of_aiokafka_is_there() -> None:
    source = inspect.getsource(transport) + inspect.getsource(unpacking)
    for owner, names in {
        Fetcher: (
            "_records",
            "_fetch_waiters",
            "_create_fetch_waiter",
            "_notify",
            "_closed",
            "_wait_consume_future",
            "_proc_fetch_request",
            "_fetcher_timeout",
        ),
        FetchResult: (
            "_created",
            "_partition_records",
            "_topic_partition",
            "_update_position",
            "check_assignment",
            "has_more",
        ),
        PartitionRecords: (
            "_aborted_producers",
            "_check_crcs",
            "_consume_aborted_up_to",
            "_contains_abort_marker",
            "_isolation_level",
            "_records",
            "_tp",
            "next_fetch_offset",
        ),
        GroupCoordinator: ("check_errors", "member_id"),
        AIOKafkaConsumer: ("_fetcher", "_coordinator", "_subscription", "_isolation_level", "_fetch_max_wait_ms"),
    }.items():
        for name in names:
            assert name in source, f"{name} is not used any more: take it off this list"
            assert name in inspect.getsource(owner), name


def test_batch_urls_find_the_transport_without_an_installed_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(drivers.TRANSPORTS.aliases, "batch", raising=False)
    register()
    assert drivers.by_url(brokers_url("h1:9092, h2:9093").split(";", maxsplit=1)[0]) is transport.Transport
    assert brokers_url("h1:9092, h2:9093") == "batch://h1:9092;batch://h2:9093"


async def test_what_the_log_dropped_is_skipped_with_a_batch_that_says_where_it_begins(bootstrap: str) -> None:
    """The mock drops the oldest. The position sought lies in what is gone."""
    worker = Worker({"touchpoints/0": 5})
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for record in numbered(9_000, size_bytes=1_000):
        await producer.send("touchpoints", record.value, partition=0)
    await producer.stop()
    async with running(log):
        first, end = await log.bounds("touchpoints/0")
        assert first > 5
        await until(lambda: worker.offsets("touchpoints/0")[-1:] == [end - 1], "what is left")
    assert worker.batches["touchpoints/0"][0].from_offset == first
    assert worker.offsets("touchpoints/0") == list(range(first, end))
    assert log.repaired_total == 0
    assert not worker.bugs


async def test_what_is_written_or_sought_is_read_without_looking(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embedded: whoever is not told looks once in a thousand seconds here."""
    monkeypatch.setattr(transport, "LOOK_SECONDS", 1_000.0)
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle, "raw": worker.handle}, worker)
    async with running(log):
        for total, number in enumerate((0, 1, 0), start=1):
            await asyncio.sleep(0.3)  # until it rests
            await log.produce("touchpoints", numbered(1, partition=number))
            await until(lambda total=total: worker.records_total() == total, "a record")  # type: ignore[misc]
        await asyncio.sleep(0.3)
        await log.produce("raw", numbered(3, partition=2))
        await until(lambda: worker.records_total() == 6, "another topic's")
        await asyncio.sleep(0.3)
        await log.seek("touchpoints/0", 1)
        await until(lambda: worker.offsets("touchpoints/0") == [0, 1, 1], "what was sought")
    assert not worker.bugs


async def test_a_position_beyond_the_end_ends_the_process(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "BEYOND_END_TRIES", 2)
    worker = Worker({"touchpoints/2": 1_000})
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    async with running(log):
        await until(lambda: bool(worker.bugs), "the end")
    assert isinstance(worker.bugs[0], LogError)
    assert "touchpoints/2 ends at offset 0, but all before 1000 was already read" in str(worker.bugs[0])


async def test_progress_is_made_over_what_holds_no_records(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with transaction markers, which the mock does not write: every record of the first batch is hidden."""
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    take = Unpacking.take

    def hiding(self: Unpacking, most: int) -> list[Record]:
        return [record for record in take(self, most) if record.value is not None]

    monkeypatch.setattr(Unpacking, "take", hiding)
    async with running(log):
        await log.produce("touchpoints", [record for record in numbered(3, partition=0) if record.value])
        await until(lambda: worker.records_total() == 3, "records")
        nothing = [type(record)(record.key, None, 1, 0) for record in numbered(4)]
        await log.produce("touchpoints", nothing)
        await until(lambda: worker.batches["touchpoints/0"][-1].to_offset == 7, "an empty batch")
    assert [(batch.from_offset, batch.to_offset) for batch in worker.batches["touchpoints/0"]][-1] == (3, 7)
    assert not worker.batches["touchpoints/0"][-1].records


async def test_commits_follow_the_ledger_only(bootstrap: str) -> None:
    worker = Worker(durable=False)
    tuning = replace(QUICK, commit_interval_seconds=1_000.0)
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker, tuning=tuning)
    async with running(log):
        await log.produce("touchpoints", numbered(100, partition=0))
        await until(lambda: worker.records_total() == 100, "records")
        consumer = log._consumer
        assert not await consumer.commit()
        log.durable("touchpoints/0", 40)
        assert await consumer.commit()
        assert not await consumer.commit(), "nothing new"
        assert await log.committed("touchpoints/0") == 40
        log.durable("touchpoints/0", 90)
        consumer.freeze()
        assert not await consumer.commit()
        assert await log.committed("touchpoints/0") == 40
        # What Faust keeps per message stays empty, however long the worker runs.
        assert not consumer._acked
        assert not consumer._acked_index
        assert not consumer._gap
        assert not consumer._unacked_messages
        assert consumer._read_offset[TP("touchpoints", 0)] is None


async def test_a_refused_commit_is_no_reason_to_stop(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker()
    log = new_log(bootstrap, "group", {"touchpoints": worker.handle}, worker)
    async with running(log):
        refusals = 0
        kafka = log._consumer.thread._ensure_consumer()
        commit = kafka.commit

        async def refusing(offsets: dict[TopicPartition, Any]) -> None:
            nonlocal refusals
            refusals += 1
            if refusals < 3:
                raise IllegalStateError("not now")
            await commit(offsets)

        monkeypatch.setattr(kafka, "commit", refusing)
        await log.produce("touchpoints", numbered(10, partition=0))
        await until(lambda: refusals >= 3, "a third try")
        await asyncio.sleep(0.2)
        assert await log.committed("touchpoints/0") == 10
    assert not worker.bugs
