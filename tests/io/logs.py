"""A log under test: what its handlers got, who was assigned what, and waiting for things to become true."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from pipeline.io.kafka import Tuning
from pipeline.io.log import BatchHandler, FaustLog
from pipeline.ports import Batch, OutRecord, Record

PARTITIONS_TOTAL = 4
QUICK = Tuning(session_timeout_seconds=3.0, heartbeat_interval_seconds=0.5)
"""The mock lets a group that had members wait for a second less than the session timeout."""


class Worker:
    """A listener and handler that keeps everything, seeks where it is told, and reports all it handled as durable."""

    def __init__(self, starts: Mapping[str, int] | None = None, *, start: int | None = 0, durable: bool = True) -> None:
        self.log: FaustLog
        self.starts = dict(starts or {})
        self.start = start
        self.reports_durable = durable
        self.batches: defaultdict[str, list[Batch]] = defaultdict(list)
        self.calls: list[tuple[str, tuple[str, ...]]] = []
        self.owned: set[str] = set()
        self.bugs: list[BaseException] = []

    async def assigned(self, partitions: Sequence[str]) -> None:
        self.calls.append(("assigned", tuple(partitions)))
        self.owned = set(partitions)
        for partition in partitions:
            start = self.starts.get(partition, self.start)
            if start is not None:
                await self.log.seek(partition, start)

    async def revoked(self, partitions: Sequence[str]) -> None:
        self.calls.append(("revoked", tuple(partitions)))
        self.owned = set()

    async def overtaken(self, partitions: Sequence[str]) -> str:
        return ""

    async def handle(self, batch: Batch) -> None:
        self.batches[batch.partition].append(batch)
        if self.reports_durable:
            self.log.durable(batch.partition, batch.to_offset)

    def records(self, partition: str) -> list[Record]:
        return [record for batch in self.batches[partition] for record in batch.records]

    def offsets(self, partition: str) -> list[int]:
        return [record.offset for record in self.records(partition)]

    def records_total(self) -> int:
        return sum(len(batch.records) for batches in self.batches.values() for batch in batches)


def new_log(
    bootstrap: str,
    group: str,
    topics: Mapping[str, BatchHandler],
    worker: Worker,
    *,
    embedded: bool = True,
    tuning: Tuning = QUICK,
) -> FaustLog:
    worker.log = FaustLog(
        bootstrap,
        group=group,
        client_id=group,
        topics=topics,
        listener=worker,
        embedded=embedded,
        tuning=tuning,
        on_bug=worker.bugs.append,
    )
    return worker.log


@asynccontextmanager
async def running(log: FaustLog) -> AsyncIterator[FaustLog]:
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


async def until(condition: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
    """Wait for something that other tasks bring about."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"waited {seconds} s for {what}") from None


async def settled(condition: Callable[[], Awaitable[bool]], what: str, *, seconds: float = 30.0) -> None:
    """Wait for something that has to be asked for."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - nor for this
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited {seconds} s for {what}") from None


def numbered(total: int, *, partition: int | None = None, size_bytes: int = 200) -> list[OutRecord]:
    """Records that differ and barely compress in their numbers; keys come five times in a row."""
    return [
        OutRecord(b"contact-%d" % (number // 5), b"%0*d" % (size_bytes, number), 1_700_000_000_000 + number, partition)
        for number in range(total)
    ]
