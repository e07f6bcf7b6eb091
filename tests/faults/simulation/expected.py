"""What a world should have come to: one pass over all that counts, without engine, folds, flushes and deltas."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pipeline.core import contacts as contact_fold
from pipeline.core import customers as customer_fold
from pipeline.core import engine
from pipeline.core import view as contact_view
from pipeline.core.cells import Contribution, add, settled, total
from pipeline.core.contact import Contact
from pipeline.core.contacts import CLAMP_MS
from pipeline.core.customer import Customer, Windows
from pipeline.core.facts import Facts, facts_of, gone, unpack
from pipeline.core.measure import Columns
from pipeline.core.steps import DAY, HOUR, HOUR_S, MINUTE, Marker, WindowKey
from pipeline.measures import ALL, CONTACT_COLUMNS, CUSTOMER_COLUMNS
from schemas.codec import decode
from schemas.rejects import Reject
from tests.core.harness import contact_row, said
from tests.faults.simulation.fakes import FACTS, TOUCHPOINTS
from tests.faults.simulation.world import RULEBOOK, Received, World

Cells = dict[WindowKey, dict[int, int]]
_COLUMNS: Final = Columns(ALL)
_WINDOWS: Final = Windows(RULEBOOK.settings.follow_up_window_ms, RULEBOOK.settings.returned_within_ms)


class Expected:
    """The state, the rows and the cells that follow from what was received."""

    def __init__(self, received: Iterable[Received], kept_ms: int) -> None:
        self.contacts: dict[str, Contact] = {}
        self.letters: set[tuple[str, int, int, int]] = set()
        self.markers: dict[str, Marker] = {}
        self.forgotten: list[Contact] = []
        """What was known of contacts that began anew, under the same id, after more than retention."""
        self._kept_ms = kept_ms
        self._fold(received)
        self.views = {name: contact_view.view(contact, RULEBOOK) for name, contact in self.contacts.items()}
        self.facts: dict[tuple[str, str], Facts] = {}
        self.customers: dict[str, Customer] = {}
        self._tell()
        self.cells = self._count()

    def _fold(self, received: Iterable[Received]) -> None:
        epochs: dict[str, int] = {}
        for epoch, partition, record, _ in received:
            marker = self.markers.setdefault(partition, Marker())
            if epochs.get(partition) != epoch:
                epochs[partition], marker.append_ms = epoch, 0
            marker.append_ms = max(marker.append_ms, record.timestamp_ms)
            touchpoint = decode(record.value, RULEBOOK.catalogue.channels.keys())
            oldest_ms = marker.watermark_ms - self._kept_ms
            at_ms = 0 if isinstance(touchpoint, Reject) else min(touchpoint.time, marker.append_ms + CLAMP_MS)
            if isinstance(touchpoint, Reject) or at_ms < oldest_ms:
                topic, _, number = partition.partition("/")
                reason = touchpoint.reason if isinstance(touchpoint, Reject) else "too_old"
                self.letters.add((topic, int(number), epoch, record.offset))
                marker.rejected[reason] = marker.rejected.get(reason, 0) + 1
                continue
            contact = self.contacts.setdefault(touchpoint.contact_id, Contact(touchpoint.contact_id))
            if contact.touches and contact.touches[-1].at_ms < oldest_ms:
                self.forgotten.append(contact)
                contact = self.contacts[touchpoint.contact_id] = Contact(touchpoint.contact_id)
            if not contact.apply(touchpoint, at_ms, marker.append_ms):
                marker.duplicate += 1
                continue
            marker.applied += 1
            if at_ms != touchpoint.time:
                marker.clamped["unknown"] = marker.clamped.get("unknown", 0) + 1
            marker.late += at_ms < marker.watermark_ms - engine._HOUR_MS
            marker.watermark_ms = max(marker.watermark_ms, at_ms)

    def _tell(self) -> None:
        for name, contact in self.contacts.items():
            line, wait = self.views[name].timeline, self.views[name].wait
            for customer_id in contact.named:
                held = customer_id == line.customer_id
                told = facts_of(line, wait, 0, 0) if held else gone(line, customer_id, 0, 0)
                self.facts[customer_id, name] = told
                self.customers.setdefault(customer_id, Customer(_WINDOWS, transfer_breaks_fcr=_breaks())).put(told)

    def _count(self) -> Cells:
        sums: dict[WindowKey, dict[int, int]] = defaultdict(dict)
        for seen in (*self.views.values(), *(contact_view.view(each, RULEBOOK) for each in self.forgotten)):
            _book(sums, contact_view.contribution(seen, CONTACT_COLUMNS))
        self.contact_cells = nonzero(sums)
        for customer_id, name in self.facts:
            if self.facts[customer_id, name].held:
                linked = self.customers[customer_id].linked(name)
                _book(sums, customer_fold.contribution(linked, CUSTOMER_COLUMNS))
        return nonzero(sums)

    def contact_rows(self) -> dict[str, tuple[Any, ...]]:
        """Rows of table contacts, without version."""
        return {
            name: tuple(contact_row(seen, self.contacts[name].revised_ms, 0).values())[:-1]
            for name, seen in self.views.items()
        }

    def kept(self) -> dict[tuple[str, ...], tuple[int, int]]:
        """Of every touchpoint that counts: revision and effective time."""
        everybody = [*self.forgotten, *self.contacts.values()]
        return {(c.contact_id, t.id): (t.revision, t.at_ms) for c in everybody for t in c.touches}

    def resolution_rows(self) -> dict[tuple[str, str], tuple[Any, ...]]:
        """Rows of table resolutions, without revised_ms and version."""
        found: dict[tuple[str, str], tuple[Any, ...]] = {}
        for (customer_id, name), told in self.facts.items():
            row: tuple[Any, ...] = (name, customer_id, "", "", "", "", 0, None)
            if told.held:
                customer = self.customers[customer_id]
                linked = customer.linked(name)
                row = (
                    name, customer_id, linked.follows, linked.followed_by, customer.issues([name])[name], linked.fcr, 1,
                    told.last_closed_ms,
                )  # fmt: skip
            found[name, customer_id] = row
        return found


def _breaks() -> bool:
    return RULEBOOK.settings.transfer_breaks_fcr


def _book(into: dict[WindowKey, dict[int, int]], contribution: Contribution) -> None:
    for (window_s, channel, queue, segment), cell in contribution.items():
        for resolution, start_s in (
            (MINUTE, window_s),
            (HOUR, window_s - window_s % HOUR_S),
            (DAY, RULEBOOK.zone.day_start_ms(window_s * 1_000) // 1_000),
        ):
            add(into[resolution, start_s, channel, queue, segment], cell)


def nonzero(cells: Mapping[WindowKey, dict[int, int]]) -> Cells:
    """Cells without what is zero."""
    return {window: kept for window, cell in cells.items() if (kept := settled(cell, _COLUMNS))}


def ledger_cells(world: World, partitions: Iterable[str]) -> Cells:
    """What the ledger's cells sum up to, over partitions, epochs and generations."""
    sums: dict[WindowKey, dict[int, int]] = defaultdict(dict)
    for partition in partitions:
        for (_, _, window), (_, cell) in world.ledger.table(partition).cells.items():
            add(sums[window], cell)
    return nonzero(sums)


def check(world: World) -> Expected:
    """Compare a world that has ended with what should be. Raises AssertionError."""
    expected = Expected(world.received, world.kept_ms)
    touchpoints, facts = world.topics.named(TOUCHPOINTS), world.topics.named(FACTS)
    ledger = world.ledger
    for partition in touchpoints:
        _check_marker(world, partition, expected.markers.get(partition, Marker()))
    for partition in (*touchpoints, *facts):
        _check_live(world, partition)
    assert expected.letters <= ledger.letters.keys() <= expected.letters | world.lost_places, "dead letters"
    rows = {key[1]: row for key, (_, row) in ledger.published["contacts"].items()}
    _equal("rows of contacts", rows, expected.contact_rows())
    # (contact, id): revision, effective time
    kept = {key[1:]: (row[2], row[4]) for key, (_, row) in ledger.published["touchpoints"].items()}
    if not (world.lost and world.forgets):  # kept before the topic was lost, sent again, and too old by then
        _equal("kept touchpoints", kept, expected.kept())
    states = {row.key: row.state for p in touchpoints for row in ledger.table(p).states.values()}
    wanted = {name: contact.pack() for name, contact in expected.contacts.items()}
    # What is older than retention may be deleted, and written once more as somebody knew it who is far behind.
    old = {name for p in touchpoints for name in _old(world, p, expected)}
    _equal("contacts' states", *({n: state for n, state in of.items() if n not in old} for of in (states, wanted)))
    if expected.forgotten or (world.forgets and world.lost):
        # What customers were told of a contact that began anew depends on when that was; and what is deleted cannot be
        # told to a facts topic that begins anew.
        _equal("cells", ledger_cells(world, touchpoints), expected.contact_cells)
        return expected
    _equal("cells", ledger_cells(world, [*touchpoints, *facts]), expected.cells)
    told = {
        (f.customer_id, f.contact_id): said(f)
        for p in facts
        for f in (unpack(row.state) for row in ledger.table(p).states.values())
    }
    _equal("facts", told, {key: said(f) for key, f in expected.facts.items()})
    # Without revised_ms, the append time of whatever flush wrote the row last.
    resolutions = {(key[1], key[2]): row[:-1] for key, (_, row) in ledger.published["resolutions"].items()}
    _equal("rows of resolutions", resolutions, expected.resolution_rows())
    return expected


def _old(world: World, partition: str, expected: Expected) -> list[str]:
    """Contacts of which nothing is known since retention began."""
    oldest_ms = world.owners[partition].engine.marker.watermark_ms - world.kept_ms
    return [name for name, contact in expected.contacts.items() if contact.touches[-1].at_ms < oldest_ms]


def _check_marker(world: World, partition: str, counted: Marker) -> None:
    marker, _ = world.ledger.marker(partition)
    assert marker is not None
    for name in ("watermark_ms", "applied", "duplicate", "late", "rejected", "clamped"):
        _equal(f"{name} of {partition}", getattr(marker, name), getattr(counted, name))


def _check_live(world: World, partition: str) -> None:
    """What the owner holds in memory: recent totals and open contacts."""
    owner = world.owners[partition].engine
    owner.settle()
    now_s = owner.marker.watermark_ms // 1_000
    oldest = {MINUTE: now_s - engine.RECENT_MINUTES_S, DAY: now_s - owner.recent_days * 86_400}
    written = ledger_cells(world, [partition])
    recent = {window: cell for window, cell in written.items() if window[1] >= oldest.get(window[0], 1 << 62)}
    held = {window: dict(total(tallies).items()) for window, tallies in owner.recent.items()}
    _equal(f"recent cells of {partition}", nonzero(held), recent)
    if isinstance(owner.fold_, contact_fold.ContactFold):
        oldest_ms = owner.marker.watermark_ms - world.kept_ms
        rows = world.ledger.table(partition).states.values()
        live = {row.key for row in rows if row.is_open and row.last_ms >= oldest_ms}
        seen = {name for name, each in owner.fold_.open.items() if each.last_ms >= oldest_ms}
        _equal(f"open contacts of {partition}", seen, live)


def _equal(what: str, found: Any, wanted: Any) -> None:
    if found == wanted:
        return
    detail = f"{found}, should be {wanted}"
    if isinstance(found, dict) and isinstance(wanted, dict):
        differing = [key for key in {**found, **wanted} if found.get(key) != wanted.get(key)]
        first = differing[0]
        detail = f"{len(differing)} differ, first {first}: {found.get(first)}, should be {wanted.get(first)}"
    raise AssertionError(f"{what}: {detail}")
