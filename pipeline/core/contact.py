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
from librt.strings import read_i64_be
from msgspec.structs import astuple
from mypy_extensions import mypyc_attr

from pipeline.core.ids import lengthened, shortened
from pipeline.core.packed import CommonRow, decode, encode
from pipeline.core.reading import CHANNEL, ID, REVISION, TIME, Values
from schemas.touchpoint import TYPES, Erased, Touchpoint

__all__ = ["Contact", "Touch", "newest_ms", "subject_of", "unpack"]

UNCHANGED, NAMED, APPENDED, INSERTED, REPLACED = range(5)
"""What a touchpoint did to its contact: nothing; only a customer is named who was not; it came after all others; it
came before others; it took the place of what was said earlier.
"""
_FEW: Final = 16
"""So many touchpoints are sooner looked through than kept by id."""
MAX_TOUCHPOINTS: Final = 10_000
"""More in one contact is a loop in a source system, not a matter of a customer: rejected as `contact_too_long`."""


_COMMON: Final = ("channel", "customer_id", "direction", "queue", "segment", "topic", "agent_id", "source")
"""Fields of a touchpoint that most touchpoints of a contact share, in their order there."""
_CUSTOMER: Final = _COMMON.index("customer_id")
Said = tuple[str | None, ...]
_UINT64: Final = 0xCF
"""How MessagePack begins a number of eight bytes."""
_MOST_ALIKE: Final = 16_000
_MOST_DETAILS: Final = 500
"""So much that many contacts may say is held, the second of each type; then it is begun anew."""


@mypyc_attr(acyclic=True)
class Common:
    """What most touchpoints of a contact share; '' where it was not said. `said`: all of it, None where it was not.

    Names that very many contacts have are held once. Contacts share it, so it is never changed.
    """

    __slots__ = ("channel", "customer_id", "direction", "queue", "said", "segment", "source", "topic")

    def __init__(self, said: Said) -> None:
        """`said` as `_held` gives it."""
        channel, customer_id, direction, queue, segment, topic, _, source = said
        self.channel = channel or ""
        self.customer_id = customer_id or ""
        self.direction = direction or ""
        self.queue = queue or ""
        self.segment = segment or ""
        self.topic = topic or ""
        self.source = source or ""
        self.said = said

    def without_customer(self) -> "Common":
        """The same, and nobody knows whose."""
        return Common((self.said[0], None, *self.said[2:]))


def _held(said: Said, customer_id: str | None) -> Said:
    """The same of this customer, its other names held once; None where it says ''."""
    channel, _, direction, queue, segment, topic, agent_id, source = said
    return (
        intern(channel) if channel else None, customer_id, intern(direction) if direction else None,
        intern(queue) if queue else None, intern(segment) if segment else None, intern(topic) if topic else None,
        intern(agent_id) if agent_id else None, intern(source) if source else None,
    )  # fmt: skip


def _common(row: CommonRow, customer_id: str) -> Common:
    """From a packed contact, where the customer may be left out."""
    return Common(_held(row, customer_id or row[1] or None))


def _row(common: Common, *, customer: bool) -> CommonRow:
    """For a packed contact, with the customer or without."""
    return (
        common.channel, common.customer_id if customer else "", common.direction, common.queue, common.segment,
        common.topic, common.said[6] or "", common.source,
    )  # fmt: skip


@mypyc_attr(acyclic=True)
class Touch:
    """One touchpoint inside a contact. `at_ms` is the effective time, `raw_ms` the time as sent where it was
    clamped.
    """

    __slots__ = ("at_ms", "common", "details", "id", "raw_ms", "revision", "type")

    def __init__(
        self,
        at_ms: int,
        id: str,  # noqa: A002 - so it is called in the record
        type: int,  # noqa: A002
        common: Common,
        details: dict[str, Any] | None = None,
        revision: int = 0,
        raw_ms: int | None = None,
    ) -> None:
        self.at_ms = at_ms
        self.id = id
        self.type = type
        self.common = common
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
_order = attrgetter("at_ms", "id")


class Alike:
    """What was said but for who the customer is, by what was said: many contacts say the same, and share it."""

    __slots__ = ("_commons", "_details")

    def __init__(self) -> None:
        self._commons: dict[Said, Common] = {}
        self._details: list[dict[Values, dict[str, Any]]] = [{} for _ in _DETAILS]

    def common(self, said: Said) -> Common:
        """What touchpoints have in common that said this."""
        if said[_CUSTOMER] is not None:
            channel, customer_id, direction, queue, segment, topic, agent_id, source = said
            alike = self.common((channel, None, direction, queue, segment, topic, agent_id, source)).said
            channel, _, direction, queue, segment, topic, agent_id, source = alike
            return Common((channel, customer_id, direction, queue, segment, topic, agent_id, source))
        found = self._commons.get(said)
        if found is None:
            if len(self._commons) >= _MOST_ALIKE:
                self._commons.clear()
            found = Common(_held(said, None))
            self._commons[found.said] = found
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
            if touch.common.customer_id == customer_id:
                touch.common = touch.common.without_customer()
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
        if self.erased and touch.common.customer_id and subject_of(touch.common.customer_id) in self.erased:
            touch.common = touch.common.without_customer()
        customer_id = touch.common.customer_id
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
            del touches[bisect_left(touches, (known.at_ms, known.id), key=_order)]
        if self._by_id is not None:
            self._by_id[touch.id] = touch
        last = touches[-1] if touches else None
        if last is None or touch.at_ms > last.at_ms or (touch.at_ms == last.at_ms and touch.id > last.id):
            touches.append(touch)
            done = APPENDED
        else:
            insort(touches, touch, key=_order)
            done = INSERTED
        if append_ms > self.revised_ms:
            self.revised_ms = append_ms
        return done if known is None else REPLACED

    def pack(self) -> bytes:
        """The contact as bytes; the same set of touchpoints gives the same bytes."""
        touches, named = self.touches, sorted(self.named)
        last_ms = touches[-1].at_ms if touches else 0
        places: list[int] = []
        commons: list[Common] = []
        place_of: dict[Said, int] = {}
        details: dict[int, dict[str, Any]] = {}
        revisions: dict[int, int] = {}
        raw_ms: dict[int, int] = {}
        last: Common | None = None
        place = 0
        for n, touch in enumerate(touches):
            common = touch.common
            if common is not last:
                last = common
                place = place_of.setdefault(common.said, len(commons))
                if place == len(commons):
                    commons.append(common)
            places.append(place)
            if touch.details is not None:
                details[n] = touch.details
            if touch.revision:
                revisions[n] = touch.revision
            if touch.raw_ms is not None:
                raw_ms[n] = touch.raw_ms
        one_customer = len(named) == 1
        for common in commons:
            one_customer = one_customer and common.customer_id == named[0]
        ids, names = shortened([touch.id for touch in touches]), shortened(named)
        return encode(
            (
                last_ms, [last_ms - touch.at_ms for touch in touches], ids, [touch.type for touch in touches], places,
                [_row(common, customer=not one_customer) for common in commons], one_customer, names, self.revised_ms,
                details, revisions, raw_ms, sorted(self.erased),
            )
        )  # fmt: skip


def unpack(contact_id: str, state: bytes) -> Contact:
    """The contact a ledger row holds."""
    packed = decode(state)
    named = lengthened(packed.named)
    customer_id = named[0] if packed.one_customer else ""
    commons = [_common(row, customer_id) for row in packed.commons]
    details, revisions, raw_ms, last_ms = packed.details, packed.revisions, packed.raw_ms, packed.newest_ms
    types, places, ids = packed.types, packed.places, lengthened(packed.ids)
    contact = Contact(contact_id)
    for n, before in enumerate(packed.before_ms):
        touch = Touch(
            last_ms - before, ids[n], types[n], commons[places[n]], details.get(n), revisions.get(n, 0), raw_ms.get(n)
        )
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
    """As a contact keeps it; what it has in common with the newest there, or with others' (`alike`), is kept once."""
    code = _CODES[cls]
    own: Values = values[:ID]
    said: Said = values[CHANNEL:REVISION]
    common = contact.touches[-1].common if contact.touches else None
    if common is None or common.said != said:
        common = alike.common(said)
    time_ms: int = values[TIME]
    raw_ms = time_ms if time_ms != at_ms else None
    details = alike.details(code, own) if own else None
    return Touch(at_ms, values[ID], code, common, details, values[REVISION], raw_ms)


def _body(touch: Touch) -> bytes:
    """What decides between two touchpoints with one id and one revision: their declared fields, as sorted JSON."""
    common = {name: value for name, value in zip(_COMMON, touch.common.said, strict=True) if value}
    time_ms = touch.at_ms if touch.raw_ms is None else touch.raw_ms
    return _BODY.encode({"type": _TAGS[touch.type], "time": time_ms, **common, **(touch.details or {})})
