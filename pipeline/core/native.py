"""Columns on their way to ClickHouse, whose native format has texts behind their lengths, and what is null apart."""

from collections.abc import Iterable
from typing import Any

from librt.strings import BytesWriter, read_i64_le, write_i16_le, write_i32_le, write_i64_le
from mypy_extensions import i16, i32, i64, u8

from pipeline.core.columnar import put_bytes


def texts(items: list[Any]) -> bytes:
    """A column of text, or of bytes, each behind its length. Raises TypeError for anything else, and
    UnicodeEncodeError for half a letter.
    """
    into = BytesWriter()
    data = b""
    last: Any = data
    for item in items:
        if item is not last:  # the same text often comes again
            if isinstance(item, str):
                data = item.encode()
            elif isinstance(item, bytes):
                data = item
            else:
                raise TypeError(f"{type(item).__name__} is no text")
            last = item
        put_bytes(into, data)
    return into.getvalue()


def ends(items: list[Any]) -> bytes:
    """Of a column of arrays: where each ends, as 64-bit integers, the lowest byte first."""
    into = BytesWriter()
    end: i64 = 0
    for item in items:
        end += len(item)
        write_i64_le(into, end)
    return into.getvalue()


def filled(items: Iterable[Any]) -> tuple[bytes, list[Any]]:
    """Of a column with nulls: a byte each, 1 where it is null, and the values, 0 there."""
    nulls = BytesWriter()
    values: list[Any] = []
    for item in items:
        if item is None:
            nulls.append(1)
            values.append(0)
        else:
            nulls.append(0)
            values.append(item)
    return nulls.getvalue(), values


def narrowed(integers: bytes, size: i64) -> bytes:
    """A column of 64-bit integers in 1, 2 or 4 bytes each, the lowest first. Raises OverflowError for one below 0 or
    that has more.
    """
    into = BytesWriter()
    at: i64 = 0
    end: i64 = len(integers)
    while at < end:
        n = read_i64_le(integers, at)
        if n < 0 or n >> (8 * size):
            raise OverflowError(f"{n} is no integer of {size} bytes")
        if size == 1:
            into.append(u8(n))
        elif size == 2:
            write_i16_le(into, i16((n ^ 0x8000) - 0x8000))
        else:
            write_i32_le(into, i32((n ^ 0x80000000) - 0x80000000))
        at += 8
    return into.getvalue()
