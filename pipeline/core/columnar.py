"""Rows on their way to the warehouse: taken in one by one, given out by column, integers as bytes.

A row is made of objects (texts, lists) and of integers, which are no objects here: a hundred thousand rows of some
thirty integers would be millions of them, made, packed and freed.
"""

from collections.abc import Iterator
from struct import unpack_from
from typing import Any, Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64, mypyc_attr

_BYTES: Final = 8
_NULL: Final = -(1 << 62)
"""Stands for an integer that is not there: neither times nor counts come near it."""


@mypyc_attr(acyclic=True)
class Integers:  # noqa: PLW1641 - nobody's key
    """A column of integers, read like a list of them: 64 bits each, the lowest byte first. `nulls`: a byte each, 1
    where there is none; empty where all are there.
    """

    __slots__ = ("integers", "nulls")

    def __init__(self, integers: bytes, nulls: bytes = b"") -> None:
        self.integers = integers
        self.nulls = nulls

    def __len__(self) -> int:
        return len(self.integers) // _BYTES

    def __getitem__(self, place: int) -> int | None:
        """One of them. Raises IndexError where there is none."""
        place = range(len(self))[place]
        return None if self.nulls and self.nulls[place] else read_i64_le(self.integers, place * _BYTES)

    def __iter__(self) -> Iterator[int | None]:
        found: tuple[int, ...] = unpack_from(f"<{len(self)}q", self.integers)
        if not self.nulls:
            return iter(found)
        return iter([None if null else value for null, value in zip(self.nulls, found, strict=True)])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Integers) and self.integers == other.integers and self.nulls == other.nulls

    def __repr__(self) -> str:
        return f"Integers({list(self)})"


@mypyc_attr(acyclic=True)
class Arrays:  # noqa: PLW1641 - nobody's key
    """A column of arrays of integers, read like a list of them: the integers of all rows, and where each row ends, both
    as ClickHouse and Arrow have them, 64 bits each and the lowest byte first. A hundred thousand small arrays are two
    strings of bytes.
    """

    __slots__ = ("ends", "integers")

    def __init__(self, integers: bytes, ends: bytes) -> None:
        self.integers = integers
        self.ends = ends

    def __len__(self) -> int:
        return len(self.ends) // _BYTES

    def __getitem__(self, place: int) -> list[int]:
        """One row. Raises IndexError where there is none."""
        place = range(len(self))[place]
        start = read_i64_le(self.ends, (place - 1) * _BYTES) if place else 0
        end = read_i64_le(self.ends, place * _BYTES)
        return list(unpack_from(f"<{end - start}q", self.integers, start * _BYTES))

    def __iter__(self) -> Iterator[list[int]]:
        return iter([self[place] for place in range(len(self))])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Arrays) and self.integers == other.integers and self.ends == other.ends

    def __repr__(self) -> str:
        return f"Arrays({list(self)})"


@mypyc_attr(acyclic=True)
class Rows:
    """Rows of a table: of each a value for all names of objects, and for all names of integers, one after the other."""

    __slots__ = ("_integer_names", "_object_names", "integers", "objects")

    def __init__(self, object_names: tuple[str, ...], integer_names: tuple[str, ...]) -> None:
        self._object_names = object_names
        self._integer_names = integer_names
        self.objects: list[Any] = []
        self.integers = BytesWriter()

    def __len__(self) -> int:
        return len(self.objects) // len(self._object_names)

    def objects_named(self, name: str) -> list[Any]:
        """One column of objects."""
        return self.objects[self._object_names.index(name) :: len(self._object_names)]

    def columns(self) -> dict[str, Any]:
        """By name, in the order of the names, each a sequence. Raises ValueError where not all rows are whole."""
        names, integers = self._object_names, self.integers.getvalue()
        rows = len(self)
        if len(self.objects) != rows * len(names) or len(integers) != rows * len(self._integer_names) * _BYTES:
            raise ValueError(f"{len(self.objects)} objects and {len(integers)} bytes of integers are no whole rows")
        found: dict[str, Any] = {}
        for name in names:
            found[name] = self.objects_named(name)
        for place, name in enumerate(self._integer_names):
            found[name] = _column(integers, place, len(self._integer_names))
        return found


def put(into: BytesWriter, value: int | None) -> None:
    """An integer of a row that need not be there."""
    write_i64_le(into, _NULL if value is None else value)


def state_rows() -> Rows:
    """Where the states of a flush are taken in, to become columns of the ledger."""
    return Rows(("key", "state"), ("is_open", "last_ms"))


def add_state(into: Rows, key: str, state: bytes, is_open: bool, last_ms: int) -> None:  # noqa: FBT001 - by position
    """One state."""
    into.objects += (key, state)
    write_i64_le(into.integers, int(is_open))
    write_i64_le(into.integers, last_ms)


def repeated(value: int, times: int) -> bytes:
    """A column of one integer, as bytes."""
    return value.to_bytes(_BYTES, "little") * times


def _column(integers: bytes, place: i64, width: i64) -> Integers:
    """One column of rows of so many integers."""
    values, nulls = BytesWriter(), BytesWriter()
    some = False
    at: i64 = place * _BYTES
    size: i64 = len(integers)
    while at < size:
        value = read_i64_le(integers, at)
        if value == _NULL:
            nulls.append(1)
            some = True
            value = 0
        else:
            nulls.append(0)
        write_i64_le(values, value)
        at += width * _BYTES
    return Integers(values.getvalue(), nulls.getvalue() if some else b"")
