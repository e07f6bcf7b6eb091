"""The contact fold: touchpoints in, cells, contact rows and contact facts out.

Contacts are kept packed (bytes); the ones touched last are kept unpacked beside them, with the contribution they last
made. Memory is a cache: what has been quiet for long is evicted, and read back when a touchpoint names it. What is live
(`open`) stays, whatever its age.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from sys import intern
from typing import Any, Final

from msgspec import Struct, structs

from pipeline.core import facts as contact_facts
from pipeline.core.cells import Contribution, book, difference
from pipeline.core.contact import MAX_TOUCHPOINTS, Contact, newest_ms, unpack
from pipeline.core.effort import HAPPENINGS, happenings
from pipeline.core.engine import CONTACT, Applied, Marker, Published, StateRow, Written, by_column, epoch_of, version_of
from pipeline.core.hand import Hand
from pipeline.core.happened import happened, heard_ms, reached_ms
from pipeline.core.measure import Columns
from pipeline.core.promises import Promise, promises
from pipeline.core.record import Record
from pipeline.core.resolution import Closing, closing
from pipeline.core.response import Clock, clocks, deadline_ms
from pipeline.core.rules import Rulebook
from pipeline.core.timeline import (
    ABANDONED,
    ANSWERED,
    CLOSED,
    COMPLAINT_RAISED,
    DISCARDED,
    FEEDBACK_GIVEN,
    PROMISE_MADE,
    REOPENED,
    SELF_SERVICE,
    Timeline,
    is_contained,
    timeline,
)
from pipeline.core.voice import Complaint, Feedback, complaints, feedback
from pipeline.core.waiting import Leg, Wait, legs, wait
from schemas.codec import PROMISE_MS, decode
from schemas.rejects import Reject
from schemas.topics import CONTACT_FACTS
from schemas.touchpoint import Erased, PromiseMade, Touchpoint

CLAMP_MS: Final = 60_000
"""How far ahead of its append time a touchpoint may say it happened."""
_DAY_MS: Final = 86_400_000
_UNPACKED: Final = 2_000
"""Contacts of a partition kept unpacked from one flush to the next."""
_MOST_UNPACKED: Final = 20_000
"""Contacts of a partition kept unpacked at most, however long no flush succeeds."""


class View(Struct):
    """Everything derived of a contact: a pure function of its touchpoints and the rules."""

    timeline: Timeline
    wait: Wait | None
    legs: list[Leg]
    clocks: list[Clock]
    closing: Closing | None
    promises: Sequence[Promise]
    complaints: Sequence[Complaint]
    feedback: Sequence[Feedback]

    @property
    def is_open(self) -> bool:
        """Not closed, abandoned, discarded or contained in self-service, or reopened since."""
        if not self.timeline.seen & _ENDS:
            return True
        for touch in reversed(self.timeline.touches):
            if touch.type == REOPENED:
                return True
            if _ENDS >> touch.type & 1 and (touch.type != SELF_SERVICE or is_contained(touch)):
                return False
        return True

    @property
    def response_due(self) -> bool:
        """Whether a response clock is running."""
        return bool(self.clocks) and self.clocks[-1].running

    @property
    def is_live(self) -> bool:
        """Whether somebody may be waiting for us: what the live values look at. A promise goes on when the contact is
        closed.
        """
        return self.is_open or self.response_due or any(promise.fate == "open" for promise in self.promises)


_GLANCED: Final = 1 << ANSWERED | 1 << CLOSED | 1 << ABANDONED | 1 << DISCARDED | 1 << SELF_SERVICE | 1 << REOPENED
"""What says whether a contact is open, and whether somebody is talking: the touchpoints that live values look at."""
_ENDS: Final = 1 << CLOSED | 1 << ABANDONED | 1 << DISCARDED | 1 << SELF_SERVICE
_SAID: Final = 1 << PROMISE_MADE | 1 << COMPLAINT_RAISED | 1 << FEEDBACK_GIVEN
_BESIDES: Final = _SAID | HAPPENINGS | 1 << DISCARDED
"""What most contacts lack: looked for once, since all of this is done for every touchpoint that comes."""


def view(contact: Contact, rulebook: Rulebook) -> View:
    """Derive everything."""
    line = timeline(contact, rulebook)
    if not line.seen & _SAID:
        return View(line, wait(line), legs(line), clocks(line), closing(line), (), (), ())
    return View(
        line, wait(line), legs(line), clocks(line), closing(line), promises(line), complaints(line), feedback(line)
    )


def contribution(seen: View, columns: Columns) -> Contribution:
    """What one contact adds to which cell."""
    line = seen.timeline
    found: Contribution = {}
    by_moment = columns.by_moment
    own = (line.channel, line.queue, line.segment)
    book(found, by_moment.get("request", ()), line.requested_ms, own, line)
    if seen.wait is not None:
        book(found, by_moment.get("wait", ()), seen.wait.began_ms, own, seen.wait)
        if seen.wait.negative:
            book(found, by_moment.get("negative", ()), seen.wait.began_ms, own, seen.wait.negative)
    for leg in seen.legs:
        book(found, by_moment.get("leg", ()), leg.began_ms, (line.channel, leg.queue, line.segment), leg)
    for clock in seen.clocks:
        book(found, by_moment.get("clock", ()), clock.began_ms, own, clock)
        if clock.replied_ms is not None:
            book(found, by_moment.get("reply", ()), clock.replied_ms, own, clock)
    if seen.closing is not None:
        book(found, by_moment.get("closing", ()), seen.closing.first_closed_ms, own, seen.closing)
        if seen.closing.negative:
            book(found, by_moment.get("negative", ()), seen.closing.first_closed_ms, own, seen.closing.negative)
    if line.seen & _BESIDES:
        _book_besides(found, seen, columns, own)
    if line.out_of_scope_ms is not None:
        book(found, by_moment.get("out_of_scope", ()), line.out_of_scope_ms, own, line)
    return {key: cell for key, cell in found.items() if cell}


def _book_besides(found: Contribution, seen: View, columns: Columns, own: tuple[str, str, str]) -> None:
    line, by_moment = seen.timeline, columns.by_moment
    if line.discarded_ms is not None:
        book(found, by_moment.get("discarded", ()), line.discarded_ms, own, line)
    for moment, touch in happenings(line):
        book(found, by_moment.get(moment, ()), touch.at_ms, own, touch)
    for promise in seen.promises:
        book(found, by_moment.get("promise", ()), promise.due_ms, own, promise)
    for complaint in seen.complaints:
        book(found, by_moment.get("complaint", ()), complaint.raised_ms, own, complaint)
    for answer in seen.feedback:
        book(found, by_moment.get("feedback", ()), answer.at_ms, own, answer)


def glance(seen: View) -> View:
    """A view as the live values need it: without most of the touchpoints, and so in a third of the memory."""
    line = seen.timeline
    line = structs.replace(
        line,
        touches=[touch for touch in line.touches if _GLANCED >> touch.type & 1],
        channel=intern(line.channel),
        queue=intern(line.queue),
        segment=intern(line.segment),
        source=intern(line.source),
    )
    return structs.replace(seen, timeline=line, closing=None, complaints=(), feedback=())


def last_ms(seen: View) -> int:
    """The newest time of a contact, and of all it is booked at: a promise is when it is due."""
    newest_ms = seen.timeline.last_ms
    return max(newest_ms, *(promise.due_ms for promise in seen.promises)) if seen.promises else newest_ms


class _Work(Struct):
    contact: Contact
    contribution: Contribution
    view: View | None


class ContactFold:
    """The contacts of one partition. `channels`: what the catalogue knows; other channels are rejected."""

    kind = CONTACT

    def __init__(self, rulebook: Rulebook, columns: Columns, channels: Collection[str]) -> None:
        self.rulebook = rulebook
        self.columns = columns
        self.channels = channels
        self.kept_ms = rulebook.settings.retention_ms
        self.hot_ms = rulebook.settings.follow_up_window_ms + _DAY_MS
        self.open_hot_ms = 30 * _DAY_MS
        """How long what is open is held in memory without hearing of it."""
        self.packed: dict[str, bytes] = {}
        self.open: dict[str, View] = {}
        """Contacts somebody may be waiting in: what the live values are computed from. Once written, at a `glance`."""
        self.sources: dict[str, int] = {}
        """Append time of the newest touchpoint of each source since this fold began."""
        self._kept: list[Kept] | None = [] if rulebook.settings.store_touchpoints_ms else None
        self._work: dict[str, _Work] = {}
        self._touched: dict[str, None] = {}
        self._unsettled: dict[str, None] = {}
        self._unpacked: dict[str, None] = {}
        """Contacts that changed since they were packed."""
        self._hand = Hand()
        self._open_hand = Hand()
        self._farewells: dict[str, list[str]] = {}
        """Customers erased from a contact, until it is certain that the customer fold was told."""
        self._said: dict[str, None] = {}

    def apply(self, record: Record, append_ms: int, watermark_ms: int) -> Applied | Reject:
        """Take in one touchpoint."""
        touchpoint = decode(record.value, self.channels, folded=True)
        if isinstance(touchpoint, Reject):
            return touchpoint
        contact_id = touchpoint.contact_id
        if record.key != contact_id.encode():
            return Reject("key_mismatch", f"the record's key is {record.key!r}, its contact_id {contact_id!r}")
        at_ms = min(touchpoint.time, append_ms + CLAMP_MS)
        if at_ms < watermark_ms - self.kept_ms:
            return Reject(
                "too_old", f"$.time is {watermark_ms - at_ms} ms behind the newest touchpoint of the partition"
            )
        if type(touchpoint) is PromiseMade and touchpoint.due - at_ms > PROMISE_MS:
            # The codec has compared it with the time as sent. From a clock that is years ahead, that is no bound.
            days = (touchpoint.due - at_ms) // 86_400_000
            return Reject("promise_too_late", f"`$.due` is {days:,} days after it was sent, at most 400 are allowed")
        work = self._work.pop(contact_id, None) or self._load(contact_id)
        if work.view is not None and last_ms(work.view) < watermark_ms - self.kept_ms:
            work = _Work(Contact(contact_id), {}, None)  # forgotten, whether its row is gone by now or not
        self._work[contact_id] = work
        contact = work.contact
        if type(touchpoint) is Erased:
            return self._erase(work, touchpoint.customer_id or "", at_ms, append_ms)
        if len(contact.touches) >= MAX_TOUCHPOINTS and touchpoint.id not in contact.by_id:
            return Reject("contact_too_long", f"contact {contact_id!r} has {MAX_TOUCHPOINTS} touchpoints already")
        before = contact.by_id.get(touchpoint.id)
        if not contact.apply(touchpoint, at_ms, append_ms):
            return Applied(None, at_ms)
        if self._kept is not None and contact.by_id[touchpoint.id] is not before:
            self._kept.append((touchpoint, record.value, at_ms, append_ms, record.offset))
        work.view = seen = view(contact, self.rulebook)
        new = contribution(seen, self.columns)
        delta = difference(new, work.contribution)
        work.contribution = new
        self._touched[contact_id] = self._unsettled[contact_id] = self._unpacked[contact_id] = None
        source = touchpoint.source or "unknown"
        self.sources[source] = append_ms
        return Applied(delta, at_ms, source if at_ms != touchpoint.time else None)

    def _erase(self, work: _Work, customer_id: str, at_ms: int, append_ms: int) -> Applied:
        """Forget a customer in a contact, and tell the customer fold that they have it no longer."""
        contact = work.contact
        named = customer_id in contact.named
        if not contact.touches or not contact.erase(customer_id, append_ms):
            return Applied(None, at_ms)
        contact_id = contact.contact_id
        if named:
            self._farewells.setdefault(contact_id, []).append(customer_id)
        work.view = seen = view(contact, self.rulebook)
        new = contribution(seen, self.columns)
        delta = difference(new, work.contribution)
        work.contribution = new
        self._touched[contact_id] = self._unsettled[contact_id] = self._unpacked[contact_id] = None
        return Applied(delta, at_ms)

    def _load(self, contact_id: str) -> _Work:
        packed = self.packed.get(contact_id)
        if packed is None:
            work = _Work(Contact(contact_id), {}, None)
        else:
            contact = unpack(contact_id, packed)
            seen = view(contact, self.rulebook)
            work = _Work(contact, contribution(seen, self.columns), seen)
        return work

    def settle(self) -> None:
        """Bring the open contacts up to date with the batch."""
        for contact_id in self._unsettled:
            seen = self._work[contact_id].view
            if seen is not None and seen.is_live:
                self.open[contact_id] = seen
            else:
                self.open.pop(contact_id, None)
        self._unsettled = {}
        self._cool(_MOST_UNPACKED)

    def touched(self) -> list[str]:
        """Contacts touched since the last call."""
        found, self._touched = list(self._touched), {}
        return found

    def write(self, keys: Sequence[str], version: int, marker: Marker) -> Written:
        """State rows, rows of table `contacts`, and facts for every customer a contact ever named."""
        states: list[StateRow] = []
        rows: list[tuple[Any, ...]] = []
        emissions: list[tuple[str, bytes, bytes]] = []
        for contact_id in keys:
            work = self._work.get(contact_id) or self._load(contact_id)
            seen = work.view
            if seen is None:
                continue
            packed = self.packed[contact_id] = work.contact.pack()
            self._unpacked.pop(contact_id, None)
            if contact_id in self.open:
                self.open[contact_id] = glance(seen)
            states.append(StateRow(contact_id, packed, seen.is_live, last_ms(seen), version))
            rows.append(contact_row(seen, work.contact.revised_ms, version))
            emissions.extend(self._emissions(seen, work.contact, version, marker.watermark_ms))
            for customer_id in self._farewells.get(contact_id, ()):
                told = contact_facts.gone(seen.timeline, customer_id, version, marker.watermark_ms)
                emissions.append((CONTACT_FACTS, customer_id.encode(), contact_facts.pack(told)))
                self._said[contact_id] = None
        self._cool(_UNPACKED)
        evidence: list[Published] = []
        if self._kept:
            evidence = [("touchpoints", touchpoint_rows(self._kept, version))]
            self._kept = []
        return Written(states, [("contacts", by_column(CONTACT_ROW, rows))] if rows else [], emissions, evidence)

    def _cool(self, most: int) -> None:
        """Keep only the contacts touched last unpacked: in busy times they are touched again soon."""
        if len(self._work) > most:
            for contact_id in list(self._work)[: len(self._work) - most]:
                work = self._work.pop(contact_id)
                if contact_id in self._unpacked:
                    self.packed[contact_id] = work.contact.pack()
                    del self._unpacked[contact_id]
                    if contact_id in self.open and work.view is not None:
                        self.open[contact_id] = glance(work.view)

    def flushed(self) -> None:
        """Every row depends on a touched key alone, so nothing is remembered between flushes but farewells: of who is
        erased from a contact it knows nothing more.
        """
        for contact_id in self._said:
            self._farewells.pop(contact_id, None)
        self._said = {}

    @staticmethod
    def _emissions(seen: View, contact: Contact, version: int, watermark_ms: int) -> Iterable[tuple[str, bytes, bytes]]:
        line = seen.timeline
        for customer_id in sorted(contact.named):
            if customer_id == line.customer_id:
                told = contact_facts.facts_of(line, seen.wait, version, watermark_ms)
            else:
                told = contact_facts.gone(line, customer_id, version, watermark_ms)
            yield CONTACT_FACTS, customer_id.encode(), contact_facts.pack(told)

    def facts_again(self, rows: Iterable[StateRow], watermark_ms: int) -> Iterable[tuple[str, bytes, bytes]]:
        """The facts of contacts in the ledger, under their versions, for a facts topic that began anew: what the old
        one had not delivered is not lost, what it had is a repetition.
        """
        for row in rows:
            contact = unpack(row.key, row.state)
            if contact.named:
                yield from self._emissions(view(contact, self.rulebook), contact, row.version, watermark_ms)

    # -- memory

    def load(self, rows: Iterable[StateRow], version: int, watermark_ms: int) -> list[str]:
        """Take over contacts from the ledger; those of its last flush may lack their row in `contacts`."""
        self.packed, self.open, self._work = {}, {}, {}
        self._touched, self._unsettled, self._unpacked, self._hand = {}, {}, {}, Hand()
        self._open_hand = Hand()
        self._farewells, self._said = {}, {}
        if self._kept is not None:
            self._kept = []
        again: list[str] = []
        for row in rows:
            self.packed[row.key] = row.state
            if row.is_open and row.last_ms >= watermark_ms - self.kept_ms:
                self.open[row.key] = glance(view(unpack(row.key, row.state), self.rulebook))
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
        for contact_id in self._open_hand.some(self.open, looks):
            seen = self.open.get(contact_id)
            if seen is not None and last_ms(seen) < watermark_ms - self.kept_ms:
                del self.open[contact_id]
        gone: list[str] = []
        for contact_id in self._hand.some(self.packed, looks):
            state = self.packed.get(contact_id)
            if state is None or unwritten(contact_id):
                continue
            hot_ms = self.open_hot_ms if contact_id in self.open else self.hot_ms
            if newest_ms(state) < watermark_ms - hot_ms:
                del self.packed[contact_id]
                self._work.pop(contact_id, None)
                gone.append(contact_id)
        return gone


Kept = tuple[Touchpoint, bytes | None, int, int, int]
"""A touchpoint that changed its contact: itself, as it came, effective time, append time, offset."""


def touchpoint_rows(kept: Sequence[Kept], version: int) -> dict[str, list[Any]]:
    """Rows of table `touchpoints`: only what counted when it came, so of one id the newest is the one that counts."""
    epoch = epoch_of(version)
    return {
        "contact_id": [t.contact_id for t, *_ in kept],
        "id": [t.id for t, *_ in kept],
        "revision": [t.revision for t, *_ in kept],
        "type": [str(t.__struct_config__.tag) for t, *_ in kept],
        "time_ms": [row[2] for row in kept],
        "append_ms": [row[3] for row in kept],
        "channel": [t.channel for t, *_ in kept],
        "customer_id": [t.customer_id or "" for t, *_ in kept],
        "queue": [t.queue or "" for t, *_ in kept],
        "segment": [t.segment or "" for t, *_ in kept],
        "topic": [t.topic or "" for t, *_ in kept],
        "agent_id": [t.agent_id or "" for t, *_ in kept],
        "direction": [t.direction or "inbound" for t, *_ in kept],
        "source": [t.source or "" for t, *_ in kept],
        "body": [(row[1] or b"").decode() for row in kept],
        "offset": [row[4] for row in kept],
        "epoch": [epoch] * len(kept),
        "version": [version_of(epoch, row[4] + 1) for row in kept],
    }


CONTACT_ROW: Final = (
    "contact_id", "customer_id", "channel", "queue", "segment", "topic", "direction", "source", "outcome",
    "refused_reason", "requested_ms", "wait_began_ms", "queued_ms", "answered_ms", "wait_ended_ms", "abandoned_ms",
    "first_clock_ms", "first_reply_ms", "first_closed_ms", "last_closed_ms", "wait_ms", "first_response_ms",
    "target_ms", "in_target", "response_due", "response_deadline_ms", "response_in_target", "transfers", "touchpoints",
    "is_open", "discarded", "note_ms", "note", "note_detail", "note_value", "heard_ms", "reached_ms", "revised_ms",
    "version",
)  # fmt: skip
"""Columns of table `contacts` (all but `p`)."""


def contact_row(seen: View, revised_ms: int, version: int) -> tuple[Any, ...]:
    """One row of table `contacts`: what data teams read of a contact."""
    line, waited = seen.timeline, seen.wait
    notes = happened(line, waited)
    first = seen.clocks[0] if seen.clocks else None
    answered = waited is not None and waited.outcome == "answered"
    in_target = None
    if waited is not None and waited.target_ms is not None and answered:
        in_target = int(waited.length_ms <= waited.target_ms)
    return (
        line.contact_id,
        line.customer_id,
        line.channel,
        line.queue,
        line.segment,
        line.topic,
        "inbound" if line.inbound else "outbound",
        line.source,
        "" if waited is None else waited.outcome,
        line.refused_reason,
        line.requested_ms,
        None if waited is None else waited.began_ms,
        line.queued_ms,
        line.answered_ms,
        None if waited is None else waited.ended_ms,
        line.abandoned_ms,
        None if first is None else first.began_ms,
        None if first is None else first.replied_ms,
        line.first_closed_ms,
        line.last_closed_ms,
        waited.length_ms if waited is not None and answered else None,
        None if first is None or first.replied_ms is None else first.length_ms,
        None if waited is None else waited.target_ms,
        in_target,
        int(seen.response_due),
        deadline_ms(line, first) if first is not None and first.running else None,
        None if first is None or first.running else int(first.in_target),
        line.transfers,
        len(line.touches),
        int(seen.is_open),
        int(line.discarded_ms is not None),
        [each.at_ms for each in notes],
        [each.what for each in notes],
        [each.detail for each in notes],
        [each.value for each in notes],
        heard_ms(line),
        reached_ms(line),
        revised_ms,
        version,
    )
