"""One record of the log, as the folds see it, and how it is read from the bytes of a batch."""

from collections.abc import Iterable
from typing import Any, Final

from mypy_extensions import i64, mypyc_attr

_MOST_BITS: Final = 56
"""Of a number, before its last byte: 63 in all."""


@mypyc_attr(acyclic=True)
class Record:  # noqa: PLW1641 - nobody's key
    """One record of the log, never changed. `timestamp_ms` is Kafka's; key and value may be null."""

    __slots__ = ("key", "offset", "timestamp_ms", "value")

    def __init__(self, offset: int, timestamp_ms: int, key: bytes | None, value: bytes | None) -> None:
        self.offset = offset
        self.timestamp_ms = timestamp_ms
        self.key = key
        self.value = value

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Record)
            and self.offset == other.offset
            and self.timestamp_ms == other.timestamp_ms
            and self.key == other.key
            and self.value == other.value
        )

    def __repr__(self) -> str:
        return f"Record({self.offset}, {self.timestamp_ms}, {self.key!r}, {self.value!r})"


def records_of(batch: Iterable[Any]) -> list[Record]:
    """Of a client's records (`offset`, `timestamp`, `key`, `value`), ours."""
    return [Record(one.offset, one.timestamp, one.key, one.value) for one in batch]


def records_in(payload: bytes, count: i64, first_offset: i64, ms: i64, *, appended: bool) -> list[Record]:
    """So many records of a batch, not or no longer compressed, in Kafka's format since 0.11 (magic 2). Offsets count
    from the first, times from `ms`, or all are `ms` where the broker sets it as it appends. Headers are passed over.
    Raises ValueError or IndexError where the bytes are anything else.
    """
    records: list[Record] = []
    size: i64 = len(payload)
    at: i64 = 0
    for _ in range(count):
        length, at = _number(payload, at)
        end = at + length
        _, at = _number(payload, at)  # attributes, of which there are none yet
        later_ms, at = _number(payload, at)
        distance, at = _number(payload, at)
        key: bytes | None = None
        length, at = _number(payload, at)
        if length >= 0:
            begin, at = at, _after(length, at, size)
            key = payload[begin:at]
        value: bytes | None = None
        length, at = _number(payload, at)
        if length >= 0:
            begin, at = at, _after(length, at, size)
            value = payload[begin:at]
        headers, at = _number(payload, at)
        while headers > 0:
            headers -= 1
            length, at = _number(payload, at)  # of its name
            at = _after(length, at, size)
            length, at = _number(payload, at)
            if length >= 0:
                at = _after(length, at, size)
        if at != end or headers < 0:
            raise ValueError(f"a record ends at {at}, not at {end}")
        records.append(Record(first_offset + distance, ms if appended else ms + later_ms, key, value))
    if at != size:
        raise ValueError(f"{size - at} bytes come after the last record")
    return records


def _number(payload: bytes, at: i64) -> tuple[i64, i64]:
    """The number that begins here, and the place after it: seven bits a byte, the lowest first, the sign lowest of all.
    Raises IndexError where it does not end, ValueError where it is none of 63 bits.
    """
    byte: i64 = payload[at]
    bits = byte & 0x7F
    shift: i64 = 0
    while byte & 0x80:
        at += 1
        shift += 7
        if shift > _MOST_BITS:
            raise ValueError(f"no number ends at {at}")
        byte = payload[at]
        bits |= (byte & 0x7F) << shift
    return bits >> 1 ^ -(bits & 1), at + 1


def _after(length: i64, at: i64, size: i64) -> i64:
    """The place so many bytes further on. Raises ValueError where they are not there."""
    if length < 0 or length > size - at:
        raise ValueError(f"no {length} bytes at {at} of {size}")
    return at + length
