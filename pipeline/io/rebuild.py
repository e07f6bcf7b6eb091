"""The ledger counted anew from its own states into new tables, in pieces: memory does not grow with what there is.

First the contacts, each with what it tells its customers; then the customers, from what they were told.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from pipeline.core import rebuild
from pipeline.core.audit import Cells, Span
from pipeline.core.columnar import Rows
from pipeline.core.measure import Columns
from pipeline.core.murmur import partition_of
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CONTACT, FACT, Marker, StateRow
from pipeline.io.audit import Tables, within_retention
from pipeline.io.frozen import is_of_customers, states
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Block, Warehouse
from schemas.tables import literal
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS

_STATES_AT_ONCE: Final = 5_000
_MOST_CELLS: Final = 100_000
_MOST_FACTS: Final = 50_000


class Plan(Struct, frozen=True):
    """What is to be counted: every folded partition with the marker and version it is to have afterwards.

    `sources`: the partitions contacts are in now. `contact_partitions`: so many there will be; None: contacts stay
    where they are. `cells` False: the ledger is complete, only rows for people are made.
    """

    rulebook: Rulebook
    fingerprint: Callable[[int], str]
    marks: Mapping[str, tuple[Marker, int]]
    sources: list[str]
    customer_partitions: int
    contact_partitions: int | None = None
    cells: bool = True


class _Writer:
    """Rows for one partition of the new tables; cells gather until they are many."""

    def __init__(self, warehouse: Warehouse, tables: Tables, plan: Plan, partition: str) -> None:
        self.marker, self.version = plan.marks[partition]
        self._warehouse, self._tables, self._plan, self._partition = warehouse, tables, plan, partition
        self._columns: Columns = CUSTOMER_COLUMNS if is_of_customers(partition) else CONTACT_COLUMNS
        self._span = within_retention(Span(), self.marker, plan.rulebook, partition)
        self._cells = Cells(plan.rulebook.zone, self._span)
        self._pieces = 0

    def refold(self, rows: list[StateRow]) -> rebuild.Refolded:
        """Count some states; in a thread."""
        if is_of_customers(self._partition):
            done = rebuild.customers_of(rows, self._plan.rulebook, self._columns, self.version, self.marker.append_ms)
        else:
            done = rebuild.contacts_of(rows, self._plan.rulebook, self._columns)
        self._cells.add(done.contributions)
        return done

    async def ledger(self, block: rebuild.ByColumn) -> None:
        """Rows of the ledger."""
        await self._warehouse.insert(Block(self._tables.ledger, block))

    async def people(self, table: str, rows: Rows) -> None:
        """Rows of a table for people."""
        if len(rows):
            columns = {**rows.columns(), "p": [self._partition] * len(rows)}
            await self._warehouse.insert(Block(table, columns))

    async def cells(self, most: int) -> None:
        """Write the cells, if they are more than so many."""
        if not self._plan.cells or len(self._cells.cells) <= most:
            return
        gathered, self._cells = self._cells, Cells(self._plan.rulebook.zone, self._span)
        cells = list(rebuild.settled_cells(gathered.cells, self._columns))
        for start in range(0, len(cells), _MOST_FACTS):
            some = cells[start : start + _MOST_FACTS]
            await self.ledger(rebuild.cell_block(self._partition, some, self.marker, self.version, self._pieces))
        self._pieces += 1


class _Facts:
    """What contacts tell customers, by the partition it belongs to."""

    def __init__(self, warehouse: Warehouse, tables: Tables, plan: Plan) -> None:
        self._warehouse, self._tables, self._plan = warehouse, tables, plan
        self._rows: defaultdict[str, list[StateRow]] = defaultdict(list)
        self._n = 0

    def add(self, facts: list[tuple[bytes, StateRow]]) -> None:
        """Sort these in."""
        for key, row in facts:
            partition = f"{CONTACT_FACTS}/{partition_of(key, self._plan.customer_partitions)}"
            # Not of the marker's flush: else the first recovery would write the rows of all customers again.
            version = max(self._plan.marks[partition][1] - 1, 0)
            self._rows[partition].append(msgspec.structs.replace(row, version=version))
        self._n += len(facts)

    async def write(self, *, at_end: bool) -> None:
        """Write them, if they are many or all."""
        if self._n < _MOST_FACTS and not at_end:
            return
        for partition, rows in sorted(self._rows.items()):
            await self._warehouse.insert(Block(self._tables.ledger, rebuild.state_block(partition, FACT, rows)))
        self._rows.clear()
        self._n = 0


async def refold(
    warehouse: Warehouse, source: Tables, into: Tables, plan: Plan, on_progress: Callable[[float], Any]
) -> int:
    """Fill the new tables from the states of the old; how many contacts that were.

    Raises UnknownChannel, WarehouseDown, WarehouseRefused.
    """
    if plan.cells:
        await _carry_over(warehouse, source, into, plan)
    of_customers = sorted(p for p in plan.marks if is_of_customers(p))
    steps = len(plan.sources) + len(of_customers)
    contacts = 0
    facts = _Facts(warehouse, into, plan)
    writers: dict[str, _Writer] = {}
    for number, partition in enumerate(plan.sources):
        async for rows, share in states(warehouse, source.ledger, partition, at_once=_STATES_AT_ONCE):
            contacts += len(rows)
            for place, mine in _by_place(rows, partition, plan.contact_partitions).items():
                if place not in writers:
                    writers[place] = _Writer(warehouse, into, plan, place)
                done = await asyncio.to_thread(writers[place].refold, mine)
                await writers[place].people(into.contacts, done.rows)
                await writers[place].cells(_MOST_CELLS // len(writers))
                if plan.cells:
                    await writers[place].ledger(rebuild.state_block(place, CONTACT, done.states))
                    facts.add(done.facts)
                    await facts.write(at_end=False)
            on_progress((number + share) / steps)
        if plan.contact_partitions is None and partition in writers:
            await writers.pop(partition).cells(0)
    for writer in writers.values():
        await writer.cells(0)
    await facts.write(at_end=True)
    for number, partition in enumerate(of_customers, len(plan.sources)):
        writer = _Writer(warehouse, into, plan, partition)
        async for rows, share in states(warehouse, into.ledger, partition, at_once=_STATES_AT_ONCE):
            done = await asyncio.to_thread(writer.refold, rows)
            await writer.people(into.resolutions, done.rows)
            await writer.cells(_MOST_CELLS)
            on_progress((number + share) / steps)
        await writer.cells(0)
    if plan.cells:
        for partition, (marker, version) in sorted(plan.marks.items()):
            block = rebuild.marker_block(partition, marker, version, plan.fingerprint)
            await warehouse.insert(Block(into.ledger, block))
    on_progress(1.0)
    return contacts


def _by_place(rows: list[StateRow], partition: str, partitions: int | None) -> dict[str, list[StateRow]]:
    """Contacts by the partition they belong to: where they are, unless the topic has another number of them now."""
    if partitions is None:
        return {partition: rows}
    found: defaultdict[str, list[StateRow]] = defaultdict(list)
    for row in rows:
        found[f"{TOUCHPOINTS}/{partition_of(row.key.encode(), partitions)}"].append(row)
    return found


async def _carry_over(warehouse: Warehouse, source: Tables, into: Tables, plan: Plan) -> None:
    """Cells of contacts that are forgotten stay as they were counted, under the partition they were counted in."""
    names = ", ".join(rebuild.state_block("", 0, []))
    for (partition,) in await warehouse.query(f"SELECT DISTINCT p FROM {source.ledger} WHERE kind = 1"):
        topic = partition.rpartition("/")[0]
        mark = plan.marks.get(partition) or next(
            (plan.marks[each] for each in sorted(plan.marks) if each.startswith(f"{topic}/")), None
        )
        if mark is None:
            continue
        start_s = within_retention(Span(), mark[0], plan.rulebook, partition).start_s
        if start_s > 0:
            await warehouse.execute(
                f"INSERT INTO {into.ledger} ({names}) SELECT {names} FROM {source.ledger} FINAL"
                f" WHERE kind = 1 AND p = {literal(partition)} AND window_s < {start_s}"
            )
