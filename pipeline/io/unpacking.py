"""What aiokafka has fetched of a partition as lists of our records, read from its bytes, instead of one of its records
at a time.

Holds for aiokafka 0.14, which is pinned: `tests/io/test_unpacking.py` compares the two, record by record.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch

from pipeline.core.record import Record, records_in, records_of

_DECODE: Final[Mapping[int, Callable[[bytes], bytes]]] = {
    DefaultRecordBatch.CODEC_NONE: bytes,
    DefaultRecordBatch.CODEC_GZIP: gzip_decode,
    DefaultRecordBatch.CODEC_SNAPPY: snappy_decode,
    DefaultRecordBatch.CODEC_LZ4: lz4_decode,
    DefaultRecordBatch.CODEC_ZSTD: zstd_decode,
}
_LENGTH: Final = slice(8, 12)
"""Of what comes after it, in the bytes of a batch."""
_COUNT: Final = slice(57, 61)
"""Of the records, which come after it."""


class Unpacking:
    """Stands in for `PartitionRecords` in a `FetchResult`, which reads and compares `next_fetch_offset` only."""

    __slots__ = ("_bytes", "_end", "_fetched", "_left", "next_fetch_offset")

    def __init__(self, fetched: PartitionRecords) -> None:
        self.next_fetch_offset: int = fetched.next_fetch_offset
        self._fetched = fetched
        # This generator holds what holds it: all that was ever fetched would stay until the collector looks at it.
        fetched._records_iterator = iter(())
        self._bytes = memoryview(_bytes_of(fetched._records))  # of the batches to come
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
        size = _LENGTH.stop + int.from_bytes(self._bytes[_LENGTH])
        wire, self._bytes = self._bytes[:size], self._bytes[size:]
        if fetched._check_crcs and not batch.validate_crc():
            raise CorruptRecordException(f"Invalid CRC - {fetched._tp}")
        if not self._is_hidden(batch):
            self._left = records_from(batch, wire)
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


def _bytes_of(records: Any) -> bytes:
    """What was fetched, of which nothing is taken yet. The extension shows it to pickle only."""
    state = records.__reduce__()[2]
    found: bytes = state["_buffer"] if isinstance(state, dict) else state[0]
    return found


def records_from(batch: Any, wire: memoryview) -> list[Record]:
    """Of a batch and its bytes, our records. Raises what aiokafka raises."""
    if isinstance(batch, DefaultRecordBatch):
        appended = bool(batch.timestamp_type)
        try:
            return records_in(
                _DECODE[batch.compression_type](bytes(wire[_COUNT.stop :])),
                int.from_bytes(wire[_COUNT], signed=True),
                batch.base_offset,
                batch.max_timestamp if appended else batch.first_timestamp,
                appended=appended,
            )
        except (LookupError, ValueError):
            pass  # aiokafka says what is wrong with it
    return records_of(batch)  # or it is of the format before


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
