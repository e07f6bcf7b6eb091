"""Our own partitions as the live values look at them: at once, or one after another with other work in between."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter, thread_time
from typing import Final

from agents.folding import Folding
from pipeline.app import App
from pipeline.core.contacts import ContactFold
from pipeline.live.collect import Collected, Collecting, collect
from pipeline.live.inputs import CallBack, LiveState, PartitionState, Reading

REST: Final = 3
_REST_BEHIND: Final = 49
"""How long looking at our partitions rests, as a multiple of what it took: only while somebody asks all the time does
it take a quarter of it, and while much is to be counted, a fiftieth.
"""
_BEHIND: Final = 10_000
_READING_MS: Final = 1_000
_READINGS: Final = 10
"""Readings kept per partition, at most one a second: what catching up is judged by."""


class Looking:
    """What the partitions of an app are worth, looked at when somebody asks; what took long is not looked at again at
    once. `heard`, `call_backs`: what the warehouse told beside them.
    """

    def __init__(
        self,
        app: App,
        *,
        simulated: bool,
        not_yet: Callable[[], str],
        heard: Callable[[], Mapping[str, int]],
        call_backs: Callable[[], Sequence[CallBack]],
    ) -> None:
        self._app, self._simulated, self._not_yet = app, simulated, not_yet
        self._heard, self._call_backs = heard, call_backs
        self._readings: dict[str, deque[Reading]] = {}
        self._collected: Collected | None = None
        self._division = -1
        self.rests_until = 0.0
        self._one = asyncio.Lock()

    def own(self, now_ms: int) -> Collected:
        """What they are worth, at once."""
        known = self._known
        if known is None:
            begun, division = thread_time(), self._app.log.generation
            known = self._keep(collect(self.state(now_ms), now_ms), division, thread_time() - begun)
        return known

    async def in_turns(self) -> Collected:
        """The same, a partition at a time: nothing waits longer than for one of them."""
        async with self._one:
            while (known := self._known) is None:
                division, now_ms, took = self._app.log.generation, self._app.clock.now_ms(), 0.0
                collecting = Collecting(self._app.rulebook, now_ms)
                for partition in sorted(self._app.foldings):
                    async with self._app.turn:
                        begun, folding = thread_time(), self._app.foldings.get(partition)
                        if folding is not None:
                            collecting.take(self._partition(folding, self._ends().get(partition), now_ms))
                        took += thread_time() - begun
                if self._app.log.generation == division:
                    known = collecting.done(
                        sources=self._sources(), call_backs=self._call_backs(), simulated=self._simulated
                    )
                    return self._keep(known, division, took)
            return known

    def state(self, now_ms: int) -> LiveState:
        """All of them, settled."""
        return LiveState(
            rulebook=self._app.rulebook,
            partitions=self.partitions(now_ms),
            sources=self._sources(),
            simulated=self._simulated,
            call_backs=self._call_backs(),
        )

    def partitions(self, now_ms: int, *, settled: bool = True) -> list[PartitionState]:
        """Each of them; their cells are only up to date where they are settled."""
        ends = self._ends()
        return [
            self._partition(folding, ends.get(partition), now_ms, settled=settled)
            for partition, folding in sorted(self._app.foldings.items())
        ]

    @property
    def _known(self) -> Collected | None:
        """What rests. A statement of another division of the partitions would be counted beside the new owner's."""
        same = self._division == self._app.log.generation
        return self._collected if same and perf_counter() < self.rests_until else None

    def _keep(self, collected: Collected, division: int, took_seconds: float) -> Collected:
        self._collected, self._division = collected, division
        self.rests_until = perf_counter() + (_REST_BEHIND if self._much_to_count else REST) * took_seconds
        return collected

    @property
    def _much_to_count(self) -> bool:
        """By what batches say of what is behind them, too: the log's ends are asked for every few seconds only, and are
        old when a worker that stood still goes on.
        """
        if any(folding.behind for folding in self._app.foldings.values()):
            return True
        return sum(max(one.end_offset - one.position, 0) for one in self._app.log.progress()) >= _BEHIND

    def _ends(self) -> dict[str, int]:
        return {progress.partition: progress.end_offset for progress in self._app.log.progress()}

    def _sources(self) -> dict[str, int]:
        sources: dict[str, int] = dict(self._heard())
        for folding in self._app.foldings.values():
            if isinstance(folding.engine.fold_, ContactFold):
                for source, at_ms in folding.engine.fold_.sources.items():
                    sources[source] = max(sources.get(source, 0), at_ms)
        return sources

    def _waits_for(self, folding: Folding) -> str:
        """Who seems to wait may have been answered in what is still to be read: until the log's end of the start is
        reached once, nothing is shown.
        """
        if not folding.ready:
            return ""
        if folding.left_at_start:
            return f"reading what the log held at the start, {folding.left_at_start:,} records to go"
        return self._not_yet()

    def _partition(self, folding: Folding, log_end: int | None, now_ms: int, *, settled: bool = True) -> PartitionState:
        engine, fold = folding.engine, folding.engine.fold_
        settled_ms = None
        # Settling seldom is quicker. Before the end of the start nothing is shown; far behind, what is shown is old and
        # says of itself until when it goes.
        if settled and folding.ready and not folding.left_at_start:
            if folding.behind and folding.warehouse_up:
                settled_ms = folding.settled_ms
            else:
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
            settled_ms=settled_ms,
        )
