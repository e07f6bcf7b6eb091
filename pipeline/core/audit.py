"""The audit: every cell counted again from the contacts, and what differs. Pure; reading the ledger is done elsewhere.

It takes the other road to the numbers: not deltas over time, but one sum of contributions over what is stored.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from msgspec import Struct

from pipeline.core import contacts, customers
from pipeline.core.cells import Cell, Contribution, add, settled
from pipeline.core.contact import unpack as unpack_contact
from pipeline.core.customer import Customer, Windows
from pipeline.core.engine import DAY, HOUR, HOUR_S, MINUTE, CellRow, StateRow, WindowKey
from pipeline.core.facts import unpack as unpack_facts
from pipeline.core.measure import Columns
from pipeline.core.rules import Rulebook
from pipeline.core.zone import Zone

RESOLUTIONS = {MINUTE: "minute", HOUR: "hour", DAY: "day"}


class Difference(Struct, frozen=True):
    """One number that is not what the contacts say. `window_s`: start of the window in seconds since the epoch."""

    partition: str
    resolution: str
    window_s: int
    channel: str
    queue: str
    segment: str
    column: str
    stored: int
    recounted: int


def of_contacts(rows: Iterable[StateRow], rulebook: Rulebook, columns: Columns) -> Contribution:
    """What the contacts of a partition add up to, by minute."""
    total: Contribution = defaultdict(dict)
    for row in rows:
        seen = contacts.view(unpack_contact(row.key, row.state), rulebook)
        for key, cell in contacts.contribution(seen, columns).items():
            add(total[key], cell)
    return total


def of_customers(rows: Iterable[StateRow], rulebook: Rulebook, columns: Columns) -> Contribution:
    """What the customers of a partition add up to, by minute."""
    settings = rulebook.settings
    windows = Windows(settings.follow_up_window_ms, settings.returned_within_ms)
    known: dict[str, Customer] = {}
    for row in rows:
        facts = unpack_facts(row.state)
        if facts.customer_id not in known:
            known[facts.customer_id] = Customer(windows, transfer_breaks_fcr=settings.transfer_breaks_fcr)
        known[facts.customer_id].put(facts)
    total: Contribution = defaultdict(dict)
    for customer in known.values():
        for name, facts in customer.facts.items():
            if not facts.held:
                continue
            for key, cell in customers.contribution(customer.linked(name), columns).items():
                add(total[key], cell)
    return total


def differences(
    partition: str, counted: Contribution, stored: Iterable[CellRow], columns: Columns, zone: Zone
) -> Iterator[Difference]:
    """Where stored cells (summed over generations and epochs) and the recount disagree, at every resolution."""
    expected: dict[WindowKey, Cell] = defaultdict(dict)
    for (window_s, channel, queue, segment), cell in counted.items():
        for resolution, start_s in (
            (MINUTE, window_s),
            (HOUR, window_s - window_s % HOUR_S),
            (DAY, zone.day_start_ms(window_s * 1_000) // 1_000),
        ):
            add(expected[resolution, start_s, channel, queue, segment], cell)
    found: dict[WindowKey, Cell] = defaultdict(dict)
    for row in stored:
        add(found[row.window], row.cell)
    for window in sorted(expected.keys() | found.keys()):
        yield from _of_cell(partition, window, found.get(window, {}), expected.get(window, {}), columns)


def _of_cell(partition: str, window: WindowKey, stored: Cell, counted: Cell, columns: Columns) -> Iterator[Difference]:
    left, right = settled(stored, columns), settled(counted, columns)
    if left == right:
        return
    resolution, window_s, channel, queue, segment = window
    for number in sorted(left.keys() | right.keys()):
        if left.get(number, 0) != right.get(number, 0):
            yield Difference(
                partition,
                RESOLUTIONS[resolution],
                window_s,
                channel,
                queue,
                segment,
                columns.name_of(number),
                left.get(number, 0),
                right.get(number, 0),
            )
