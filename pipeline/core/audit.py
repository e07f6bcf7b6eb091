"""The audit: every cell counted again from the contacts, and what differs. Pure; reading the ledger is done elsewhere.

It takes the other road to the numbers: not deltas over time, but one sum of contributions over what is stored. Cells
are sums, so sums of them agree too: a partition is first compared in few numbers (`Sums`: by day and dimensions, every
value weighted by its measure and its window), whatever its size, and only days that disagree are counted cell by cell.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from itertools import groupby
from typing import Final

from msgspec import Struct

from pipeline.core import customers, view
from pipeline.core.cells import Cell, Contribution, add, settled
from pipeline.core.contact import Alike
from pipeline.core.contact import unpack as unpack_contact
from pipeline.core.customer import MONTH_MS, Customer, Windows
from pipeline.core.facts import Facts
from pipeline.core.facts import unpack as unpack_facts
from pipeline.core.measure import Columns
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, HOUR, HOUR_S, MINUTE, CellRow, StateRow, WindowKey
from pipeline.core.zone import Zone
from schemas.catalogue_types import Settings

RESOLUTIONS: Final = {MINUTE: "minute", HOUR: "hour", DAY: "day"}
DAY_S: Final = 86_400
_LENGTHS_S: Final = {MINUTE: 60, HOUR: HOUR_S, DAY: 1}
_MASK: Final = (1 << 64) - 1

Place = tuple[int, int, str, str, str]
"""(resolution, UTC day the window starts on as days since 1970, channel, queue, segment)."""


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


class Span(Struct, frozen=True):
    """The time that is looked at, in seconds since the epoch: windows in [start_s, end_s), days that begin in it."""

    start_s: int = 0
    end_s: int = 1 << 32

    def holds(self, resolution: int, window_s: int) -> bool:
        """Whether this window is looked at."""
        return self.start_s <= window_s and window_s + _LENGTHS_S[resolution] <= self.end_s


def span_of(zone: Zone, first: date | None, last: date | None) -> Span:
    """Local days, both ends included; None: since ever, for ever."""
    return Span(
        0 if first is None else zone.start_of_ms(first.toordinal()) // 1_000,
        1 << 32 if last is None else zone.start_of_ms(last.toordinal() + 1) // 1_000,
    )


def complete_from_s(watermark_ms: int, settings: Settings, zone: Zone, *, customers: bool) -> int:
    """The first local day of which every contact is still known: what is older than retention is forgotten, its cells
    are kept. What a contact of customers adds depends on earlier ones, too.
    """
    earlier_ms = max(settings.follow_up_window_ms, MONTH_MS) if customers else 0
    start_ms = watermark_ms - settings.retention_ms + earlier_ms
    return 0 if start_ms <= 0 else zone.start_of_ms(zone.ordinal(start_ms) + 1) // 1_000


@lru_cache(maxsize=1 << 17)
def weight(number: int) -> int:
    """A number's weight: ClickHouse's intHash64, so that either side can do the sum."""
    number ^= 0x4CF2D2BAAE6DA887
    number ^= number >> 33
    number = number * 0xFF51AFD7ED558CCD & _MASK
    number ^= number >> 33
    number = number * 0xC4CEB9FE1A85EC53 & _MASK
    return number ^ number >> 33


def windows(window_s: int, zone: Zone) -> Iterator[tuple[int, int]]:
    """The windows a minute is part of, as (resolution, start)."""
    yield MINUTE, window_s
    yield HOUR, window_s - window_s % HOUR_S
    yield DAY, zone.day_start_ms(window_s * 1_000) // 1_000


class Sums:
    """Cells as few numbers: of every place the sum of value times weight of the measure times weight of the window,
    modulo 2^64. Equal cells give equal sums; others do not, but for one case in some 10^19.
    """

    def __init__(self, zone: Zone, span: Span) -> None:
        self._zone = zone
        self._span = span
        self._totals: dict[Place, int] = {}

    def add(self, contributions: Iterable[Contribution]) -> None:
        """Take in what contacts or customers add to which minute."""
        totals, span, zone = self._totals, self._span, self._zone
        for contribution in contributions:
            for (window_s, channel, queue, segment), cell in contribution.items():
                worth = sum(value * weight(number) for number, value in cell.items())
                for resolution, start_s in windows(window_s, zone):
                    if span.holds(resolution, start_s):
                        place = (resolution, start_s // DAY_S, channel, queue, segment)
                        totals[place] = (totals.get(place, 0) + worth * weight(start_s)) & _MASK

    def differing(self, stored: Mapping[Place, int]) -> set[Place]:
        """The places where the other side has another sum. Absent is 0."""
        totals = self._totals
        return {place for place in totals.keys() | stored.keys() if totals.get(place, 0) != stored.get(place, 0)}


def of_contacts(rows: Iterable[StateRow], rulebook: Rulebook, columns: Columns) -> Iterator[Contribution]:
    """What each contact adds to which minute."""
    alike = Alike()
    for row in rows:
        seen = view.view(unpack_contact(row.key, row.state, alike), rulebook)
        yield view.contribution(seen, columns)


def of_customers(rows: Iterable[StateRow], rulebook: Rulebook, columns: Columns) -> Iterator[Contribution]:
    """What each contact adds, seen among its customer's others. `rows`: all there are of each customer, together."""
    for customer in whole_customers(rows, rulebook):
        for name, facts in customer.facts.items():
            if facts.held:
                yield customers.contribution(customer.linked(name), columns)


def whole_customers(rows: Iterable[StateRow], rulebook: Rulebook) -> Iterator[Customer]:
    """Each customer, of rows where those of one customer stand together."""
    settings = rulebook.settings
    spans = Windows(settings.follow_up_window_ms, settings.returned_within_ms)
    facts_of_all: Iterator[Facts] = (unpack_facts(row.state) for row in rows)
    for _, told in groupby(facts_of_all, key=lambda facts: facts.customer_id):
        customer = Customer(spans, transfer_breaks_fcr=settings.transfer_breaks_fcr)
        for facts in told:
            customer.put(facts)
        yield customer


class Cells:
    """Cells, exactly. `days`: of these UTC days only. `resolutions`: these only."""

    def __init__(
        self,
        zone: Zone,
        span: Span,
        days: Collection[int] | None = None,
        resolutions: Collection[int] = tuple(RESOLUTIONS),
    ) -> None:
        self.cells: dict[WindowKey, Cell] = defaultdict(dict)
        self._resolutions = resolutions
        self._zone = zone
        self._span = span
        self._days = days

    def add(self, contributions: Iterable[Contribution]) -> None:
        """Take in what contacts or customers add to which minute."""
        for contribution in contributions:
            for (window_s, *dimensions), cell in contribution.items():
                channel, queue, segment = dimensions
                for resolution, start_s in windows(window_s, self._zone):
                    wanted = resolution in self._resolutions and (self._days is None or start_s // DAY_S in self._days)
                    if wanted and self._span.holds(resolution, start_s):
                        add(self.cells[resolution, start_s, channel, queue, segment], cell)


def differences(
    partition: str, counted: Mapping[WindowKey, Cell], stored: Iterable[CellRow], columns: Columns
) -> Iterator[Difference]:
    """Where stored cells (summed over generations and epochs) and the recount disagree."""
    found: dict[WindowKey, Cell] = defaultdict(dict)
    for row in stored:
        add(found[row.window], row.cell)
    for window in sorted(counted.keys() | found.keys()):
        yield from _of_cell(partition, window, found.get(window, {}), counted.get(window, {}), columns)


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
