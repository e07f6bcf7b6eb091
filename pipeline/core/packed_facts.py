"""Contact facts as they were packed until November 2026, in the ledger and in topic `contact-facts`. Structs only, so
never compiled.
"""

from typing import Final

import msgspec
from msgspec import Struct

_NEVER: Final = 1 << 62


class OldFacts(Struct, frozen=True, array_like=True, gc=False):
    """As `pipeline.core.facts.Facts`."""

    version: int
    held: bool
    watermark_ms: int
    contact_id: str
    customer_id: str
    channel: str = ""
    queue: str = ""
    segment: str = ""
    topic: str = ""
    inbound: bool = False
    requested_ms: int = 0
    first_closed_ms: int | None = None
    last_closed_ms: int | None = None
    unanswered_until_ms: int = _NEVER
    eligible: bool = False
    reopened: bool = False
    unresolved: bool = False
    transferred: bool = False
    wait_began_ms: int | None = None
    abandoned_ms: int | None = None
    reached_ms: tuple[int, ...] = ()
    settled: tuple[tuple[int, int], ...] = ()
    praised_ms: tuple[int, ...] = ()
    outreach: tuple[tuple[int, bool], ...] = ()
    bad_ms: tuple[int, ...] = ()
    left_ms: tuple[int, ...] = ()


_DECODER: Final = msgspec.msgpack.Decoder(OldFacts)


def unpack_old(packed: bytes) -> OldFacts:
    """Facts from bytes. Raises msgspec.MsgspecError if they are none."""
    return _DECODER.decode(packed)
