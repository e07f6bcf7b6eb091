"""Identifiers in as few bytes as they can be told from."""

from typing import Final

_CHARS: Final = 36


def shortened(ids: list[str]) -> bytes | list[str]:
    """16 bytes for each if all are UUIDs in small letters, as most systems write them; else themselves.

    >>> len(shortened(["0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f"] * 2))
    32
    >>> shortened(["0A63AA4C-5F2A-4A9E-A4A5-0D2DBF2B2A1F"])
    ['0A63AA4C-5F2A-4A9E-A4A5-0D2DBF2B2A1F']
    """
    n, text = len(ids), "".join(ids)
    if not n or len(text) != _CHARS * n or not text.isascii():
        return ids
    dashes = "-" * n
    if text[8::_CHARS] != dashes or text[13::_CHARS] != dashes or text[18::_CHARS] != dashes:
        return ids
    digits = text.replace("-", "")
    if text[23::_CHARS] != dashes or len(digits) != 32 * n:
        return ids
    try:
        short = bytes.fromhex(digits)
    except ValueError:
        return ids
    for each in ids:
        if len(each) != _CHARS:
            return ids  # longer and shorter by turns
    return short if short.hex() == digits else ids  # capitals and blanks would not come back as they were


def shortened_apart(some: list[str], others: list[str]) -> tuple[bytes | list[str], bytes | list[str]]:
    """Both shortened, in one go where both can be.

    >>> ids = ["0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f"]
    >>> shortened_apart(ids, ids) == (shortened(ids), shortened(ids))
    True
    """
    if some and others:
        both = shortened(some + others)
        if isinstance(both, bytes):
            return both[: 16 * len(some)], both[16 * len(some) :]
    return shortened(some), shortened(others)


def lengthened(short: bytes | list[str]) -> list[str]:
    """The identifiers again.

    >>> lengthened(shortened(["0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f"]))
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
