"""A warehouse filled as workers fill it: the real folds and flushes, without a log."""

import zlib
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.app.catalogues import definitions
from pipeline.app.declared import declared
from pipeline.core.contacts import ContactFold
from pipeline.core.customer import Windows
from pipeline.core.customers import CustomerFold
from pipeline.core.engine import Engine
from pipeline.core.rules import Rulebook
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import ensure
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Record, Warehouse
from schemas.catalogue import Catalogue
from tests.core.harness import LIMITS
from tests.strategies import generate

PARTITIONS = 2
APPEND_MS = 1_790_000_000_000


def stream(seed: int, contacts: int) -> list[dict[str, Any]]:
    """Touchpoints of realistic and chaotic contacts."""
    return generate(seed, contacts)


class Filled:
    """Engines over a warehouse: `take` folds and flushes. Everything is at hand, nothing runs by itself."""

    def __init__(self, warehouse: Warehouse, catalogue: Catalogue) -> None:
        self.warehouse, self.catalogue = warehouse, catalogue
        self.ledger = SqlLedger(warehouse)
        self.engines: dict[str, Engine] = {}
        self._told = [0] * PARTITIONS

    async def start(self, epoch: int = 1) -> "Filled":
        """Make the tables, recover every partition."""
        await ensure(self.warehouse, declared(self.catalogue, 2026))
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
                engine.recover(await self.ledger.recover(partition, 20))
                self.engines[partition] = engine
                self._told[number] = self.engines.get("contact-facts/" + str(number), engine).position
        return self

    async def take(self, touchpoints: Sequence[dict[str, Any]], *, customers: bool = True) -> None:
        """Fold these, in this order, and flush; then what contacts tell their customers."""
        for number in range(PARTITIONS):
            engine = self.engines[f"touchpoints/{number}"]
            first = engine.position
            mine = [t for t in touchpoints if zlib.crc32(t["contact_id"].encode()) % PARTITIONS == number]
            records = [
                Record(first + n, APPEND_MS + 60_000 * (first + n), t["contact_id"].encode(), msgspec.json.encode(t))
                for n, t in enumerate(mine)
            ]
            engine.fold(first, first + len(records), records)
            await self._flush(engine)
        if customers:
            await self.tell_customers()

    async def _flush(self, engine: Engine) -> None:
        flush = engine.flush()
        if flush is None:
            return
        self._emitted = [*getattr(self, "_emitted", []), *flush.emissions]
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
            mine = [(key, value) for _, key, value in emitted if zlib.crc32(key) % PARTITIONS == number]
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
