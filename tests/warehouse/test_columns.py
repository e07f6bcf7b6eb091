"""Blocks as we write them are, byte for byte, what clickhouse-driver writes."""

import io
import re
import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from types import SimpleNamespace
from typing import Any, Final

import pytest
from clickhouse_driver import defines
from clickhouse_driver.block import ColumnOrientedBlock
from clickhouse_driver.bufferedwriter import BufferedSocketWriter
from clickhouse_driver.streams.native import BlockOutputStream
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.columnar import Arrays, Integers, Texts, behind_length, few
from pipeline.io.columns import Packing, one_row

_COLUMNS: Final = (
    ("kind", "UInt8"),
    ("epoch", "UInt16"),
    ("window_s", "UInt32"),
    ("revised_ms", "Int64"),
    ("version", "UInt64"),
    ("p", "LowCardinality(String)"),
    ("key", "String"),
    ("last_ms", "Nullable(Int64)"),
    ("in_target", "Nullable(UInt8)"),
    ("fcr", "Nullable(String)"),
    ("keys", "Array(UInt64)"),
    ("values", "Array(Int64)"),
    ("notes", "Array(String)"),
    ("outcome", "String"),
)
_SETTINGS: Final = {"use_numpy": False, "strings_as_bytes": False, "strings_encoding": "utf-8"}
_TEXTS: Final = st.text(max_size=3)
_ROWS: Final = st.lists(
    st.tuples(
        st.integers(0, 255),
        st.integers(0, (1 << 16) - 1),
        st.integers(0, (1 << 32) - 1),
        st.integers(-(1 << 63), (1 << 63) - 1),
        st.integers(0, (1 << 64) - 1),
        _TEXTS,
        _TEXTS | st.binary(max_size=3),
        st.none() | st.integers(-(1 << 63), (1 << 63) - 1),
        st.none() | st.integers(0, 255),
        st.none() | _TEXTS,
        st.lists(st.integers(0, (1 << 64) - 1), max_size=4),
        st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=4),
        st.lists(_TEXTS, max_size=2),
        _TEXTS,
    ),
    min_size=1,
    max_size=6,
)


class Wire:
    """A socket that keeps what it is given."""

    def __init__(self) -> None:
        self.took = io.BytesIO()

    def sendall(self, data: bytes) -> None:
        """Keep it."""
        self.took.write(data)


def written(columns: Sequence[Sequence[Any]], revision: int, *, ours: bool) -> bytes:
    """What goes to a server of this revision."""
    context = SimpleNamespace(server_info=SimpleNamespace(used_revision=revision), client_settings=_SETTINGS)
    wire = Wire()
    stream: Any = BlockOutputStream(BufferedSocketWriter(wire, 64), context)
    data: Any = one_row(columns) if ours else [list(column) for column in columns]
    block = ColumnOrientedBlock(_COLUMNS if data else [], data)
    (Packing(stream, wire) if ours else stream).write(block)
    return wire.took.getvalue()


@pytest.mark.parametrize("revision", [54_413, defines.CLIENT_REVISION])  # 18.16, and what the driver knows
@given(rows=_ROWS)
def test_blocks_are_the_drivers(revision: int, rows: list[tuple[Any, ...]]) -> None:
    columns = list(zip(*rows, strict=True))
    assert written(columns, revision, ours=True) == written(columns, revision, ours=False)


@pytest.mark.parametrize("revision", [54_413, defines.CLIENT_REVISION])
@given(row=_ROWS.map(lambda rows: rows[0]), times=st.integers(1, 5), other=_ROWS.map(lambda rows: rows[0]))
def test_columns_of_one_value_are_the_drivers(
    revision: int, row: tuple[Any, ...], times: int, other: tuple[Any, ...]
) -> None:
    for rows in ([row] * times, [row, *[other] * times, row]):
        columns = list(zip(*rows, strict=True))
        assert written(columns, revision, ours=True) == written(columns, revision, ours=False)


@given(rows=_ROWS)
def test_arrays_in_one_are_the_drivers(rows: list[tuple[Any, ...]]) -> None:
    columns = list(zip(*rows, strict=True))
    in_one = [
        in_arrays(column) if type_ in ("Array(UInt64)", "Array(Int64)") else column
        for (_, type_), column in zip(_COLUMNS, columns, strict=True)
    ]
    revision = defines.CLIENT_REVISION
    assert written(in_one, revision, ours=True) == written(columns, revision, ours=False)


@pytest.mark.parametrize("revision", [54_413, defines.CLIENT_REVISION])
@given(rows=_ROWS)
def test_integers_in_one_are_the_drivers(revision: int, rows: list[tuple[Any, ...]]) -> None:
    columns = [
        [value >> 1 for value in column] if type_ == "UInt64" else column  # the core has none of 64 bits without a sign
        for (_, type_), column in zip(_COLUMNS, zip(*rows, strict=True), strict=True)
    ]
    in_one = [
        in_integers(column) if "Int" in type_ and "Array" not in type_ else column
        for (_, type_), column in zip(_COLUMNS, columns, strict=True)
    ]
    assert sum(isinstance(column, Integers) for column in in_one) == 7
    assert written(in_one, revision, ours=True) == written(columns, revision, ours=False)


@pytest.mark.parametrize(
    ("place", "value", "error"), [(0, 256, OverflowError), (1, None, TypeError), (4, -1, OverflowError)]
)
def test_integers_that_a_column_cannot_hold_are_refused(place: int, value: int | None, error: type[Exception]) -> None:
    columns: list[Any] = [[0]] * 5 + [[""]] * 2 + [[None]] * 3 + [[[]]] * 3 + [[""]]
    columns[place] = in_integers([value])
    with pytest.raises(error):
        written(columns, defines.CLIENT_REVISION, ours=True)


def in_integers(values: Sequence[int | None]) -> Any:
    """As the core gives them."""
    nulls = bytes(value is None for value in values)
    return Integers(packed(value or 0 for value in values), nulls if any(nulls) else b"")


def in_arrays(rows: Sequence[Sequence[int]]) -> Any:
    """As the core gives them."""
    return Arrays(packed(chain.from_iterable(rows)), packed(accumulate(map(len, rows))))


def packed(integers: Iterable[int]) -> bytes:
    """As 64 bits each, below 2^63 or with a sign."""
    return b"".join((integer % (1 << 64)).to_bytes(8, "little") for integer in integers)


def test_many_rows_are_the_drivers() -> None:
    rows = [
        (2, n, n, -n, n, "p", str(n), n, n % 256, None, range(n % 15), [-n] * (n % 7), [""] * (n % 2), "")
        for n in range(5_001)
    ]
    columns = list(zip(*rows, strict=True))
    said = written(columns, defines.CLIENT_REVISION, ours=True)
    assert len(said) > 5_001 * 5 * 8
    assert said == written(columns, defines.CLIENT_REVISION, ours=False)


@pytest.mark.parametrize("different", [1, 255, 256, 257, 65_535, 65_536])
def test_columns_of_few_texts_are_the_drivers(different: int) -> None:
    """Places among them are of one, two or four bytes."""
    texts = [str(n % different) for n in range(different + 3)]
    rest: list[Any] = [[0]] * 5 + [[""]] + [[None]] * 3 + [[[]]] * 3 + [[""]]
    columns = [*(each * len(texts) for each in rest[:5]), texts, *(each * len(texts) for each in rest[5:])]
    expected = written(columns, defines.CLIENT_REVISION, ours=False)
    assert written(columns, defines.CLIENT_REVISION, ours=True) == expected
    columns[5] = few(texts)
    assert written(columns, defines.CLIENT_REVISION, ours=True) == expected


@given(rows=_ROWS)
def test_texts_in_one_are_the_drivers(rows: list[tuple[Any, ...]]) -> None:
    columns = list(zip(*rows, strict=True))
    in_one: list[Any] = list(columns)
    in_one[5] = few(columns[5])
    in_one[6] = Texts(
        [behind_length(data if isinstance(data, bytes) else data.encode()) for data in columns[6]], len(rows)
    )
    in_one[13] = few(columns[13])
    notes = (behind_length(text.encode()) for text in chain.from_iterable(columns[12]))
    in_one[12] = Arrays(b"".join(notes), packed(accumulate(map(len, columns[12]))), of_texts=True)
    revision = defines.CLIENT_REVISION
    assert written(in_one, revision, ours=True) == written(columns, revision, ours=False)


@pytest.mark.parametrize("place", [3, 5, 10, 12])
def test_texts_in_one_go_into_no_other_column(place: int) -> None:
    row: list[Any] = [[1], [2], [3], [4], [5], ["p"], ["key"], [6], [7], ["fcr"], [[]], [[]], [[]], [""]]
    row[place] = Texts([behind_length(b"x")], 1)
    with pytest.raises(TypeError, match=f"column of {re.escape(_COLUMNS[place][1])} was given Texts"):
        written(row, defines.CLIENT_REVISION, ours=True)
    row[place] = Arrays(behind_length(b"x"), packed([1]), of_texts=True)
    if place != 12:
        with pytest.raises(TypeError, match=f"column of {re.escape(_COLUMNS[place][1])} was given Arrays"):
            written(row, defines.CLIENT_REVISION, ours=True)
    if place != 5:
        row[place] = few(["x"])
        with pytest.raises(TypeError, match=f"column of {re.escape(_COLUMNS[place][1])} was given Few"):
            written(row, defines.CLIENT_REVISION, ours=True)


@pytest.mark.parametrize("text", ["", "a" * 127, "a" * 128, "ü" * 64, "a" * 16_383, "€" * 20_000])
def test_long_texts_are_the_drivers(text: str) -> None:
    row: tuple[Any, ...] = (1, 2, 3, 4, 5, text, text, None, None, None, [], [], [text, "", text], text)
    for rows in ([row], [row, row, (*row[:6], text.encode(), *row[7:]), row, (*row[:6], text + "b", *row[7:])]):
        columns = list(zip(*rows, strict=True))
        revision = defines.CLIENT_REVISION
        assert written(columns, revision, ours=True) == written(columns, revision, ours=False)


def test_what_is_written_stays_as_it_is() -> None:
    """A block that did not land is written again."""
    columns: list[list[Any]] = [
        [each] * 2 for each in (1, 2, 3, 4, 5, "p", b"key", None, None, None, [6], [7], ["n"], "o")
    ]
    before = [list(column) for column in columns]
    written(columns, defines.CLIENT_REVISION, ours=True)
    assert columns == before


@pytest.mark.parametrize(
    ("place", "value", "error"),
    [
        (0, 256, struct.error),
        (4, -1, struct.error),
        (6, 1, TypeError),
        (6, "\ud800", UnicodeEncodeError),
        (7, "", struct.error),
        (12, [None], TypeError),
    ],
)
def test_what_is_no_such_value_is_refused(place: int, value: object, error: type[Exception]) -> None:
    row = [1, 2, 3, 4, 5, "p", "key", 6, 7, "fcr", [], [], [], ""]
    for rows in ([[*row[:place], value, *row[place + 1 :]]] * 2, [row, [*row[:place], value, *row[place + 1 :]]]):
        with pytest.raises(error):
            written(list(zip(*rows, strict=True)), defines.CLIENT_REVISION, ours=True)


@pytest.mark.parametrize("place", [3, 6, 12])
def test_arrays_of_integers_go_into_no_other_column(place: int) -> None:
    row: list[Any] = [[1], [2], [3], [4], [5], ["p"], ["key"], [6], [7], ["fcr"], [[]], [[]], [[]], [""]]
    row[place] = in_arrays([[8]])
    with pytest.raises(TypeError, match=f"column of {re.escape(_COLUMNS[place][1])} was given Arrays"):
        written(row, defines.CLIENT_REVISION, ours=True)


def test_the_end_of_the_data_is_the_drivers() -> None:
    for revision in (54_413, defines.CLIENT_REVISION):
        assert written([], revision, ours=True) == written([], revision, ours=False) != b""
