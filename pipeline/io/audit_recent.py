"""The audit of the last days in one scan of each partition: small enough to be held, and asks for no more than reading.

A scan of one table is a snapshot, so cells and states are of one offset, whatever the workers do.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from time import sleep, thread_time
from typing import Any, Final

from pipeline.core import audit
from pipeline.core.audit import Difference, Span
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CELL, DAY, CellRow, StateRow
from pipeline.io.audit import AuditOutcome
from pipeline.io.frozen import CUSTOMER, is_of_customers
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Warehouse

_MORE_LOOKS: Final = 2
_AT_ONCE_SECONDS: Final = 0.001
_REST: Final = 3
"""How long counting rests after every such piece, as a multiple of it: the other threads of this process wait for each
piece, and again for each whenever they look away.
"""
_SCAN_SQL: Final = f"""
SELECT kind, resolution, window_s, channel, queue, segment, epoch, generation_hour, generation_block, keys, values,
       key, state, is_open, last_ms, version
FROM touchline_internal.ledger FINAL
WHERE p = %(p)s AND (
    (kind = 1 AND resolution = 3 AND window_s >= %(start_s)s AND window_s < %(end_s)s)
    OR (kind = 2 AND last_ms >= %(since_ms)s)
    OR (kind = 3 AND {CUSTOMER} IN (
        SELECT {CUSTOMER} FROM touchline_internal.ledger WHERE p = %(p)s AND kind = 3 AND last_ms >= %(since_ms)s
    ))
)"""


async def audit_recent(
    warehouse: Warehouse, rulebook: Rulebook, span: Span, partitions: Collection[str], pause_seconds: float = 1.0
) -> AuditOutcome:
    """Count the cells of these days again. Raises WarehouseDown, WarehouseRefused."""
    contacts = cells = 0
    found: list[Difference] = []
    for partition in sorted(partitions):
        differing, states, windows = await _look(warehouse, rulebook, span, partition)
        for _ in range(_MORE_LOOKS if differing else 0):
            # Which customers are recent is not asked of the same snapshot: what is under way differs only once.
            await asyncio.sleep(pause_seconds)
            differing, states, windows = await _look(warehouse, rulebook, span, partition)
        found += differing
        cells += windows
        contacts += 0 if is_of_customers(partition) else states
    return AuditOutcome(len(partitions), contacts, cells, found)


async def _look(
    warehouse: Warehouse, rulebook: Rulebook, span: Span, partition: str
) -> tuple[list[Difference], int, int]:
    """(what differs, states, cells)."""
    since = {"start_s": span.start_s, "end_s": span.end_s, "since_ms": span.start_s * 1_000}
    rows = await warehouse.query(_SCAN_SQL, {"p": partition, **since})
    return await asyncio.to_thread(_compared, partition, rows, rulebook, span)


def _compared(
    partition: str, rows: list[tuple[Any, ...]], rulebook: Rulebook, span: Span
) -> tuple[list[Difference], int, int]:
    of_customers = is_of_customers(partition)
    columns = CUSTOMER_COLUMNS if of_customers else CONTACT_COLUMNS
    states = sorted((StateRow(*row[11:]) for row in rows if row[0] != CELL), key=lambda row: row.key)
    stored = [
        CellRow((row[7], row[8]), row[6], row[1:6], dict(zip(row[9], row[10], strict=True)))
        for row in rows
        if row[0] == CELL
    ]
    counted = audit.Cells(rulebook.zone, span, resolutions=(DAY,))
    recount = audit.of_customers if of_customers else audit.of_contacts
    counted.add(recount(_unhurried(states), rulebook, columns))
    differing = list(audit.differences(partition, counted.cells, stored, columns))
    return differing, len(states), len({cell.window for cell in stored})


def _unhurried(rows: Iterable[StateRow]) -> Iterator[StateRow]:
    """The rows, with rests for the thread that counts them."""
    begun = thread_time()
    for row in rows:
        yield row
        took_seconds = thread_time() - begun
        if took_seconds > _AT_ONCE_SECONDS:
            sleep(_REST * took_seconds)
            begun = thread_time()
