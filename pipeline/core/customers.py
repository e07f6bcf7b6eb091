"""The customer fold: contact facts in, cells of what only the customer's other contacts can tell, and resolutions
out.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Final

import msgspec
from librt.strings import write_i64_le

from pipeline.core.cells import MINUTE_MS, Booking, Contribution, revise
from pipeline.core.columnar import Rows, add_state, put, put_text, state_rows
from pipeline.core.customer import Customer, Linked, Windows
from pipeline.core.engine import Applied, Fold
from pipeline.core.facts import Facts, last_ms, unpack
from pipeline.core.hand import Hand
from pipeline.core.kept import Keeper, newest_ms
from pipeline.core.measure import Columns
from pipeline.core.record import Record
from pipeline.core.steps import FACT, SEPARATOR, Marker, StateRow, Written, unit_of
from schemas.rejects import Reject

_DAY_MS: Final = 86_400_000
EVER_MS: Final = 1 << 62
_MOST_UNPACKED: Final = 20_000
"""Customers of a partition kept unpacked at most, however long no flush succeeds."""
_NOBODY_ELSE: Final[list[Linked]] = []
_ANY_TIME: Final = -EVER_MS


def contribution(linked: Linked, columns: Columns) -> Contribution:
    """What one contact adds to which cell, seen among its customer's other contacts."""
    found: Contribution = {}
    contribute(found, linked, columns, _ANY_TIME)
    return found


def contribute(found: Contribution, linked: Linked, columns: Columns, since_ms: int) -> None:
    """Add to `found` what one contact adds to which cell, but for what was before `since_ms`."""
    facts = linked.facts
    booking = Booking(found, columns, facts.channel, facts.queue, facts.segment)
    if facts.first_closed_ms is not None and facts.first_closed_ms >= since_ms:
        booking.add("linked_closing", facts.first_closed_ms, linked)
    if facts.wait_began_ms is not None and facts.wait_began_ms >= since_ms:
        booking.add("linked_wait", facts.wait_began_ms, linked)
    if linked.switched and facts.requested_ms >= since_ms:
        booking.add("linked_request", facts.requested_ms, linked)
    for settled in linked.settled:
        if settled.raised_ms >= since_ms:
            booking.add("linked_complaint", settled.raised_ms, settled)
    for outreach in linked.outreach:
        if outreach.at_ms >= since_ms:
            booking.add("linked_outreach", outreach.at_ms, outreach)
    for leaving in linked.leavings:
        if leaving.at_ms >= since_ms:
            booking.add("linked_leaving", leaving.at_ms, leaving)


class CustomerFold(Fold):
    """The customers of one partition of `contact-facts`."""

    def __init__(
        self, windows: Windows, columns: Columns, *, transfer_breaks_fcr: bool, retention_ms: int = EVER_MS
    ) -> None:
        self.kind = FACT
        self.windows = windows
        self.columns = columns
        self.transfer_breaks_fcr = transfer_breaks_fcr
        self.hot_ms = windows.follow_up_ms + _DAY_MS
        self.kept_ms = 2 * retention_ms
        """Twice, because partitions of contacts are not at the same time: see docs/decisions."""
        self.packed: dict[str, bytes] = {}
        """All facts of a customer, or nothing of the customer."""
        self._keeper = Keeper()
        self._hand = Hand()
        self._work: dict[str, Customer] = {}
        self._delta: Contribution = {}
        self._touched: list[str] = []
        self._relinked: dict[str, dict[str, None]] = {}
        self._unpublished: dict[str, dict[str, None]] = {}
        """Relinked in flushes that are not known to be durable: their rows are written again with the next."""

    def apply(self, record: Record, append_ms: int, watermark_ms: int) -> Applied | Reject:
        """Take in one contact's facts. Times in facts are effective already."""
        if record.value is None:
            return Reject("null_value", "contact facts have no value")
        try:
            facts = unpack(record.value)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return Reject("not_json", f"not contact facts: {error}")
        if record.key != facts.customer_id.encode():
            return Reject("key_mismatch", f"the record's key is {record.key!r}, its customer_id {facts.customer_id!r}")
        customer_id, at_ms = facts.customer_id, facts.watermark_ms
        customer = self._work.get(customer_id)
        if customer is None:
            customer = self._load(customer_id)
        known = customer.facts.get(facts.contact_id)
        if not facts.newer(known):
            return Applied(False, at_ms)
        facts.key = f"{customer_id}{SEPARATOR}{facts.contact_id}"
        frozen_s = (watermark_ms - self.kept_ms) // 1_000
        since_ms = -(-frozen_s // 60) * MINUTE_MS  # the first minute that is still counted
        others = customer.changing(facts)
        before = [customer.seen(each) for each in others] if others else _NOBODY_ELSE
        old = None if known is None or not known.held else customer.seen(known)
        customer.put(facts)
        self._book(customer.seen(facts) if facts.held else None, old, since_ms)
        for linked in before:
            new = customer.seen(linked.facts)
            if not linked.same(new):
                self._book(new, linked, since_ms)
                self._relink(customer_id, linked.facts.contact_id)
        self._touched.append(facts.key)
        return Applied(True, at_ms)

    def _relink(self, customer_id: str, contact_id: str) -> None:
        """Remember that the row of a contact may have changed with that of another."""
        relinked = self._relinked.get(customer_id)
        if relinked is None:
            self._relinked[customer_id] = {contact_id: None}
        else:
            relinked[contact_id] = None

    def _book(self, new: Linked | None, old: Linked | None, since_ms: int) -> None:
        """What a contact adds now instead of what it added before."""
        if old is None:
            if new is not None:
                contribute(self._delta, new, self.columns, since_ms)
            return
        after: Contribution = {}
        before: Contribution = {}
        if new is not None:
            contribute(after, new, self.columns, since_ms)
        contribute(before, old, self.columns, since_ms)
        revise(self._delta, after, before)

    def _load(self, customer_id: str) -> Customer:
        customer = Customer(self.windows, transfer_breaks_fcr=self.transfer_breaks_fcr)
        packed = self.packed.get(customer_id)
        if packed is not None:
            for state in self._keeper.unpack(customer_id, packed):
                customer.put(unpack(state))
            customer.unpacked = False
        self._work[customer_id] = customer
        return customer

    @property
    def unsettled(self) -> int:
        """Facts taken in since the fold settled."""
        return len(self._touched)

    def settle(self, keep: int = 0) -> tuple[Contribution, list[str]]:
        """What the facts since the last call have changed."""
        if len(self._work) > _MOST_UNPACKED:
            self._cool()
        return self._settled()

    def _settled(self) -> tuple[Contribution, list[str]]:
        delta, self._delta = self._delta, {}
        touched, self._touched = self._touched, []
        return delta, touched

    def _cool(self) -> None:
        """Keep all customers packed."""
        for customer_id, customer in self._work.items():
            if customer.unpacked:
                newest = max([last_ms(facts) for facts in customer.facts.values()])
                states = [facts.state for facts in customer.facts.values()]
                self.packed[customer_id] = self._keeper.pack(customer_id, newest, states)
        self._work = {}

    def write(self, keys: Iterable[str], version: int, marker: Marker) -> Written:
        """State rows of the facts touched, and rows of table `resolutions` for all whose place in an issue may have
        changed.
        """
        delta, settled = self._settled()
        states, rows = state_rows(), resolution_rows()
        for customer_id, names in self._relinked.items():
            self._unpublished.setdefault(customer_id, {}).update(names)
        self._relinked = {}
        work, relinked, append_ms = self._work, dict(self._unpublished), marker.append_ms
        written: list[str] = []
        while work:  # one after the other and then let go: they are far apart in memory
            customer_id, customer = work.popitem()
            if not customer.unpacked:
                continue
            newest = 0
            kept: list[bytes] = []
            fresh: list[str] = []
            for facts in customer.facts.values():
                state, at_ms = facts.state, last_ms(facts)
                kept.append(state)
                newest = max(newest, at_ms)
                if facts.key:
                    fresh.append(facts.contact_id)
                    written.append(facts.key)
                    add_state(states, facts.key, state, False, at_ms)
            self.packed[customer_id] = self._keeper.pack(customer_id, newest, kept)
            changed = relinked.pop(customer_id, None)
            named: Collection[str] = fresh if changed is None else {**changed, **dict.fromkeys(fresh)}
            add_resolutions(rows, customer, named, version, append_ms)
        waiting = list(keys)
        if len(states) < len(waiting) + len(settled):
            done = frozenset(written)
            self._write_again([key for key in dict.fromkeys(waiting + settled) if key not in done], states, relinked)
        for customer_id, names in relinked.items():
            known = work.get(customer_id)
            if known is None:
                known = self._load(customer_id)
            add_resolutions(rows, known, names, version, append_ms)
        self._work = {}
        return Written(delta, settled, states, [("resolutions", rows.columns())] if len(rows) else [], [])

    def _write_again(self, keys: Iterable[str], states: Rows, relinked: dict[str, dict[str, None]]) -> None:
        """State rows of what is not fresh any more: it was written before, or there was no room for it."""
        for key in keys:
            customer_id, _, contact_id = key.partition(SEPARATOR)
            customer = self._work.get(customer_id) or self._load(customer_id)
            facts = customer.facts[contact_id]
            add_state(states, key, facts.state, False, last_ms(facts))
            relinked.setdefault(customer_id, {})[contact_id] = None

    def flushed(self) -> None:
        """What `write` returned last is durable."""
        self._unpublished = {}

    # -- memory

    def load(self, rows: Iterable[StateRow], version: int, watermark_ms: int) -> list[str]:
        """Take over facts from the ledger; those of its last flush may lack their rows in `resolutions`."""
        self.packed, self._work, self._hand = {}, {}, Hand()
        self._delta, self._touched, self._relinked, self._unpublished = {}, [], {}, {}
        rows = list(rows)
        self.take_back(rows)
        again = {unit_of(row.key) for row in rows if row.version == version}
        return [row.key for row in rows if unit_of(row.key) in again]

    def size(self, key: str) -> int:
        """New facts take the old ones' place: they are all there is to write."""
        return 0

    def holds(self, unit: str) -> bool:
        """Whether the customer is in memory, with all that is known of them."""
        return unit in self.packed or unit in self._work

    def take_back(self, rows: Iterable[StateRow]) -> None:
        """Take customers from the ledger that are not in memory, each with all their facts."""
        found: dict[str, list[StateRow]] = {}
        for row in rows:
            found.setdefault(unit_of(row.key), []).append(row)
        for customer_id, told in found.items():
            newest = max([row.last_ms for row in told])
            self.packed[customer_id] = self._keeper.pack(customer_id, newest, [row.state for row in told])

    def evict(self, looks: int, watermark_ms: int, unwritten: Callable[[str], bool]) -> list[str]:
        """Forget and name some customers of whom nothing has long been heard. (So nothing of them waits for rows
        either: what was relinked was touched.)
        """
        gone: list[str] = []
        oldest_ms = watermark_ms - self.hot_ms
        for customer_id in self._hand.some(self.packed, looks):
            packed = self.packed.get(customer_id)
            if packed is None or newest_ms(packed) >= oldest_ms:
                continue
            customer = self._work.get(customer_id)
            if customer is not None and customer.unpacked:
                continue
            told = [unpack(state) for state in self._keeper.unpack(customer_id, packed)]
            if not any(unwritten(customer_id + SEPARATOR + facts.contact_id) for facts in told):
                del self.packed[customer_id]
                self._work.pop(customer_id, None)
                gone.append(customer_id)
        return gone


def state_row(facts: Facts, at_ms: int, version: int) -> StateRow:
    """One contact's facts as the ledger keeps them; `at_ms` is their newest time."""
    key = f"{facts.customer_id}{SEPARATOR}{facts.contact_id}"
    return StateRow(key, facts.state, False, at_ms, version)


_TEXTS: Final = ("contact_id", "customer_id", "follows_contact_id", "followed_by_contact_id", "issue_id")
_FEW: Final = ("fcr",)
_INTEGERS: Final = ("held", "last_closed_ms", "revised_ms", "version")
RESOLUTION_ROW: Final = _TEXTS + _FEW + _INTEGERS
"""Columns of table `resolutions` (all but `p`)."""


def resolution_rows() -> Rows:
    """For rows of table `resolutions`."""
    return Rows(_TEXTS, _FEW, _INTEGERS)


def add_resolutions(into: Rows, customer: Customer, relinked: Collection[str], version: int, append_ms: int) -> None:
    """Rows of table `resolutions` for these contacts of a customer, and for all whose issue began with one of them."""
    if len(customer.facts) == 1:  # it is an issue of its own, or of none
        (facts,) = customer.facts.values()
        _add_resolution(into, customer, facts, facts.contact_id if facts.held else "", version, append_ms)
        return
    held = [name for name in relinked if customer.facts[name].held]
    names = sorted(customer.descendants(held))
    issues = customer.issues(names)
    for name in names:
        _add_resolution(into, customer, customer.facts[name], issues[name], version, append_ms)
    for name in relinked:
        if not customer.facts[name].held:
            _add_resolution(into, customer, customer.facts[name], "", version, append_ms)


def _add_resolution(into: Rows, customer: Customer, facts: Facts, issue_id: str, version: int, append_ms: int) -> None:
    follows = followed_by = fcr = ""
    if facts.held:
        linked = customer.followed(facts)
        follows, followed_by, fcr = linked.follows, linked.followed_by, linked.fcr
    texts = into.texts
    put_text(texts[0], facts.contact_id)
    put_text(texts[1], facts.customer_id)
    put_text(texts[2], follows)
    put_text(texts[3], followed_by)
    put_text(texts[4], issue_id)
    into.few[0].put(fcr)
    write_i64_le(into.integers, int(facts.held))
    put(into.integers, facts.last_closed_ms if facts.held else None)
    write_i64_le(into.integers, append_ms)
    write_i64_le(into.integers, version)
