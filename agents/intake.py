"""Intake: the raw topic in, validated touchpoints out, keyed by contact. What is not one becomes a dead letter.

Intake keeps no state. It may do a batch twice; touchpoints are told apart
by their ids, and dead letters by their origin.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
from msgspec import Struct

from agents.dead_letters import deliver
from pipeline.core.poison import Limits, Poison, TooManyRejects
from pipeline.core.privacy import Privacy
from pipeline.ports import Batch, Clock, Ledger, Log, LogError, OutRecord, Record, WarehouseDown
from schemas.codec import decode, encode
from schemas.rejects import DeadLetter, Reject, dead_letter
from schemas.sources import BadLine, Item, Source
from schemas.topics import TOUCHPOINTS

_SOURCE: Final = "kafka"
"""The source of touchpoints that name none."""
_MOST_KEPT: Final = 10_000
_RETRY_SECONDS: Final = 1.0
_MOST_RETRY_SECONDS: Final = 15.0

log_ = logging.getLogger("touchline.intake")


class _Keeping(Struct):
    """Of one partition: dead letters not kept yet, up to where all else is done, and who tries to keep them."""

    letters: list[DeadLetter] = []
    done: int = 0
    task: asyncio.Task[None] | None = None


class Intake:
    """The intake of one process, for whatever partitions of the raw topic it is given."""

    def __init__(
        self,
        log: Log,
        ledger: Ledger,
        clock: Clock,
        channels: Collection[str],
        limits: Limits,
        epochs: Mapping[str, int],
        privacy: Privacy,
        readers: Mapping[str, Source] = MappingProxyType({}),
    ) -> None:
        """`epochs`: of each raw topic. `readers`: of raw topics in a format of their own."""
        self.accepted = 0
        self.rejected: dict[str, int] = {}
        self.stopped: dict[str, str] = {}
        """Partitions that a limit stopped, and why."""
        self._log, self._ledger, self._clock = log, ledger, clock
        self._channels = channels
        self._limits = limits
        self._epochs = epochs
        self._readers = readers
        self._privacy = privacy
        self._poison: dict[str, Poison] = {}
        self._keeping: dict[str, _Keeping] = {}

    async def handle(self, batch: Batch) -> None:
        """Take in one batch: dead letters and touchpoints are acknowledged before the batch counts as done."""
        if batch.partition in self.stopped:
            return
        topic, _, number = batch.partition.rpartition("/")
        poison = self._poison.setdefault(batch.partition, Poison(self._limits))
        now_ms = self._clock.now_ms()
        records: list[OutRecord] = []
        letters: list[DeadLetter] = []
        done, why = batch.to_offset, ""
        taken: OutRecord | Reject | None
        reader = self._readers.get(topic)
        for record in batch.records:
            if reader is None:
                taken = self._take(record.value, now_ms)
                if isinstance(taken, OutRecord):
                    records.append(taken)
                    poison.good()
                    continue
            else:
                made, taken = self._read(reader, record, now_ms)
                records += made
                if taken is None:
                    poison.good()
                    continue
            try:
                poison.bad(f"{batch.partition} offset {record.offset}", taken.reason, taken.detail)
            except TooManyRejects as error:
                why = str(error)
                log_.error("stopped: %s", error)
                self._log.pause(batch.partition)
                done = record.offset
                break
            letters.append(
                dead_letter(
                    taken,
                    topic=topic,
                    number=int(number),
                    epoch=self._epochs[topic],
                    offset=record.offset,
                    step="intake",
                    key=record.key,
                    value=record.value,
                    append_ms=record.timestamp_ms,
                )
            )
        await self._produce(batch.partition, records)
        self.accepted += len(records)
        for letter in letters:
            self.rejected[letter.reason] = self.rejected.get(letter.reason, 0) + 1
        await self._keep(batch.partition, letters, done)
        if why:
            self.stopped[batch.partition] = why  # last: who sees it may end the process, and its letters are under way

    async def _produce(self, partition: str, records: Sequence[OutRecord]) -> None:
        """Until the log has the touchpoints, however long it is away."""
        wait_seconds = _RETRY_SECONDS
        while True:
            try:
                await self._log.produce(TOUCHPOINTS, records)
            except LogError as error:
                log_.warning("%s: not taken in, trying again in %.0f s: %s", partition, wait_seconds, error)
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, _MOST_RETRY_SECONDS)
            else:
                return

    async def _keep(self, partition: str, letters: Sequence[DeadLetter], done: int) -> None:
        """Have the dead letters kept before the batch counts as done; touchpoints that come after do not wait for it,
        unless very many letters wait. Whoever reads from what is durable makes again what was not kept.
        """
        keeping = self._keeping.setdefault(partition, _Keeping())
        keeping.letters += letters
        keeping.done = done
        if keeping.task is None and not keeping.letters:
            self._log.durable(partition, done)
            return
        task = keeping.task
        if task is None:
            task = asyncio.create_task(self._until_kept(partition, keeping), name=f"dead letters {partition}")
            keeping.task = task
            await asyncio.wait([task], timeout=_RETRY_SECONDS / 2)
        if len(keeping.letters) >= _MOST_KEPT:
            await asyncio.wait([task])
        if task.done():
            task.result()

    async def _until_kept(self, partition: str, keeping: _Keeping) -> None:
        wait_seconds = _RETRY_SECONDS
        while keeping.letters:
            some = list(keeping.letters)
            try:
                await deliver(some, self._log, self._ledger, self._clock)
            except (WarehouseDown, LogError) as error:
                log_.warning("%s: dead letters not kept, trying again in %.0f s: %s", partition, wait_seconds, error)
                self._log.durable(partition, some[0].offset)
                await asyncio.sleep(wait_seconds)
                wait_seconds = min(2 * wait_seconds, _MOST_RETRY_SECONDS)
            else:
                del keeping.letters[: len(some)]
        keeping.task = None
        self._log.durable(partition, keeping.done)

    async def kept(self) -> None:
        """Wait until every dead letter there is so far is kept."""
        tasks = [keeping.task for keeping in self._keeping.values() if keeping.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    def forget(self, partitions: Collection[str]) -> None:
        """These go: whoever gets them reads again what is not durable."""
        for partition in partitions:
            keeping = self._keeping.pop(partition, None)
            if keeping is not None and keeping.task is not None:
                keeping.task.cancel()

    def _take(self, value: bytes | None, now_ms: int) -> OutRecord | Reject:
        touchpoint = decode(value, self._channels)
        if isinstance(touchpoint, Reject):
            return touchpoint
        known = self._privacy.applied(touchpoint)
        if known.source is None:
            known = msgspec.structs.replace(known, source=_SOURCE)
        return OutRecord(touchpoint.contact_id.encode(), value if known is touchpoint else encode(known), now_ms)

    def _read(self, reader: Source, record: Record, now_ms: int) -> tuple[list[OutRecord], Reject | None]:
        """A record of another format: what can be read of it is taken in, the first of its faults is its reject."""
        if record.value is None:
            return [], Reject("null_value", "the record has a null value (a tombstone)")
        records: list[OutRecord] = []
        reject: Reject | None = None
        for output in reader.read(record.value.split(b"\n")):
            if isinstance(output, Item):
                taken = self._take(output.value, now_ms)
                if isinstance(taken, OutRecord):
                    records.append(taken)
                else:
                    reject = reject or taken
            elif isinstance(output, BadLine):
                reject = reject or output.reject
        return records, reject
