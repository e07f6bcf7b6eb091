"""A small organisation for tests: touchpoints in, through the real folds, live state out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

import msgspec

from pipeline.core.contacts import ContactFold
from pipeline.core.engine import Engine
from pipeline.core.rules import Rulebook
from pipeline.live import LiveState, PartitionState, Summary, recent_days, summarise
from pipeline.live.summary import Numbers
from pipeline.ports import Record
from schemas.catalogue import load
from tests.core.harness import contact_engine, customer_engine

S, M, H, D = 1_000, 60_000, 3_600_000, 86_400_000
BERLIN = ZoneInfo("Europe/Berlin")
PLAIN = "zone: Europe/Berlin\n"


def berlin(*moment: int) -> int:
    """A local moment (year, month, day, hour, minute, ...) in ms."""
    return int(datetime(*moment, tzinfo=BERLIN).timestamp() * 1_000)  # type: ignore[arg-type, misc]


NOON = berlin(2026, 3, 18, 12)
"""A Wednesday."""


class World:
    """Says what happened, folds it, and asks for the live values."""

    def __init__(self, catalogue: str = PLAIN, partitions: int = 1) -> None:
        self.rulebook = Rulebook(load(catalogue, "catalogue"))
        self.contacts = [contact_engine(self.rulebook, f"touchpoints/{n}") for n in range(partitions)]
        self.customers = customer_engine(self.rulebook)
        for engine in (*self.contacts, self.customers):
            engine.recent_days = recent_days(self.rulebook.settings)
        self._said: list[dict[str, Any]] = []
        self._n = 0

    def say(self, at_ms: int, contact_id: str, kind: str, /, channel: str = "phone", **fields: Any) -> None:
        """One touchpoint."""
        self._n += 1
        touchpoint = {"id": f"t{self._n:06}", "type": kind, "time": at_ms, "contact_id": contact_id, "channel": channel}
        self._said.append({**touchpoint, **fields})

    def call(
        self,
        contact_id: str,
        queued_ms: int,
        answered_after_ms: int | None = None,
        *,
        queue: str = "sales",
        channel: str = "phone",
        talk_ms: int | None = 2 * M,
        abandoned_after_ms: int | None = None,
        **fields: Any,
    ) -> None:
        """A call: queued, then perhaps answered and closed, or abandoned."""
        self.say(queued_ms, contact_id, "contact.queued", channel, queue=queue, **fields)
        if abandoned_after_ms is not None:
            self.say(queued_ms + abandoned_after_ms, contact_id, "contact.abandoned", channel)
        if answered_after_ms is not None:
            self.say(queued_ms + answered_after_ms, contact_id, "contact.answered", channel)
            if talk_ms is not None:
                self.say(queued_ms + answered_after_ms + talk_ms, contact_id, "contact.closed", channel)

    def fold(self) -> None:
        """Everything said since the last time goes through both folds."""
        by_engine: dict[int, list[dict[str, Any]]] = {}
        for touchpoint in sorted(self._said, key=lambda t: (t["time"], t["id"])):
            number = crc32(touchpoint["contact_id"].encode()) % len(self.contacts)
            by_engine.setdefault(number, []).append(touchpoint)
        self._said = []
        facts: list[Record] = []
        told = self.customers.position
        for number, touchpoints in by_engine.items():
            engine = self.contacts[number]
            start = engine.position
            records = [
                Record(start + n, t["time"] + 200, t["contact_id"].encode(), msgspec.json.encode(t))
                for n, t in enumerate(touchpoints)
            ]
            engine.fold(start, start + len(records), records)
            done = engine.flush()
            assert done is not None
            engine.flushed(done)
            facts += [
                Record(told + len(facts) + n, engine.marker.append_ms, key, value)
                for n, (_, key, value) in enumerate(done.emissions)
            ]
        self.customers.fold(told, told + len(facts), facts)
        done = self.customers.flush()
        if done is not None:
            self.customers.flushed(done)

    def partition(self, engine: Engine, **changes: Any) -> PartitionState:
        """The state of one partition, as the app gives it."""
        fold = engine.fold_
        engine.settle()
        given: dict[str, Any] = {
            "partition": engine.partition,
            "marker": engine.marker,
            "recent": engine.recent,
            "open": fold.open if isinstance(fold, ContactFold) else {},
            "ready": True,
            "log_end": engine.position,
            "dirty_rows": engine.dirty_rows,
        }
        return PartitionState(**{**given, **changes})

    def state(self, partitions: Sequence[PartitionState] | None = None, **changes: Any) -> LiveState:
        """The live state of everything folded."""
        if partitions is None:
            partitions = [self.partition(engine) for engine in (*self.contacts, self.customers)]
        return LiveState(rulebook=self.rulebook, partitions=partitions, **changes)

    def summary(self, now_ms: int, **changes: Any) -> Summary:
        """Fold what is left and look."""
        self.fold()
        return summarise(self.state(**changes), now_ms)


def queue(summary: Summary, name: str, channel: str = "phone") -> Numbers:
    """The numbers of one queue."""
    (row,) = [row for row in summary.queues if (row.channel, row.queue) == (channel, name)]
    return row.numbers


def total(summary: Summary, kind: str) -> Numbers:
    """The numbers of one kind."""
    (found,) = [one for one in summary.totals if one.kind == kind]
    return found.numbers
