"""The embedded broker: librdkafka's mock cluster, a Kafka wire in this process, and the guard that keeps it honest.

What the mock does, measured with librdkafka 2.16: a topic appears, with 4 partitions, when its metadata is asked for;
offsets begin at 0 with every start; a partition keeps 5 MiB of batches as stored (compressed), and drops what exceeds
that without a word, whole batches, the oldest first; where only the newest would be left, that one is dropped too.
Hence `Room`, and a limit on one record.
"""

import asyncio
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confluent_kafka import Producer

ROOM_BYTES = 3 * 1024 * 1024
"""Uncompressed bytes a partition may hold that nobody has reported durable: 5 MiB less two batches cut anywhere."""
RECORD_BYTES_MAX = 1024 * 1024
"""Largest record the embedded broker takes: with batches of 1 MiB an eviction leaves more than the newest one."""


class EmbeddedBroker:
    """A Kafka wire endpoint on a free loopback port. Its content is gone when it stops."""

    def __init__(self) -> None:
        self._cluster: Producer | None = None

    def start(self) -> str:
        """Start; the bootstrap servers (`127.0.0.1:port`). Raises ModuleNotFoundError without the extra `embedded`."""
        try:
            from confluent_kafka import Producer
        except ModuleNotFoundError as missing:
            raise ModuleNotFoundError(
                "The embedded broker needs confluent-kafka: pip install 'touchline[embedded]', or name a real Kafka.",
                name="confluent_kafka",
            ) from missing
        # log_level 3: errors only; level 5 announces the mock on stderr.
        self._cluster = Producer({"bootstrap.servers": "", "test.mock.num.brokers": 1, "log_level": 3})
        found = self._cluster.list_topics(timeout=10).brokers.values()
        return ",".join(f"{broker.host}:{broker.port}" for broker in found)

    def stop(self) -> None:
        """Stop. The mock cluster lives and dies with the client that created it. A second call does nothing."""
        cluster, self._cluster = self._cluster, None
        if cluster is not None:
            cluster.close()


class Room:
    """How many bytes of a partition are produced and not yet durable, and waiting for there to be fewer.

    Law: `take` says yes only while the sum stays within the limit (or nothing is held), so the mock drops nothing that
    is still needed. Frees in the order things become durable; knows no locks, so one topic never waits for another.
    """

    def __init__(self, limit_bytes: int = ROOM_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._held_bytes: Counter[str] = Counter()
        self._delivered: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)  # end offset, bytes
        self._durable: dict[str, int] = {}
        self._freed = asyncio.Event()

    def take(self, partition: str, size_bytes: int) -> bool:
        """Reserve room for a record about to be sent; False where it does not fit now."""
        held_bytes = self._held_bytes[partition]
        if held_bytes and held_bytes + size_bytes > self._limit_bytes:
            return False
        self._held_bytes[partition] = held_bytes + size_bytes
        return True

    def delivered(self, partition: str, next_offset: int, size_bytes: int) -> None:
        """Book bytes that were taken as being in the log, before `next_offset`."""
        if next_offset <= self._durable.get(partition, 0):
            self.give_back(partition, size_bytes)  # its reader was faster than its acknowledgement
        else:
            self._delivered[partition].append((next_offset, size_bytes))

    def give_back(self, partition: str, size_bytes: int) -> None:
        """Free room: the batch was refused, or is durable."""
        self._held_bytes[partition] -= size_bytes
        freed, self._freed = self._freed, asyncio.Event()
        freed.set()

    def durable(self, partition: str, next_offset: int) -> None:
        """Note that everything before `next_offset` is kept elsewhere and may be dropped."""
        self._durable[partition] = next_offset
        delivered = self._delivered[partition]
        freed_bytes = sum(size for end, size in delivered if end <= next_offset)
        if freed_bytes:
            self._delivered[partition] = [(end, size) for end, size in delivered if end > next_offset]
            self.give_back(partition, freed_bytes)

    def held_bytes(self, partition: str) -> int:
        """Bytes that are taken and not durable."""
        return self._held_bytes[partition]

    async def freed(self) -> None:
        """Wait until room is given back, whosoever."""
        await self._freed.wait()
