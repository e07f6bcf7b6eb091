"""Writing to the log: records in, batches out, every delivery awaited. Chooses partitions as every Kafka client does.

Records are packed into batches here: one future a batch, not one a record, is most of the difference in speed.
Not idempotent in Kafka's sense: by its own source aiokafka's idempotent producer never gives up on a broker that is
gone, and one record the broker refuses fails every later write to that partition [measured]. There is one request
under way per partition, so order is kept without; a repetition after a lost answer is what the folds are made for.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import count
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from pipeline.core.murmur import partition_of
from pipeline.io.broker import RECORD_BYTES_MAX, Room
from pipeline.io.kafka import Security, Tuning, brokers, connection
from pipeline.ports import LogError, OutRecord

BATCH_BYTES = 1_000_000
"""Uncompressed; brokers take batches of 1,048,588 by default. A larger record travels alone."""
RECORD_OVERHEAD_BYTES = 24
METADATA_MS = 20_000
"""How old what is known of topics may be: a topic that grows is noticed within this time."""
RECORDS_AT_ONCE = 5_000
"""How many records are packed before the loop gets a turn."""
_NO_HEADERS: Final[list[tuple[str, bytes]]] = []


class Producer:
    """Waits for all in-sync replicas. With `room`, writes to `guarded` topics wait until their readers made some."""

    def __init__(
        self,
        bootstrap: str,
        *,
        client_id: str,
        security: Security,
        tuning: Tuning,
        room: Room | None,
        guarded: frozenset[str],
    ) -> None:
        self._client = AIOKafkaProducer(
            bootstrap_servers=brokers(bootstrap),
            client_id=client_id,
            acks="all",
            compression_type=tuning.compression,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(tuning.produce_timeout_seconds * 1000),
            metadata_max_age_ms=METADATA_MS,
            **connection(security),
        )
        self._bootstrap = bootstrap
        self._room = room
        self._guarded = guarded if room is not None else frozenset()
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

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> dict[int, int]:
        """Write all; return when every one is acknowledged: of each partition written to the offset after the last of
        them. Raises LogError if any was not.
        """
        if self._room is not None and any(size_bytes(record) > RECORD_BYTES_MAX for record in records):
            raise LogError(
                f"A record for {topic} is over {RECORD_BYTES_MAX:,} bytes, more than the embedded broker holds."
            )
        partitions_total = await self.partitions(topic)
        room = self._room if topic in self._guarded else None
        deliveries: list[asyncio.Future[Any]] = []
        counts: list[int] = []
        done = 0
        try:
            while done < len(records):
                some = records[done : done + RECORDS_AT_ONCE]
                sent = await self._send_some(topic, some, partitions_total, room, deliveries, counts)
                done += sent
                if sent == 0 and room is not None:
                    await room.freed()
        except KafkaError as error:
            raise LogError(f"Writing to {topic} failed: {error!r}") from error
        finally:
            answers = await asyncio.gather(*deliveries, return_exceptions=True)
        ends: dict[int, int] = {}
        for answer, records_total in zip(answers, counts, strict=True):
            if isinstance(answer, BaseException):
                raise LogError(f"Writing to {topic} failed: {answer!r}") from answer
            ends[answer.partition] = max(ends.get(answer.partition, 0), answer.offset + records_total)
        return ends

    async def _send_some(
        self,
        topic: str,
        records: Sequence[OutRecord],
        partitions_total: int,
        room: Room | None,
        deliveries: list[asyncio.Future[Any]],
        counts: list[int],
    ) -> int:
        """Hand the longest prefix there is room for to the client; how many records that was."""
        taken = 0
        taken_bytes: Counter[int] = Counter()  # of room, per partition, for what is not handed over yet
        packed_bytes: Counter[int] = Counter()  # of room, in its open batch
        packing: dict[int, Any] = {}  # partition: its open batch

        async def send(number: int) -> None:
            batch = packing.pop(number)
            delivery: asyncio.Future[Any] = await self._client.send_batch(batch, topic, partition=number)
            if room is not None:
                batch_bytes = packed_bytes.pop(number)
                taken_bytes[number] -= batch_bytes
                booked = partial(settle, room, f"{topic}/{number}", batch.record_count(), batch_bytes)
                delivery.add_done_callback(booked)
            deliveries.append(delivery)
            counts.append(batch.record_count())

        try:
            for record in records:
                number = self._number(record, partitions_total)
                size = 0
                if room is not None:
                    size = size_bytes(record)
                    if not room.take(f"{topic}/{number}", size):
                        break
                    taken_bytes[number] += size
                taken += 1
                batch = packing.get(number) or packing.setdefault(number, self._client.create_batch())
                if not append(batch, record):
                    await send(number)
                    batch = packing[number] = self._client.create_batch()
                    append(batch, record)
                if room is not None:
                    packed_bytes[number] += size
            for number in list(packing):
                await send(number)
        finally:
            if room is not None:
                for number, unsent_bytes in taken_bytes.items():
                    if unsent_bytes:  # sending failed
                        room.give_back(f"{topic}/{number}", unsent_bytes)
        return taken

    def _number(self, record: OutRecord, partitions_total: int) -> int:
        if record.partition is not None:
            return record.partition
        return next(self._turn) % partitions_total if record.key is None else partition_of(record.key, partitions_total)


def settle(room: Room, partition: str, records_total: int, batch_bytes: int, delivery: "asyncio.Future[Any]") -> None:
    """Book a batch's answer: in the log up to an offset, or refused."""
    if delivery.cancelled() or delivery.exception() is not None:
        room.give_back(partition, batch_bytes)
    else:
        room.delivered(partition, delivery.result().offset + records_total, batch_bytes)


def append(batch: Any, record: OutRecord) -> bool:
    """Add to the batch; False where it is full. An empty batch takes any record."""
    headers = list(record.headers) if record.headers else _NO_HEADERS
    return batch.append(key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=headers) is not None


def size_bytes(record: OutRecord) -> int:
    """What a record takes in the log before compression, rather more than less."""
    headers = sum(len(name) * 4 + len(value) + 10 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers + RECORD_OVERHEAD_BYTES
