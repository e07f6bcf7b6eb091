"""The audit against a warehouse. Each partition is one scan: cells and contacts of one offset, even while it runs."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct

from pipeline.core import audit
from pipeline.core.audit import Difference
from pipeline.core.rules import Rulebook
from pipeline.io.ledger import SqlLedger
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Warehouse
from schemas.topics import CONTACT_FACTS

_TRIES: Final = 5
_WAITS: Final = ("offered", "answered", "abandoned", "wait_ms")
_WAITS_SQL: Final = """
SELECT toUInt32(intDiv(assumeNotNull(wait_began_ms), 60000) * 60) AS window_s, channel, queue, segment,
       toInt64(count()), toInt64(countIf(outcome = 'answered')), toInt64(countIf(outcome = 'abandoned')),
       toInt64(sum(ifNull(wait_ms, 0)))
FROM touchline_internal.contacts FINAL
WHERE p = %(p)s AND isNotNull(wait_began_ms)
GROUP BY window_s, channel, queue, segment"""
_CELLS_SQL: Final = """
SELECT window_s, channel, queue, segment, sum(offered), sum(answered), sum(abandoned), sum(wait_ms)
FROM touchline_internal.ledger FINAL
WHERE p = %(p)s AND kind = 1 AND resolution = 1
GROUP BY window_s, channel, queue, segment
HAVING sum(offered) != 0 OR sum(answered) != 0 OR sum(abandoned) != 0 OR sum(wait_ms) != 0"""


class Result(Struct, frozen=True):
    """What an audit found: how much was compared, and what differs."""

    partitions: int
    contacts: int
    cells: int
    differences: list[Difference]


async def run(
    warehouse: Warehouse, rulebook: Rulebook, on_partition: Callable[[int, int], Any] = lambda *_: None
) -> Result:
    """Count every cell again from the contacts and customers. Raises WarehouseDown, WarehouseRefused.

    `on_partition(done, of)` tells how far it is.
    """
    ledger = SqlLedger(warehouse)
    partitions = sorted(await ledger.markers())
    contacts = cells = 0
    found: list[Difference] = []
    for number, partition in enumerate(partitions):
        on_partition(number, len(partitions))
        scan = await ledger.scan(partition)
        states, stored = list(scan.states), list(scan.cells)
        of_customers = partition.startswith(f"{CONTACT_FACTS}/")
        columns = CUSTOMER_COLUMNS if of_customers else CONTACT_COLUMNS
        recount = audit.of_customers if of_customers else audit.of_contacts
        counted = await asyncio.to_thread(recount, states, rulebook, columns)
        found += audit.differences(partition, counted, stored, columns, rulebook.zone)
        cells += len({row.window for row in stored})
        if not of_customers:
            contacts += len(states)
            found += await _waits(warehouse, partition)
    on_partition(len(partitions), len(partitions))
    return Result(len(partitions), contacts, cells, found)


async def _waits(warehouse: Warehouse, partition: str) -> list[Difference]:
    """Waiting once more, by SQL that knows nothing of the folds: table `contacts` against the cells.

    The table follows the ledger within a flush, so while the pipeline runs one look may fall in between.
    """
    left: dict[tuple[Any, ...], tuple[int, ...]] = {}
    right: dict[tuple[Any, ...], tuple[int, ...]] = {}
    for attempt in range(_TRIES):
        left = {tuple(row[:4]): tuple(row[4:]) for row in await warehouse.query(_CELLS_SQL, {"p": partition})}
        right = {tuple(row[:4]): tuple(row[4:]) for row in await warehouse.query(_WAITS_SQL, {"p": partition})}
        if left == right:
            return []
        await asyncio.sleep(0.2 * attempt)
    nothing = (0,) * len(_WAITS)
    return [
        Difference(partition, "minute, by SQL", key[0], key[1], key[2], key[3], name, stored, counted)
        for key in sorted(left.keys() | right.keys())
        for name, stored, counted in zip(_WAITS, left.get(key, nothing), right.get(key, nothing), strict=True)
        if stored != counted
    ]
