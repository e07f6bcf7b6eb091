"""A record of topic `touchpoints` as the codec reads it, told sooner for almost every record.

Law: the answer is that of `schemas.codec.decode`. A short record in plain ASCII has nothing in its strings that needs a
closer look but a blank in front; whatever else is unusual is left to the codec.
"""

from collections.abc import Collection
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from schemas.codec import FIRST_MS, LAST_MS, PROMISES, SHALLOW_BYTES, decode, parse_folded
from schemas.rejects import Reject
from schemas.touchpoint import Touchpoint

Values = tuple[Any, ...]
"""The fields of a touchpoint: first those of its type, then what all have, in their order there."""

ID: Final = -12
TIME: Final = -11
CONTACT_ID: Final = -10
CHANNEL: Final = -9
CUSTOMER_ID: Final = -8
DIRECTION: Final = -7
QUEUE: Final = -6
SEGMENT: Final = -5
TOPIC: Final = -4
AGENT_ID: Final = -3
SOURCE: Final = -2
REVISION: Final = -1
"""Where a touchpoint has what all have, from the end."""

_BACKSLASH: Final = ord("\\")
_DELETE: Final = 0x7F
_BLANK: Final = 0x20
_parse: Final = parse_folded  # what is imported is looked up by name at every use, and so are methods of bytes
_is_ascii: Final = bytes.isascii
_values: Final = astuple
_promises: Final = PROMISES


def read(value: bytes | None, channels: Collection[str]) -> tuple[Touchpoint | Reject, Values]:
    """The touchpoint in `value` and its fields, or why it is none, and no fields."""
    if (
        value is not None
        and len(value) <= SHALLOW_BYTES
        and _is_ascii(value)
        and _BACKSLASH not in value
        and _DELETE not in value
    ):
        try:
            touchpoint = _parse(value)
        except msgspec.MsgspecError:
            return decode(value, channels, folded=True), ()
        values = _values(touchpoint)
        time_ms: int = values[TIME]
        name: str = values[ID]
        contact_id: str = values[CONTACT_ID]
        customer_id: str | None = values[CUSTOMER_ID]
        if (
            FIRST_MS <= time_ms <= LAST_MS
            and _begins(name)
            and _begins(contact_id)
            and (customer_id is None or _begins(customer_id))
            and values[CHANNEL] in channels
            and type(touchpoint) not in _promises
        ):
            return touchpoint, values
    found = decode(value, channels, folded=True)
    return found, () if isinstance(found, Reject) else _values(found)


def _begins(name: str) -> bool:
    """Whether a name, which is never empty, begins with something other than a blank."""
    return ord(name[0]) > _BLANK
