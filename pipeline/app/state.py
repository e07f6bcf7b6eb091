"""What the process tells of itself: the folds' state as the page, /metrics and the health checks look at it."""

from collections import deque
from typing import Final

from agents.folding import Folding
from pipeline.app import App
from pipeline.core.contacts import ContactFold
from pipeline.core.rules import Rulebook
from pipeline.io.exposition import exposition
from pipeline.live.collect import readiness
from pipeline.live.inputs import LiveState, PartitionState, Reading
from pipeline.live.summarise import summarise
from pipeline.live.summary import Readiness, Summary

_READING_MS: Final = 1_000
_READINGS: Final = 10
"""Readings kept per partition, at most one a second: what catching up is judged by."""


class State:
    """`pipeline.io.http.StateProvider` of an app. Until the app has partitions, nothing is ready."""

    def __init__(self, app: App, *, simulated: bool) -> None:
        self._app = app
        self._simulated = simulated
        self._readings: dict[str, deque[Reading]] = {}
        self.metrics = exposition(lambda: self.summary(app.clock.now_ms()))

    @property
    def _rulebook(self) -> Rulebook:
        return self._app.rulebook

    def summary(self, now_ms: int) -> Summary:
        """The live values."""
        sources: dict[str, int] = {}
        for folding in self._app.foldings.values():
            if isinstance(folding.engine.fold_, ContactFold):
                for source, at_ms in folding.engine.fold_.sources.items():
                    sources[source] = max(sources.get(source, 0), at_ms)
        state = LiveState(
            rulebook=self._rulebook,
            partitions=self._partitions(now_ms),
            sources=sources,
            simulated=self._simulated,
        )
        return summarise(state, now_ms)

    def ready(self) -> Readiness:
        """Whether every partition is read and counted."""
        return readiness(self._partitions(self._app.clock.now_ms()))

    def _partitions(self, now_ms: int) -> list[PartitionState]:
        ends = {progress.partition: progress.end_offset for progress in self._app.log.progress()}
        return [
            self._partition(folding, ends.get(partition), now_ms)
            for partition, folding in sorted(self._app.foldings.items())
        ]

    def _partition(self, folding: Folding, log_end: int | None, now_ms: int) -> PartitionState:
        engine, fold = folding.engine, folding.engine.fold_
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
            warehouse_up=folding.warehouse_up,
            log_end=log_end,
            earlier=readings[0] if readings else None,
            log_holes=engine.marker.lost,
            flush_seconds=folding.flush_seconds,
            flush_rows=folding.flush_rows,
            flushes=folding.flushes,
            dirty_rows=engine.dirty_rows,
        )
