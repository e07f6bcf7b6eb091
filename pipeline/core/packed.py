"""The packed form of a contact: what the ledger stores and what memory keeps of it. Structs only, so never compiled.

By columns, and what repeats is kept once: a call of eight touchpoints with UUIDs of 36 characters takes some 350 bytes.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

CommonRow = tuple[str, str, str, str, str, str, str, str]
"""Channel, customer, direction, queue, segment, topic, agent and source; '' where it was not said."""


class Packed(Struct, array_like=True):
    """A contact: columns with one entry per touchpoint, in their order, then what only some have, by their place.

    `before_ms` counts back from `newest_ms`; `places` are those of the commons. `one_customer`: all commons are of the
    only name in `named`, and leave it out. Identifiers: see `pipeline.core.ids`.
    """

    newest_ms: int
    before_ms: list[int]
    ids: bytes | list[str]
    types: list[int]
    places: list[int]
    commons: list[CommonRow]
    one_customer: bool
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

    commons: list[CommonRow]
    touches: list[_OldTouch]
    named: list[str]
    revised_ms: int
    erased: list[str] = []


FIELDS: Final = len(Packed.__struct_fields__)
ROW: Final = 8
"""Values of a packed contact, and of a CommonRow."""
_DECODER: Final = msgspec.msgpack.Decoder(Packed)
_OLD: Final = msgspec.msgpack.Decoder(_Old)


def decode(state: bytes) -> Packed:
    """From bytes. Raises msgspec.MsgspecError if they are none."""
    return _from_old(_OLD.decode(state)) if _is_old(state) else _DECODER.decode(state)


def _is_old(state: bytes) -> bool:
    """Whether a list comes first, as MessagePack tells, and not a number."""
    return len(state) > 1 and (state[1] >> 4 == 0x9 or state[1] in (0xDC, 0xDD))


def _from_old(old: _Old) -> Packed:
    touches = old.touches
    newest = touches[-1].at_ms if touches else 0
    return Packed(
        newest,
        [newest - touch.at_ms for touch in touches],
        [touch.id for touch in touches],
        [touch.type for touch in touches],
        [touch.common for touch in touches],
        old.commons,
        False,
        old.named,
        old.revised_ms,
        {place: touch.details for place, touch in enumerate(touches) if touch.details},
        {place: touch.revision for place, touch in enumerate(touches) if touch.revision},
        {place: touch.raw_ms for place, touch in enumerate(touches) if touch.raw_ms is not None},
        old.erased,
    )
