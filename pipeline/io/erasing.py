"""Erasure in the warehouse: the list of who was erased, who is still named where, and the last physical traces."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from pipeline.core.contact import unpack
from pipeline.core.steps import SEPARATOR
from pipeline.io.ledger import as_bytes, as_text
from pipeline.ports import Block, Warehouse
from schemas.tables import literal

_LIST_SQL: Final = "SELECT subject, max(erased_ms) FROM touchline_internal.erasures GROUP BY subject"
_NAMING_SQL: Final = """
SELECT p, key, state FROM touchline_internal.ledger FINAL WHERE kind = 2 AND position(state, %(customer_id)s) > 0"""
_KNOWING_SQL: Final = """
SELECT DISTINCT p FROM touchline_internal.ledger WHERE kind = 3 AND startsWith(key, %(start)s)"""
_TABLES: Final = ("ledger", "contacts", "resolutions")
_THERE_SQL: Final = "SELECT name FROM system.tables WHERE database = 'touchline_internal' AND name = 'touchpoints'"


class Named(Struct, frozen=True):
    """A contact that names the customer, and its channel."""

    p: str
    contact_id: str
    channel: str


async def erased(warehouse: Warehouse) -> dict[str, int]:
    """Fingerprint of everybody who was erased -> until when. Raises WarehouseDown, WarehouseRefused."""
    return {as_text(subject): int(until_ms) for subject, until_ms in await warehouse.query(_LIST_SQL)}


async def note(warehouse: Warehouse, receipt: str, subjects: Sequence[str], erased_ms: int, contacts: int) -> None:
    """Write down an erasure; the same receipt again replaces it. Raises WarehouseDown, WarehouseRefused."""
    n = len(subjects)
    columns: Mapping[str, Sequence[Any]] = {
        "receipt": [receipt] * n,
        "subject": list(subjects),
        "erased_ms": [erased_ms] * n,
        "contacts": [contacts] * n,
        "version": [contacts + 1] * n,
    }
    await warehouse.insert(Block("erasures", columns))


async def naming(warehouse: Warehouse, customer_id: str) -> list[Named]:
    """Contacts whose state names the customer. Raises WarehouseDown, WarehouseRefused."""
    found: list[Named] = []
    for p, key, state in await warehouse.query(_NAMING_SQL, {"customer_id": customer_id}):
        contact = unpack(as_text(key), as_bytes(state))
        if customer_id in contact.named or any(touch.customer_id == customer_id for touch in contact.touches):
            found.append(Named(as_text(p), as_text(key), contact.touches[0].common.channel))
    return sorted(found, key=lambda each: (each.p, each.contact_id))


async def knowing(warehouse: Warehouse, customer_id: str) -> list[str]:
    """Partitions that know or knew of a contact of the customer. Raises WarehouseDown, WarehouseRefused."""
    return sorted(as_text(p) for (p,) in await warehouse.query(_KNOWING_SQL, {"start": customer_id + SEPARATOR}))


async def sweep(warehouse: Warehouse, customer_ids: Iterable[str], partitions: Iterable[str]) -> None:
    """What newer rows have replaced goes at once and not with a later merge; dead letters and kept touchpoints that
    name the customer go. Raises WarehouseDown, WarehouseRefused.
    """
    kept = await warehouse.query(_THERE_SQL)
    for customer_id in customer_ids:
        name = literal(customer_id)
        await warehouse.execute(
            "ALTER TABLE touchline_internal.dead_letters DELETE"
            f" WHERE position(value, {name}) > 0 OR position(key, {name}) > 0"
        )
        if kept:
            await warehouse.execute(f"ALTER TABLE touchline_internal.touchpoints DELETE WHERE customer_id = {name}")
    for p in sorted(set(partitions)):
        for table in _TABLES:
            await warehouse.execute(f"OPTIMIZE TABLE touchline_internal.{table} PARTITION {literal(p)} FINAL")
