"""What aiokafka has fetched of a partition as lists of our records, instead of one of its records at a time.

Holds for aiokafka 0.14, which is pinned: `tests/io/test_unpacking.py` compares the two, record by record.
"""

from typing import Any

from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from pipeline.core.record import Record, records_of


class Unpacking:
    """Stands in for `PartitionRecords` in a `FetchResult`, which reads and compares `next_fetch_offset` only."""

    __slots__ = ("_end", "_fetched", "_left", "next_fetch_offset")

    def __init__(self, fetched: PartitionRecords) -> None:
        self.next_fetch_offset: int = fetched.next_fetch_offset
        self._fetched = fetched
        # This generator holds what holds it: all that was ever fetched would stay until the collector looks at it.
        fetched._records_iterator = iter(())
        self._left: list[Record] = []  # of the batch that is open
        self._end = self.next_fetch_offset  # after it

    @property
    def is_over(self) -> bool:
        """Whether all is taken."""
        return not self._left and not self._fetched._records.has_next()

    def take(self, most: int) -> list[Record]:
        """The next records, at most so many. The position moves behind them and behind what holds none for us: control
        records, what was aborted. Raises CorruptRecordException; then the position stays.
        """
        taken = self._left[:most]
        del self._left[:most]
        while len(taken) < most and self._open_next():
            wanted = most - len(taken)
            taken += self._left[:wanted]
            del self._left[:wanted]
        self.next_fetch_offset = taken[-1].offset + 1 if self._left else self._end
        return taken

    def _open_next(self) -> bool:
        """Open the next batch, a hidden one without its records; False where there is none."""
        fetched = self._fetched
        if not fetched._records.has_next():
            return False
        batch = fetched._records.next_batch()
        if fetched._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {fetched._tp}")
        if not self._is_hidden(batch):
            self._left = records_of(batch)
            if self._left and self._left[0].offset < self._end:  # it comes whole, wherever in it we begin
                self._left = [record for record in self._left if record.offset >= self._end]
        # A batch keeps its end where compaction took its last records.
        self._end = max(self._end, batch.next_offset)
        return True

    def _is_hidden(self, batch: Any) -> bool:
        """Whether it is control records, or was written by a transaction that was aborted."""
        fetched = self._fetched
        if fetched._isolation_level == READ_COMMITTED and batch.producer_id is not None:
            fetched._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and fetched._contains_abort_marker(batch):
                fetched._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in fetched._aborted_producers:
                return True
        return bool(batch.is_control_batch)


def unpacked(result: FetchResult, most: int) -> list[Record]:
    """The next records of what was fetched, if that is still of use; `result.has_more()` says whether to ask again."""
    if not result.has_more() or not result.check_assignment(result._topic_partition):
        return []
    unpacking = result._partition_records
    if type(unpacking) is not Unpacking:
        unpacking = result._partition_records = Unpacking(unpacking)
    result._partition_records = None  # what is corrupt is fetched again
    records = unpacking.take(most)
    result._partition_records = unpacking
    result._update_position()
    if unpacking.is_over:
        result._partition_records = None
    return records
