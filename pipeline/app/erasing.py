"""Erasing a customer: from now on intake forgets them, every contact is told to, and then it is looked at."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from msgspec import Struct

from pipeline.app import App
from pipeline.app.privacy import pseudonyms_of
from pipeline.core.contact import subject_of
from pipeline.core.privacy import Privacy
from pipeline.io import erasing, positions
from pipeline.io.ledger import SqlLedger
from pipeline.io.producer import Producer
from pipeline.ports import LogError, OutRecord, Warehouse, WarehouseDown
from pipeline.settings import Settings
from schemas.codec import encode
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS
from schemas.touchpoint import Erased

REFRESH_SECONDS: Final = 10.0
"""How often a worker asks who was erased: `erase` waits that long before it looks for what slipped through."""
_ROUNDS: Final = 6
_PATIENCE_SECONDS: Final = 300.0
log_ = logging.getLogger("touchline.erasing")


class Receipt(Struct, frozen=True):
    """What was erased. `left`: contacts that still name the customer, which should be none."""

    receipt: str
    erased_ms: int
    subjects: tuple[str, ...]
    contacts: int
    left: int


Progress = Callable[[str], object]


class Where(Protocol):
    """Where is erased: in this process, or from outside of the workers of a cluster."""

    warehouse: Warehouse
    privacy: Privacy

    def now_ms(self) -> int:
        """The wall clock."""

    async def until_known(self, told: "Progress") -> None:
        """Wait until nothing is taken in any more by whoever does not know of the erasure."""

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> None:
        """Write to the log."""

    async def until_counted(self, topic: str) -> None:
        """Wait until all that a folded topic holds now is in the warehouse."""


class Here:
    """In this process."""

    def __init__(self, app: App) -> None:
        self.warehouse: Warehouse = app.warehouse
        self.privacy = app.privacy
        self._app = app

    def now_ms(self) -> int:
        """As in `Where`."""
        return self._app.clock.now_ms()

    async def until_known(self, told: Progress) -> None:
        """As in `Where`."""
        if not self._app.settings.embedded_log:
            await _until_all_asked(told)
        await self._app.taking.until_done()

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> None:
        """As in `Where`."""
        await self._app.log.produce(topic, records)

    async def until_counted(self, topic: str) -> None:
        """As in `Where`."""
        await self._app.until_written(topic)


class Outside:
    """Beside the workers of a cluster."""

    def __init__(self, settings: Settings, warehouse: Warehouse, producer: Producer) -> None:
        self.warehouse: Warehouse = warehouse
        self.privacy = Privacy(pseudonyms_of(settings))
        self._settings = settings
        self._producer = producer

    def now_ms(self) -> int:
        """As in `Where`."""
        return time.time_ns() // 1_000_000

    async def until_known(self, told: Progress) -> None:
        """As in `Where`."""
        await _until_all_asked(told)

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> None:
        """As in `Where`."""
        await self._producer.produce(topic, records)

    async def until_counted(self, topic: str) -> None:
        """As in `Where`. Raises LogError where no worker goes on."""
        bounds = await asyncio.to_thread(positions.bounds, self._settings, (topic,))
        ledger = SqlLedger(self.warehouse)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            markers = await ledger.markers()
            behind = [p for p, (_, end) in bounds.items() if end and (p not in markers or markers[p][0].offset < end)]
            if not behind:
                return
            if time.monotonic() > deadline:
                raise LogError(f"{behind[0]} is not counted to its end: are the workers running?")
            await asyncio.sleep(0.5)


async def erase(app: Where, customer_id: str, told: Progress = lambda _: None) -> Receipt:
    """Erase a customer by the id that sources send, or by its pseudonym. Raises LogError, WarehouseDown,
    WarehouseRefused.
    """
    names = app.privacy.pseudonyms.all_of(customer_id)
    if customer_id not in names and await erasing.naming(app.warehouse, customer_id):
        names.insert(0, customer_id)  # of the time before there were keys
    subjects = tuple(subject_of(name) for name in names)
    receipt, now_ms = str(uuid.uuid4()), app.now_ms()
    await erasing.note(app.warehouse, receipt, subjects, now_ms, 0)
    app.privacy.erased.update(dict.fromkeys(subjects, now_ms))
    await app.until_known(told)
    contacts, partitions = await _forget_everywhere(app, names, receipt, now_ms, told)
    left = sum([len(await erasing.naming(app.warehouse, name)) for name in names])
    told("removing what newer rows have replaced")
    # Dead letters are as they were sent, before any pseudonym.
    await erasing.sweep(app.warehouse, dict.fromkeys([*names, customer_id]), partitions)
    await erasing.note(app.warehouse, receipt, subjects, now_ms, contacts)
    return Receipt(receipt, now_ms, subjects, contacts, left)


async def _until_all_asked(told: Progress) -> None:
    """Every worker asks who was erased, now and then (`keep_knowing`)."""
    told("waiting until every worker knows")
    await asyncio.sleep(2 * REFRESH_SECONDS)


async def _forget_everywhere(
    app: Where, names: list[str], receipt: str, now_ms: int, told: Progress
) -> tuple[int, set[str]]:
    """Tell every contact, until none names the customer; how many there were, and where."""
    done: set[str] = set()
    partitions: set[str] = set()
    for _ in range(_ROUNDS):
        told("counting what is in the log")
        await app.until_counted(TOUCHPOINTS)
        records: list[OutRecord] = []
        for name in names:
            for each in await erasing.naming(app.warehouse, name):
                done.add(each.contact_id)
                partitions.add(each.p)
                record = Erased(
                    id=f"erased-{receipt}",
                    time=now_ms,
                    contact_id=each.contact_id,
                    channel=each.channel,
                    customer_id=name,
                    source="touchline",
                )
                records.append(OutRecord(each.contact_id.encode(), encode(record), now_ms))
        if not records:
            break
        told(f"erasing from {len(records):,} contacts")
        await app.produce(TOUCHPOINTS, records)
    await app.until_counted(CONTACT_FACTS)
    for name in names:
        partitions.update(await erasing.knowing(app.warehouse, name))
    return len(done), partitions


async def keep_knowing(app: App, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
    """Ask now and then who was erased, for ever. While the warehouse is away, what is known holds."""
    while True:
        try:
            app.privacy.erased.update(await erasing.erased(app.warehouse))
        except (WarehouseDown, LogError) as error:
            log_.debug("who was erased is not known anew: %s", error)
        await sleep(REFRESH_SECONDS)
