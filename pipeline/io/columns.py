"""Blocks on their way to ClickHouse: integers, texts and arrays of them are packed here, everything else by
clickhouse-driver. What is packed goes to the socket as it is, a few pieces at a time.

The driver goes through a column of arrays six times and copies it four times, asks of every value by itself whether it
is there, and packs numbers of 64 bits in the slowest of the ways that Python has. Holds for clickhouse-driver 0.2,
whose own stream this one is made of: `tests/warehouse/test_columns.py` compares what the two write.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from struct import Struct, calcsize
from typing import Any, Final

from clickhouse_driver import defines
from clickhouse_driver.bufferedwriter import BufferedSocketWriter
from clickhouse_driver.columns.lowcardinalitycolumn import LowCardinalityColumn
from clickhouse_driver.columns.service import write_column
from clickhouse_driver.varint import write_varint
from clickhouse_driver.writer import write_binary_int64, write_binary_str, write_binary_uint8

from pipeline.core.columnar import Arrays, Few, Integers, Texts, few
from pipeline.core.native import ends, filled, narrowed, texts

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
_LONGS: Final = (_INTEGERS["UInt64"], _INTEGERS["Int64"])
_SIGN: Final = 0x80
"""Of the highest byte of an integer."""
_FEW: Final = "LowCardinality(String)"
_KEYS_IN_FRONT: Final = 1
"""How a column of `LowCardinality` is laid out: the only way there is."""
_AT_ONCE: Final = 1 << 22
"""Bytes that are sent at a time, or more: each time the thread lets go of the interpreter's lock and waits for it."""
_SMALL: Final = 1 << 12
"""Bytes that the driver's own writer gathers: it only gets what is not packed here."""


def packing(connection: Any) -> Callable[[], Any]:
    """What makes the `BlockOutputStream` of a connection of the driver, instead of the one it would make."""
    stream = connection.get_block_out_stream

    def made() -> Packing:
        return Packing(stream(), connection.socket)

    return made


class Packing:
    """Stands in for a `BlockOutputStream`, of which a connection calls `write` only."""

    def __init__(self, stream: Any, wire: Any) -> None:
        self._stream = stream
        self._wire = wire

    def write(self, block: Any) -> None:
        """As the driver does it, column after column, of a block of `one_row`. Raises struct.error or TypeError
        or OverflowError for what is no integer of that size or no array of 64-bit ones, TypeError for what is no text,
        UnicodeEncodeError for half a letter, and what the driver raises.
        """
        if not block.num_columns:
            self._stream.write(block)  # the end of the data
            return
        context, to = self._stream.context, _Pieces(self._wire)
        self._stream.finalize()  # what is said before a block
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
                driver = BufferedSocketWriter(to, _SMALL)
                write_column(context, name, type_, list(items), driver)  # it may write into what it is given
                driver.flush()
        to.flush()


class _Pieces:
    """What is written, until it is sent. For the driver's own writer this is the socket."""

    def __init__(self, wire: Any) -> None:
        self._wire = wire
        self._pieces: list[bytes] = []
        self._size = 0

    def write(self, data: bytes) -> None:
        """Take it; it is not copied."""
        self._pieces.append(data)
        self._size += len(data)
        if self._size >= _AT_ONCE:
            self.flush()

    sendall = write

    def flush(self) -> None:
        """Send all that was not."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        self._wire.sendall(b"".join(pieces))


def one_row(columns: Iterable[Sequence[Any]]) -> list[list[Sequence[Any]]]:
    """Columns for `Client.execute(..., columnar=True)`, each as the only row of a column: so the driver neither cuts
    them (two blocks would be two commits) nor copies them on their way to `Packing`.
    """
    return [[column] for column in columns]


def _write_here(type_: str, items: Sequence[Any], to: _Pieces) -> bool:
    """Write a column if it is one that is packed here; whether it is."""
    if isinstance(items, (Integers, Texts, Few, Arrays)):
        _write_packed(type_, items, to)
        return True
    outer, inner, integer = _parts(type_)
    if outer == "Array" and (integer is not None or inner == "String"):
        to.write(ends(list(items)))
        flat = list(chain.from_iterable(items))
        to.write(texts(flat) if integer is None else _packed(flat, integer))
    elif integer is not None and outer in ("", "Nullable"):
        some, times = _once(items)
        if outer:
            nulls, some = filled(some)
            to.write(nulls * times)
        to.write(_packed(some, integer) * times)
    elif type_ == "String":
        some, times = _once(items)
        to.write(texts(list(some)) * times)
    elif type_ == _FEW:
        _write_few(few(items), to)
    else:
        return False
    return True


def _parts(type_: str) -> tuple[str, str, str | None]:
    """What is around a type, the type within, and how an integer of that is packed."""
    outer, _, inner = type_.rstrip(")").rpartition("(")
    return outer, inner, _INTEGERS.get(inner)


def _write_packed(type_: str, items: Integers | Texts | Few | Arrays, to: _Pieces) -> None:
    """Write a column as the core gives it."""
    outer, inner, integer = _parts(type_)
    if isinstance(items, Integers) and integer is not None and outer in ("", "Nullable"):
        _write_integers(items, integer, nullable=bool(outer), to=to)
    elif isinstance(items, Texts) and type_ == "String":
        for piece in items.pieces:
            to.write(piece)
    elif isinstance(items, Few) and type_ == "String":  # a server of 2018 has no other
        to.write(items.spread())
    elif isinstance(items, Few) and type_ == _FEW:
        _write_few(items, to)
    elif (
        isinstance(items, Arrays) and outer == "Array" and (inner == "String" if items.of_texts else integer in _LONGS)
    ):
        to.write(items.ends)
        to.write(items.items)
    else:
        raise TypeError(f"a column of {type_} was given {type(items).__name__}")


def _write_few(column: Few, to: _Pieces) -> None:
    """Write texts of which many are the same: each of them once, and of every row its place among them, in as many
    bytes as the driver gives it.
    """
    some = list(column.among)
    width = (len(some) >= 1 << 8) + (len(some) >= 1 << 16)
    write_binary_int64(_KEYS_IN_FRONT, to)
    write_binary_int64(LowCardinalityColumn.serialization_type | width, to)
    write_binary_int64(len(some), to)
    to.write(texts(some))
    write_binary_int64(len(column), to)
    to.write(narrowed(column.places(), 1 << width))


def _write_integers(items: Integers, integer: str, *, nullable: bool, to: _Pieces) -> None:
    """Write integers as the core gives them, as so long ones as the column has."""
    if nullable:
        to.write(items.nulls or bytes(len(items)))
    elif items.nulls:
        raise TypeError("a column that has no nulls was given some")
    size = calcsize(_ORDER + integer)
    if integer == _INTEGERS["UInt64"] and max(items.integers[size - 1 :: size], default=0) & _SIGN:
        raise OverflowError("a column of numbers from 0 on was given one below")
    to.write(items.integers if integer in _LONGS else narrowed(items.integers, size))


def _once(items: Sequence[Any]) -> tuple[Sequence[Any], int]:
    """What is to be packed, and how often it is there: one value where all rows have the same."""
    if items[:1] == items[-1:] and items.count(items[0]) == len(items):
        return items[:1], len(items)
    return items, 1


def _packed(integers: Sequence[int], integer: str) -> bytes:
    return Struct(f"{_ORDER}{len(integers)}{integer}").pack(*integers)
