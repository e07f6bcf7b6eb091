"""The ledger on both warehouses: recovery brings what is live, and all else is known and can be read back."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.core.known import hash_of
from pipeline.core.steps import CONTACT, FACT, MARKER, version_of
from pipeline.io import ledger as sql_ledger
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import ensure
from pipeline.ports import WarehouseDown
from tests.core.harness import catalogue_of
from tests.oracle import Promises
from tests.warehouse.conftest import AnyWarehouse

CONTACTS, CUSTOMERS = "touchpoints/0", "contact-facts/0"
DAY = 86_400_000
NOW = 1_800_000_000_000


async def ledger_on(warehouse: AnyWarehouse) -> SqlLedger:
    from pipeline.app.declared import declared

    await ensure(warehouse, declared(catalogue_of(Promises()), 2026))
    return SqlLedger(warehouse)


async def commit(ledger: SqlLedger, p: str, offset: int, states: Sequence[tuple[str, int, bool]]) -> None:
    """One flush: (key, days ago, open); the state says at which offset it was written."""
    n, kind = len(states), FACT if p == CUSTOMERS else CONTACT
    marker = b'{"offset":%d,"watermark_ms":%d}' % (offset, NOW)
    empty: dict[str, list[Any]] = {
        "resolution": [0] * (n + 1), "window_s": [0] * (n + 1), "channel": [""] * (n + 1), "queue": [""] * (n + 1),
        "segment": [""] * (n + 1), "epoch": [0] * (n + 1), "generation_hour": [0] * (n + 1),
        "generation_block": [0] * (n + 1), "keys": [[]] * (n + 1), "values": [[]] * (n + 1),
    }  # fmt: skip
    await ledger.commit(
        {
            **empty,
            "kind": [kind] * n + [MARKER],
            "p": [p] * (n + 1),
            "key": [key for key, _, _ in states] + [""],
            "state": [b"%s@%d" % (key.encode(), offset) for key, _, _ in states] + [marker],
            "is_open": [int(is_open) for _, _, is_open in states] + [0],
            "last_ms": [NOW - days * DAY for _, days, _ in states] + [NOW],
            "version": [version_of(1, offset)] * (n + 1),
        }
    )


async def brought(ledger: SqlLedger, p: str) -> dict[str, bytes]:
    """What recovery brings into memory."""
    return {row.key: row.state for row in (await ledger.recover(p, 20)).states}


async def known(ledger: SqlLedger, p: str) -> set[int]:
    return {hashed async for piece in ledger.known(p) for hashed in piece}


async def test_recovery_brings_the_contacts_that_are_open_or_of_the_last_flush(warehouse: AnyWarehouse) -> None:
    ledger = await ledger_on(warehouse)
    first = [("closed", 1, False), ("open", 300, True), ("was-open", 1, True), ("was-closed", 9, False)]
    await commit(ledger, CONTACTS, 10, first)
    await commit(ledger, CONTACTS, 20, [("was-open", 1, False), ("was-closed", 1, True)])
    await commit(ledger, CONTACTS, 30, [("last", 60, False)])
    assert await brought(ledger, CONTACTS) == {
        "open": b"open@10", "was-closed": b"was-closed@20", "last": b"last@30",
    }  # fmt: skip
    names = ["closed", "open", "was-open", "was-closed", "last"]
    assert await known(ledger, CONTACTS) == {hash_of(name) for name in names}


async def test_recovery_brings_customers_as_a_whole(warehouse: AnyWarehouse) -> None:
    ledger = await ledger_on(warehouse)
    await commit(ledger, CUSTOMERS, 10, [("a\x1fk1", 300, False), ("b\x1fk2", 300, False), ("ä\x1fk3", 300, False)])
    await commit(ledger, CUSTOMERS, 20, [("a\x1fk4", 1, False), ("c\x1fk5", 200, False)])
    await commit(ledger, CUSTOMERS, 30, [("c\x1fk6", 200, False)])
    assert sorted(await brought(ledger, CUSTOMERS)) == ["c\x1fk5", "c\x1fk6"]
    assert await known(ledger, CUSTOMERS) == {hash_of(name) for name in ("a", "b", "c", "ä")}


async def test_what_is_cold_is_read_back_newest_first_with_what_the_ledger_stands_at(warehouse: AnyWarehouse) -> None:
    ledger = await ledger_on(warehouse)
    await commit(ledger, CONTACTS, 10, [("k1", 90, False), ("k'2", 90, True), ("k3", 90, False)])
    await commit(ledger, CONTACTS, 20, [("k'2", 80, False)])
    await commit(ledger, CONTACTS, 30, [])
    found = await ledger.read(CONTACTS, ["k'2", "k3", "nobody"])
    assert found.version == version_of(1, 30)
    assert sorted((row.key, row.state, row.is_open, row.last_ms, row.version) for row in found.states) == [
        ("k'2", b"k'2@20", False, NOW - 80 * DAY, version_of(1, 20)),
        ("k3", b"k3@10", False, NOW - 90 * DAY, version_of(1, 10)),
    ]
    await commit(ledger, CUSTOMERS, 40, [("a\x1fk1", 90, False), ("a\x1fk2", 90, False), ("ab\x1fk3", 90, False)])
    facts = await ledger.read(CUSTOMERS, ["a"])
    assert (facts.version, sorted(row.key for row in facts.states)) == (version_of(1, 40), ["a\x1fk1", "a\x1fk2"])


async def test_states_are_streamed_in_pieces_from_a_version_on(
    warehouse: AnyWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_ledger, "_STATES_AT_ONCE", 2)
    monkeypatch.setattr(sql_ledger, "_HASHES_AT_ONCE", 2)
    ledger = await ledger_on(warehouse)
    await commit(ledger, CONTACTS, 10, [(f"k{n}", 90, False) for n in range(6)])
    await commit(ledger, CONTACTS, 20, [(f"k{n}", 90, False) for n in range(1, 6)])
    pieces = [[row.key for row in rows] async for rows in ledger.states(CONTACTS, version_of(1, 10))]
    assert pieces == [["k1", "k2"], ["k3", "k4"], ["k5"]]
    assert sum(len(rows) for rows in [rows async for rows in ledger.states(CONTACTS, 0)]) == 6
    assert await known(ledger, CONTACTS) == {hash_of(f"k{n}") for n in range(6)}


async def test_recovering_customers_waits_while_somebody_else_goes_on_writing(
    warehouse: AnyWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = await ledger_on(warehouse)
    await commit(ledger, CUSTOMERS, 1, [("a\x1fk1", 300, False)])
    scan, offset = ledger._scan, 1

    async def overtaken(partition: str, **bounds: int) -> Any:
        nonlocal offset
        offset += 1
        await commit(ledger, CUSTOMERS, offset, [(f"c{offset}\x1fk1", 300, False)])
        return await scan(partition, **bounds)

    monkeypatch.setattr(ledger, "_scan", overtaken)
    with pytest.raises(WarehouseDown, match="somebody else is writing contact-facts/0"):
        await ledger.recover(CUSTOMERS, 20)
    monkeypatch.undo()
    assert list(await brought(ledger, CUSTOMERS)) == ["c4\x1fk1"]


async def until_forgotten(ledger: SqlLedger, p: str, keys: set[str]) -> None:
    """A server deletes when it finds the time."""
    async with asyncio.timeout(30):
        while {row.key for rows in [rows async for rows in ledger.states(p, 0)] for row in rows} != keys:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_contacts_older_than_retention_are_deleted_and_nothing_else(warehouse: AnyWarehouse) -> None:
    ledger = await ledger_on(warehouse)
    await commit(ledger, CONTACTS, 10, [("old", 500, False), ("old-open", 500, True), ("moved", 300, False)])
    await commit(ledger, CONTACTS, 20, [("moved", 450, False), ("came-back", 450, False), ("young", 399, False)])
    await commit(ledger, CONTACTS, 30, [("came-back", 1, False)])
    await commit(ledger, "touchpoints/1", 10, [("elsewhere", 500, False)])
    await commit(ledger, CUSTOMERS, 10, [("c\x1fold", 500, False)])
    await ledger.forget(CONTACTS, NOW - 400 * DAY)
    # Of `moved` an older version is younger: it would come back if the newest one went.
    await until_forgotten(ledger, CONTACTS, {"moved", "came-back", "young"})
    await until_forgotten(ledger, "touchpoints/1", {"elsewhere"})
    await until_forgotten(ledger, CUSTOMERS, {"c\x1fold"})
    assert (await ledger.read(CONTACTS, ["old"])).version == version_of(1, 30), "the marker is where it was"


async def test_customers_are_deleted_as_a_whole_or_not_at_all(warehouse: AnyWarehouse) -> None:
    ledger = await ledger_on(warehouse)
    await commit(ledger, CUSTOMERS, 10, [("a\x1fk1", 900, False), ("a\x1fk2", 850, False), ("b\x1fk3", 900, False)])
    await commit(ledger, CUSTOMERS, 20, [("b\x1fk4", 10, False)])
    await ledger.forget(CUSTOMERS, NOW - 800 * DAY)
    await until_forgotten(ledger, CUSTOMERS, {"b\x1fk3", "b\x1fk4"})
    executed = len(await mutations(warehouse))
    await ledger.forget(CUSTOMERS, NOW - 800 * DAY)
    assert len(await mutations(warehouse)) == executed == 1, "where there is nothing to delete nothing is rewritten"


async def mutations(warehouse: AnyWarehouse) -> list[tuple[Any, ...]]:
    return await warehouse.query("SELECT mutation_id FROM system.mutations WHERE database = 'touchline_internal'")
