"""What is written by hand are the bytes of msgspec's encoder."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from pipeline.core.msgpack import (
    packed_text,
    write_array_head,
    write_bool,
    write_bytes_head,
    write_int,
    write_map,
    write_str,
)

EDGES = sorted({sign * ((1 << bits) + by) for bits in range(65) for by in (-1, 0, 1) for sign in (-1, 1)})
SIZES = [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536]


def written(write: Callable[[BytesWriter, Any], None], value: object) -> bytes:
    into = BytesWriter()
    into.write(b"before")
    write(into, value)
    return into.getvalue().removeprefix(b"before")


def check_int(number: int) -> None:
    try:
        wanted = msgspec.msgpack.encode(number)
    except OverflowError:
        with pytest.raises(OverflowError):
            written(write_int, number)
    else:
        assert written(write_int, number) == wanted


@pytest.mark.parametrize("number", EDGES)
def test_a_number_about_a_power_of_two(number: int) -> None:
    check_int(number)


@given(st.integers(-(1 << 66), 1 << 66))
def test_any_number(number: int) -> None:
    check_int(number)


@given(st.text())
def test_any_text(text: str) -> None:
    assert written(write_str, text) == msgspec.msgpack.encode(text)
    assert packed_text(text, "", text) == msgspec.msgpack.encode(["", text, "", text])[2:]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("character", ["a", "\u00e4", "\U0001f600"])
def test_text_of_any_length(character: str, size: int) -> None:
    text = (character * size)[: size // len(character.encode())]
    text += "a" * (size - len(text.encode()))
    assert written(write_str, text) == msgspec.msgpack.encode(text)


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        msgspec.msgpack.encode("\ud800")
    with pytest.raises(UnicodeEncodeError):
        written(write_str, "\ud800")


@pytest.mark.parametrize("size", SIZES)
def test_what_an_array_and_bytes_begin_with(size: int) -> None:
    assert written(write_array_head, size) + b"\xc0" * size == msgspec.msgpack.encode([None] * size)
    assert written(write_bytes_head, size) + b"\0" * size == msgspec.msgpack.encode(bytes(size))


@pytest.mark.parametrize("entries", [{}, {0: "a"}, {n: {"reason": n} for n in range(17)}])
def test_what_few_have(entries: dict[int, object]) -> None:
    assert written(write_map, entries) == msgspec.msgpack.encode(entries)


@pytest.mark.parametrize("value", [False, True])
def test_truth(value: bool) -> None:
    assert written(write_bool, value) == msgspec.msgpack.encode(value)
