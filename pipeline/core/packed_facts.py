"""The packed forms of contact facts: the records of topic `contact-facts`, and what memory keeps of a customer. Structs
only, so never compiled.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from pipeline.core.packed import trimmed

NEVER: Final = 2**62
"""An end that has not come."""


class Facts(Struct, frozen=True, array_like=True, gc=False):
    """One contact as its customer sees it. `held` False: gone, the rest is empty but `requested_ms`, which then is the
    contact's newest time. Times in ms.

    `unanswered_until_ms`: when the contact was served or ended (`NEVER`: open and unanswered). `reached_ms`: when we
    reached the customer in this contact. `abandoned_ms` and `wait_began_ms` only where the customer gave up waiting.
    `settled`: (raised, settled) of every complaint settled. `praised_ms`: a promoter or a top score. `outreach`: (when,
    whether for a problem, a delay or an appointment). `bad_ms`: something bad, which may be due in the future.
    """

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
    unanswered_until_ms: int = NEVER
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


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Facts)


def pack(facts: Facts) -> bytes:
    """Facts as bytes."""
    return _ENCODER.encode(facts)


def unpack(state: bytes) -> Facts:
    """Facts from bytes. Raises msgspec.MsgspecError if they are none."""
    return _DECODER.decode(state)


class KeptFacts(Struct, array_like=True, gc=False):
    """Facts as memory keeps them (`pipeline.core.kept`). Times but the first count from it; `flags`: one bit each."""

    contact: bytes | list[str]
    version: int
    flags: int
    place: int
    requested_ms: int
    first_closed: int | None
    last_closed: int | None
    unanswered_until: int | None
    wait_began: int | None
    abandoned: int | None
    reached: list[int]
    others: tuple[Any, ...] | None


class KeptCustomer(Struct, array_like=True, gc=False):
    """All facts of a customer."""

    newest_ms: int
    contacts: list[KeptFacts]


class _Newest(Struct, array_like=True, gc=False):
    newest_ms: int


_KEPT: Final = msgspec.msgpack.Decoder(KeptCustomer)
_NEWEST: Final = msgspec.msgpack.Decoder(_Newest)


def pack_customer(customer: KeptCustomer) -> bytes:
    """A customer as bytes."""
    return trimmed(_ENCODER.encode(customer))


def unpack_customer(packed: bytes) -> KeptCustomer:
    """A customer from bytes."""
    return _KEPT.decode(packed)


def newest_ms(packed: bytes) -> int:
    """The newest time of a packed customer, without unpacking it."""
    return _NEWEST.decode(packed).newest_ms
