"""The audit against a warehouse, of any size and while the pipeline runs. Memory is bounded by pieces, not partitions.

Each partition is looked at in a frozen copy: cells and contacts of one offset. ClickHouse adds up the cells, the states
are streamed and counted again, and the days whose sums differ are counted once more, cell by cell, to name what is
wrong.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from pipeline.core import audit
from pipeline.core.audit import Difference, Place, Span
from pipeline.core.cells import Contribution
from pipeline.core.measure import Columns
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CellRow, Marker
from pipeline.io import audit_tables
from pipeline.io.frozen import STATES_AT_ONCE, frozen, is_of_customers, states, sweep
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Warehouse

_DAYS_AT_ONCE: Final = 4
_MOST_DAYS: Final = 16
"""Days of a partition that are counted cell by cell; more that differ are only counted."""
_MOST_NAMED: Final = 10_000
IN_SPAN: Final = (
    "window_s >= %(start_s)s AND window_s + multiIf(resolution = 1, 60, resolution = 2, 3600, 1) <= %(end_s)s"
)
_SUMS_SQL: Final = """
SELECT resolution, intDiv(window_s, 86400) AS day, channel, queue, segment, uniqExact(window_s) AS windows,
       sum(intHash64(window_s) * arraySum(arrayMap((k, v) -> intHash64(k) * toUInt64(v), keys, values))) AS total
FROM {table} FINAL
WHERE kind = 1 AND p = %(p)s AND """ + IN_SPAN + """
GROUP BY resolution, day, channel, queue, segment"""  # fmt: skip
_CELLS_SQL: Final = """
SELECT resolution, window_s, channel, queue, segment, epoch, generation_hour, generation_block, keys, values
FROM {table} FINAL
WHERE kind = 1 AND p = %(p)s AND intDiv(window_s, 86400) IN %(days)s AND """ + IN_SPAN  # fmt: skip


class AuditOutcome(Struct, frozen=True):
    """What an audit found: how much was compared, and what differs.

    `unnamed`: days of partitions that differ, too, and were not looked at cell by cell; there are so many. `lagging`:
    partitions whose last flush is not yet in the tables for people (a worker writes it when it starts), so that those
    were not judged. `since_s`: windows before it were left out, since contacts are forgotten after retention.
    """

    partitions: int
    contacts: int
    cells: int
    differences: list[Difference]
    unnamed: int = 0
    lagging: list[str] = []
    since_s: int = 0

    @property
    def total(self) -> int:
        """How much differs, as a number: 0 is exact."""
        return len(self.differences) + self.unnamed


class Tables(Struct, frozen=True):
    """Where to look: the engine's tables, or those a rebuild makes."""

    ledger: str = "touchline_internal.ledger"
    contacts: str = "touchline_internal.contacts"
    resolutions: str = "touchline_internal.resolutions"


class _Taker(Protocol):
    def add(self, contributions: Iterable[Contribution]) -> None: ...


class _Look(Struct, frozen=True):
    """One partition in its frozen copy, and how it is counted."""

    warehouse: Warehouse
    rulebook: Rulebook
    partition: str
    table: str
    span: Span
    at_once: int
    pause_seconds: float

    @property
    def columns(self) -> Columns:
        return CUSTOMER_COLUMNS if is_of_customers(self.partition) else CONTACT_COLUMNS

    async def count(self, into: _Taker, since_s: int, on_share: Callable[[float], Any]) -> int:
        """Stream the states that may add to cells since then; how many contacts that were."""
        recount = audit.of_customers if is_of_customers(self.partition) else audit.of_contacts
        found = 0
        pieces = states(self.warehouse, self.table, self.partition, since_s=since_s, at_once=self.at_once)
        async for rows, share in pieces:
            found += len(rows)
            await asyncio.to_thread(into.add, recount(rows, self.rulebook, self.columns))
            on_share(share)
            await asyncio.sleep(self.pause_seconds)
        return found

    async def sums(self) -> tuple[dict[Place, int], int]:
        """What ClickHouse adds the cells up to, and how many cells there are."""
        rows = await self.warehouse.query(_SUMS_SQL.format(table=self.table), self.names())
        return {tuple(row[:5]): row[6] for row in rows}, sum(row[5] for row in rows)

    async def cells(self, days: Sequence[int]) -> list[CellRow]:
        """The stored cells of these days."""
        rows = await self.warehouse.query(_CELLS_SQL.format(table=self.table), {**self.names(), "days": list(days)})
        return [CellRow((row[6], row[7]), row[5], row[:5], dict(zip(row[8], row[9], strict=True))) for row in rows]

    def names(self) -> dict[str, Any]:
        """What the queries ask for."""
        return {"p": self.partition, "start_s": self.span.start_s, "end_s": self.span.end_s}


async def audit_days(
    warehouse: Warehouse,
    rulebook: Rulebook,
    span: Span | None = None,
    *,
    partitions: Collection[str] | None = None,
    tables: Tables | None = None,
    by_sql: bool = True,
    at_once: int = STATES_AT_ONCE,
    pause_seconds: float = 0.0,
    settle_seconds: float = audit_tables.SETTLE_SECONDS,
    on_progress: Callable[[float], Any] = lambda _: None,
) -> AuditOutcome:
    """Count the cells of a span again from contacts and customers, and name what differs.

    `partitions`: these only. `by_sql`: also count what can be counted from the columns of the tables for people, by SQL
    that knows nothing of the folds. `pause_seconds` between pieces lets others work. `on_progress` hears the share that
    is done. Raises WarehouseDown, WarehouseRefused.
    """
    where, looked_at = tables or Tables(), span or Span()
    markers = await _markers(warehouse, where.ledger)
    known = sorted(markers) if partitions is None else sorted(partitions)
    contacts = cells = unnamed = since_s = 0
    found: list[Difference] = []
    lagging: list[str] = []
    await sweep(warehouse)
    for number, partition in enumerate(known):

        def told(share: float, number: int = number) -> None:
            on_progress((number + share) / len(known))

        remembered = within_retention(looked_at, markers.get(partition), rulebook, partition)
        if remembered != looked_at:
            since_s = max(since_s, remembered.start_s)
        async with frozen(warehouse, where.ledger, partition) as table:
            look = _Look(warehouse, rulebook, partition, table, remembered, at_once, pause_seconds)
            differing, more, seen, compared = await _recounted(look, told)
        found += differing[: _MOST_NAMED - len(found)]
        unnamed += more
        cells += compared
        contacts += 0 if is_of_customers(partition) else seen
        if by_sql:
            check = audit_tables.Check(
                warehouse, partition, where.ledger, where.contacts, where.resolutions, remembered, rulebook.settings
            )
            judged = await audit_tables.differing(check, settle_seconds)
            if judged is None:
                lagging.append(partition)
            else:
                found += judged[: _MOST_NAMED - len(found)]
    if since_s and not await _has_cells(warehouse, where.ledger, Span(looked_at.start_s, since_s)):
        since_s = 0
    on_progress(1.0)
    return AuditOutcome(len(known), contacts, cells, found, unnamed, lagging, since_s)


async def _markers(warehouse: Warehouse, table: str) -> dict[str, Marker]:
    rows = await warehouse.query(f"SELECT p, state FROM {table} FINAL WHERE kind = 0")
    return {p: msgspec.json.decode(state, type=Marker) for p, state in rows}


async def _has_cells(warehouse: Warehouse, table: str, span: Span) -> bool:
    sql = f"SELECT 1 FROM {table} WHERE kind = 1 AND window_s >= %(from)s AND window_s < %(to)s LIMIT 1"
    return bool(await warehouse.query(sql, {"from": span.start_s, "to": span.end_s}))


def within_retention(span: Span, marker: Marker | None, rulebook: Rulebook, partition: str) -> Span:
    """The part of a span of which every contact is still known."""
    if marker is None:
        return span
    first_s = audit.complete_from_s(
        marker.watermark_ms, rulebook.settings, rulebook.zone, customers=is_of_customers(partition)
    )
    return Span(max(span.start_s, first_s), span.end_s)


async def _recounted(look: _Look, told: Callable[[float], Any]) -> tuple[list[Difference], int, int, int]:
    """(what differs, days that differ and are not named, contacts, cells)."""
    zone = look.rulebook.zone
    stored, cells = await look.sums()
    sums = audit.Sums(zone, look.span)
    contacts = await look.count(sums, look.span.start_s, told)
    days = sorted({place[1] for place in sums.differing(stored)})
    found: list[Difference] = []
    named = days[:_MOST_DAYS]
    for start in range(0, len(named), _DAYS_AT_ONCE):
        some = named[start : start + _DAYS_AT_ONCE]
        exact = audit.Cells(zone, look.span, frozenset(some))
        await look.count(exact, some[0] * audit.DAY_S, told)
        found += audit.differences(look.partition, exact.cells, await look.cells(some), look.columns)
    return found, len(days) - len(named), contacts, cells
