"""A contact as the set of its touchpoints, and its packed form: what the ledger stores and what memory keeps.

Nothing is kept of the order in which touchpoints came: the set is sorted by (effective time, id), and everything else
is derived from it. So late, repeated, re-ordered and revised touchpoints need no special case (docs/decisions/0001).
"""

from bisect import bisect_left, insort
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

import msgspec
from mypy_extensions import mypyc_attr

from pipeline.core.ids import lengthened, shortened
from pipeline.core.packed import Common, Packed, decode, encode, newest_ms
from schemas.touchpoint import TYPES, Touchpoint

__all__ = ["Contact", "Touch", "newest_ms", "subject_of", "unpack"]

UNCHANGED, NAMED, APPENDED, INSERTED, REPLACED = range(5)
"""What a touchpoint did to its contact: nothing; only a customer is named who was not; it came after all others; it
came before others; it took the place of what was said earlier.
"""
MAX_TOUCHPOINTS: Final = 10_000
"""More in one contact is a loop in a source system, not a matter of a customer: rejected as `contact_too_long`."""


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
_CODES: Final = {t: code for code, t in enumerate(TYPES)}
_TAGS: Final = tuple(str(t.__struct_config__.tag) for t in TYPES)
_ENVELOPE: Final = frozenset(Touchpoint.__struct_fields__)
_DETAILS: Final = {
    t: tuple(
        (field.name, field.encode_name, field.default)
        for field in msgspec.structs.fields(t)
        if field.name not in _ENVELOPE
    )
    for t in TYPES
}
_order = attrgetter("at_ms", "id")


@mypyc_attr(acyclic=True)
class Contact:
    """The touchpoints of one contact, in order of (effective time, id), ready to be folded and derived from.

    `named`: every customer id any of its touchpoints ever named, so that who no longer holds the contact can be told.
    `revised_ms`: Kafka append time of the last touchpoint that changed anything.
    """

    __slots__ = ("by_id", "contact_id", "erased", "named", "revised_ms", "touches")

    def __init__(self, contact_id: str) -> None:
        self.contact_id = contact_id
        self.touches: list[Touch] = []
        self.by_id: dict[str, Touch] = {}
        self.named: set[str] = set()
        self.revised_ms = 0
        self.erased: set[str] = set()
        """Fingerprints of the customers who were erased from it: nothing that names them says so any more."""

    def erase(self, customer_id: str, append_ms: int) -> bool:
        """Forget who the customer was; False if that was done before. What comes later forgets it, too."""
        subject = subject_of(customer_id)
        if subject in self.erased:
            return False
        self.erased.add(subject)
        self.named.discard(customer_id)
        for touch in self.touches:
            if touch.common.customer_id == customer_id:
                touch.common = msgspec.structs.replace(touch.common, customer_id="")
        self.revised_ms = max(self.revised_ms, append_ms)
        return True

    def apply(self, touchpoint: Touchpoint, at_ms: int, append_ms: int) -> int:
        """Take in one touchpoint with effective time `at_ms`; what it did: UNCHANGED (0) if it is a duplicate.

        Law: the outcome is the same for every order and any repetition of the same touchpoints.
        """
        if self.erased and touchpoint.customer_id is not None and subject_of(touchpoint.customer_id) in self.erased:
            touchpoint = msgspec.structs.replace(touchpoint, customer_id=None)
        grew = touchpoint.customer_id is not None and touchpoint.customer_id not in self.named
        if touchpoint.customer_id is not None:
            self.named.add(touchpoint.customer_id)
        known = self.by_id.get(touchpoint.id)
        if known is None:
            touch = _touch(touchpoint, at_ms)
        else:
            if touchpoint.revision < known.revision:
                return NAMED if grew else UNCHANGED
            touch = _touch(touchpoint, at_ms)
            if touchpoint.revision == known.revision:
                new, old = _body(touch), _body(known)
                if new < old or (new == old and at_ms >= known.at_ms):
                    return NAMED if grew else UNCHANGED
            del self.touches[bisect_left(self.touches, (known.at_ms, known.id), key=_order)]
        self.by_id[touch.id] = touch
        touches = self.touches
        if not touches:
            touches.append(touch)
            done = APPENDED
        else:
            last = touches[-1]
            if touch.common == last.common:
                touch.common = last.common
            if touch.at_ms > last.at_ms or (touch.at_ms == last.at_ms and touch.id > last.id):
                touches.append(touch)
                done = APPENDED
            else:
                insort(touches, touch, key=_order)
                done = INSERTED
        self.revised_ms = max(self.revised_ms, append_ms)
        return done if known is None else REPLACED

    def pack(self) -> bytes:
        """The contact as bytes; the same set of touchpoints gives the same bytes."""
        touches, named = self.touches, sorted(self.named)
        last_ms = touches[-1].at_ms if touches else 0
        before_ms: list[int] = []
        ids: list[str] = []
        types: list[int] = []
        places: list[int] = []
        commons: list[Common] = []
        place_of: dict[Common, int] = {}
        details: dict[int, dict[str, Any]] = {}
        revisions: dict[int, int] = {}
        raw_ms: dict[int, int] = {}
        last: Common | None = None
        place = 0
        for n, touch in enumerate(touches):
            common = touch.common
            if common is not last:
                last = common
                place = place_of.setdefault(common, len(commons))
                if place == len(commons):
                    commons.append(common)
            before_ms.append(last_ms - touch.at_ms)
            ids.append(touch.id)
            types.append(touch.type)
            places.append(place)
            if touch.details:
                details[n] = touch.details
            if touch.revision:
                revisions[n] = touch.revision
            if touch.raw_ms is not None:
                raw_ms[n] = touch.raw_ms
        one_customer = len(named) == 1 and all(common.customer_id == named[0] for common in commons)
        if one_customer:
            commons = [msgspec.structs.replace(common, customer_id="") for common in commons]
        return encode(
            Packed(
                last_ms, before_ms, shortened(ids), types, places, commons, one_customer, shortened(named),
                self.revised_ms, details, revisions, raw_ms, sorted(self.erased),
            )
        )  # fmt: skip


def unpack(contact_id: str, state: bytes) -> Contact:
    """The contact a ledger row holds."""
    packed = decode(state)
    named, commons = lengthened(packed.named), packed.commons
    if packed.one_customer:
        commons = [msgspec.structs.replace(common, customer_id=named[0]) for common in commons]
    details, revisions, raw_ms, last_ms = packed.details, packed.revisions, packed.raw_ms, packed.newest_ms
    types, places, ids = packed.types, packed.places, lengthened(packed.ids)
    contact = Contact(contact_id)
    for n, before in enumerate(packed.before_ms):
        touch = Touch(
            last_ms - before, ids[n], types[n], commons[places[n]], details.get(n), revisions.get(n, 0), raw_ms.get(n)
        )
        contact.touches.append(touch)
        contact.by_id[touch.id] = touch
    contact.named = set(named)
    contact.revised_ms = packed.revised_ms
    contact.erased = set(packed.erased)
    return contact


def subject_of(customer_id: str) -> str:
    """A fingerprint by which an erased customer is known again, should their touchpoints be sent again."""
    return sha256(b"touchline erased\0" + customer_id.encode()).hexdigest()[:32]


def _touch(touchpoint: Touchpoint, at_ms: int) -> Touch:
    cls = type(touchpoint)
    details = None
    for attribute, name, default in _DETAILS[cls]:
        value = getattr(touchpoint, attribute)
        if value != default:
            if details is None:
                details = {}
            details[name] = value
    common = Common(
        touchpoint.channel,
        touchpoint.customer_id or "",
        touchpoint.direction or "",
        touchpoint.queue or "",
        touchpoint.segment or "",
        touchpoint.topic or "",
        touchpoint.agent_id or "",
        touchpoint.source or "",
    )
    raw_ms = touchpoint.time if touchpoint.time != at_ms else None
    return Touch(at_ms, touchpoint.id, _CODES[cls], common, details, touchpoint.revision, raw_ms)


def _body(touch: Touch) -> bytes:
    """What decides between two touchpoints with one id and one revision: their declared fields, as sorted JSON."""
    common = {name: value for name in Common.__struct_fields__ if (value := getattr(touch.common, name))}
    time_ms = touch.at_ms if touch.raw_ms is None else touch.raw_ms
    return _BODY.encode({"type": _TAGS[touch.type], "time": time_ms, **common, **(touch.details or {})})
