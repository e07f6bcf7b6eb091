"""The contact fold: touchpoints in, cells, contact rows and contact facts out.

Contacts are kept packed (bytes); the ones touched last are kept unpacked beside them, with the contribution they last
made. Memory is a cache: what has been quiet for long is evicted, and read back when a touchpoint names it. What is live
(`open`) stays, whatever its age.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import chain, islice
from typing import Final, cast

from mypy_extensions import mypyc_attr

from pipeline.core import facts as contact_facts
from pipeline.core.cells import Booking, Contribution, revise
from pipeline.core.columnar import add_state, state_rows
from pipeline.core.contact import (
    MAX_TOUCHPOINTS,
    NAMED,
    REPLACED,
    UNCHANGED,
    Alike,
    Contact,
    Touch,
    is_later,
    newest_ms,
    touch_of,
    unpack,
)
from pipeline.core.engine import Applied, Fold
from pipeline.core.hand import Hand
from pipeline.core.happened import Happened, happened
from pipeline.core.measure import Columns
from pipeline.core.open import Open
from pipeline.core.reading import CONTACT_ID, TIME, read
from pipeline.core.record import Record
from pipeline.core.rows import ContactRows, Kept, add_contact, touchpoint_rows
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CONTACT, Marker, Published, StateRow, Written
from pipeline.core.view import View, claim, claim_all, contribute, contribution, last_ms, opened, view
from schemas.codec import PROMISE_MS
from schemas.rejects import Reject
from schemas.topics import CONTACT_FACTS
from schemas.touchpoint import Erased, PromiseMade, Touchpoint
from schemas.vocabulary import UNKNOWN

CLAMP_MS: Final = 60_000
"""How far ahead of its append time a touchpoint may say it happened."""
_HOT_MS: Final = 43_200_000
"""Half a day: who is touched later is read back."""
_UNPACKED: Final = 4_000
"""Contacts of a partition kept unpacked from one flush to the next."""
_FEW: Final = 3
"""So many new touchpoints of a contact are cheaper derived one by one than claimed."""
_MOST_IN_TURN: Final = 100
"""Of what came in another order than that of time, states are looked at one by one only while neither the contact has
more touchpoints nor more came.
"""
_OPEN_LOOKS: Final = 16
"""Of so many looks one is at a contact that is open: few are, and each for as long as its touchpoints are kept at most.
"""
_MOST_UNPACKED = 20_000
"""Contacts of a partition kept unpacked at most, however long no flush succeeds."""
_promise_made: Final = PromiseMade  # what is imported is looked up by name at every use
_erased: Final = Erased


@mypyc_attr(acyclic=True)
class _Work:
    """A contact in hand. `view` and `known`, its number of touchpoints, are of when the fold settled last, and so is
    `booked`, what it adds to the cells; None: look into the view. Since then it may have changed. `arrived`: what came
    since, in this order, if that may not be the order of time; `revised`: some of it took the place of others.
    """

    __slots__ = ("arrived", "booked", "changed", "contact", "known", "revised", "view")

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self.booked: Contribution | None = None
        self.view: View | None = None
        self.known = 0
        self.changed = False
        self.arrived: list[Touch] | None = None
        self.revised = False


class ContactFold(Fold):
    """The contacts of one partition. `channels`: what the catalogue knows; other channels are rejected."""

    def __init__(self, rulebook: Rulebook, columns: Columns, channels: Collection[str]) -> None:
        self.kind = CONTACT
        self.rulebook = rulebook
        self.columns = columns
        self.channels = channels
        self.kept_ms = rulebook.settings.retention_ms
        self.hot_ms = _HOT_MS
        self.packed: dict[str, bytes] = {}
        self.open: dict[str, Open] = {}
        """Contacts somebody may be waiting in: what the live values are computed from."""
        self._kept: list[Kept] | None = [] if rulebook.settings.store_touchpoints_ms else None
        self._alike = Alike()
        self._work: dict[str, _Work] = {}
        self._unsettled: dict[str, _Work] = {}
        """Contacts that changed since the fold settled."""
        self._delta: Contribution = {}
        self._unpacked: dict[str, None] = {}
        """Contacts that changed since they were packed."""
        self._hand = Hand()
        self._open_hand = Hand()
        self._farewells: dict[str, list[str]] = {}
        """Customers erased from a contact, until it is certain that the customer fold was told."""
        self._said: dict[str, None] = {}

    def apply(self, record: Record, append_ms: int, watermark_ms: int) -> Applied | Reject:
        """Take in one touchpoint."""
        found, values = read(record.value, self.channels)
        if not values:
            return cast("Reject", found)
        touchpoint = cast("Touchpoint", found)
        contact_id: str = values[CONTACT_ID]
        if record.key != contact_id.encode():
            return Reject("key_mismatch", f"the record's key is {record.key!r}, its contact_id {contact_id!r}")
        time_ms: int = values[TIME]
        at_ms = min(time_ms, append_ms + CLAMP_MS)
        if at_ms < watermark_ms - self.kept_ms:
            return Reject(
                "too_old", f"$.time is {watermark_ms - at_ms} ms behind the newest touchpoint of the partition"
            )
        if type(touchpoint) is _promise_made and touchpoint.due - at_ms > PROMISE_MS:
            # The codec has compared it with the time as sent. From a clock that is years ahead, that is no bound.
            days = (touchpoint.due - at_ms) // 86_400_000
            return Reject("promise_too_late", f"`$.due` is {days:,} days after it was sent, at most 400 are allowed")
        work = self._work.get(contact_id)
        if work is None:
            work = self._work[contact_id] = self._load(contact_id)
        contact = work.contact
        if contact.touches and contact.touches[-1].at_ms < watermark_ms - self.kept_ms:
            self._book(work)
            if work.view is None or last_ms(work.view) < watermark_ms - self.kept_ms:
                contact = Contact(contact_id)  # forgotten, whether its row is gone by now or not
                work = self._work[contact_id] = _Work(contact)
        if type(touchpoint) is _erased:
            return self._erase(work, touchpoint.customer_id or "", at_ms, append_ms)
        touch = touch_of(type(touchpoint), values, at_ms, contact, self._alike)
        before = contact.find(touch.id)
        if before is None and len(contact.touches) >= MAX_TOUCHPOINTS:
            return Reject("contact_too_long", f"contact {contact_id!r} has {MAX_TOUCHPOINTS} touchpoints already")
        arrived, touches = work.arrived, contact.touches
        if arrived is None and touches and (before is not None or not is_later(touch, touches[-1])):
            arrived = touches[work.known :]  # so far it was
        done = contact.take(touch, before, append_ms)
        if done == UNCHANGED:
            return Applied(False, at_ms)
        if done != NAMED:
            if arrived is not None:
                arrived.append(touch)
                work.arrived = arrived
            if done == REPLACED:
                work.revised = True
            if self._kept is not None:
                self._kept.append((touchpoint, record.value, at_ms, append_ms, record.offset))
        if not work.changed:
            work.changed = True
            self._unsettled[contact_id] = work
        common = touch.common
        common.heard.newest_ms = append_ms
        return Applied(True, at_ms, (common.source or UNKNOWN) if touch.raw_ms is not None else None)

    def _erase(self, work: _Work, customer_id: str, at_ms: int, append_ms: int) -> Applied:
        """Forget a customer in a contact, and tell the customer fold that they have it no longer."""
        contact = work.contact
        named = customer_id in contact.named
        self._book(work)  # what an erasure does to the cells is seen by itself: no touchpoint came that would claim it
        if not contact.touches or not contact.erase(customer_id, append_ms):
            return Applied(False, at_ms)
        contact_id = contact.contact_id
        if named:
            self._farewells.setdefault(contact_id, []).append(customer_id)
        work.changed = True
        self._book(work)
        self._unsettled[contact_id] = work
        return Applied(True, at_ms)

    def _load(self, contact_id: str) -> _Work:
        packed = self.packed.get(contact_id)
        if packed is None:
            return _Work(Contact(contact_id))
        work = _Work(unpack(contact_id, packed, self._alike))
        work.view = view(work.contact, self.rulebook)
        work.known = len(work.contact.touches)
        return work

    def _book(self, work: _Work) -> None:
        """Derive a contact anew, and book what it adds to the cells now instead of what it added before.

        Of several new touchpoints the states in between were never derived, but somebody else may have written them:
        what they would have touched is claimed. A known contact with a few new ones is cheaper derived after each.
        """
        if not work.changed:
            return
        touches, known = work.contact.touches, work.known
        old: list[Touch] = [] if work.view is None else work.view.timeline.touches
        arrived = touches[known:] if work.arrived is None else work.arrived
        few = known and work.arrived is None and len(arrived) <= _FEW
        if few:
            before = Contact(work.contact.contact_id)
            for count in range(known + 1, len(touches)):
                before.touches = touches[:count]
                self._rebook(work, before)
        booking = self._rebook(work, work.contact)
        if not few and len(arrived) > 1:
            if work.arrived is None or (len(touches) <= _MOST_IN_TURN and len(arrived) <= _MOST_IN_TURN):
                claim(self._delta, old, arrived, work.revised, booking)
            else:
                claim_all(self._delta, chain(old, arrived))
        work.known = len(touches)
        work.changed = work.revised = False
        work.arrived = None

    def _rebook(self, work: _Work, contact: Contact) -> Booking | None:
        """Derive it anew and book what that changes. What is returned, of a contact that is derived for the first time,
        knows its cells.
        """
        booking: Booking | None = None
        before, seen = work.view, view(contact, self.rulebook)
        if before is None:  # most are derived once, so nothing is remembered
            booking = contribute(self._delta, seen, self.columns)
        else:
            booked = contribution(before, self.columns) if work.booked is None else work.booked
            work.booked = contribution(seen, self.columns)
            revise(self._delta, work.booked, booked)
        work.view = seen
        return booking

    @property
    def sources(self) -> dict[str, int]:
        """Append time of the newest touchpoint of each source since this fold began."""
        heard = self._alike.sources
        return {name or UNKNOWN: heard[name].newest_ms for name in heard if heard[name].newest_ms}

    @property
    def unsettled(self) -> int:
        """Contacts that changed since the fold settled."""
        return len(self._unsettled)

    def settle(self, keep: int = 0) -> tuple[Contribution, list[str]]:
        """Derive the contacts that changed, each once for all its touchpoints, and bring the open ones up to date."""
        touched = list(islice(self._unsettled, max(len(self._unsettled) - keep, 0)))
        for contact_id in touched:
            work = self._unsettled.pop(contact_id)
            self._settle(contact_id, work)
            self._keep(contact_id, work)
        self._unpacked.update(dict.fromkeys(touched))
        self._cool(_MOST_UNPACKED)
        delta, self._delta = self._delta, {}
        return delta, touched

    def _keep(self, contact_id: str, work: _Work) -> None:
        """What is settled last is kept longest."""
        self._work.pop(contact_id, None)
        self._work[contact_id] = work

    def _settle(self, contact_id: str, work: _Work) -> None:
        self._book(work)
        seen = None if work.view is None else opened(work.view)
        if seen is None:
            self.open.pop(contact_id, None)
        else:
            self.open[contact_id] = seen

    def write(self, keys: Iterable[str], version: int, marker: Marker) -> Written:
        """State rows, rows of table `contacts`, and facts for every customer a contact ever named. Contacts in which
        nobody waits are let go as soon as they are written.
        """
        states, rows = state_rows(), ContactRows()
        emissions: list[tuple[str, bytes, bytes]] = []
        settled = list(self._unsettled)
        wanted = dict.fromkeys(chain(keys, settled))
        for contact_id in wanted:
            new = self._unsettled.pop(contact_id, None)
            if new is not None:
                self._settle(contact_id, new)
            work = new or self._work.get(contact_id) or self._load(contact_id)
            seen = work.view
            if seen is None:
                continue
            is_live = seen.is_live
            if not is_live:  # the others are touched again soon
                self._work.pop(contact_id, None)
            elif new is not None:
                self._keep(contact_id, work)
            packed = self.packed[contact_id] = work.contact.pack()
            self._unpacked.pop(contact_id, None)
            add_state(states, contact_id, packed, is_live, last_ms(seen))
            notes = happened(seen.timeline, seen.wait)
            add_contact(rows, seen, work.contact.revised_ms, version, notes)
            if work.contact.named:
                emissions += self._emissions(seen, work.contact, version, marker.watermark_ms, notes)
            for customer_id in self._farewells.get(contact_id, ()):
                told = contact_facts.gone(seen.timeline, customer_id, version, marker.watermark_ms)
                emissions.append((CONTACT_FACTS, customer_id.encode(), contact_facts.pack(told)))
                self._said[contact_id] = None
        self._cool(_UNPACKED)
        evidence: list[Published] = []
        if self._kept:
            evidence = [("touchpoints", touchpoint_rows(self._kept, version))]
            self._kept = []
        delta, self._delta = self._delta, {}
        published: list[Published] = [("contacts", rows.columns())] if len(rows) else []
        return Written(delta, settled, states, published, emissions, evidence)

    def _cool(self, most: int) -> None:
        """Keep only the contacts settled last unpacked: in busy times they are touched again soon."""
        if len(self._work) > most:
            for contact_id in list(islice(self._work, len(self._work) - most)):
                if contact_id in self._unsettled:
                    continue
                work = self._work.pop(contact_id)
                if contact_id in self._unpacked:
                    self.packed[contact_id] = work.contact.pack()
                    del self._unpacked[contact_id]

    def flushed(self) -> None:
        """Every row depends on a touched key alone, so nothing is remembered between flushes but farewells: of who is
        erased from a contact it knows nothing more.
        """
        for contact_id in self._said:
            self._farewells.pop(contact_id, None)
        self._said = {}

    @staticmethod
    def _emissions(
        seen: View, contact: Contact, version: int, watermark_ms: int, notes: Sequence[Happened] | None = None
    ) -> list[tuple[str, bytes, bytes]]:
        line = seen.timeline
        found: list[tuple[str, bytes, bytes]] = []
        for customer_id in sorted(contact.named):
            if customer_id == line.customer_id:
                told = contact_facts.facts_of(line, seen.wait, version, watermark_ms, notes)
            else:
                told = contact_facts.gone(line, customer_id, version, watermark_ms)
            found.append((CONTACT_FACTS, customer_id.encode(), contact_facts.pack(told)))
        return found

    def facts_again(self, rows: Iterable[StateRow], watermark_ms: int) -> Iterable[tuple[str, bytes, bytes]]:
        """The facts of contacts in the ledger, under their versions, for a facts topic that began anew: what the old
        one had not delivered is not lost, what it had is a repetition.
        """
        for row in rows:
            contact = unpack(row.key, row.state, self._alike)
            if contact.named:
                yield from self._emissions(view(contact, self.rulebook), contact, row.version, watermark_ms)

    # -- memory

    def load(self, rows: Iterable[StateRow], version: int, watermark_ms: int) -> list[str]:
        """Take over contacts from the ledger; those of its last flush may lack their row in `contacts`."""
        self.packed, self.open, self._work = {}, {}, {}
        self._unsettled, self._delta, self._unpacked, self._hand = {}, {}, {}, Hand()
        self._open_hand = Hand()
        self._farewells, self._said = {}, {}
        if self._kept is not None:
            self._kept = []
        again: list[str] = []
        for row in rows:
            self.packed[row.key] = row.state
            if row.is_open and row.last_ms >= watermark_ms - self.kept_ms:
                seen = opened(view(unpack(row.key, row.state, self._alike), self.rulebook))
                if seen is not None:
                    self.open[row.key] = seen
            if row.version == version:
                again.append(row.key)
        return again

    def size(self, key: str) -> int:
        """Bytes of a contact, as it was when it was last packed."""
        return len(self.packed.get(key, b""))

    def holds(self, unit: str) -> bool:
        """Whether the contact is in memory."""
        return unit in self.packed or unit in self._work

    def take_back(self, rows: Iterable[StateRow]) -> None:
        """Take contacts from the ledger that are not in memory."""
        for row in rows:
            self.packed[row.key] = row.state

    def evict(self, looks: int, watermark_ms: int, unwritten: Callable[[str], bool]) -> list[str]:
        """Forget and name some contacts that have long been quiet. Their views stay while they are live, until nobody
        keeps them any more.
        """
        for contact_id in self._open_hand.some(self.open, -(-looks // _OPEN_LOOKS)):
            seen = self.open.get(contact_id)
            if seen is not None and seen.last_ms < watermark_ms - self.kept_ms:
                del self.open[contact_id]
        gone: list[str] = []
        oldest_ms = watermark_ms - self.hot_ms
        for contact_id in self._hand.some(self.packed, looks):
            state = self.packed.get(contact_id)
            if state is None or newest_ms(state) >= oldest_ms:
                continue
            if contact_id not in self._unsettled and not unwritten(contact_id):
                del self.packed[contact_id]
                self._work.pop(contact_id, None)
                gone.append(contact_id)
        return gone
