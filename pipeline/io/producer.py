"""Writing to the log: records in, batches out, every delivery awaited. Chooses partitions as every Kafka client does.

Records are packed into batches here: one future a batch instead of one a record is most of the difference in speed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from itertools import count
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from pipeline.io.broker import RECORD_BYTES_MAX, Room
from pipeline.ports import LogError, OutRecord

BATCH_BYTES = 1_000_000
"""Below the 1,048,588 that brokers accept as a batch by default, compressed."""
REQUEST_BYTES_MAX = 32 * 1024 * 1024
RECORD_OVERHEAD_BYTES = 24
RECORDS_AT_ONCE = 5_000


class Producer:
    """Acks from all in-sync replicas, idempotent. With `room`, writes to `guarded` topics wait until their readers made room."""

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str,
        connection: Mapping[str, Any],
        compression: str | None,
        room: Room | None,
        guarded: frozenset[str],
    ) -> None:
        self._client = AIOKafkaProducer(
            bootstrap_servers=bootstrap.split(","),
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            compression_type=compression,
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES_MAX,
            request_timeout_ms=30_000,
            **connection,
        )
        self._bootstrap = bootstrap
        self._room = room
        self._guarded = guarded
        self._turn = count()

    async def start(self) -> None:
        """Connect. Raises LogError."""
        try:
            await self._client.start()
        except KafkaError as error:
            raise LogError(f"Kafka at {self._bootstrap} cannot be reached: {error}") from error

    async def stop(self) -> None:
        """Send what is under way and disconnect."""
        await self._client.stop()

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has; asking creates it on the embedded broker. Raises LogError."""
        try:
            return len(await self._client.partitions_for(topic))
        except KafkaError as error:
            raise LogError(f"Topic {topic} is not known to Kafka at {self._bootstrap}: {error!r}") from error

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> None:
        """Write all; return when every one is acknowledged. Raises LogError if any was not."""
        partitions_total = await self.partitions(topic)
        room = self._room if topic in self._guarded else None
        deliveries: list[asyncio.Future[Any]] = []
        done = 0
        try:
            while done < len(records):
                taken = await self._send_some(
                    topic, records[done : done + RECORDS_AT_ONCE], partitions_total, room, deliveries
                )
                done += taken
                if not taken and room is not None:
                    await room.freed()
        except KafkaError as error:
            raise LogError(f"Writing to {topic} failed: {error!r}") from error
        finally:
            answers = await asyncio.gather(*deliveries, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise LogError(f"Writing to {topic} failed: {answer!r}") from answer

    async def _send_some(
        self,
        topic: str,
        records: Sequence[OutRecord],
        partitions_total: int,
        room: Room | None,
        deliveries: list[asyncio.Future[Any]],
    ) -> int:
        """Hand the longest prefix there is room for to the client; how many records that was."""
        if self._room is not None and any(size_bytes(record) > RECORD_BYTES_MAX for record in records):
            raise LogError(
                f"A record for {topic} is over {RECORD_BYTES_MAX:,} bytes, more than the embedded broker holds."
            )
        taken = 0
        open_batches: dict[int, tuple[Any, int]] = {}
        for record in records:
            number = record.partition
            if number is None:
                number = (
                    partition_of(record.key, partitions_total)
                    if record.key is not None
                    else next(self._turn) % partitions_total
                )
            size = size_bytes(record)
            if room is not None and not room.take(f"{topic}/{number}", size):
                break
            batch, batch_bytes = open_batches.get(number) or (self._client.create_batch(), 0)
            if not append(batch, record):
                await self._send(topic, number, batch, batch_bytes, room, deliveries)
                batch, batch_bytes = self._client.create_batch(), 0
                append(batch, record)
            open_batches[number] = batch, batch_bytes + size
            taken += 1
        for number, (batch, batch_bytes) in open_batches.items():
            await self._send(topic, number, batch, batch_bytes, room, deliveries)
        return taken

    async def _send(
        self,
        topic: str,
        number: int,
        batch: Any,
        batch_bytes: int,
        room: Room | None,
        deliveries: list[asyncio.Future[Any]],
    ) -> None:
        records_total = batch.record_count()
        delivery = await self._client.send_batch(batch, topic, partition=number)
        if room is not None:
            delivery.add_done_callback(partial(settle, room, f"{topic}/{number}", records_total, batch_bytes))
        deliveries.append(delivery)


def settle(room: Room, partition: str, records_total: int, batch_bytes: int, delivery: "asyncio.Future[Any]") -> None:
    """Book a batch's answer: in the log up to an offset, or refused."""
    if delivery.cancelled() or delivery.exception() is not None:
        room.give_back(partition, batch_bytes)
    else:
        room.delivered(partition, delivery.result().offset + records_total, batch_bytes)


def append(batch: Any, record: OutRecord) -> bool:
    """Add to the batch; False where it is full. An empty batch takes any record."""
    added = batch.append(
        key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=list(record.headers)
    )
    return added is not None


def size_bytes(record: OutRecord) -> int:
    """What a record takes in the log before compression, not less."""
    headers = sum(len(name) * 4 + len(value) + 10 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + RECORD_OVERHEAD_BYTES


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, partitions_total: int) -> int:
    """The partition of a key, as Java's clients choose it (murmur2 in plain Python is slow, keys repeat)."""
    return (int(murmur2(key)) & 0x7FFFFFFF) % partitions_total
