"""Rows on their way to the warehouse: taken in one by one, given out by column, as bytes.

All of a row is packed when it is taken in, while it is at hand: a hundred thousand rows of some thirty integers would
be millions of objects, made, packed and freed.
"""

from collections.abc import Iterable, Iterator
from struct import unpack_from
from typing import Any, Final, cast

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64, mypyc_attr, u8

_BYTES: Final = 8
_MORE: Final = 0x80
"""In a byte of a length: another one follows."""
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
    """A column of arrays of integers or of texts, read like a list of them: the items of all rows as `Integers` or
    `Texts` have them, and where each row ends, 64 bits each and the lowest byte first. So does ClickHouse, and Arrow
    does with integers. A hundred thousand small arrays are two strings of bytes.
    """

    __slots__ = ("ends", "items", "of_texts")

    def __init__(self, items: bytes, ends: bytes, *, of_texts: bool = False) -> None:
        self.items = items
        self.ends = ends
        self.of_texts = of_texts

    def __len__(self) -> int:
        return len(self.ends) // _BYTES

    def __getitem__(self, place: int) -> list[Any]:
        """One row; of texts all are looked at. Raises IndexError where there is none."""
        if self.of_texts:
            return list(self)[place]
        place = range(len(self))[place]
        start = read_i64_le(self.ends, (place - 1) * _BYTES) if place else 0
        end = read_i64_le(self.ends, place * _BYTES)
        return list(unpack_from(f"<{end - start}q", self.items, start * _BYTES))

    def __iter__(self) -> Iterator[list[Any]]:
        if not self.of_texts:
            return iter([self[place] for place in range(len(self))])
        texts, rows, start = list(Texts([self.items], 0)), [], 0
        for end in Integers(self.ends):
            rows.append(texts[start:end])
            start = cast("int", end)
        return iter(rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Arrays) or self.of_texts != other.of_texts:
            return False
        return self.items == other.items and self.ends == other.ends

    def __repr__(self) -> str:
        return f"Arrays({list(self)})"


@mypyc_attr(acyclic=True)
class Texts:  # noqa: PLW1641 - nobody's key
    """A column of texts, or of `raw` bytes, read like a list of them: each behind its length, as `put_text` writes it.
    They lie in several pieces, so that one is changed without all being copied.
    """

    __slots__ = ("_rows", "pieces", "raw")

    def __init__(self, pieces: list[bytes], rows: int, *, raw: bool = False) -> None:
        self.pieces = pieces
        self._rows = rows
        self.raw = raw

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, place: int) -> str | bytes:
        """One of them; all are looked at. Raises IndexError where there is none."""
        return list(self)[place]

    def __iter__(self) -> Iterator[str | bytes]:
        found: list[str | bytes] = []
        for piece in self.pieces:
            at: i64 = 0
            while at < len(piece):
                size: i64 = 0
                shift: i64 = 0
                while piece[at] >= _MORE:
                    size |= (piece[at] & 0x7F) << shift
                    shift += 7
                    at += 1
                size |= piece[at] << shift
                text = piece[at + 1 : at + 1 + size]
                found.append(text if self.raw else text.decode())
                at += 1 + size
        return iter(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Texts) and self.raw == other.raw and b"".join(self.pieces) == b"".join(other.pieces)

    def __repr__(self) -> str:
        return f"Texts({list(self)})"


@mypyc_attr(acyclic=True)
class Few:  # noqa: PLW1641 - nobody's key
    """A column of texts of which many are the same, read like a list of them: of every row its place among them, 64
    bits each and the lowest byte first. So does ClickHouse's `LowCardinality`.
    """

    __slots__ = ("_last", "_last_place", "_places", "among")

    def __init__(self) -> None:
        self.among: dict[str, int] = {}
        """Their places, in this order."""
        self._places = BytesWriter()
        self._last: str | None = None
        self._last_place: i64 = 0

    def put(self, text: str) -> None:
        """One more row."""
        if text is not self._last:  # mostly it is, row after row
            self._last_place = self._place(text)
            self._last = text
        write_i64_le(self._places, self._last_place)

    def put_all(self, text: str, times: int) -> None:
        """So many more rows."""
        self._places.write(repeated(self._place(text), times))

    def places(self) -> bytes:
        """Of every row."""
        return self._places.getvalue()

    def spread(self) -> bytes:
        """As a column of `Texts`."""
        among = [behind_length(text.encode()) for text in self.among]
        places, into = self.places(), BytesWriter()
        at: i64 = 0
        while at < len(places):
            into.write(among[read_i64_le(places, at)])
            at += _BYTES
        return into.getvalue()

    def _place(self, text: str) -> int:
        place = self.among.get(text)
        if place is None:
            place = self.among[text] = len(self.among)
        return place

    def __len__(self) -> int:
        return len(self._places) // _BYTES

    def __getitem__(self, place: int) -> str:
        """One of them. Raises IndexError where there is none."""
        found: int = unpack_from("<q", self.places(), range(len(self))[place] * _BYTES)[0]
        return list(self.among)[found]

    def __iter__(self) -> Iterator[str]:
        among = list(self.among)
        return iter([among[place] for place in unpack_from(f"<{len(self)}q", self.places())])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Few) and list(self) == list(other)

    def __repr__(self) -> str:
        return f"Few({list(self)})"


def few(texts: Iterable[str]) -> Few:
    """A column of these."""
    found = Few()
    for text in texts:
        found.put(text)
    return found


@mypyc_attr(acyclic=True)
class Rows:
    """Rows of a table: of each a text for all names of texts, one for all names of columns that have few different
    ones, and an integer for all names of integers, one after the other.
    """

    __slots__ = ("_few_names", "_integer_names", "_text_names", "few", "integers", "texts")

    def __init__(self, text_names: tuple[str, ...], few_names: tuple[str, ...], integer_names: tuple[str, ...]) -> None:
        self._text_names = text_names
        self._few_names = few_names
        self._integer_names = integer_names
        self.texts = [BytesWriter() for _ in text_names]
        """Of each column what `put_text` or `put_bytes` wrote."""
        self.few = [Few() for _ in few_names]
        self.integers = BytesWriter()

    def __len__(self) -> int:
        return len(self.integers) // (len(self._integer_names) * _BYTES)

    def columns(self) -> dict[str, Any]:
        """By name, in the order of the names, each a sequence. Raises ValueError where not all rows are whole."""
        integers, rows = self.integers.getvalue(), len(self)
        lengths = [*map(len, self.few), len(integers) / (len(self._integer_names) * _BYTES)]
        if lengths.count(rows) != len(lengths):
            raise ValueError(f"no whole rows: columns of lengths {lengths}")
        found: dict[str, Any] = {}
        for place, name in enumerate(self._text_names):
            found[name] = Texts([self.texts[place].getvalue()], rows)
        for place, name in enumerate(self._few_names):
            found[name] = self.few[place]
        for place, name in enumerate(self._integer_names):
            found[name] = _column(integers, place, len(self._integer_names))
        return found


def put(into: BytesWriter, value: int | None) -> None:
    """An integer of a row that need not be there."""
    write_i64_le(into, _NULL if value is None else value)


def put_text(into: BytesWriter, text: str) -> None:
    """A text of a row. Raises UnicodeEncodeError for half a letter."""
    put_bytes(into, text.encode())


def put_bytes(into: BytesWriter, data: bytes) -> None:
    """Bytes behind their length, 7 bits of it in a byte, the lowest first, and a bit that says whether more follow."""
    size: i64 = len(data)
    while size >= _MORE:
        into.append(u8(size & 0x7F | _MORE))  # as a byte, that is: any other integer becomes an object on its way
        size >>= 7
    into.append(u8(size))
    into.write(data)


def behind_length(data: bytes) -> bytes:
    """A column of one text."""
    into = BytesWriter()
    put_bytes(into, data)
    return into.getvalue()


def state_rows() -> Rows:
    """Where the states of a flush are taken in, to become columns of the ledger. A state is bytes."""
    return Rows(("key", "state"), (), ("is_open", "last_ms"))


def add_state(into: Rows, key: str, state: bytes, is_open: bool, last_ms: int) -> None:  # noqa: FBT001 - by position
    """One state."""
    put_text(into.texts[0], key)
    put_bytes(into.texts[1], state)
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
