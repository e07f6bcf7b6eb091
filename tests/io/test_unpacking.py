"""Reading fetched batches in lists gives what aiokafka gives one by one: the same records, the same position."""

import gc
import struct
import weakref
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.consumer.fetcher import FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from pipeline.core.record import Record
from pipeline.io.unpacking import records_from, unpacked

PARTITION = TopicPartition("touchpoints", 0)
READ_COMMITTED = 1
ATTRIBUTES = 21
"""Where in a batch its checksum begins to count: attributes (2 bytes), then the last offset's distance (4)."""
COUNT = 57
"""Where in a batch it says how many records follow."""


class Wire(Struct, frozen=True):
    """One batch: of how many offsets, which of them are left, whose it is, whether it ends a transaction, and whether
    the broker set its time.
    """

    length: int
    left: tuple[int, ...]
    compression: int = 0
    producer: int = -1
    end: str = ""
    appended: bool = False


def bytes_of(wire: Wire, base_offset: int) -> bytes:
    """The batch as the broker has it."""
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=wire.compression, is_transactional=int(wire.producer >= 0), producer_id=wire.producer,
        producer_epoch=0, base_sequence=0, batch_size=1_000_000,
    )  # fmt: skip
    if wire.end:
        builder.append(0, 1_000, struct.pack(">hh", 0, wire.end == "commit"), b"\0" * 6, [])
    else:
        for number in wire.left:
            key = None if number % 3 == 0 else b"contact-%d" % number
            value = None if number % 5 == 4 else b"value %d" % number * 30
            headers = [("h", b"1"), ("zoë", None)][: number % 4]
            builder.append(number, 1_700_000_000_000 + 1_000 * (number % 7), key, value, headers)
    batch = bytearray(builder.build())
    (attributes,) = struct.unpack_from(">h", batch, ATTRIBUTES)
    attributes |= 0x20 * bool(wire.end) | 0x08 * wire.appended
    struct.pack_into(">hi", batch, ATTRIBUTES, attributes, max(wire.length, 1) - 1)
    struct.pack_into(">q", batch, 0, base_offset)
    struct.pack_into(">I", batch, ATTRIBUTES - 4, calc_crc32c(bytes(batch[ATTRIBUTES:])))
    return bytes(batch)


def fetched(
    wires: list[Wire], begin: int, aborted: list[tuple[int, int]], memory: type = MemoryRecords
) -> PartitionRecords:
    """What aiokafka makes of an answer that begins with a batch at offset 0."""
    parts, base_offset = [], 0
    for wire in wires:
        parts.append(bytes_of(wire, base_offset))
        base_offset += max(wire.length, 1)
    return of_bytes(b"".join(parts), begin, aborted, memory)


def of_bytes(wire: bytes, begin: int, aborted: list[tuple[int, int]], memory: type = MemoryRecords) -> PartitionRecords:
    return PartitionRecords(PARTITION, memory(wire), aborted, begin, None, None, True, READ_COMMITTED)


class Assigned:
    """An assignment whose one partition is at a position."""

    def __init__(self, position: int) -> None:
        self.active = True
        self.state = SimpleNamespace(position=position, paused=False, consumed_to=self._consumed_to)

    def _consumed_to(self, position: int) -> None:
        self.state.position = position

    def state_value(self, _: TopicPartition) -> Any:
        return self.state


def result_of(found: PartitionRecords) -> tuple[FetchResult, Assigned]:
    assigned = Assigned(found.next_fetch_offset)
    return FetchResult(PARTITION, assignment=assigned, partition_records=found, backoff=0.1), assigned


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[Wire], list[tuple[int, int]]]:
    """Batches as after transactions and compaction, and which transactions were aborted, from where."""
    wires: list[Wire] = []
    aborted: list[tuple[int, int]] = []
    open_since: dict[int, int] = {}
    offset = 0
    for _ in range(draw(st.integers(1, 8))):
        producer = draw(st.sampled_from([-1, -1, 7, 8]))
        end = draw(st.sampled_from(["", "commit", "abort"])) if producer in open_since else ""
        length = 1 if end else draw(st.integers(1, 6))
        left = tuple(n for n in range(length) if end or draw(st.integers(0, 3)))
        compression = draw(st.sampled_from(range(5))) if left and not end else 0
        wires.append(Wire(length, left, compression, producer, end, draw(st.booleans())))
        if producer >= 0 and not end:
            open_since.setdefault(producer, offset)
        if end:
            began = open_since.pop(producer)
            if end == "abort":
                aborted.append((producer, began))
        offset += length
    return wires, aborted


@settings(max_examples=300, deadline=None)
@given(answers(), st.integers(1, 9), st.integers(0, 5), st.sampled_from([MemoryRecords, _MemoryRecordsPy]))
def test_lists_of_records_are_those_aiokafka_gives_one_by_one(
    answer: tuple[list[Wire], list[tuple[int, int]]], most: int, begin: int, memory: type
) -> None:
    wires, aborted = answer
    begin %= wires[0].length  # a broker's answer begins with the batch that was asked for
    theirs = fetched(wires, begin, list(aborted))
    expected = [Record(one.offset, one.timestamp, one.key, one.value) for one in theirs]
    result, assigned = result_of(fetched(wires, begin, list(aborted), memory))
    found: list[Record] = []
    while result.has_more():
        some = unpacked(result, most)
        assert len(some) <= most
        found += some
        assert not some or some[-1].offset < assigned.state.position
    assert found == expected
    assert assigned.state.position == theirs.next_fetch_offset


def test_batches_of_an_old_format_are_read() -> None:
    builder = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=10_000)
    for number in range(5):
        builder.append(number, timestamp=1_000 + number, key=b"k", value=b"v%d" % number)
    result, assigned = result_of(of_bytes(bytes(builder.build()), 2, []))
    assert [record.value for record in unpacked(result, 100)] == [b"v2", b"v3", b"v4"]
    assert assigned.state.position == 5
    assert not result.has_more()


def test_a_corrupt_batch_is_fetched_again_with_what_came_before_it() -> None:
    good, bad = bytes_of(Wire(3, (0, 1, 2)), 0), bytearray(bytes_of(Wire(3, (0, 1, 2)), 3))
    bad[-1] ^= 1
    result, assigned = result_of(of_bytes(good + bytes(bad), 0, []))
    with pytest.raises(CorruptRecordException):
        unpacked(result, 100)
    assert assigned.state.position == 0
    assert not result.has_more(), "nothing is kept of it: the fetcher asks again from the position"


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_what_is_no_batch_raises_what_aiokafka_raises(data: st.DataObject) -> None:
    batch = bytearray(bytes_of(Wire(4, (0, 1, 2, 3)), 0))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(COUNT, len(batch) - 1))
        some = data.draw(st.sampled_from([0x00, 0x01, 0x02, 0x7F, 0x80, 0x81, 0xFF]) | st.integers(0, 255))
        batch[place : place + data.draw(st.integers(0, 2))] = bytes([some] * data.draw(st.integers(0, 12)))
    wire = memoryview(bytes(batch) + bytes(20))[:-20]  # aiokafka reads numbers on after the end

    def theirs() -> list[Record]:
        return [
            Record(one.offset, -1 if one.timestamp is None else one.timestamp, one.key, one.value)
            for one in DefaultRecordBatch(wire)
        ]

    def ours() -> list[Record]:
        return records_from(DefaultRecordBatch(wire), wire)

    assert outcome(ours) == outcome(theirs) or "utf-8" in outcome(theirs)  # the name of a header, which we do not read


def outcome(read: Callable[[], list[Record]]) -> str:
    try:
        return str(read())
    except Exception as error:  # noqa: BLE001 - whatever it is
        return repr(error)


def test_what_was_fetched_before_a_seek_is_of_no_use() -> None:
    result, assigned = result_of(fetched([Wire(3, (0, 1, 2))], 0, []))
    assigned.state.position = 2
    assert unpacked(result, 100) == []
    assert not result.has_more()


def test_what_was_fetched_goes_with_its_last_record() -> None:
    # An answer is a megabyte, and the collector looks at everything once a day.
    found = fetched([Wire(2, (0, 1))], 0, [])
    held = weakref.ref(found)
    result, _ = result_of(found)
    del found
    gc.disable()
    try:
        assert len(unpacked(result, 10)) == 2
        assert held() is None
    finally:
        gc.enable()
