"""New tables beside those in force, and putting them in their place. Whatever is interrupted can be done again.

What is there says how far it got: `ledger_rebuilt` is made first, dropped last, and the first to be put in its place.
While it is there, and `ledger` too, nothing has been swapped; where others are there without it, they are to be.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

from pipeline.io.audit import Tables
from pipeline.ports import Warehouse
from schemas.tables import INTERNAL

NAMES: Final = ("ledger", "contacts", "resolutions")
"""What is made anew, in the order in which it is put in place. The ledger decides."""
_NEW: Final = "_rebuilt"
_OLD: Final = "_before_"

REBUILT: Final = Tables(*(f"{INTERNAL}.{name}{_NEW}" for name in NAMES))
"""The new tables until they are in force."""


async def there(warehouse: Warehouse) -> set[str]:
    """Names of the engine's tables."""
    sql = "SELECT name FROM system.tables WHERE database = %(database)s"
    return {name for (name,) in await warehouse.query(sql, {"database": INTERNAL})}


def is_interrupted(names: Collection[str]) -> bool:
    """Whether somebody was killed while putting new tables in place: some are, some are not."""
    new = [name for name in NAMES if f"{name}{_NEW}" in names]
    return bool(new) and (f"ledger{_NEW}" not in names or "ledger" not in names)


def kept(names: Collection[str]) -> list[str]:
    """Tables that were in force once, and are kept."""
    return sorted(name for name in names if name.startswith(tuple(f"{each}{_OLD}" for each in NAMES)))


async def make(warehouse: Warehouse) -> None:
    """Empty new tables, of the engine and the columns those in force have. What an earlier try left is dropped."""
    await discard(warehouse)
    for name in NAMES:
        await warehouse.execute(f"CREATE TABLE {INTERNAL}.{name}{_NEW} AS {INTERNAL}.{name}")


async def discard(warehouse: Warehouse) -> None:
    """Drop new tables that are not in force."""
    for name in reversed(NAMES):
        await warehouse.execute(f"DROP TABLE IF EXISTS {INTERNAL}.{name}{_NEW}")


async def put_in_place(warehouse: Warehouse) -> list[str]:
    """The new tables take the names of those in force, which are kept under a dated name; the kept ones. What was added
    up of the old ledger counts no longer.
    """
    names = await there(warehouse)
    old = f"{_OLD}{datetime.now(UTC):%Y%m%d_%H%M%S}"
    pairs: list[str] = []
    for name in NAMES:
        if f"{name}{_NEW}" not in names:
            continue
        if name in names:
            pairs.append(f"{INTERNAL}.{name} TO {INTERNAL}.{name}{old}")
        pairs.append(f"{INTERNAL}.{name}{_NEW} TO {INTERNAL}.{name}")
    for name in ("rolled_until", "rolled"):  # the first says what of the second counts
        if pairs and name in names:
            await warehouse.execute(f"TRUNCATE TABLE {INTERNAL}.{name}")
    if pairs:
        await warehouse.execute(f"RENAME TABLE {', '.join(pairs)}")
    return kept(await there(warehouse))


async def drop_kept(warehouse: Warehouse) -> list[str]:
    """Drop the tables that are kept; which that were."""
    old = kept(await there(warehouse))
    for name in old:
        await warehouse.execute(f"DROP TABLE {INTERNAL}.{name}")
    return old
