"""Blocks on their way to ClickHouse: integers, arrays of them and columns of one text are packed here, everything else
by clickhouse-driver.

The driver goes through a column of arrays six times and copies it four times, asks of every value by itself whether it
is there, and packs numbers of 64 bits in the slowest of the ways that Python has. Holds for clickhouse-driver 0.2,
whose own stream this one is made of: `tests/warehouse/test_columns.py` compares what the two write.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from itertools import accumulate, chain
from struct import Struct, calcsize
from typing import Any, Final

from clickhouse_driver import defines
from clickhouse_driver.columns.service import write_column
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_bytes, write_binary_str, write_binary_uint8

from pipeline.core.steps import Arrays

# Python packs C's own long four times as fast as a number of 64 bits.
_LONG: Final = calcsize("@l") == 8 and sys.byteorder == "little"
_ORDER: Final = "@" if _LONG else "<"
_INTEGERS: Final[Mapping[str, str]] = {
    "UInt8": "B",
    "UInt16": "H",
    "UInt32": "I",
    "UInt64": "L" if _LONG else "Q",
    "Int64": "l" if _LONG else "q",
}
_AT_ONCE: Final = 20_000
"""Integers that are packed in one go: they stay in the processor's cache, and others get a turn in between."""


def packing(stream: Callable[[], Any]) -> Callable[[], Any]:
    """Of what makes a connection's `BlockOutputStream`, what makes one that packs integers itself."""

    def made() -> Packing:
        return Packing(stream())

    return made


class Packing:
    """Stands in for a `BlockOutputStream`, of which a connection calls `write` only."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, block: Any) -> None:
        """As the driver does it, column after column, of a block of `one_row`. Raises struct.error or TypeError
        for what is no integer of that size, AttributeError for what is no text, and what the driver raises.
        """
        if not block.num_columns:
            self._stream.write(block)  # the end of the data
            return
        context, to = self._stream.context, self._stream.fout
        revision = context.server_info.used_revision
        columns = [column for (column,) in block.get_columns()]
        if revision >= defines.DBMS_MIN_REVISION_WITH_BLOCK_INFO:
            block.info.write(to)
        write_varint(len(columns), to)
        write_varint(len(columns[0]), to)
        for (name, type_), items in zip(block.columns_with_types, columns, strict=True):
            write_binary_str(name, to)
            write_binary_str(type_, to)
            if revision >= defines.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION:
                write_binary_uint8(0, to)
            if not _write_here(type_, items, to):
                write_column(context, name, type_, list(items), to)  # it may write into what it is given
        self._stream.finalize()


def one_row(columns: Iterable[Sequence[Any]]) -> list[list[Sequence[Any]]]:
    """Columns for `Client.execute(..., columnar=True)`, each as the only row of a column: so the driver neither cuts
    them (two blocks would be two commits) nor copies them on their way to `Packing`.
    """
    return [[column] for column in columns]


def _write_here(type_: str, items: Sequence[Any], to: Any) -> bool:
    """Write a column if it is one that is packed here; whether it is."""
    outer, _, inner = type_.rstrip(")").rpartition("(")
    integer = _INTEGERS.get(inner)
    if integer is not None and outer == "Array":
        _write_arrays(items, integer, to)
    elif integer is not None and outer in ("", "Nullable"):
        some, times = _once(items)
        if outer:
            to.write(bytes([each is None for each in some]) * times)
            some = [0 if each is None else each for each in some]
        to.write(_packed(some, integer) * times)
    elif type_ == "String":
        some, times = _once(items)
        if times == 1:
            to.write_strings(some, encoding=defines.STRINGS_ENCODING)
        else:
            text = BytesIO()
            write_binary_bytes(some[0].encode() if isinstance(some[0], str) else some[0], text)
            to.write(text.getvalue() * times)
    else:
        return False
    return True


def _once(items: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """What is to be packed, and how often it is there: one value where all rows have the same."""
    if items[:1] == items[-1:] and items.count(items[0]) == len(items):
        return items[:1], len(items)
    return items, 1


def _write_arrays(rows: Arrays | Sequence[Sequence[int]], integer: str, to: Any) -> None:
    """Where every array ends, then the integers of all."""
    if isinstance(rows, Arrays):
        to.write(rows.ends)
        to.write(rows.integers)
        return
    for integers, size in (
        (list(accumulate(map(len, rows))), _INTEGERS["UInt64"]),
        (list(chain.from_iterable(rows)), integer),
    ):
        for start in range(0, len(integers), _AT_ONCE):
            to.write(_packed(integers[start : start + _AT_ONCE], size))


def _packed(integers: Sequence[int], integer: str) -> bytes:
    return Struct(f"{_ORDER}{len(integers)}{integer}").pack(*integers)
