"""A warehouse filled as workers fill it: the real folds and flushes, without a log."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.app.catalogues import definitions
from pipeline.app.declared import declared
from pipeline.core.cells import add, settled
from pipeline.core.contacts import ContactFold
from pipeline.core.customer import Windows
from pipeline.core.customers import RESOLUTION_ROW, CustomerFold
from pipeline.core.engine import Engine
from pipeline.core.facts import unpack
from pipeline.core.measure import Columns
from pipeline.core.murmur import partition_of
from pipeline.core.rows import CONTACT_ROW
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CONTACT, FACT
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import Declared, ensure
from pipeline.measures import ALL, CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Record, Warehouse
from schemas.catalogue import Catalogue
from tests.core.harness import LIMITS, said
from tests.strategies import generate

PARTITIONS = 2
APPEND_MS = 4_000_000_000_000
"""In 2096: servers delete old rows by append time, and what is written here is never old."""


def stream(seed: int, contacts: int) -> list[dict[str, Any]]:
    """Touchpoints of realistic and chaotic contacts."""
    return generate(seed, contacts)


class Filled:
    """Engines over a warehouse: `take` folds and flushes. Everything is at hand, nothing runs by itself."""

    def __init__(self, warehouse: Warehouse, catalogue: Catalogue) -> None:
        self.warehouse, self.catalogue = warehouse, catalogue
        self.ledger = SqlLedger(warehouse)
        self.engines: dict[str, Engine] = {}
        self._emitted: list[tuple[str, bytes, bytes]] = []

    async def start(self, epoch: int = 1) -> "Filled":
        """Make the tables (the views are for people), recover every partition."""
        await ensure(self.warehouse, Declared(declared(self.catalogue, 2026).tables))
        rulebook = Rulebook(self.catalogue)
        settings = rulebook.settings
        windows = Windows(settings.follow_up_window_ms, settings.returned_within_ms)
        for number in range(PARTITIONS):
            contacts = ContactFold(rulebook, CONTACT_COLUMNS, self.catalogue.channels.keys())
            customers = CustomerFold(windows, CUSTOMER_COLUMNS, transfer_breaks_fcr=settings.transfer_breaks_fcr)
            for topic, fold in (("touchpoints", contacts), ("contact-facts", customers)):
                partition = f"{topic}/{number}"
                fingerprint = definitions(self.catalogue)
                engine = Engine(partition, epoch, fold, rulebook.zone, fingerprint, LIMITS, 20)
                engine.recover(await self.ledger.scan(partition))
                self.engines[partition] = engine
        return self

    async def take(self, touchpoints: Sequence[dict[str, Any]], *, customers: bool = True) -> None:
        """Fold these, in this order, and flush; then what contacts tell their customers."""
        for number in range(PARTITIONS):
            engine = self.engines[f"touchpoints/{number}"]
            first = engine.position
            mine = [t for t in touchpoints if partition_of(t["contact_id"].encode(), PARTITIONS) == number]
            records = [
                Record(first + n, APPEND_MS + 60_000 * (first + n), t["contact_id"].encode(), msgspec.json.encode(t))
                for n, t in enumerate(mine)
            ]
            engine.fold(first, first + len(records), records)
            await self._flush(engine)
        if customers:
            await self.tell_customers()

    async def replay(self, touchpoints: Sequence[dict[str, Any]]) -> None:
        """Read on where each partition stands, from a log that holds these; customers are told everything again."""
        for number in range(PARTITIONS):
            engine = self.engines[f"touchpoints/{number}"]
            mine = [t for t in touchpoints if partition_of(t["contact_id"].encode(), PARTITIONS) == number]
            await self.take(mine[engine.position :], customers=False)
        await self.tell_customers()

    async def _flush(self, engine: Engine) -> None:
        flush = engine.flush()
        if flush is None:
            return
        for table, columns in flush.evidence:
            await self.ledger.publish(table, flush.partition, columns)
        self._emitted += flush.emissions
        await self.ledger.commit(flush.ledger)
        for table, columns in flush.published:
            await self.ledger.publish(table, flush.partition, columns)
        engine.flushed(flush)

    async def tell_customers(self) -> None:
        """Let the customer fold read what is in the log of facts."""
        emitted, self._emitted = self._emitted, []
        for number in range(PARTITIONS):
            engine = self.engines[f"contact-facts/{number}"]
            first = engine.position
            mine = [(key, value) for _, key, value in emitted if partition_of(key, PARTITIONS) == number]
            records = [Record(first + n, APPEND_MS + n, key, value) for n, (key, value) in enumerate(mine)]
            engine.fold(first, first + len(records), records)
            await self._flush(engine)


async def filled(warehouse: Warehouse, catalogue: Catalogue, touchpoints: Sequence[dict[str, Any]]) -> Filled:
    """A warehouse that has counted these, in three flushes."""
    found = await Filled(warehouse, catalogue).start()
    third = len(touchpoints) // 3
    for start in (0, third, 2 * third):
        await found.take(touchpoints[start : start + third] if start < 2 * third else touchpoints[start:])
    return found


async def content(warehouse: Warehouse) -> dict[str, Any]:
    """All that the numbers are, without when and by which flush it was learned."""
    sums: dict[Any, dict[int, int]] = {}
    sql = (
        "SELECT p, resolution, window_s, channel, queue, segment, keys, values FROM touchline_internal.ledger FINAL"
        " WHERE kind = 1"
    )
    for *window, keys, values in await warehouse.query(sql):
        add(sums.setdefault(tuple(window), {}), dict(zip(keys, values, strict=True)))
    columns = Columns(ALL)
    # A zero that an optional measure has is stored or not, by the way it came about; how many have it says what it is.
    cells = {key: {n: v for n, v in settled(total, columns).items() if v} for key, total in sums.items()}
    found: dict[str, Any] = {"cells": {key: cell for key, cell in cells.items() if cell}}
    sql = "SELECT p, key, state, is_open, last_ms FROM touchline_internal.ledger FINAL WHERE kind = {}"
    found["contact states"] = set(await warehouse.query(sql.format(CONTACT)))
    found["facts"] = {
        (p, key, said(unpack(state)), is_open, last_ms)
        for p, key, state, is_open, last_ms in await warehouse.query(sql.format(FACT))
    }
    for table, names, left_out in (
        ("contacts", CONTACT_ROW, {"version"}),
        ("resolutions", RESOLUTION_ROW, {"version", "revised_ms"}),
    ):
        selected = ", ".join(["p", *(name for name in names if name not in left_out)])
        rows = await warehouse.query(f"SELECT {selected} FROM touchline_internal.{table} FINAL")
        found[table] = {repr(row) for row in rows}
    return found
