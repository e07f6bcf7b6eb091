"""What the process tells of itself and, with other workers, of all: the folds' state as the page, /metrics and the
health checks look at it.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import perf_counter, thread_time
from typing import Final

import msgspec
from msgspec import Struct

from pipeline.app import FOLDED, App
from pipeline.app.auditing import BackgroundAudit
from pipeline.app.catalogues import definitions
from pipeline.app.cohorts import Cohorts
from pipeline.app.looking import REST, Looking
from pipeline.app.missed import Missed
from pipeline.app.together import Together
from pipeline.io.exposition import exposition
from pipeline.io.kafka import security_of
from pipeline.io.latest import follow
from pipeline.live.around import Around
from pipeline.live.collect import collect, readiness, status_of
from pipeline.live.narrow import narrowed, narrowed_others, narrowed_state
from pipeline.live.present import present
from pipeline.live.summary import NotReady, Readiness, Summary
from pipeline.ports import LogError, WarehouseDown
from schemas.topics import LIVE

_STILL_MS: Final = 30_000
_GOODBYE_SECONDS: Final = 1.0
_NEW_MS: Final = 1_000
"""Who reads /metrics does not wait for live values newer than this: they are there the next time."""


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
        self._blocked_seconds = blocked_seconds
        self._app = app
        self._moved: dict[str, tuple[int, int]] = {}
        self._together: Together | None = None
        settings = app.settings
        if not settings.embedded_log:
            name = f"{socket.gethostname()}:{settings.port}"
            self._together = Together(name, f"{name}/{os.getpid()}", definitions(app.rulebook.catalogue))
        self.cohorts = Cohorts(app)
        self.missed = Missed(app)
        self.audit = BackgroundAudit(app)
        self._looking = Looking(
            app,
            simulated=simulated,
            not_yet=not_yet,
            heard=lambda: self.cohorts.heard,
            call_backs=lambda: self.missed.call_backs,
        )
        self._told: Summary | None = None
        self._told_division = -1
        self._told_until = 0.0
        self._telling: asyncio.Task[None] | None = None
        self._text = exposition(self._for_metrics, self._around)

    def summary(self, now_ms: int, queues: frozenset[str] = frozenset()) -> Summary:
        """The live values: of all workers, where there are several; of these queues, where some are named."""
        rulebook, looking, together = self._app.rulebook, self._looking, self._together
        own = collect(narrowed_state(looking.state(now_ms), queues), now_ms) if queues else looking.own(now_ms)
        collected, others = [own], None
        if together is not None and together.expected:
            collected, others = together.others(own, self._generation())
        if queues:
            collected = narrowed(collected, queues)
            others = None if others is None else narrowed_others(others, queues)
        return self._as_is(present(collected, rulebook, now_ms, others), now_ms)

    def ready(self) -> Readiness:
        """Whether every partition is read and counted."""
        now_ms = self._app.clock.now_ms()
        return self._readiness(readiness(self._looking.partitions(now_ms, settled=False)), now_ms)

    async def metrics(self) -> bytes:
        """The text of /metrics. What partitions count, and their positions, is of this moment. Live values rest when
        they took long to work out; who has some that are new is not kept waiting for newer ones.
        """
        if self._telling is None and (perf_counter() >= self._told_until or not self._is_new()):
            self._telling = asyncio.create_task(self._tell(), name="live values for /metrics")
            self._telling.add_done_callback(self._end_telling)
        if self._telling is not None and not self._is_new():
            await asyncio.shield(self._telling)
        return self._text()

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
                group.create_task(together.tell(app.log, self._looking.in_turns, self._generation))
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

    async def _tell(self) -> None:
        """Work out the live values of our partitions alone."""
        own = await self._looking.in_turns()
        async with self._app.turn:
            begun, now_ms = thread_time(), self._app.clock.now_ms()
            self._told = self._as_is(present([own], self._app.rulebook, now_ms), now_ms)
            self._told_division = self._generation()
        self._told_until = max(self._looking.rests_until, perf_counter() + REST * (thread_time() - begun))

    def _end_telling(self, _: "asyncio.Task[None]") -> None:
        self._telling = None

    def _is_new(self) -> bool:
        """Whether the live values that were worked out last may be shown still."""
        told, now_ms = self._told, self._app.clock.now_ms()
        return (
            told is not None
            and abs(now_ms - told.now_ms) < _NEW_MS
            and self._told_division == self._generation()
            and self._readiness(readiness(self._looking.partitions(now_ms, settled=False)), now_ms) == told.readiness
        )

    def _for_metrics(self) -> Summary:
        told, now_ms = self._told, self._app.clock.now_ms()
        if told is None:
            raise RuntimeError("nothing is worked out yet")
        return msgspec.structs.replace(
            told,
            partitions=tuple(status_of(one, now_ms) for one in self._looking.partitions(now_ms, settled=False)),
            event_loop_blocked_seconds=self._blocked_seconds(),
        )

    def _as_is(self, found: Summary, now_ms: int) -> Summary:
        """With what only the process knows."""
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
