"""What the process tells of itself and, with other workers, of all: the folds' state as the page, /metrics and the
health checks look at it.
"""

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import perf_counter, thread_time
from typing import Final

import msgspec
from msgspec import Struct

from agents.folding import Folding
from pipeline.app import FOLDED, App
from pipeline.app.auditing import BackgroundAudit
from pipeline.app.catalogues import definitions
from pipeline.app.cohorts import Cohorts
from pipeline.app.missed import Missed
from pipeline.app.together import Together
from pipeline.core.contacts import ContactFold
from pipeline.io.exposition import exposition
from pipeline.io.kafka import security_of
from pipeline.io.latest import follow
from pipeline.live.around import Around
from pipeline.live.collect import Collected, collect, readiness, status_of
from pipeline.live.inputs import LiveState, PartitionState, Reading
from pipeline.live.narrow import narrowed, narrowed_others, narrowed_state
from pipeline.live.present import present
from pipeline.live.summary import NotReady, Readiness, Summary
from pipeline.ports import LogError, WarehouseDown
from schemas.topics import LIVE

_READING_MS: Final = 1_000
_REST: Final = 3
_REST_BEHIND: Final = 9
"""How long looking at our partitions rests, as a multiple of what it took: only while somebody asks all the time does
it take a quarter of it, and while much is to be counted, a tenth.
"""
_BEHIND: Final = 10_000
_STILL_MS: Final = 30_000
_GOODBYE_SECONDS: Final = 1.0
_READINGS: Final = 10
"""Readings kept per partition, at most one a second: what catching up is judged by."""


class _Still(Struct, frozen=True):
    """A partition: what is left to count, and since when it has not moved."""

    partition: str
    lag: int
    still_ms: int


class State:
    """`pipeline.io.http.StateProvider` of an app. Until the app has partitions, nothing is ready."""

    def __init__(
        self,
        app: App,
        *,
        simulated: bool,
        blocked_seconds: Callable[[], float | None] = lambda: None,
        not_yet: Callable[[], str] = lambda: "",
    ) -> None:
        self._not_yet = not_yet
        self._blocked_seconds = blocked_seconds
        self._app = app
        self._simulated = simulated
        self._readings: dict[str, deque[Reading]] = {}
        self._collected: Collected | None = None
        self._division = -1
        self._until = 0.0
        self._moved: dict[str, tuple[int, int]] = {}
        self._together: Together | None = None
        settings = app.settings
        if not settings.embedded_log:
            name = f"{socket.gethostname()}:{settings.port}"
            self._together = Together(name, f"{name}/{os.getpid()}", definitions(app.rulebook.catalogue))
        self.cohorts = Cohorts(app)
        self.missed = Missed(app)
        self.audit = BackgroundAudit(app)
        self._told: Summary | None = None
        self._told_until = 0.0
        self.metrics = exposition(self._for_metrics, self._around)

    def summary(self, now_ms: int, queues: frozenset[str] = frozenset()) -> Summary:
        """The live values: of all workers, where there are several; of these queues, where some are named."""
        return self._present(alone=False, now_ms=now_ms, queues=queues)

    def ready(self) -> Readiness:
        """Whether every partition is read and counted."""
        now_ms = self._app.clock.now_ms()
        return self._readiness(readiness(self._partitions(now_ms, settled=False)), now_ms)

    async def with_others(self) -> None:
        """Tell the other workers what we know and hear what they know, for ever. The embedded stack has no others."""
        together, app = self._together, self._app
        if together is None:
            await asyncio.Event().wait()
            return
        together.expected = [
            f"{topic}/{number}" for topic in FOLDED for number in range(await app.log.partitions(topic))
        ]
        client_id = f"touchline-live-{together.instance}"
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(follow(app.settings.kafka, security_of(app.settings), LIVE, client_id, together.take))
                group.create_task(together.tell(app.log, lambda: self._own(app.clock.now_ms()), self._generation))
        finally:
            with suppress(LogError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await together.goodbye(app.log, app.clock.now_ms())

    def _around(self, summary: Summary) -> Around:
        outcome, audit = self.audit.outcome, self.audit
        return msgspec.structs.replace(
            self.cohorts.around(summary),
            audit_differences=None if outcome is None else outcome.total,
            audit_age_ms=audit.age_ms(summary.now_ms),
        )

    def _generation(self) -> int:
        return self._app.log.generation

    def _for_metrics(self) -> Summary:
        """Our partitions alone. What took long to work out rests; what partitions count and their positions do not."""
        told, now_ms = self._told, self._app.clock.now_ms()
        if told is not None and self._generation() == self._division and perf_counter() < self._told_until:
            states = self._partitions(now_ms, settled=False)
            if self._readiness(readiness(states), now_ms) == told.readiness:
                return msgspec.structs.replace(
                    told,
                    partitions=tuple(status_of(state, now_ms) for state in states),
                    event_loop_blocked_seconds=self._blocked_seconds(),
                )
        begun = thread_time()
        self._told = told = self._present(alone=True, now_ms=now_ms)
        self._told_until = perf_counter() + _REST * (thread_time() - begun)
        return told

    def _present(self, *, alone: bool, now_ms: int | None = None, queues: frozenset[str] = frozenset()) -> Summary:
        now_ms = self._app.clock.now_ms() if now_ms is None else now_ms
        rulebook = self._app.rulebook
        own = collect(narrowed_state(self._state(now_ms), queues), now_ms) if queues else self._own(now_ms)
        if alone or self._together is None or not self._together.expected:
            found = present(narrowed([own], queues) if queues else [own], rulebook, now_ms)
        else:
            merged, others = self._together.others(own, self._generation())
            if queues:
                merged, others = narrowed(merged, queues), narrowed_others(others, queues)
            found = present(merged, rulebook, now_ms, others)
        waiting = self._app.waiting
        return msgspec.structs.replace(
            found,
            readiness=self._readiness(found.readiness, now_ms),
            warehouse_up=found.warehouse_up and not isinstance(waiting, WarehouseDown),
            event_loop_blocked_seconds=self._blocked_seconds(),
        )

    def _readiness(self, found: Readiness, now_ms: int) -> Readiness:
        """Ready means that it comes on: at first what the start waits for keeps us from it, and later a partition
        that stands still though the log has more.
        """
        waiting = self._app.waiting
        if waiting is not None:
            return Readiness(False, (NotReady("", f"{waiting}; trying again"),))
        known = {one.partition for one in found.missing}
        still = tuple(
            NotReady(one.partition, f"stands still for {one.still_ms // 1_000} s, with {one.lag} records to count")
            for one in self._progress(now_ms)
            if one.still_ms > _STILL_MS and one.partition not in known
        )
        return found if not still else Readiness(False, (*found.missing, *still))

    def _progress(self, now_ms: int) -> Iterator[_Still]:
        """How long each partition with something to count has not moved."""
        for one in self._app.log.progress():
            folding = self._app.foldings.get(one.partition)
            if folding is None:
                continue
            position = folding.engine.position
            lag = one.end_offset - position
            if lag <= 0 or self._moved.get(one.partition, (-1, 0))[0] != position:
                self._moved[one.partition] = position, now_ms
            yield _Still(one.partition, lag, now_ms - self._moved[one.partition][1])

    def _own(self, now_ms: int) -> Collected:
        """What our partitions are worth: looked at when somebody asks, but what took long is not looked at again at
        once.
        """
        # A statement of another division of the partitions would be counted beside that of the new owner.
        division = self._generation()
        if self._collected is None or division != self._division or perf_counter() >= self._until:
            begun, self._division = thread_time(), division
            self._collected = collect(self._state(now_ms), now_ms)
            lag = sum(max(one.end_offset - one.position, 0) for one in self._app.log.progress())
            self._until = perf_counter() + (_REST if lag < _BEHIND else _REST_BEHIND) * (thread_time() - begun)
        return self._collected

    def _state(self, now_ms: int) -> LiveState:
        sources: dict[str, int] = dict(self.cohorts.heard)
        for folding in self._app.foldings.values():
            if isinstance(folding.engine.fold_, ContactFold):
                for source, at_ms in folding.engine.fold_.sources.items():
                    sources[source] = max(sources.get(source, 0), at_ms)
        return LiveState(
            rulebook=self._app.rulebook,
            partitions=self._partitions(now_ms),
            sources=sources,
            simulated=self._simulated,
            call_backs=self.missed.call_backs,
        )

    def _partitions(self, now_ms: int, *, settled: bool = True) -> list[PartitionState]:
        ends = {progress.partition: progress.end_offset for progress in self._app.log.progress()}
        return [
            self._partition(folding, ends.get(partition), now_ms, settled=settled)
            for partition, folding in sorted(self._app.foldings.items())
        ]

    def _waits_for(self, folding: Folding) -> str:
        """Who seems to wait may have been answered in what is still to be read: until the log's end of the start is
        reached once, nothing is shown.
        """
        if not folding.ready:
            return ""
        if folding.left_at_start:
            return f"reading what the log held at the start, {folding.left_at_start:,} records to go"
        return self._not_yet()

    def _partition(self, folding: Folding, log_end: int | None, now_ms: int, *, settled: bool) -> PartitionState:
        engine, fold = folding.engine, folding.engine.fold_
        # Before the end of the start nothing is shown, and settling seldom is quicker.
        if settled and folding.ready and not folding.left_at_start:
            engine.settle()
        readings = self._readings.setdefault(engine.partition, deque(maxlen=_READINGS))
        if log_end is not None and (not readings or now_ms - readings[-1].at_ms >= _READING_MS):
            readings.append(Reading(now_ms, engine.position, log_end))
        return PartitionState(
            partition=engine.partition,
            marker=engine.marker,
            recent=engine.recent,
            ready=folding.ready,
            open=fold.open if isinstance(fold, ContactFold) else {},
            stopped_because=folding.stopped_because,
            waits_for=self._waits_for(folding),
            warehouse_up=folding.warehouse_up,
            log_end=log_end,
            earlier=readings[0] if readings else None,
            log_holes=engine.marker.lost,
            flush_seconds=folding.flush_seconds,
            flush_rows=folding.flush_rows,
            flushes=folding.flushes,
            dirty_rows=engine.dirty_rows,
        )
