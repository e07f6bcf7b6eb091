"""One partition of a table, frozen, and read in pieces: for whoever looks at all of it while the pipeline goes on.

One scan of one table is a snapshot, but the answer to it may be larger than memory. A copy made of hard links is a
snapshot, too: it takes milliseconds and no room, both servers know it, and as many queries as needed can read it.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from uuid import uuid4

from pipeline.core.steps import CONTACT, FACT, StateRow
from pipeline.ports import Warehouse, WarehouseDown, WarehouseRefused
from schemas.tables import INTERNAL, literal
from schemas.topics import CONTACT_FACTS

STATES_AT_ONCE: Final = 10_000
"""Contacts read at once: some megabytes."""
_FACTS_AT_ONCE: Final = 4
"""So many times fewer customers: each has some contacts, and all of them are read together."""
_SEEN: Final = "_seen_"
_LEFT_BEHIND_S: Final = 86_400
CUSTOMER: Final = "substring(key, 1, position(key, '\x1f') - 1)"
"""The customer of a state of the customer fold, in SQL."""
_STATES: Final = (
    "kind = %(kind)s AND resolution = 0 AND window_s = 0 AND channel = '' AND queue = '' AND segment = '' AND p = %(p)s"
)


def is_of_customers(partition: str) -> bool:
    """Whether it is a partition of the customer fold."""
    return partition.startswith(f"{CONTACT_FACTS}/")


@asynccontextmanager
async def frozen(warehouse: Warehouse, table: str, partition: str) -> AsyncIterator[str]:
    """The name of a table that holds one partition of `table` as it was at one moment; gone at the end.

    Raises WarehouseDown, WarehouseRefused (no right to create tables).
    """
    name = f"{table}{_SEEN}{uuid4().hex[:12]}"
    await warehouse.execute(f"CREATE TABLE {name} AS {table}")
    try:
        await warehouse.execute(f"ALTER TABLE {name} ATTACH PARTITION {literal(partition)} FROM {table}")
        yield name
    finally:
        with suppress(WarehouseDown):
            await warehouse.execute(f"DROP TABLE IF EXISTS {name}")


async def sweep(warehouse: Warehouse) -> None:
    """Drop copies that somebody left behind who was killed, a day after."""
    left = await warehouse.query(
        "SELECT name FROM system.tables WHERE database = %(database)s AND position(name, %(seen)s) > 0"
        " AND toUInt32(metadata_modification_time) < toUInt32(now()) - %(age)s",
        {"database": INTERNAL, "seen": _SEEN, "age": _LEFT_BEHIND_S},
    )
    for (name,) in left:
        with suppress(WarehouseRefused):  # Its owner was not dead but slow.
            await warehouse.execute(f"DROP TABLE IF EXISTS {INTERNAL}.{name}")


async def states(
    warehouse: Warehouse, table: str, partition: str, *, since_s: int = 0, at_once: int = STATES_AT_ONCE
) -> AsyncIterator[tuple[list[StateRow], float]]:
    """The states of a partition by key, in pieces, each with the share of all that is read with it.

    The contacts of a customer are in one piece. With `since_s` only what may add to a cell of that time or later.
    """
    of_customers = is_of_customers(partition)
    named: dict[str, Any] = {"kind": FACT if of_customers else CONTACT, "p": partition, "since_ms": since_s * 1_000}
    where, wanted = _STATES, ""
    if since_s > 0 and of_customers:
        # What a contact adds depends on its customer's others: all or none.
        wanted = f" AND {CUSTOMER} IN (SELECT {CUSTOMER} FROM {table} WHERE {_STATES} AND last_ms >= %(since_ms)s)"
    elif since_s > 0:
        wanted = " AND last_ms >= %(since_ms)s"
    step = max(at_once // (_FACTS_AT_ONCE if of_customers else 1), 1)
    cut_by = CUSTOMER if of_customers else "key"
    parts = await pieces(warehouse, table, where + wanted, named, "key", cut_by, step)
    for number, (inside, ends) in enumerate(parts, 1):
        rows = await warehouse.query(
            f"SELECT key, state, is_open, last_ms, version FROM {table} FINAL"
            f" WHERE {where}{wanted}{inside} ORDER BY key",
            {**named, **ends},
        )
        found = [StateRow(key, state, bool(is_open), last, version) for key, state, is_open, last, version in rows]
        yield found, number / len(parts)


async def pieces(
    warehouse: Warehouse, table: str, where: str, named: Mapping[str, Any], column: str, cut_by: str, step: int
) -> list[tuple[str, dict[str, Any]]]:
    """Conditions that cut rows into pieces by a text column, `step` values of `cut_by` each; none where no row is.

    Every row is in exactly one of them, whenever it came.
    """
    found = await warehouse.query(
        f"SELECT arrayFilter((k, i) -> i % {step} = 0, arraySort(groupUniqArray({cut_by})) AS ks, arrayEnumerate(ks)),"
        f" length(ks) FROM {table} WHERE {where}",
        named,
    )
    cuts, values = found[0] if found else ([], 0)
    return [
        (
            ("" if first is None else f" AND {column} >= %(first)s")
            + ("" if end is None else f" AND {column} < %(end)s"),
            {"first": first, "end": end},
        )
        for first, end in zip([None, *cuts], [*cuts, None], strict=True)
        if values
    ]
