import asyncio
import os
import sys

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from pipeline.io.broker import RECORD_BYTES_MAX, ROOM_BYTES, EmbeddedBroker, Room

MIB = 1024 * 1024


async def bounds_after(bootstrap: str, topic: str, sizes_bytes: list[int], count: int = 1) -> tuple[int, int]:
    """Write incompressible values of these sizes, each `count` times, and ask what the broker still has."""
    partition = TopicPartition(topic, 0)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=20 * MIB)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await producer.start()
    await consumer.start()
    try:
        for size_bytes in sizes_bytes:
            for _ in range(count):
                await producer.send_and_wait(topic, os.urandom(size_bytes), partition=0)
        return (
            (await consumer.beginning_offsets([partition]))[partition],
            (await consumer.end_offsets([partition]))[partition],
        )
    finally:
        await consumer.stop()
        await producer.stop()


async def test_what_the_mock_keeps() -> None:
    """The facts `Room` builds on. If librdkafka changes them, this says so."""
    broker = EmbeddedBroker()
    bootstrap = broker.start()
    try:
        assert bootstrap.startswith("127.0.0.1:")
        assert await bounds_after(bootstrap, "four-mib", [MIB], 4) == (0, 4)
        assert await bounds_after(bootstrap, "ten-mib", [MIB], 10) == (6, 10)
        # Where only the newest batch would be left, it is dropped as well.
        assert await bounds_after(bootstrap, "large", [3 * MIB, 3 * MIB]) == (2, 2)
        # What the guard allows: 2 MiB that are durable already, then what may be under way, in the largest pieces.
        durable, waiting = [MIB] * 3, [RECORD_BYTES_MAX] * (ROOM_BYTES // RECORD_BYTES_MAX)
        first, end = await bounds_after(bootstrap, "guarded", durable + waiting)
        assert first <= len(durable)
        assert end == len(durable) + len(waiting)
    finally:
        broker.stop()
        broker.stop()


async def test_two_brokers_do_not_know_each_other() -> None:
    one, two = EmbeddedBroker(), EmbeddedBroker()
    bootstrap_one, bootstrap_two = one.start(), two.start()
    try:
        assert bootstrap_one != bootstrap_two
        assert await bounds_after(bootstrap_one, "topic", [10]) == (0, 1)
        assert await bounds_after(bootstrap_two, "topic", []) == (0, 0)
    finally:
        one.stop()
        two.stop()


def test_without_the_extra_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'touchline\[embedded\]'"):
        EmbeddedBroker().start()


def test_room_is_given_back_only_by_what_is_durable() -> None:
    room = Room(100)
    assert room.take("t/0", 60)
    assert not room.take("t/0", 60)
    assert room.take("t/1", 60), "another partition has room of its own"
    room.delivered("t/0", 6, 60)
    room.durable("t/0", 5)
    assert room.held_bytes("t/0") == 60
    room.durable("t/0", 6)
    assert room.held_bytes("t/0") == 0
    assert room.take("t/0", 60)


def test_room_where_the_reader_is_faster_than_the_acknowledgement() -> None:
    room = Room(100)
    assert room.take("t/0", 60)
    room.durable("t/0", 6)
    assert room.held_bytes("t/0") == 60
    room.delivered("t/0", 6, 60)
    assert room.held_bytes("t/0") == 0


def test_a_record_over_the_limit_goes_alone() -> None:
    room = Room(100)
    assert room.take("t/0", 500)
    assert not room.take("t/0", 1)
    room.give_back("t/0", 500)
    assert room.take("t/0", 1)


async def test_waiting_ends_when_room_is_given_back() -> None:
    room = Room(100)
    room.take("t/0", 60)
    waiting = asyncio.create_task(room.freed())
    await asyncio.sleep(0)
    assert not waiting.done()
    room.give_back("t/0", 60)
    await asyncio.wait_for(waiting, 1)
