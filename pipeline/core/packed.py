"""The packed form of a contact: what the ledger stores and what memory keeps of it. Structs only, so never compiled.

By columns, and what repeats is kept once: a call of eight touchpoints with ids of 36 characters takes some 300 bytes.
Identifiers that are all UUIDs as they are written usually take 16 bytes each.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct


class Common(Struct, frozen=True, array_like=True, gc=False, order=True):
    """What most touchpoints of a contact share; '' where it was not said."""

    channel: str
    customer_id: str
    direction: str
    queue: str
    segment: str
    topic: str
    agent_id: str
    source: str


class Packed(Struct, array_like=True):
    """A contact: columns with one entry per touchpoint, in their order, then what only some have, by place.

    `before_ms` counts back from `newest_ms`. `words` are the distinct words of all commons, `commons` numbers of words
    (0: not said), eight for each; the second number is of `named`. Identifiers: see `shortened`.
    """

    newest_ms: int
    before_ms: list[int]
    ids: bytes | list[str]
    types: bytes
    places: list[int]
    words: list[str]
    commons: list[int]
    named: bytes | list[str]
    revised_ms: int
    details: dict[int, dict[str, Any]] = {}
    revisions: dict[int, int] = {}
    raw_ms: dict[int, int] = {}
    erased: list[str] = []


class _OldTouch(Struct, array_like=True, gc=False):
    at_ms: int
    id: str
    type: int
    common: int
    details: dict[str, Any] | None
    revision: int
    raw_ms: int | None


class _Old(Struct, array_like=True):
    """As contacts were packed until November 2026: by touchpoint."""

    commons: list[Common]
    touches: list[_OldTouch]
    named: list[str]
    revised_ms: int
    erased: list[str] = []


class _Newest(Struct, array_like=True, gc=False):
    newest_ms: int


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Packed)
_OLD: Final = msgspec.msgpack.Decoder(_Old)
_NEWEST: Final = msgspec.msgpack.Decoder(_Newest)
_DASHES: Final = (8, 13, 18, 23)
_UUID_CHARS: Final = 36


def encode(packed: Packed) -> bytes:
    """As bytes, without the room the encoder leaves at the end: a third of it all, where millions are kept."""
    return trimmed(_ENCODER.encode(packed))


def decode(state: bytes) -> Packed:
    """From bytes. Raises msgspec.MsgspecError if they are none."""
    return _from_old(_OLD.decode(state)) if _is_old(state) else _DECODER.decode(state)


def packed_words(commons: Sequence[Common], named: Sequence[str]) -> tuple[list[str], list[int]]:
    """The distinct words of these commons, and each common as eight numbers."""
    words = sorted({word for each in commons for word in _words(each)} - {""})
    numbers = {word: number for number, word in enumerate(words, 1)}
    numbers[""] = 0
    flat: list[int] = []
    for each in commons:
        channel, direction, queue, segment, topic, agent_id, source = _words(each)
        customer = named.index(each.customer_id) + 1 if each.customer_id else 0
        flat += (
            numbers[channel], customer, numbers[direction], numbers[queue], numbers[segment], numbers[topic],
            numbers[agent_id], numbers[source],
        )  # fmt: skip
    return words, flat


def commons_of(packed: Packed, named: Sequence[str]) -> list[Common]:
    """The commons again."""
    words, customers, flat = ["", *packed.words], ["", *named], packed.commons
    return [
        Common(
            words[flat[i]], customers[flat[i + 1]], words[flat[i + 2]], words[flat[i + 3]], words[flat[i + 4]],
            words[flat[i + 5]], words[flat[i + 6]], words[flat[i + 7]],
        )
        for i in range(0, len(flat), 8)
    ]  # fmt: skip


def _words(common: Common) -> tuple[str, str, str, str, str, str, str]:
    return (
        common.channel, common.direction, common.queue, common.segment, common.topic, common.agent_id, common.source,
    )  # fmt: skip


def _is_old(state: bytes) -> bool:
    """Whether a list comes first, as MessagePack tells, and not a number."""
    return len(state) > 1 and (state[1] >> 4 == 0x9 or state[1] in (0xDC, 0xDD))


def _from_old(old: _Old) -> Packed:
    touches = old.touches
    newest = touches[-1].at_ms if touches else 0
    words, commons = packed_words(old.commons, old.named)
    return Packed(
        newest,
        [newest - touch.at_ms for touch in touches],
        [touch.id for touch in touches],
        bytes(touch.type for touch in touches),
        [touch.common for touch in touches],
        words,
        commons,
        old.named,
        old.revised_ms,
        {place: touch.details for place, touch in enumerate(touches) if touch.details},
        {place: touch.revision for place, touch in enumerate(touches) if touch.revision},
        {place: touch.raw_ms for place, touch in enumerate(touches) if touch.raw_ms is not None},
        old.erased,
    )


def trimmed(encoded: bytes) -> bytes:
    """A copy without the room an encoder left at the end."""
    return bytes(memoryview(encoded))


def newest_ms(state: bytes) -> int:
    """The effective time of the newest touchpoint of a packed contact, without unpacking all of it."""
    return decode(state).newest_ms if _is_old(state) else _NEWEST.decode(state).newest_ms


def shortened(ids: Sequence[str]) -> bytes | list[str]:
    """Identifiers in as few bytes as they can be told from: 16 each if all are UUIDs in small letters, else themselves.

    >>> len(shortened(["0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f"] * 2))
    32
    >>> shortened(["0A63AA4C-5F2A-4A9E-A4A5-0D2DBF2B2A1F"])
    ['0A63AA4C-5F2A-4A9E-A4A5-0D2DBF2B2A1F']
    """
    n, text = len(ids), "".join(ids)
    if n and len(text) == _UUID_CHARS * n and text.isascii():
        dashes = "-" * n
        if all(text[at::_UUID_CHARS] == dashes for at in _DASHES):
            digits = text.replace("-", "")
            try:
                short = bytes.fromhex(digits)
            except ValueError:
                return list(ids)
            # Dashes elsewhere, capitals and blanks would not come back as they were.
            if len(digits) == 32 * n and short.hex() == digits and all(len(each) == _UUID_CHARS for each in ids):
                return short
    return list(ids)


def lengthened(short: bytes | list[str]) -> list[str]:
    """The identifiers again.

    >>> lengthened(shortened(["0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f"]))
    ['0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f']
    """
    if isinstance(short, list):
        return short
    digits = short.hex()
    return [
        f"{digits[i : i + 8]}-{digits[i + 8 : i + 12]}-{digits[i + 12 : i + 16]}-{digits[i + 16 : i + 20]}"
        f"-{digits[i + 20 : i + 32]}"
        for i in range(0, len(digits), 32)
    ]
