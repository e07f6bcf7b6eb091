"""MessagePack written by hand, for what is packed so often that it should not be made objects of for an encoder.

The bytes are those of msgspec's encoder. So what few have may go through that one and be appended, and what is written
here is read by msgspec's decoder.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from librt.strings import BytesWriter, write_i16_be, write_i32_be, write_i64_be
from mypy_extensions import i16, i32, i64, u8

_SMALL: Final = 1 << 61
"""What is smaller is no object in compiled code."""
_ENCODER: Final = msgspec.msgpack.Encoder()


def write_int(into: BytesWriter, number: int) -> None:
    """Any number. Raises OverflowError below -2**63 and from 2**64 on."""
    if not -_SMALL < number < _SMALL:
        into.write(_ENCODER.encode(number))
        return
    n: i64 = number
    if n < 0:
        if n >= -0x20:
            into.append(u8(n & 0xFF))
        elif n >= -0x80:
            into.append(0xD0)
            into.append(u8(n & 0xFF))
        elif n >= -0x8000:
            into.append(0xD1)
            write_i16_be(into, i16(n))
        elif n >= -0x80000000:
            into.append(0xD2)
            write_i32_be(into, i32(n))
        else:
            into.append(0xD3)
            write_i64_be(into, n)
    elif n < 0x80:
        into.append(u8(n))
    elif n < 0x100000000:
        _write_sized(into, 0xCC, n)
    else:
        into.append(0xCF)
        write_i64_be(into, n)


def write_str(into: BytesWriter, text: str) -> None:
    """Any text. Raises UnicodeEncodeError where it has half of a surrogate pair."""
    if not text:
        into.append(0xA0)
        return
    encoded = text.encode()
    size: i64 = len(encoded)
    if size < 0x20:
        into.append(u8(0xA0 | size))
    else:
        _write_sized(into, 0xD9, size)
    into.write(encoded)


def packed_text(*texts: str) -> bytes:
    """Texts as `write_str` writes them, one after the other."""
    into = BytesWriter()
    for text in texts:
        write_str(into, text)
    return into.getvalue()


def write_bytes_head(into: BytesWriter, size: i64) -> None:
    """That so many bytes follow."""
    _write_sized(into, 0xC4, size)


def write_bool(into: BytesWriter, value: bool) -> None:  # noqa: FBT001 - it is what is written
    """True or False."""
    into.append(0xC3 if value else 0xC2)


def write_array_head(into: BytesWriter, length: i64) -> None:
    """That so many values follow."""
    if length < 0x10:
        into.append(u8(0x90 | length))
    elif length < 0x10000:
        into.append(0xDC)
        _write_two_bytes(into, length)
    else:
        into.append(0xDD)
        _write_four_bytes(into, length)


def write_map(into: BytesWriter, entries: Mapping[int, object]) -> None:
    """Whatever msgspec can encode, by number. Raises what msgspec raises."""
    if entries:
        into.write(_ENCODER.encode(entries))
    else:
        into.append(0x80)


def _write_sized(into: BytesWriter, code: i64, number: i64) -> None:
    """A number below 2**32 in one, two or four bytes, behind the code for one byte or those that follow it."""
    if number < 0x100:
        into.append(u8(code))
        into.append(u8(number))
    elif number < 0x10000:
        into.append(u8(code + 1))
        _write_two_bytes(into, number)
    else:
        into.append(u8(code + 2))
        _write_four_bytes(into, number)


def _write_two_bytes(into: BytesWriter, number: i64) -> None:
    write_i16_be(into, i16((number ^ 0x8000) - 0x8000))


def _write_four_bytes(into: BytesWriter, number: i64) -> None:
    write_i32_be(into, i32((number ^ 0x80000000) - 0x80000000))
