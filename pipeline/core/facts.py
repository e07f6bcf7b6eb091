"""Contact facts: what a contact tells its customer, one record of topic `contact-facts` per contact and customer.

A contact sends facts to the customer who holds it and `gone` to every other it ever named, all with its version, so
repeated, late and stale emissions change nothing (design, section 1.3).

Packed they are a *state*: a flat list, times counted from the request, the customer last, since whoever keeps facts by
customer need not keep that (`customer_tail`). A record is a state behind eight bytes of watermark. So what comes out of
the topic goes into the ledger and into memory as it is.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from librt.strings import read_i64_be
from mypy_extensions import mypyc_attr

from pipeline.core.happened import Happened, happened
from pipeline.core.packed_facts import unpack_old
from pipeline.core.resolution import unresolved
from pipeline.core.timeline import (
    ABANDONED,
    ANSWERED,
    CLOSED,
    DISCARDED,
    OUTREACH,
    SENT,
    Timeline,
    is_contained,
    is_reply,
)
from pipeline.core.waiting import Wait

__all__ = ["NEVER", "Facts", "customer_tail", "facts_of", "gone", "is_old", "last_ms", "pack", "unpack"]

NEVER: Final = 1 << 61
"""An end that has not come."""
_CARING: Final = frozenset({"problem", "delay", "appointment"})
_REACHED: Final = 1 << ANSWERED | 1 << SENT | 1 << OUTREACH
_HEAD: Final = 8
"""Bytes of the watermark before a state."""
_OLD: Final = 0xDC
"""How a list of more than fifteen begins: until November 2026 facts were one."""
_HELD: Final = 1
_INBOUND: Final = 2
_ELIGIBLE: Final = 4
_REOPENED: Final = 8
_UNRESOLVED: Final = 16
_TRANSFERRED: Final = 32

_Times = tuple[int, ...]
_Pairs = tuple[tuple[int, int], ...]
_Reasons = tuple[tuple[int, bool], ...]
_Seldom = tuple[int | None, int | None, _Pairs, _Times, _Reasons, _Times, _Times]
"""wait_began_ms, abandoned_ms, settled, praised_ms, outreach, bad_ms, left_ms."""
_State = tuple[str, str, str, str, str, int, int, int, int | None, int | None, int | None, _Times, _Seldom | None, str]
"""channel, queue, segment, topic, contact_id, version, flags, requested_ms, then from there on: first_closed,
last_closed, unanswered_until, reached; what few contacts have, and customer_id.
"""
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_State)


@mypyc_attr(acyclic=True)
class Facts:
    """One contact as its customer sees it. `held` False: gone, the rest is empty but `requested_ms`, which then is the
    contact's newest time. Times in ms.

    `unanswered_until_ms`: when the contact was served or ended (`NEVER`: open and unanswered). `reached_ms`: when we
    reached the customer in this contact. `abandoned_ms` and `wait_began_ms` only where the customer gave up waiting.
    `settled`: (raised, settled) of every complaint settled. `praised_ms`: a promoter or a top score. `outreach`: (when,
    whether for a problem, a delay or an appointment). `bad_ms`: something bad, which may be due in the future.
    `watermark_ms`: of the partition that told them; not part of the state. Not to be changed once they are packed.
    `key`: of their state row, while they came since the customer fold wrote last; else ''.
    """

    __slots__ = (
        "_state", "abandoned_ms", "bad_ms", "channel", "contact_id", "customer_id", "eligible", "first_closed_ms",
        "held", "inbound", "key", "last_closed_ms", "left_ms", "outreach", "praised_ms", "queue", "reached_ms",
        "reopened", "requested_ms", "segment", "settled", "topic", "transferred", "unanswered_until_ms", "unresolved",
        "version", "wait_began_ms", "watermark_ms",
    )  # fmt: skip

    def __init__(
        self,
        version: int,
        held: bool,  # noqa: FBT001 - by position
        watermark_ms: int,
        contact_id: str,
        customer_id: str,
        channel: str = "",
        queue: str = "",
        segment: str = "",
        topic: str = "",
        inbound: bool = False,  # noqa: FBT001, FBT002
        requested_ms: int = 0,
        first_closed_ms: int | None = None,
        last_closed_ms: int | None = None,
        unanswered_until_ms: int = NEVER,
        eligible: bool = False,  # noqa: FBT001, FBT002
        reopened: bool = False,  # noqa: FBT001, FBT002
        unresolved: bool = False,  # noqa: FBT001, FBT002
        transferred: bool = False,  # noqa: FBT001, FBT002
        wait_began_ms: int | None = None,
        abandoned_ms: int | None = None,
        reached_ms: _Times = (),
        settled: _Pairs = (),
        praised_ms: _Times = (),
        outreach: _Reasons = (),
        bad_ms: _Times = (),
        left_ms: _Times = (),
    ) -> None:
        self.version = version
        self.held = held
        self.watermark_ms = watermark_ms
        self.contact_id = contact_id
        self.customer_id = customer_id
        self.channel = channel
        self.queue = queue
        self.segment = segment
        self.topic = topic
        self.inbound = inbound
        self.requested_ms = requested_ms
        self.first_closed_ms = first_closed_ms
        self.last_closed_ms = last_closed_ms
        self.unanswered_until_ms = unanswered_until_ms
        self.eligible = eligible
        self.reopened = reopened
        self.unresolved = unresolved
        self.transferred = transferred
        self.wait_began_ms = wait_began_ms
        self.abandoned_ms = abandoned_ms
        self.reached_ms = reached_ms
        self.settled = settled
        self.praised_ms = praised_ms
        self.outreach = outreach
        self.bad_ms = bad_ms
        self.left_ms = left_ms
        self.key = ""
        self._state = b""

    @property
    def state(self) -> bytes:
        """As the ledger keeps them."""
        if not self._state:
            self._state = self.packed()
        return self._state

    def packed(self) -> bytes:
        """As a state, encoded here and now."""
        return _packed(self)

    def newer(self, known: "Facts | None") -> bool:
        """Whether these facts say anything: of one contact the highest version counts."""
        return known is None or self.version > known.version

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Facts) and pack(self) == pack(other)

    def __hash__(self) -> int:
        raise TypeError("facts are no keys")

    def __repr__(self) -> str:
        return f"Facts({self.watermark_ms}, {_DECODER.decode(self.state)})"


def pack(facts: Facts) -> bytes:
    """Facts as a record's value; where nobody needs a watermark (it is 0), as a state."""
    if not facts.watermark_ms:
        return facts.state
    return facts.watermark_ms.to_bytes(_HEAD, "big") + facts.state


def unpack(packed: bytes) -> Facts:
    """Facts from a state or a record's value. Raises msgspec.MsgspecError if they are none, UnicodeDecodeError where a
    text of theirs is none.
    """
    if len(packed) > _HEAD and packed[0] == 0:
        facts = _unpacked(packed[_HEAD:])
        facts.watermark_ms = read_i64_be(packed, 0)
        return facts
    return _unpacked(packed)


def is_old(state: bytes) -> bool:
    """Whether it is of the form of before November 2026."""
    return bool(state) and state[0] == _OLD


def customer_tail(customer_id: str) -> bytes:
    """How every state of this customer ends, as `pack` makes it."""
    return _ENCODER.encode(customer_id)


def _packed(facts: Facts) -> bytes:
    from_ms, first, last, until = (
        facts.requested_ms,
        facts.first_closed_ms,
        facts.last_closed_ms,
        facts.unanswered_until_ms,
    )
    flags = (
        (_HELD if facts.held else 0)
        | (_INBOUND if facts.inbound else 0)
        | (_ELIGIBLE if facts.eligible else 0)
        | (_REOPENED if facts.reopened else 0)
        | (_UNRESOLVED if facts.unresolved else 0)
        | (_TRANSFERRED if facts.transferred else 0)
    )
    seldom: _Seldom | None = None
    if (
        facts.wait_began_ms is not None or facts.abandoned_ms is not None or facts.settled or facts.praised_ms
        or facts.outreach or facts.bad_ms or facts.left_ms
    ):  # fmt: skip
        seldom = (
            facts.wait_began_ms, facts.abandoned_ms, facts.settled, facts.praised_ms, facts.outreach, facts.bad_ms,
            facts.left_ms,
        )  # fmt: skip
    return _ENCODER.encode(
        (
            facts.channel, facts.queue, facts.segment, facts.topic, facts.contact_id, facts.version, flags, from_ms,
            None if first is None else first - from_ms,
            None if last is None else last - from_ms,
            None if until == NEVER else until - from_ms,
            [at_ms - from_ms for at_ms in facts.reached_ms],
            seldom, facts.customer_id,
        )
    )  # fmt: skip


def _unpacked(state: bytes) -> Facts:
    if is_old(state):
        return _renewed(state)
    told: _State = _DECODER.decode(state)  # annotated, so compiled code knows what is in it
    (
        channel, queue, segment, topic, contact_id, version, flags, from_ms, first, last, until, reached, seldom,
        customer_id,
    ) = told  # fmt: skip
    facts = Facts(
        version,
        bool(flags & _HELD),
        0,
        contact_id,
        customer_id,
        channel,
        queue,
        segment,
        topic,
        bool(flags & _INBOUND),
        from_ms,
        None,
        None,
        NEVER if until is None else until + from_ms,
        bool(flags & _ELIGIBLE),
        bool(flags & _REOPENED),
        bool(flags & _UNRESOLVED),
        bool(flags & _TRANSFERRED),
    )
    if first is not None:
        facts.first_closed_ms = first + from_ms
    if last is not None:
        facts.last_closed_ms = facts.first_closed_ms if last == first else last + from_ms
    if reached:
        facts.reached_ms = tuple([after_ms + from_ms for after_ms in reached])
    if seldom is not None:
        (
            facts.wait_began_ms, facts.abandoned_ms, facts.settled, facts.praised_ms, facts.outreach, facts.bad_ms,
            facts.left_ms,
        ) = seldom  # fmt: skip
    facts._state = state  # noqa: SLF001 - of this module
    return facts


def _renewed(packed: bytes) -> Facts:
    """Facts as they were packed before: their state is of the new form."""
    old = unpack_old(packed)
    facts = Facts(*[getattr(old, name) for name in old.__struct_fields__])
    facts.unanswered_until_ms = min(facts.unanswered_until_ms, NEVER)
    return facts


def last_ms(facts: Facts) -> int:
    """The newest time of the contact, and of all it is booked at: whoever looks for the cells of a day goes by it."""
    newest = facts.requested_ms
    closed_ms, began_ms, abandoned_ms = facts.last_closed_ms, facts.wait_began_ms, facts.abandoned_ms
    if closed_ms is not None and closed_ms > newest:
        newest = closed_ms
    if began_ms is not None and began_ms > newest:
        newest = began_ms
    if abandoned_ms is not None and abandoned_ms > newest:
        newest = abandoned_ms
    for at_ms in facts.reached_ms:
        if at_ms > newest:
            newest = at_ms
    for at_ms in facts.left_ms:
        newest = max(newest, at_ms)
    for raised_ms, _ in facts.settled:
        newest = max(newest, raised_ms)
    for at_ms, _ in facts.outreach:
        newest = max(newest, at_ms)
    return newest


def facts_of(
    timeline: Timeline, wait: Wait | None, version: int, watermark_ms: int, notes: Sequence[Happened] | None = None
) -> Facts:
    """The facts for the customer who holds the contact. `notes`: what happened, if that is known."""
    if notes is None:
        notes = happened(timeline, wait)
    asked_ms, closed_ms = timeline.requested_ms, timeline.first_closed_ms
    served = timeline.answered_ms is not None or timeline.replied_ms is not None
    until_ms = _sooner(NEVER, timeline.answered_ms)
    until_ms = _sooner(until_ms, timeline.replied_ms)
    until_ms = _sooner(until_ms, closed_ms)
    until_ms = _sooner(until_ms, timeline.abandoned_ms)
    until_ms = _sooner(until_ms, timeline.discarded_ms)
    until_ms = _sooner(until_ms, timeline.contained_ms)
    if until_ms < asked_ms:
        until_ms = min(_ends_from(timeline), default=NEVER)
    facts = Facts(
        version,
        True,
        watermark_ms,
        timeline.contact_id,
        timeline.customer_id,
        timeline.channel,
        timeline.queue,
        timeline.segment,
        timeline.topic,
        timeline.inbound,
        asked_ms,
        closed_ms,
        timeline.last_closed_ms,
        until_ms,
        timeline.inbound and closed_ms is not None and timeline.discarded_ms is None and served,
        timeline.reopened_ms is not None,
        unresolved(timeline),
        timeline.transfers > 0,
    )
    if wait is not None and wait.outcome == "abandoned":
        facts.wait_began_ms, facts.abandoned_ms = wait.began_ms, wait.ended_ms
    if timeline.seen & _REACHED:
        facts.reached_ms = tuple([t.at_ms for t in timeline.touches if t.type in (ANSWERED, SENT, OUTREACH)])
    if notes:
        facts.settled = tuple(
            [(n.at_ms, n.at_ms + n.value) for n in notes if n.what == "complaint" and n.detail == "settled"]
        )
        facts.praised_ms = tuple([n.at_ms for n in notes if n.praise])
        facts.outreach = tuple([(n.at_ms, n.detail in _CARING) for n in notes if n.what == "outreach"])
        facts.bad_ms = tuple([bad_ms for n in notes if (bad_ms := n.bad_ms) is not None])
        facts.left_ms = tuple([n.at_ms for n in notes if n.what == "customer_left"])
    return facts


def _sooner(at_ms: int, other_ms: int | None) -> int:
    return at_ms if other_ms is None or at_ms <= other_ms else other_ms


def gone(timeline: Timeline, customer_id: str, version: int, watermark_ms: int) -> Facts:
    """What a customer who no longer holds the contact is told: nothing but how long it has to be remembered."""
    return Facts(version, False, watermark_ms, timeline.contact_id, customer_id, requested_ms=timeline.last_ms)


def _ends_from(timeline: Timeline) -> list[int]:
    """The slow way for contacts with touchpoints before their request: only what came at or after it serves or ends."""
    marks = 1 << ANSWERED | 1 << CLOSED | 1 << ABANDONED | 1 << DISCARDED
    return [
        touch.at_ms
        for touch in timeline.touches
        if touch.at_ms >= timeline.requested_ms and (marks >> touch.type & 1 or is_reply(touch) or is_contained(touch))
    ]
