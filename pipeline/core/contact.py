"""A contact as the set of its touchpoints, and its packed form: what the ledger stores and what memory keeps.

Nothing is kept of the order in which touchpoints came: the set is sorted by (effective time, id), and everything else
is derived from it. So late, repeated, re-ordered and revised touchpoints need no special case (docs/decisions/0001).
"""

from bisect import bisect_left, insort
from hashlib import sha256
from operator import attrgetter
from sys import intern
from typing import Any, Final

import msgspec
from librt.strings import BytesWriter, read_i64_be
from msgspec.structs import astuple
from mypy_extensions import mypyc_attr

from pipeline.core.ids import lengthened, write_ids
from pipeline.core.msgpack import packed_text, write_array_head, write_bool, write_int, write_map, write_str
from pipeline.core.packed import FIELDS, ROW, CommonRow, decode
from pipeline.core.reading import (
    AGENT_ID,
    CHANNEL,
    CUSTOMER_ID,
    DIRECTION,
    ID,
    QUEUE,
    REVISION,
    SEGMENT,
    SOURCE,
    TIME,
    TOPIC,
    Values,
)
from schemas.touchpoint import TYPES, Erased, Touchpoint

__all__ = ["Contact", "Touch", "newest_ms", "subject_of", "unpack"]

UNCHANGED: Final = 0
NAMED: Final = 1
APPENDED: Final = 2
INSERTED: Final = 3
REPLACED: Final = 4
"""What a touchpoint did to its contact: nothing; only a customer is named who was not; it came after all others; it
came before others; it took the place of what was said earlier.
"""
_FEW: Final = 16
"""So many touchpoints are sooner looked through than kept by id."""
MAX_TOUCHPOINTS: Final = 10_000
"""More in one contact is a loop in a source system, not a matter of a customer: rejected as `contact_too_long`."""


_SAID: Final = ("channel", "customer_id", "direction", "queue", "segment", "topic", "agent_id", "source")
"""What touchpoints say of a contact besides what happened, in their order there."""
_UINT64: Final = 0xCF
"""How MessagePack begins a number of eight bytes."""
_MOST_ALIKE: Final = 16_000
_MOST_DETAILS: Final = 500
"""So much that many contacts may say is held, the second of each type; then it is begun anew."""


@mypyc_attr(acyclic=True)
class Heard:
    """Kafka append time of the newest touchpoint of a source; 0: none yet."""

    __slots__ = ("newest_ms",)

    def __init__(self) -> None:
        self.newest_ms = 0


@mypyc_attr(acyclic=True)
class Common:
    """What touchpoints of very many contacts say alike: all but whose contact it is and who served; '' where it was
    not said. Contacts share it, so it is never changed. `heard`: of its source. `before`, `between`, `after`: how it is
    packed, around who the customer and the agent are.
    """

    __slots__ = ("after", "before", "between", "channel", "direction", "heard", "queue", "segment", "source", "topic")

    def __init__(
        self, channel: str, direction: str, queue: str, segment: str, topic: str, source: str, heard: Heard
    ) -> None:
        self.channel = channel
        self.direction = direction
        self.queue = queue
        self.segment = segment
        self.topic = topic
        self.source = source
        self.heard = heard
        self.before = packed_text(channel)
        self.between = packed_text(direction, queue, segment, topic)
        self.after = packed_text(source)


@mypyc_attr(acyclic=True)
class Touch:
    """One touchpoint inside a contact. `at_ms` is the effective time, `raw_ms` the time as sent where it was clamped.
    `customer_id` and `agent_id`: '' where it was not said.
    """

    __slots__ = ("agent_id", "at_ms", "common", "customer_id", "details", "id", "raw_ms", "revision", "type")

    def __init__(
        self,
        at_ms: int,
        id: str,  # noqa: A002 - so it is called in the record
        type: int,  # noqa: A002
        common: Common,
        customer_id: str = "",
        agent_id: str = "",
        details: dict[str, Any] | None = None,
        revision: int = 0,
        raw_ms: int | None = None,
    ) -> None:
        self.at_ms = at_ms
        self.id = id
        self.type = type
        self.common = common
        self.customer_id = customer_id
        self.agent_id = agent_id
        self.details = details
        self.revision = revision
        self.raw_ms = raw_ms


_BODY: Final = msgspec.json.Encoder(order="sorted")
_EVERY: Final[tuple[type[Touchpoint], ...]] = (*TYPES, Erased)
_CODES: Final = {t: code for code, t in enumerate(_EVERY)}
_TAGS: Final = tuple(str(t.__struct_config__.tag) for t in TYPES)
_ENVELOPE: Final = frozenset(Touchpoint.__struct_fields__)
_DETAILS: Final = tuple(
    tuple((field.encode_name, field.default) for field in msgspec.structs.fields(t) if field.name not in _ENVELOPE)
    for t in _EVERY
)
"""The fields of each type that not all have: name and default."""
order: Final = attrgetter("at_ms", "id")
"""Of the touchpoints of a contact."""


def is_later(touch: Touch, other: Touch) -> bool:
    """Whether it comes after the other one."""
    return touch.at_ms > other.at_ms or (touch.at_ms == other.at_ms and touch.id > other.id)


class Alike:
    """What many contacts say alike, held once, and when we heard of each source."""

    __slots__ = ("_commons", "_details", "sources")

    def __init__(self) -> None:
        self.sources: dict[str, Heard] = {}
        self._commons: dict[tuple[str, str, str, str, str, str], Common] = {}
        self._details: list[dict[Values, dict[str, Any]]] = [{} for _ in _DETAILS]

    def common(self, channel: str, direction: str, queue: str, segment: str, topic: str, source: str) -> Common:
        """What touchpoints have in common that say this."""
        said = (channel, direction, queue, segment, topic, source)
        found = self._commons.get(said)
        if found is None:
            if len(self._commons) >= _MOST_ALIKE:
                self._commons.clear()
            found = Common(
                intern(channel), intern(direction), intern(queue), intern(segment), intern(topic), intern(source),
                self.sources.setdefault(source, Heard()),
            )  # fmt: skip
            self._commons[said] = found
        return found

    def details(self, code: int, own: Values) -> dict[str, Any] | None:
        """Those of the own fields of a type that have not their default, by name."""
        known = self._details[code]
        found = known.get(own)
        if found is None:
            if len(known) >= _MOST_DETAILS:
                known.clear()
            found = {}
            for (name, default), value in zip(_DETAILS[code], own, strict=True):
                if value != default:
                    found[name] = value
            known[own] = found
        return found or None


@mypyc_attr(acyclic=True)
class Contact:
    """The touchpoints of one contact, in order of (effective time, id), ready to be folded and derived from.

    `named`: every customer id any of its touchpoints ever named, so that who no longer holds the contact can be told.
    `erased`: fingerprints of the customers who were erased from it: nothing that names them says so any more.
    `revised_ms`: Kafka append time of the last touchpoint that changed anything.
    """

    __slots__ = ("_by_id", "contact_id", "erased", "named", "revised_ms", "touches")

    def __init__(self, contact_id: str) -> None:
        self.contact_id = contact_id
        self.touches: list[Touch] = []
        self.named: tuple[str, ...] = ()
        self.revised_ms = 0
        self.erased: tuple[str, ...] = ()
        self._by_id: dict[str, Touch] | None = None
        """Only of very many touchpoints: a few are looked through."""

    def erase(self, customer_id: str, append_ms: int) -> bool:
        """Forget who the customer was; False if that was done before. What comes later forgets it, too."""
        subject = subject_of(customer_id)
        if subject in self.erased:
            return False
        self.erased = (*self.erased, subject)
        self.named = tuple([name for name in self.named if name != customer_id])
        for touch in self.touches:
            if touch.customer_id == customer_id:
                touch.customer_id = ""
        self.revised_ms = max(self.revised_ms, append_ms)
        return True

    def find(self, id: str) -> Touch | None:  # noqa: A002 - so it is called in the record
        """The touchpoint of this id."""
        if self._by_id is None:
            if len(self.touches) <= _FEW:
                for touch in self.touches:
                    if touch.id == id:
                        return touch
                return None
            self._by_id = {touch.id: touch for touch in self.touches}
        return self._by_id.get(id)

    def apply(self, touchpoint: Touchpoint, at_ms: int, append_ms: int) -> int:
        """Take in one touchpoint with effective time `at_ms`; what it did: UNCHANGED (0) if it is a duplicate.

        Law: the outcome is the same for every order and any repetition of the same touchpoints.
        """
        touch = touch_of(type(touchpoint), astuple(touchpoint), at_ms, self, Alike())
        return self.take(touch, self.find(touch.id), append_ms)

    def take(self, touch: Touch, known: Touch | None, append_ms: int) -> int:
        """As `apply`; `known` is what it has of this id."""
        touches = self.touches
        if self.erased and touch.customer_id and subject_of(touch.customer_id) in self.erased:
            touch.customer_id = ""
        customer_id = touch.customer_id
        grew = customer_id != "" and customer_id not in self.named
        if grew:
            self.named = (*self.named, customer_id)
        if known is not None:
            if touch.revision < known.revision:
                return NAMED if grew else UNCHANGED
            if touch.revision == known.revision:
                new, old = _body(touch), _body(known)
                if new < old or (new == old and touch.at_ms >= known.at_ms):
                    return NAMED if grew else UNCHANGED
            del touches[bisect_left(touches, (known.at_ms, known.id), key=order)]
        if self._by_id is not None:
            self._by_id[touch.id] = touch
        if not touches or is_later(touch, touches[-1]):
            touches.append(touch)
            done = APPENDED
        else:
            insort(touches, touch, key=order)
            done = INSERTED
        if append_ms > self.revised_ms:
            self.revised_ms = append_ms
        return done if known is None else REPLACED

    def pack(self) -> bytes:
        """The contact as bytes; the same set of touchpoints gives the same bytes."""
        touches, named = self.touches, sorted(self.named)
        last_ms = touches[-1].at_ms if touches else 0
        into = BytesWriter()
        write_array_head(into, FIELDS)
        write_int(into, last_ms)
        write_array_head(into, len(touches))
        for touch in touches:
            write_int(into, last_ms - touch.at_ms)
        write_ids(into, [touch.id for touch in touches])
        write_array_head(into, len(touches))
        for touch in touches:
            write_int(into, touch.type)
        rows = _Rows()
        details: dict[int, dict[str, Any]] = {}
        revisions: dict[int, int] = {}
        raw_ms: dict[int, int] = {}
        last: Touch | None = None
        place = 0
        write_array_head(into, len(touches))
        for n, touch in enumerate(touches):
            if last is None or not _alike(last, touch):
                place = rows.place(touch)
            last = touch
            write_int(into, place)
            if touch.details is not None:
                details[n] = touch.details
            if touch.revision:
                revisions[n] = touch.revision
            if touch.raw_ms is not None:
                raw_ms[n] = touch.raw_ms
        one_customer = len(named) == 1
        for first in rows.firsts:
            one_customer = one_customer and first.customer_id == named[0]
        write_array_head(into, len(rows.firsts))
        for first in rows.firsts:
            write_array_head(into, ROW)
            into.write(first.common.before)
            write_str(into, "" if one_customer else first.customer_id)
            into.write(first.common.between)
            write_str(into, first.agent_id)
            into.write(first.common.after)
        write_bool(into, one_customer)
        write_ids(into, named)
        write_int(into, self.revised_ms)
        write_map(into, details)
        write_map(into, revisions)
        write_map(into, raw_ms)
        write_array_head(into, len(self.erased))
        for subject in sorted(self.erased):
            write_str(into, subject)
        return into.getvalue()


@mypyc_attr(acyclic=True)
class _Rows:
    """The commons of a contact that is packed: of all who say the same besides what happened, the first."""

    __slots__ = ("_places", "firsts")

    def __init__(self) -> None:
        self.firsts: list[Touch] = []
        self._places: dict[CommonRow, int] | None = None
        """Only of very many: a few are looked through."""

    def place(self, touch: Touch) -> int:
        """Where what a touchpoint says is, or comes to be."""
        firsts = self.firsts
        if self._places is None:
            if len(firsts) <= _FEW:
                for place, first in enumerate(firsts):
                    if _alike(first, touch):
                        return place
                firsts.append(touch)
                return len(firsts) - 1
            self._places = {_row(first): place for place, first in enumerate(firsts)}
        place = self._places.setdefault(_row(touch), len(firsts))
        if place == len(firsts):
            firsts.append(touch)
        return place


def unpack(contact_id: str, state: bytes, alike: Alike | None = None) -> Contact:
    """The contact a ledger row holds; what it says like others (`alike`) is kept once."""
    packed = decode(state)
    named = lengthened(packed.named)
    one_customer = named[0] if packed.one_customer else ""
    if alike is None:
        alike = Alike()
    commons: list[Common] = []
    for channel, _, direction, queue, segment, topic, _, source in packed.commons:
        commons.append(alike.common(channel, direction, queue, segment, topic, source))
    details, revisions, raw_ms, last_ms = packed.details, packed.revisions, packed.raw_ms, packed.newest_ms
    types, places, ids = packed.types, packed.places, lengthened(packed.ids)
    contact = Contact(contact_id)
    for n, before in enumerate(packed.before_ms):
        place = places[n]
        row = packed.commons[place]
        touch = Touch(
            last_ms - before, ids[n], types[n], commons[place], one_customer or row[1], row[6], details.get(n),
            revisions.get(n, 0), raw_ms.get(n),
        )  # fmt: skip
        contact.touches.append(touch)
    contact.named = tuple(named)
    contact.revised_ms = packed.revised_ms
    contact.erased = tuple(packed.erased)
    return contact


def newest_ms(state: bytes) -> int:
    """The effective time of the newest touchpoint of a packed contact, without unpacking it: its first number."""
    return read_i64_be(state, 2) if state[1] == _UINT64 else decode(state).newest_ms


def subject_of(customer_id: str) -> str:
    """A fingerprint by which an erased customer is known again, should their touchpoints be sent again."""
    return sha256(b"touchline erased\0" + customer_id.encode()).hexdigest()[:32]


def touch_of(cls: type[Touchpoint], values: Values, at_ms: int, contact: Contact, alike: Alike) -> Touch:
    """As a contact keeps it; what it says like the newest there, or like others (`alike`), is kept once."""
    code = _CODES[cls]
    own: Values = values[:ID]
    channel: str = values[CHANNEL]
    customer_id = _said(values[CUSTOMER_ID])
    direction = _said(values[DIRECTION])
    queue = _said(values[QUEUE])
    segment = _said(values[SEGMENT])
    topic = _said(values[TOPIC])
    agent_id = _said(values[AGENT_ID])
    source = _said(values[SOURCE])
    common: Common | None = None
    if contact.touches:
        last = contact.touches[-1]
        known = last.common
        if (
            queue == known.queue and topic == known.topic and segment == known.segment and source == known.source
            and direction == known.direction and channel == known.channel
        ):  # fmt: skip
            common = known
        if customer_id == last.customer_id:
            customer_id = last.customer_id
        if agent_id == last.agent_id:
            agent_id = last.agent_id
    if common is None:
        common = alike.common(channel, direction, queue, segment, topic, source)
    time_ms: int = values[TIME]
    raw_ms = time_ms if time_ms != at_ms else None
    details = alike.details(code, own) if own else None
    return Touch(at_ms, values[ID], code, common, customer_id, agent_id, details, values[REVISION], raw_ms)


def _said(name: str | None) -> str:
    """A name; '' where it was not said."""
    return "" if name is None else name


def _alike(one: Touch, other: Touch) -> bool:
    """Whether both say the same besides what happened."""
    if one.agent_id != other.agent_id or one.customer_id != other.customer_id:
        return False
    a, b = one.common, other.common
    return a is b or (a.between == b.between and a.before == b.before and a.after == b.after)


def _row(touch: Touch) -> CommonRow:
    """What a touchpoint says besides what happened, for a packed contact."""
    common = touch.common
    return (
        common.channel, touch.customer_id, common.direction, common.queue, common.segment, common.topic,
        touch.agent_id, common.source,
    )  # fmt: skip


def _body(touch: Touch) -> bytes:
    """What decides between two touchpoints with one id and one revision: their declared fields, as sorted JSON."""
    said = {name: value for name, value in zip(_SAID, _row(touch), strict=True) if value}
    time_ms = touch.at_ms if touch.raw_ms is None else touch.raw_ms
    return _BODY.encode({"type": _TAGS[touch.type], "time": time_ms, **said, **(touch.details or {})})
