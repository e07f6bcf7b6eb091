"""One partition of a folded topic at work: recover, fold batches, flush, in the order that makes it exact.

The steps of a flush (design, section 4): dead letters and facts first, acknowledged; then ONE insert, the commit;
then the rows for people; then Kafka's committed offset, for lag tools. A crash between any two of them loses and
repeats nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agents.dead_letters import deliver
from agents.failpoints import during, reached
from agents.turns import Turns
from pipeline.core.contacts import ContactFold
from pipeline.core.engine import BehindLedger, Engine, Hole
from pipeline.core.poison import TooManyRejects
from pipeline.core.steps import Flush, epoch_of
from pipeline.core.told import delivered
from pipeline.ports import Batch, Clock, Ledger, Log, LogError, OutRecord, Record, WarehouseDown, WarehouseRefused
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS

log_ = logging.getLogger("touchline.folding")

_SLICE: Final = 2_000
"""Records folded before the event loop gets a turn: some five milliseconds, as plain Python some thirty."""
_CHUNK: Final = 20_000
"""Facts produced at once."""
_DAY_MS: Final = 86_400_000
_TIDY_MS: Final = 3_600_000
"""How often, by the clock, what is older than retention is let go at most; else once a day of the watermark."""
_LOOK_SECONDS: Final = 0.05
"""How often who gathers looks whether that is over."""
_LOOKS: Final = 16
"""Contacts or customers looked at after every batch, and one more for every second record: is one long quiet? A contact
has some eight touchpoints, so the hand goes round several times before one that is touched no more is to go.
"""


class Pace(Struct, frozen=True):
    """When to flush and when to stop reading.

    `interval_seconds` after the flush before began, when little comes; `busy_seconds` where `busy_records` came since,
    or as soon as nothing has come for `quiet_seconds`; `behind_seconds` from `behind_records` on that the log holds and
    that are not read yet, until there are next to none: what is touched again and again is written once. Sooner with
    `flush_records` folded, `flush_rows` to write, or four fifths of `most_bytes`; at `most_rows` or `most_bytes`
    nothing more is read: a flush is one block, and memory is finite. Who had to read back and is fed by others that are
    far behind folds on after `behind_seconds`, too, so that what then has come is asked for at once.
    """

    interval_seconds: float = 0.5
    busy_records: int = 100
    busy_seconds: float = 1.0
    quiet_seconds: float = 0.2
    behind_records: int = 10_000
    behind_seconds: float = 15.0
    flush_records: int = 100_000
    flush_rows: int = 100_000
    most_rows: int = 500_000
    most_bytes: int = 128 << 20
    retry_seconds: float = 1.0
    most_retry_seconds: float = 15.0


_FLUSH_FACTS: Final = 12_500
"""As many contacts as `flush_records` touchpoints are: each has some eight and tells one fact of them."""
_FLUSH_EMBEDDED: Final = 8_000
"""The embedded log holds so little that its reader has to make room often."""


def pace_of(topic: str, interval_seconds: float, *, embedded_log: bool) -> Pace:
    """The pace of the partitions of a topic."""
    pace = Pace(interval_seconds=interval_seconds)
    most = _FLUSH_EMBEDDED if embedded_log else _FLUSH_FACTS if topic == CONTACT_FACTS else pace.flush_records
    return replace(pace, flush_records=most)


class LogLost(Exception):
    """The log no longer has records that were never folded."""


async def emit(emissions: Iterable[tuple[str, bytes, bytes]], log: Log, clock: Clock) -> dict[int, int]:
    """Produce facts in chunks, each acknowledged before the next; up to where that is, by partition of the topic."""
    ends: dict[int, int] = {}
    facts, now_ms = iter(emissions), clock.now_ms()
    while chunk := [OutRecord(key, value, now_ms) for _, key, value in islice(facts, _CHUNK)]:
        ends.update(await log.produce(CONTACT_FACTS, chunk))
        now_ms = clock.now_ms()
    return ends


async def write(flush: Flush, log: Log, ledger: Ledger, clock: Clock) -> None:
    """The protocol. Whatever happens after any line, the next owner goes on from the last commit."""
    await deliver(flush.dead_letters, log, ledger, clock)
    for table, columns in flush.evidence:
        await ledger.publish(table, flush.partition, columns)
    ends = await emit(flush.emissions, log, clock)
    if flush.partition.startswith(f"{TOUCHPOINTS}/"):
        flush.emitted(ends)
    reached("after_facts")
    await during("during_ledger", ledger.commit(flush.ledger))
    reached("after_ledger")
    for table, columns in flush.published:
        await ledger.publish(table, flush.partition, columns)
    reached("after_contacts")
    log.durable(flush.partition, flush.offset)


async def recover(
    engine: Engine, log: Log, ledger: Ledger, clock: Clock, facts_epoch: int, *, accept_loss: bool = False
) -> int:
    """Take over a partition: its state from the ledger, its position in the log; where the log ends now. Raises
    LogLost, OtherDefinitions, OtherLog, NewerLog.
    """
    engine.recover(await ledger.recover(engine.partition, engine.recent_days))
    async for hashes in ledger.known(engine.partition):
        engine.know(hashes)
    reached("during_recovery")
    fold = engine.fold_
    if isinstance(fold, ContactFold) and engine.marker.facts_epoch != facts_epoch:
        await tell_again(engine, fold, log, ledger, clock, facts_epoch)
    first, end = await log.bounds(engine.partition)
    if engine.position > end:
        raise LogLost(
            f"{engine.partition}: the ledger stands at offset {engine.position}, but the log ends at {end}."
            " The topic was made again: stop every worker, then start with"
            f" TOUCHLINE_NEW_EPOCH={engine.topic} to count it as a new log, or point touchline at the right cluster."
        )
    if engine.position < first and accept_loss:
        log_.warning("%s: offsets %d to %d are lost uncounted", engine.partition, engine.position, first - 1)
        engine.skip(first)
    if engine.position < first:
        raise LogLost(
            f"{engine.partition}: offsets {engine.position} to {first - 1} ({first - engine.position} positions)"
            " are gone from the log and were never counted: start with TOUCHLINE_ACCEPT_LOSS=1 to go on without"
            " them."
        )
    await log.seek(engine.partition, engine.position)
    return end


async def tell_again(
    engine: Engine, fold: ContactFold, log: Log, ledger: Ledger, clock: Clock, facts_epoch: int
) -> None:
    """The facts topic has begun anew: tell it what the customers have not counted of the one before (docs/decisions).
    Contact by contact out of the ledger, in pieces, whether they are in memory or not.
    """
    before = engine.marker.facts_epoch
    counted: dict[int, int] = {}
    for partition, (marker, version) in (await ledger.markers()).items():
        topic, _, number = partition.rpartition("/")
        # After two losses nobody can tell which of the two logs a worker wrote to that had not heard of the first.
        if topic == CONTACT_FACTS and facts_epoch == before + 1:
            epoch, offset = marker.before if epoch_of(version) > before else (epoch_of(version), marker.offset)
            counted[int(number)] = offset if epoch == before else 0
    since = delivered(engine.marker.told, counted)
    ends: dict[int, int] = {}
    async for rows in ledger.states(engine.partition, since):
        ends.update(await emit(fold.facts_again(rows, engine.marker.watermark_ms), log, clock))
    engine.told(facts_epoch, since, ends)


class Folding:
    """Drives one engine: batches in, flushes out, one at a time, overlapping with the fold of what comes next."""

    def __init__(
        self,
        engine: Engine,
        log: Log,
        ledger: Ledger,
        clock: Clock,
        pace: Pace,
        on_bug: Callable[[BaseException], None],
        turn: Turns | None = None,
        feeding: Callable[[], Iterable["Folding"]] = tuple,
    ) -> None:
        """`turn`: of all partitions of a process, whose flush is being laid out. `feeding`: those whose flushes write
        what this one reads; while one of them is far behind its log, so is this one, however short its own log is.
        """
        self.engine = engine
        self.ready = False
        self.stopped_because = ""
        self.warehouse_up = True
        self.flush_seconds = 0.0
        self.flushes = 0
        self.flush_rows: int | None = None
        self.settled_ms = 0
        """The watermark up to which the engine settled last, as far as the folding knows."""
        self._end_at_start = 0
        self._log, self._ledger, self._clock, self._pace = log, ledger, clock, pace
        self._on_bug = on_bug
        self._facts_epoch, self._accept_loss = 0, False
        self._turn = turn or Turns()
        self._feeding = feeding
        self._alone = asyncio.Lock()
        """Held while a flush is under way, and while the partition is recovered: one of them at a time."""
        self._started = asyncio.Event()
        self._changed = asyncio.Event()
        self._hurry = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._folded = 0
        self._behind = False
        self.owes = False
        """Whether it is far behind, or was and has not yet written what it folded until then."""
        self._tidied_day, self._tidied_ms = 0, 0
        self._closed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def left_at_start(self) -> int:
        """Records that the log held when the partition was taken over and that are not folded yet: until there are
        none, whoever waits may have been answered.
        """
        return max(self._end_at_start - self.engine.position, 0)

    @property
    def behind(self) -> bool:
        """Whether it is far behind its log, or will be when what feeds it is flushed."""
        return self._behind or any(each.behind for each in self._feeding())

    @property
    def full(self) -> bool:
        """Whether so much is unwritten that nothing more is read."""
        return not self._room.is_set()

    async def start(self, facts_epoch: int, *, accept_loss: bool = False) -> None:
        """Recover (trying again while warehouse or log are away) and begin to flush."""
        self._facts_epoch, self._accept_loss = facts_epoch, accept_loss
        await self.recover()
        self._started.set()
        self._task = asyncio.create_task(self._flushing(), name=f"flush {self.engine.partition}")
        self._task.add_done_callback(self._ended)
        self._changed.set()

    async def recover(self) -> None:
        """Take the partition over, whatever was held of it before; tries until it is done or `stop` is called."""
        self.ready = False

        async def once() -> None:
            self._end_at_start = await recover(
                self.engine, self._log, self._ledger, self._clock, self._facts_epoch, accept_loss=self._accept_loss
            )

        async with self._alone:
            self.ready = await self._until_answered(once, "not recovered")
        self.settled_ms = self.engine.marker.watermark_ms

    async def handle(self, batch: Batch) -> None:
        """Fold one batch; waits while too much is unwritten. A hole is sought back, who is behind the ledger recovers;
        too many rejects stop the partition.
        """
        if not self.ready:
            await self._started.wait()  # the first batch after a seek may be faster than the end of the recovery
        if not self.ready or self.stopped_because:
            return
        records, was_behind = batch.records, self._behind
        self._behind = batch.left >= self._pace.behind_records or (was_behind and batch.left > self._pace.busy_records)
        self.owes = self.owes or self._behind
        reached("before_fold")
        asked = False
        try:
            asked = await self._read_back(records)
            for start in range(0, max(len(records), 1), _SLICE):
                await self._room.wait()
                if self._closed.is_set():
                    return
                part = records[start : start + _SLICE]
                last = start + _SLICE >= len(records)
                first_offset = batch.from_offset if start == 0 else part[0].offset
                next_offset = batch.to_offset if last else part[-1].offset + 1
                self.engine.fold(min(first_offset, self.engine.position) if start else first_offset, next_offset, part)
                self._folded += len(part)
                self._note_dirty()
                if not last:
                    await asyncio.sleep(0)
        except Hole as hole:
            await self._seek_back(hole)
        except BehindLedger as behind:
            log_.warning("%s: recovering", behind)
            await self.recover()
        except TooManyRejects as error:
            self.stopped_because = str(error)
            log_.error("stopped: %s", error)
            self._log.pause(self.engine.partition)
        reached("after_fold")
        self.engine.evict(len(records) // 2 + _LOOKS)
        self._note_dirty()
        if was_behind and not self._behind:
            self._hurry.set()  # this was the end of the log
        if asked and not self._behind and self._more_comes:
            await self._gather()

    async def _read_back(self, records: Sequence[Record]) -> bool:
        """Read back what the records name and memory does not hold, in one query; whether there was any. Waits for the
        warehouse: of whom nothing is known, nothing can be counted. Raises BehindLedger.
        """
        units = self.engine.cold(records)
        if not units:
            return False

        async def once() -> None:
            self.engine.read_back(units, await self._ledger.read(self.engine.partition, units))

        await self._until_answered(once, f"{len(units)} contacts or customers not read back")
        return True

    @property
    def _more_comes(self) -> bool:
        """Whether one of those who feed this one has much to tell."""
        return any(each.owes for each in self._feeding())

    async def _gather(self) -> None:
        """Let more come, until those who feed this one have caught up and told it all. Customers are not found by an
        index: a query for one costs as much as for all, and facts come in little pieces.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._pace.behind_seconds
        while clock() < until and not self._closed.is_set() and self._more_comes:
            await self._rest(_LOOK_SECONDS)
        await self._rest(_LOOK_SECONDS)  # what was told last is on its way

    def _note_dirty(self) -> None:
        """Let the flush know what there is to write, and reading wait where it is too much."""
        pace, rows, size = self._pace, self.engine.dirty_rows, self.engine.dirty_bytes
        self._changed.set()
        if rows >= pace.flush_rows or self._folded >= pace.flush_records or 5 * size >= 4 * pace.most_bytes:
            self._hurry.set()
        if self._too_much:
            self._room.clear()

    @property
    def _too_much(self) -> bool:
        return self.engine.dirty_rows >= self._pace.most_rows or self.engine.dirty_bytes >= self._pace.most_bytes

    async def _until_answered(self, once: Callable[[], Awaitable[None]], what: str) -> bool:
        """Try until warehouse and log answer, once at least; False if the end comes first."""
        wait_seconds = self._pace.retry_seconds
        while True:
            try:
                await once()
            except (WarehouseDown, LogError) as error:
                self.warehouse_up = not isinstance(error, WarehouseDown)
                log_.warning("%s: %s, trying again in %.0f s: %s", self.engine.partition, what, wait_seconds, error)
                if self._closed.is_set():
                    return False
                await self._rest(wait_seconds)
                wait_seconds = min(2 * wait_seconds, self._pace.most_retry_seconds)
            else:
                self.warehouse_up = True
                return True

    async def _rest(self, seconds: float) -> None:
        """Wait, unless the end comes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), seconds)

    async def _seek_back(self, hole: Hole) -> None:
        first, _ = await self._log.bounds(self.engine.partition)
        if first > hole.position:
            self.stopped_because = (
                f"{hole}; the log begins at {first} now: {first - hole.position} positions were lost uncounted"
            )
            log_.error("stopped: %s", self.stopped_because)
            return
        log_.info("%s: seeking back", hole)
        await self._log.seek(self.engine.partition, hole.position)

    async def flush(self) -> None:
        """Write everything folded since the last time. Raises WarehouseDown, LogError: then the next has it, too."""
        async with self._alone:
            if not self.warehouse_up:
                await self._ledger.reach()  # half a million rows need not be laid out only to be refused
            async with self._turn:
                if not self.owes:  # in between, what has come is folded; else the flush settles, which is cheaper
                    self.engine.settle()
                    await self._turn.breath()
                self._folded = 0
                if not self._closed.is_set():
                    self._hurry.clear()  # what it was about is laid out here, however long that had to wait
                flush, owes = self.engine.flush(), self._behind
                self.settled_ms = self.engine.marker.watermark_ms
            if flush is None:
                self.owes = owes
                return
            try:
                await write(flush, self._log, self._ledger, self._clock)
            except (WarehouseDown, LogError):
                self.engine.failed(flush)
                raise
            self.engine.flushed(flush)
            self.owes = owes or self._behind
            self.flushes += 1
            self.flush_rows = flush.rows
        await self._tidy(flush.marker.watermark_ms)

    async def _tidy(self, watermark_ms: int) -> None:
        """Let go of what is older than retention by a watermark that is durable: whoever folds on, does so from there.
        If it does not work now, it will another day.
        """
        before_ms, now_ms = watermark_ms - self.engine.fold_.kept_ms, self._clock.now_ms()
        if before_ms < 0 or watermark_ms // _DAY_MS == self._tidied_day or abs(now_ms - self._tidied_ms) < _TIDY_MS:
            return
        self._tidied_day, self._tidied_ms = watermark_ms // _DAY_MS, now_ms
        try:
            await self._ledger.forget(self.engine.partition, before_ms)
        except (WarehouseDown, WarehouseRefused) as error:
            log_.warning("%s: what is older than retention is not deleted: %s", self.engine.partition, error)

    async def _flushing(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            begun, before = asyncio.get_running_loop().time(), self.flushes
            if not await self._until_answered(self.flush, "not written"):
                return
            if self.flushes > before:
                self.flush_seconds = asyncio.get_running_loop().time() - begun
            if not self._too_much:
                self._room.set()
            if self._closed.is_set() and not self._changed.is_set():
                return
            await self._until_next(begun)

    async def _until_next(self, begun: float) -> None:
        """Let an interval pass, unless much has gathered or the end has come."""
        clock = asyncio.get_running_loop().time
        now = clock()
        while (left_seconds := begun + self._interval_seconds - now) > 0 and not self._hurry.is_set():
            folded, before = self._folded, now
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), min(left_seconds, self._pace.quiet_seconds))
            now = clock()
            on_time = now - before < 2 * self._pace.quiet_seconds  # else nobody came to fold
            if on_time and folded == self._folded >= self._pace.busy_records and not self.behind:
                break

    @property
    def _interval_seconds(self) -> float:
        pace = self._pace
        if self.behind:
            return max(pace.behind_seconds, pace.interval_seconds)
        return max(pace.busy_seconds if self._folded >= pace.busy_records else 0.0, pace.interval_seconds)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_bug(error)

    async def stop(self) -> None:
        """Flush what is folded and end. What the warehouse does not take now is folded again by the next owner."""
        self.ready = False
        self._closed.set()
        if self._task is not None:
            self._changed.set()
            self._hurry.set()
            await asyncio.wait([self._task])
