"""What waits for a partition's handler: taken as one batch, and read on only while it is little."""

import asyncio
from collections.abc import Sequence

from faust.types import TP

from pipeline.io.held import Held
from pipeline.io.transport import Fetched
from pipeline.ports import Batch, Record

PARTITION = TP("touchpoints", 0)


def fetched(from_offset: int, to_offset: int, *offsets: int, left: int = 0, skipped: bool = False) -> Fetched:
    """What was read of these positions."""
    records = [Record(offset, 0, None, None) for offset in offsets]
    return Fetched(Batch("touchpoints/0", from_offset, to_offset, records, left), 1, skipped)


def held(*waiting: Fetched) -> Held:
    """A partition that was sought once and has these waiting."""
    found = Held(PARTITION)
    found.seek(0)
    found.queue.extend(waiting)
    return found


async def taken(found: Held) -> tuple[int, int, Sequence[int], int, bool]:
    """Positions, offsets, what was left, and whether the log had lost what came before."""
    one = await asyncio.wait_for(found.next(), 20)
    batch = one.batch
    assert one.seeks == 1
    return batch.from_offset, batch.to_offset, [record.offset for record in batch.records], batch.left, one.skipped


async def test_all_that_waits_is_one_batch_and_counts_as_one() -> None:
    found = held(fetched(0, 3, 0, 2, left=9), fetched(3, 5, left=7), fetched(5, 7, 5, 6, left=4))
    batch = await found.next()
    assert not found.queue
    assert (batch.batch.from_offset, batch.batch.to_offset, batch.batch.left) == (0, 7, 4)
    assert [record.offset for record in batch.batch.records] == [0, 2, 5, 6]
    found.handled(batch)
    assert (found.position, found.batches_total, found.records_total) == (7, 1, 4)


async def test_what_comes_after_a_gap_is_a_batch_of_its_own() -> None:
    found = held(fetched(0, 2, 0, 1), fetched(2, 3, 2), fetched(5, 6, 5, skipped=True), fetched(6, 7, 6))
    assert await taken(found) == (0, 3, [0, 1, 2], 0, False)
    assert await taken(found) == (5, 7, [5, 6], 0, True)


async def test_a_batch_that_waits_alone_is_handed_on_as_it_is() -> None:
    alone = fetched(0, 2, 0, 1)
    assert await held(alone).next() is alone


async def test_a_partition_is_read_on_while_fewer_records_wait() -> None:
    found = held(fetched(0, 2, 0, 1), fetched(2, 4, 2))
    assert [found.wants(most) for most in (2, 3, 4)] == [False, False, True]
    found.paused = True
    assert not found.wants(4)
    assert not Held(PARTITION).wants(4), "nothing is read before the first seek"
