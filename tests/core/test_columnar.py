"""Columns that are bytes read as lists, and rows come out of them as they went in."""

from collections.abc import Iterable
from itertools import accumulate, chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter, write_i64_le

from pipeline.core.columnar import Arrays, Integers, Rows, Texts, behind_length, few, put, put_text, repeated
from pipeline.core.customers import RESOLUTION_ROW, resolution_rows
from pipeline.core.native import narrowed
from pipeline.core.rows import CONTACT_ROW, ContactRows


def packed(integers: Iterable[int]) -> bytes:
    return b"".join(integer.to_bytes(8, "little", signed=True) for integer in integers)


@given(st.lists(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=3), max_size=5))
def test_arrays_are_read_row_by_row(rows: list[list[int]]) -> None:
    column: Any = Arrays(packed(chain.from_iterable(rows)), packed(accumulate(map(len, rows))))
    assert list(column) == rows
    assert [column[place - len(rows)] for place in range(len(column))] == rows
    assert column == Arrays(column.items, column.ends) != rows
    assert repr(column) == f"Arrays({rows})"
    for place in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            column[place]


_MS = st.integers(-(1 << 61), 1 << 61)
_TEXT = st.text(max_size=3)


@given(st.lists(st.none() | _MS, max_size=5))
def test_integers_are_read_one_by_one(values: list[int | None]) -> None:
    nulls = bytes(value is None for value in values)
    column = Integers(packed(value or 0 for value in values), nulls if any(nulls) else b"")
    assert list(column) == values
    assert [column[place - len(values)] for place in range(len(column))] == values
    assert column == Integers(column.integers, column.nulls) != values
    assert repr(column) == f"Integers({values})"
    for place in (len(values), -len(values) - 1):
        with pytest.raises(IndexError):
            column[place]


@given(st.lists(st.lists(_TEXT, max_size=3), max_size=5))
def test_arrays_of_texts_are_read_row_by_row(rows: list[list[str]]) -> None:
    items = BytesWriter()
    for text in chain.from_iterable(rows):
        put_text(items, text)
    column = Arrays(items.getvalue(), packed(accumulate(map(len, rows))), of_texts=True)
    assert list(column) == rows
    assert [column[place] for place in range(len(column))] == rows
    assert column != Arrays(column.items, column.ends)


@given(st.lists(_TEXT), st.integers(0, 3))
def test_texts_are_read_one_by_one(texts: list[str], cut: int) -> None:
    pieces = [BytesWriter(), BytesWriter()]
    for place, text in enumerate(texts):
        put_text(pieces[place >= cut], text)
    column = Texts([piece.getvalue() for piece in pieces], len(texts))
    assert list(column) == texts
    assert len(column) == len(texts)
    assert [column[place - len(texts)] for place in range(len(texts))] == texts
    assert list(Texts(column.pieces, len(texts), raw=True)) == [text.encode() for text in texts]
    assert column == Texts([b"".join(column.pieces)], len(texts)) != Texts(column.pieces, len(texts), raw=True)
    assert repr(column) == f"Texts({texts})"
    with pytest.raises(IndexError):
        column[len(texts)]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 1 << 21])
def test_texts_of_any_length_are_read(size: int) -> None:
    assert list(Texts([behind_length(b"x" * size), behind_length(b"y")], 2)) == ["x" * size, "y"]


@given(st.lists(_TEXT), st.integers(0, 3))
def test_few_texts_are_read_one_by_one(texts: list[str], times: int) -> None:
    column = few(texts)
    column.put_all("last", times)
    texts = [*texts, *["last"] * times]
    assert list(column) == texts
    assert len(column) == len(texts)
    assert [column[place - len(texts)] for place in range(len(texts))] == texts
    assert sorted(column.among.values()) == list(range(len(set(column.among))))
    assert column == few(texts) != few([*texts, "more"])
    assert repr(column) == f"Few({texts})"
    with pytest.raises(IndexError):
        column[len(texts)]


@given(st.lists(st.tuples(_TEXT, _TEXT, _MS, st.none() | _MS, st.none() | _MS)))
def test_rows_come_out_by_column(told: list[tuple[str, str, int, int | None, int | None]]) -> None:
    rows = Rows(("a",), ("b",), ("c", "d", "e"))
    for a, b, c, d, e in told:
        put_text(rows.texts[0], a)
        rows.few[0].put(b)
        write_i64_le(rows.integers, c)
        put(rows.integers, d)
        put(rows.integers, e)
    columns = rows.columns()
    assert list(columns) == ["a", "b", "c", "d", "e"]
    assert len(rows) == len(told)
    assert list(zip(*columns.values(), strict=True)) == told
    assert columns["c"].nulls == b"", "who has all needs none"


def test_rows_that_are_not_whole_are_refused() -> None:
    rows = Rows((), ("a",), ("b",))
    rows.few[0].put("x")
    with pytest.raises(ValueError, match="no whole rows"):
        rows.columns()
    put(rows.integers, None)
    assert list(rows.columns()["b"]) == [None]


def test_rows_for_people_have_their_columns_in_order() -> None:
    assert tuple(ContactRows().columns()) == CONTACT_ROW
    assert tuple(resolution_rows().columns()) == RESOLUTION_ROW


def test_a_column_of_one_integer() -> None:
    assert list(Integers(repeated(300, 3))) == [300] * 3


@pytest.mark.parametrize("size", [1, 2, 4])
@given(values=st.lists(st.integers(0, 255)))
def test_narrow_integers_keep_their_value_or_are_refused(size: int, values: list[int]) -> None:
    values = [*values, (1 << 8 * size) - 1]
    assert narrowed(packed(values), size) == b"".join(value.to_bytes(size, "little") for value in values)
    for bad in (-1, 1 << 8 * size):
        with pytest.raises(OverflowError):
            narrowed(packed([*values, bad]), size)
