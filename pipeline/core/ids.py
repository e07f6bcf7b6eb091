"""Identifiers in as few bytes as they can be told from."""

from typing import Final

from librt.strings import BytesWriter, read_i64_le, write_i64_le
from mypy_extensions import i64

from pipeline.core.msgpack import write_array_head, write_bytes_head, write_str

UUID_CHARS: Final = 36
"""Characters of a UUID."""
_DASHED: Final = 0xFF | 0xFF << 40
_DASHES: Final = 0x2D | 0x2D << 40
"""Of eight characters the first and the sixth: all their bits, and two dashes."""
_NO_DIGITS: Final = -1


def write_ids(into: BytesWriter, ids: list[str]) -> None:
    r"""16 bytes for each if all are UUIDs in small letters, as most systems write them; else a list of themselves.

    >>> into = BytesWriter()
    >>> write_ids(into, ["0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f"])
    >>> into.getvalue().hex()
    'c4100a63aa4c5f2a4a9ea4a50d2dbf2b2a1f'
    >>> into = BytesWriter()
    >>> write_ids(into, ["k1", "k2"])
    >>> into.getvalue()
    b'\x92\xa2k1\xa2k2'
    """
    begin = len(into)
    if ids and _write_uuids(into, ids):
        return
    into.truncate(begin)
    write_array_head(into, len(ids))
    for each in ids:
        write_str(into, each)


def _write_uuids(into: BytesWriter, ids: list[str]) -> bool:
    """Whether they are, else something may have been written."""
    write_bytes_head(into, 16 * len(ids))
    for each in ids:  # noqa: SIM110 - a generator takes longer
        if len(each) != UUID_CHARS or not write_uuid(into, each.encode(), 0):
            return False
    return True


def write_uuid(into: BytesWriter, text: bytes, at: i64) -> bool:
    """Write 16 bytes for the 36 bytes of text from here on, if they are a UUID in small letters; else nothing. Raises
    IndexError where there are fewer.
    """
    if read_i64_le(text, at + 8) & _DASHED != _DASHES or read_i64_le(text, at + 18) & _DASHED != _DASHES:
        return False
    first = _four_bytes(read_i64_le(text, at))
    second = _four_bytes(read_i64_le(text, at + 9) & 0xFFFFFFFF | read_i64_le(text, at + 10) >> 32 << 32)
    third = _four_bytes(read_i64_le(text, at + 19) & 0xFFFFFFFF | read_i64_le(text, at + 20) >> 32 << 32)
    fourth = _four_bytes(read_i64_le(text, at + 28))
    if first | second | third | fourth < 0:
        return False
    write_i64_le(into, _signed(second) << 32 | first)
    write_i64_le(into, _signed(fourth) << 32 | third)
    return True


def _four_bytes(digits: i64) -> i64:
    """What eight small hexadecimal digits stand for, both as they lie in memory, the first lowest; -1 where they are
    none. All eight at a time: each has a byte of the number, which no step overflows.
    """
    numbers = (digits & 0x0F0F0F0F0F0F0F0F) + 9 * (digits >> 6 & 0x0303030303030303)
    letters = numbers + 0x0606060606060606 >> 4 & 0x0101010101010101
    if numbers >> 4 & 0x0707070707070707 or numbers + 0x3030303030303030 + 39 * letters != digits:
        return _NO_DIGITS
    pairs = (numbers & 0x000F000F000F000F) << 4 | numbers >> 8 & 0x000F000F000F000F
    pairs = (pairs | pairs >> 8) & 0x0000FFFF0000FFFF
    return (pairs | pairs >> 16) & 0xFFFFFFFF


def _signed(number: i64) -> i64:
    """The same 32 bits, the highest of them as the sign."""
    return (number ^ 0x80000000) - 0x80000000


def lengthened(short: bytes | list[str]) -> list[str]:
    """The identifiers again.

    >>> lengthened(bytes.fromhex("0a63aa4c5f2a4a9ea4a50d2dbf2b2a1f"))
    ['0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f']
    """
    if isinstance(short, list):
        return short
    text = short.hex()
    return [
        f"{text[i : i + 8]}-{text[i + 8 : i + 12]}-{text[i + 12 : i + 16]}-{text[i + 16 : i + 20]}-"
        f"{text[i + 20 : i + 32]}"
        for i in range(0, len(text), 32)
    ]
