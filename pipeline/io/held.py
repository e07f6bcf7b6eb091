"""What a worker knows of a partition it holds: what waits for its handler, where it stands, whether it is stuck."""

import asyncio
from collections import deque

from faust.types import TP
from msgspec import Struct

from pipeline.io.kafka import name
from pipeline.io.transport import Fetched
from pipeline.ports import Batch


class Progress(Struct, frozen=True):
    """One partition now. `position`: the next offset to be handled. `end_offset`: the next to come, seconds old.
    `ahead`: batches that are read and not handled, the one at work included.
    """

    partition: str
    position: int
    end_offset: int
    batches_total: int
    records_total: int
    paused: bool
    ahead: int = 0


class Held:
    """Mutable, and changed by the log's loop only. Nothing is read before the first seek."""

    __slots__ = (
        "batches_total",
        "changed",
        "end_offset",
        "expected",
        "moved_at",
        "partition",
        "paused",
        "position",
        "queue",
        "records_total",
        "seeks",
        "seen",
        "taken",
    )

    def __init__(self, partition: TP) -> None:
        self.partition = partition
        self.queue: deque[Fetched] = deque()
        self.changed = asyncio.Event()
        self.expected: int | None = None  # where the next batch has to begin
        self.seeks = 0
        self.position = 0
        self.end_offset = 0
        self.paused = False
        self.taken = False  # a batch is with its handler
        self.batches_total = 0
        self.records_total = 0
        self.seen: int | None = None
        self.moved_at = 0.0

    def seek(self, offset: int) -> int:
        """Forget what was fetched, expect this offset next; the number of the seek."""
        self.seeks += 1
        self.queue.clear()
        self.expected = self.position = offset
        return self.seeks

    def wants(self, most_records: int) -> bool:
        """Is this to be read on? Only while fewer records wait."""
        waiting = sum([len(fetched.batch.records) for fetched in self.queue])
        return self.expected is not None and not self.paused and waiting < most_records

    async def next(self) -> Fetched:
        """Wait for the next batch to handle: all that waits up to a gap, as one. So whoever has to ask what is known of
        those it names asks once.
        """
        while self.paused or not self.queue:
            self.changed.clear()
            await self.changed.wait()
        self.taken = True
        first = last = self.queue.popleft()
        if not self.queue or self.queue[0].skipped:
            return first
        records = list(first.batch.records)
        while self.queue and not self.queue[0].skipped:
            last = self.queue.popleft()
            records += last.batch.records
        batch = Batch(first.batch.partition, first.batch.from_offset, last.batch.to_offset, records, last.batch.left)
        return Fetched(batch, first.seeks, first.skipped)

    def handled(self, fetched: Fetched) -> None:
        """Count a batch that its handler returned from."""
        self.taken = False
        self.batches_total += 1
        self.records_total += len(fetched.batch.records)
        if fetched.seeks == self.seeks:
            self.position = fetched.batch.to_offset

    def stalled_seconds(self, end_offset: int, now: float) -> float:
        """How long nothing was read though there is something to read and nobody to wait for."""
        self.end_offset = end_offset
        waits = self.expected is None or self.paused or bool(self.queue) or self.expected >= end_offset
        if waits or self.expected != self.seen:
            self.seen, self.moved_at = self.expected, now
        return now - self.moved_at

    def progress(self) -> Progress:
        """For metrics."""
        end_offset = max(self.end_offset, self.position)
        return Progress(
            name(self.partition),
            self.position,
            end_offset,
            self.batches_total,
            self.records_total,
            self.paused,
            len(self.queue) + self.taken,
        )
