"""The composition root: puts log, warehouse, folds and page together, for every command that runs the pipeline.

One process, one event loop. The embedded and the real stack differ only in the three lines that open them.
"""

import asyncio
import logging
import os
import socket
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct

from agents.folding import Folding, LogLost, pace_of
from agents.intake import Intake
from agents.turns import Turns
from pipeline.app.catalogues import definitions
from pipeline.app.own import readers_of
from pipeline.app.privacy import pseudonyms_of
from pipeline.app.stack import CannotStart, MustRestart
from pipeline.app.standing import refuse_gone, standings
from pipeline.app.starting import patiently
from pipeline.app.taking import Taking
from pipeline.core.contacts import ContactFold
from pipeline.core.customer import Windows
from pipeline.core.customers import CustomerFold
from pipeline.core.engine import Engine, Fold, NewerLog, OtherDefinitions, OtherLog
from pipeline.core.poison import Limits
from pipeline.core.privacy import Privacy
from pipeline.core.rules import Rulebook
from pipeline.core.steps import epoch_of, version_of
from pipeline.io import topics
from pipeline.io.erasing import erased
from pipeline.io.kafka import Tuning, security_of
from pipeline.io.ledger import SqlLedger
from pipeline.io.log import FaustLog, end_process
from pipeline.live import recent_days
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Batch, LogError, LogRefused, OutRecord, Overtaken, Warehouse, WarehouseDown, WarehouseRefused
from pipeline.settings import Settings
from schemas.catalogue import Catalogue
from schemas.topics import CONTACT_FACTS, RAW, TOUCHPOINTS

FOLDED: Final = (TOUCHPOINTS, CONTACT_FACTS)
_DRAIN_SECONDS: Final = 8.0
log_ = logging.getLogger("touchline")


class WallClock:
    """The wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000


class Counts(Struct):
    """Touchpoints by what became of them; `rejected` by reason."""

    applied: int = 0
    duplicate: int = 0
    rejected: dict[str, int] = {}

    @property
    def rejected_total(self) -> int:
        """All that was rejected."""
        return sum(self.rejected.values())


class App:
    """Everything that runs. `start`, then feed or wait, then `stop`."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        warehouse: Warehouse,
        bootstrap: str,
        prepare: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.settings = settings
        self.waiting: Exception | None = None
        """What the start waits for, while it does."""
        self._prepare = prepare
        self.rulebook = Rulebook(catalogue)
        self.privacy = Privacy(pseudonyms_of(settings))
        self.taking = Taking()
        self.warehouse = warehouse
        self.ledger = SqlLedger(warehouse)
        self.clock = WallClock()
        self.foldings: dict[str, Folding] = {}
        self.turn = Turns()
        """Taken by whoever keeps the event loop for some ten milliseconds."""
        self.problem: BaseException | None = None
        self.failed = asyncio.Event()
        """Set when the process has to end; `problem` says why."""
        self.all_written = True
        """Whether all that was folded was written when partitions went last."""
        self._epochs: dict[str, int] = {}
        self._log_ids: dict[str, str] = {}
        self._fingerprint = definitions(catalogue)
        limits = catalogue.settings
        self._limits = Limits(limits.dead_letter_max_run, limits.dead_letter_max_ratio)
        self._readers = readers_of(settings)
        self._raw = (RAW, *self._readers)
        self.log = FaustLog(
            bootstrap,
            group=settings.group,
            client_id=f"touchline-{socket.gethostname()}-{os.getpid()}",
            topics={**dict.fromkeys(self._raw, self._intake), **dict.fromkeys(FOLDED, self._fold)},
            listener=self,
            embedded=settings.embedded_log,
            security=security_of(settings),
            tuning=Tuning(session_timeout_seconds=settings.session_seconds),
            on_bug=self._bug,
        )
        self.intake: Intake | None = None

    # -- life

    async def start(self, *, patient: bool = False) -> None:
        """Prepare, find the log epochs, connect, join the group. Raises LogError, WarehouseDown, WarehouseRefused and
        what `prepare` raises; when `patient`, what may pass is waited for (`waiting`).
        """
        await (patiently(self._open, self._wait_for) if patient else self._open())

    def _wait_for(self, what: Exception | None) -> None:
        self.waiting = what

    async def _open(self) -> None:
        if self._prepare is not None:
            await self._prepare()
        markers = await self.ledger.markers()
        known: dict[str, int] = defaultdict(int)
        counted: dict[str, set[str]] = defaultdict(set)
        """Of each topic's newest epoch: the ids under which the cluster had it."""
        for partition, (marker, version) in markers.items():
            topic, epoch = partition.rpartition("/")[0], epoch_of(version)
            if epoch > known[topic]:
                known[topic], counted[topic] = epoch, set()
            if epoch == known[topic]:
                counted[topic].add(marker.log_id)
        if self.settings.embedded_log:
            self._epochs = dict.fromkeys((*self._raw, *FOLDED), max(known.values(), default=0) + 1)
        else:
            ids = self._log_ids = await asyncio.to_thread(topics.ids, self.settings)
            renewed = {name.strip() for name in self.settings.new_epoch.split(",") if name.strip()}
            # Who starts later with the same setting joins the epoch that is counted now, and begins no third one.
            begun = {topic for topic in renewed if ids.get(topic) and counted[topic] == {ids[topic]}}
            self._epochs = {
                topic: max(known[topic], 1) + (1 if topic in renewed - begun and known[topic] else 0)
                for topic in (*self._raw, *FOLDED)
            }
            if not self.settings.accept_loss:
                same = {p: m for p, (m, v) in markers.items() if epoch_of(v) == self._epochs[p.rpartition("/")[0]]}
                refuse_gone(await standings(self.settings, same))
        self.privacy.erased.update(await erased(self.warehouse))
        channels = self.rulebook.catalogue.channels.keys()
        self.intake = Intake(
            self.log, self.ledger, self.clock, channels, self._limits, self._epochs, self.privacy, self._readers
        )
        await self.log.start()

    async def stop(self) -> None:
        """Drain: what is folded is flushed, positions are committed, the group is left.

        The embedded log ends with its process, so what is in it is counted first, as far as that goes quickly.
        """
        if self.settings.embedded_log and self.foldings and not self.failed.is_set():
            with suppress(TimeoutError, LogError):
                await asyncio.wait_for(self._until_drained(), _DRAIN_SECONDS)
            if self.intake is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.intake.kept(), _DRAIN_SECONDS)
        await self.log.stop()

    async def _until_drained(self) -> None:
        while True:
            if self.stopped() or await self.drained():
                return
            await asyncio.sleep(0.05)

    def _bug(self, bug: BaseException) -> None:
        """A bug ends the process before anything more is committed; what the user can mend is said in one sentence."""
        if isinstance(bug, (LogLost, LogRefused, NewerLog, OtherDefinitions, OtherLog, WarehouseRefused)):
            self.fail(bug)
        elif isinstance(bug, (LogError, Overtaken)):
            self.fail(MustRestart(str(bug)))
        else:
            end_process(bug)

    def fail(self, problem: BaseException) -> None:
        """End the process in order, with the problem as its last word."""
        self.problem = self.problem or problem
        self.failed.set()

    # -- partitions: what the log asks of its listener

    async def assigned(self, partitions: Sequence[str]) -> None:
        """Recover these; each starts to fold as soon as it is ready."""
        if grown := self.grown(partitions):
            self.fail(CannotStart(grown))
            return
        new = {p: self._folding(p) for p in partitions if p.rpartition("/")[0] not in self._raw}
        self.foldings.update(new)
        facts_epoch = self._epochs[CONTACT_FACTS]
        try:
            async with asyncio.TaskGroup() as group:
                for folding in new.values():
                    group.create_task(folding.start(facts_epoch, accept_loss=self.settings.accept_loss))
        except* (LogLost, NewerLog, OtherDefinitions, OtherLog, WarehouseRefused) as problems:
            self.fail(problems.exceptions[0])

    async def overtaken(self, partitions: Iterable[str]) -> str:
        """Which of these the ledger has further than this worker, so that somebody else has it; empty if none."""
        try:
            markers = await self.ledger.markers()
        except WarehouseDown:
            return ""
        for partition in partitions:
            folding = self.foldings.get(partition)
            if folding is None or not folding.ready or partition not in markers:
                continue
            marker, version = markers[partition]
            if version > version_of(folding.engine.epoch, folding.engine.position):
                return (
                    f"{partition} has gone on to offset {marker.offset} without it, from {folding.engine.position}:"
                    " somebody else has it"
                )
        return ""

    def grown(self, partitions: Iterable[str]) -> str:
        """What to say where a folded topic has more partitions than state was made for; empty if none has."""
        for partition in partitions:
            topic, _, number = partition.rpartition("/")
            declared = self.settings.partitions
            if topic in FOLDED and int(number) >= declared and not self.settings.embedded_log:
                return (
                    f"topic {topic} has {int(number) + 1} partitions and had {declared} when its state was made: its"
                    " keys go elsewhere now. Make new topics with as many, and run `touchline rebuild`"
                )
        return ""

    async def revoked(self, partitions: Sequence[str]) -> None:
        """Flush these and forget them."""
        if self.intake is not None:
            self.intake.forget(partitions)
        gone = [self.foldings.pop(partition) for partition in partitions if partition in self.foldings]
        try:
            await asyncio.gather(*(folding.stop() for folding in gone))
        finally:
            self.all_written = not any(f.engine.position > max(f.engine.written_offset, 0) for f in gone)

    def _folding(self, partition: str) -> Folding:
        topic = partition.rpartition("/")[0]
        engine = Engine(
            partition,
            self._epochs[topic],
            self._new_fold(topic),
            self.rulebook.zone,
            self._fingerprint,
            self._limits,
            recent_days(self.rulebook.settings),
            self._log_ids.get(topic, ""),
        )
        pace = pace_of(topic, self.settings.flush_seconds, embedded_log=self.settings.embedded_log)
        feeding = self._contacts if topic == CONTACT_FACTS else tuple
        return Folding(engine, self.log, self.ledger, self.clock, pace, self._bug, self.turn, feeding)

    def _contacts(self) -> list[Folding]:
        return [each for partition, each in self.foldings.items() if partition.startswith(f"{TOUCHPOINTS}/")]

    def _new_fold(self, topic: str) -> Fold:
        if topic == TOUCHPOINTS:
            return ContactFold(self.rulebook, CONTACT_COLUMNS, self.rulebook.catalogue.channels.keys())
        settings = self.rulebook.settings
        windows = Windows(settings.follow_up_window_ms, settings.returned_within_ms)
        return CustomerFold(
            windows,
            CUSTOMER_COLUMNS,
            transfer_breaks_fcr=settings.transfer_breaks_fcr,
            retention_ms=settings.retention_ms,
        )

    async def _fold(self, batch: Batch) -> None:
        folding = self.foldings.get(batch.partition)
        if folding is not None:
            await folding.handle(batch)

    async def _intake(self, batch: Batch) -> None:
        if self.intake is not None:
            with self.taking.one():
                await self.intake.handle(batch)

    def take_over(self, catalogue: Catalogue) -> None:
        """Go on by another catalogue, none of whose changes concerns anything counted so far."""
        self.rulebook = Rulebook(catalogue)
        self._fingerprint = definitions(catalogue)
        for folding in self.foldings.values():
            folding.engine.fingerprint = self._fingerprint
            if isinstance(folding.engine.fold_, ContactFold):
                folding.engine.fold_.rulebook = self.rulebook

    # -- feeding

    async def feed(self, values: Sequence[bytes]) -> None:
        """Put touchpoints (JSON) on the raw topic; returns when the log has them. Raises LogError.

        Keyed by nothing: they are spread over the partitions in turn.
        """
        now_ms = self.clock.now_ms()
        await self.log.produce(RAW, [OutRecord(None, value, now_ms) for value in values])

    async def drained(self) -> bool:
        """Whether all that is in the log is in the warehouse: raw records taken in, touchpoints and facts written."""
        for topic in (*self._raw, *FOLDED):
            for number in range(await self.log.partitions(topic)):
                partition = f"{topic}/{number}"
                _, end = await self.log.bounds(partition)
                if not self._written(partition, end):
                    return False
        return True

    async def until_written(self, topic: str, ends: Mapping[int, int] | None = None) -> None:
        """Wait until a folded topic is in the warehouse up to these offsets by number of partition; None: all it holds
        now. Raises LogError where a partition has stopped before that: what is behind there would never be.
        """
        numbers = range(await self.log.partitions(topic)) if ends is None else ends
        wanted = {
            f"{topic}/{number}": (await self.log.bounds(f"{topic}/{number}"))[1] if ends is None else ends[number]
            for number in numbers
        }
        while True:
            for partition, end in wanted.items():
                folding = self.foldings.get(partition)
                if folding is not None and folding.stopped_because and folding.engine.written_offset < end:
                    raise LogError(folding.stopped_because)
            if all(self._written(partition, end) for partition, end in wanted.items()):
                return
            await asyncio.sleep(0.02)

    def _written(self, partition: str, end: int) -> bool:
        if partition.rpartition("/")[0] in self._raw:
            stopped = self.intake is not None and partition in self.intake.stopped
            return stopped or any(p.partition == partition and p.position >= end for p in self.log.progress())
        folding = self.foldings.get(partition)
        if folding is None:
            return False
        if folding.stopped_because:
            return folding.engine.dirty_rows == 1
        return folding.ready and (end == 0 or folding.engine.written_offset >= end)

    async def until_ready(self) -> None:
        """Wait until every partition is recovered. Raises CannotStart if that fails."""
        while not self.foldings or not all(folding.ready for folding in self.foldings.values()):
            if self.failed.is_set():
                raise CannotStart(str(self.problem))
            await asyncio.sleep(0.05)

    def counts(self) -> Counts:
        """What became of all touchpoints of the partitions at hand, since the beginning of the ledger."""
        found = Counts()
        for partition, folding in self.foldings.items():
            if not partition.startswith(f"{TOUCHPOINTS}/"):
                continue
            marker = folding.engine.marker
            found.applied += marker.applied
            found.duplicate += marker.duplicate
            for reason, n in marker.rejected.items():
                found.rejected[reason] = found.rejected.get(reason, 0) + n
        if self.intake is not None:
            for reason, n in self.intake.rejected.items():
                found.rejected[reason] = found.rejected.get(reason, 0) + n
        return found

    def stopped(self) -> list[str]:
        """Why partitions do not go on, where a limit or a hole has stopped them."""
        reasons = [f.stopped_because for f in self.foldings.values() if f.stopped_because]
        return reasons + (list(self.intake.stopped.values()) if self.intake is not None else [])
