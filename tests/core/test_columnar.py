"""A column of arrays reads as a list of them."""

from collections.abc import Iterable
from itertools import accumulate, chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.steps import Arrays


def packed(integers: Iterable[int]) -> bytes:
    return b"".join(integer.to_bytes(8, "little", signed=True) for integer in integers)


@given(st.lists(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=3), max_size=5))
def test_arrays_are_read_row_by_row(rows: list[list[int]]) -> None:
    column: Any = Arrays(packed(chain.from_iterable(rows)), packed(accumulate(map(len, rows))))
    assert list(column) == rows
    assert [column[place - len(rows)] for place in range(len(column))] == rows
    for place in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            column[place]
