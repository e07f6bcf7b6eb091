"""Columns on their way to ClickHouse, whose native format has texts behind their lengths, and what is null apart."""

from collections.abc import Iterable
from typing import Any

from librt.strings import BytesWriter
from mypy_extensions import i64


def texts(items: Iterable[Any]) -> bytes:
    """A column of text, or of bytes, each behind its length. Raises AttributeError for anything else, and
    UnicodeEncodeError for half a letter.
    """
    into = BytesWriter()
    data = b""
    last: Any = data
    for item in items:
        if item is not last:  # the same text often comes again
            data = item if isinstance(item, bytes) else item.encode()
            last = item
        size: i64 = len(data)
        while size >= 0x80:
            into.append(size & 0x7F | 0x80)
            size >>= 7
        into.append(size)
        into.write(data)
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
