"""A simulated log and a simulated ledger, with an await at every place where a process can die or be overtaken.

The ledger does what the warehouse's tables do: of one key the highest version counts, of equal versions the last. It
also watches over the protocol's law: two rows of one key and one version say the same, whoever wrote them.
"""

from collections.abc import AsyncIterator, Generator, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final
from zlib import crc32

import msgspec
from msgspec import Struct

from pipeline.core import engine
from pipeline.core.known import hash_of
from pipeline.core.steps import CELL, MARKER, CellRow, Marker, ReadBack, Recovered, StateRow, WindowKey, unit_of
from pipeline.ports import Batch, LogError, OutRecord, Record, WarehouseDown
from schemas.rejects import DeadLetter
from tests.faults.simulation.traffic import BEGIN_MS

TOUCHPOINTS: Final = "touchpoints"
FACTS: Final = "contact-facts"
APPEND_BEGINS_MS: Final = BEGIN_MS + 5 * 60_000
MOST_BACK_MS: Final = 20_000
"""How far append times step back at most."""


class LawBroken(AssertionError):
    """Two rows of one key and one version differ: what was written depends on who wrote it, or when."""


class _Pause:
    def __await__(self) -> Generator[None, None, None]:
        yield


PAUSE: Final = _Pause()
"""Here the scheduler may go on with somebody else, for long or for ever."""


class Faults(Struct):
    """How often what goes wrong, from 0 to 1."""

    warehouse: float = 0.0
    broker: float = 0.0
    drop: float = 0.0
    repeat: float = 0.0
    back: float = 0.0
    """Append times that step back: no fault, they go on to the end."""


class Topics:
    """The logs of both topics: what all consumers and producers see."""

    def __init__(self, rng: Random, partitions: Mapping[str, int], faults: Faults) -> None:
        self.rng = rng
        self.faults = faults
        self.partitions = partitions
        self.records: dict[str, list[Record]] = {
            f"{topic}/{number}": [] for topic, n in partitions.items() for number in range(n)
        }
        self.epochs = dict.fromkeys(partitions, 1)
        self.now_ms = APPEND_BEGINS_MS
        self.keeps_client_times = rng.random() < 0.2
        """As a broker without LogAppendTime does: then a producer's clock that jumps is the append time of facts."""
        self._ends = dict.fromkeys(self.records, 0)

    def named(self, topic: str) -> list[str]:
        """The partitions of a topic."""
        return [f"{topic}/{number}" for number in range(self.partitions[topic])]

    def end(self, partition: str) -> int:
        """The offset of the next record to come."""
        return self._ends[partition]

    def append(self, topic: str, key: bytes, value: bytes | None, client_ms: int | None = None) -> tuple[str, Record]:
        """One record at the end of its partition, sometimes behind a gap; append times mostly grow."""
        rng, faults = self.rng, self.faults
        partition = f"{topic}/{crc32(key) % self.partitions[topic]}"
        self.now_ms += rng.choice((0, 1, 800, 3_000, 9_000))
        back_ms = rng.randrange(MOST_BACK_MS) if rng.random() < faults.back else 0
        offset = self._ends[partition] + (2 if rng.random() < 0.05 else 0)
        kept_ms = client_ms if self.keeps_client_times else None
        record = Record(offset, self.now_ms - back_ms if kept_ms is None else kept_ms, key, value)
        self.records[partition].append(record)
        self._ends[partition] = offset + 1
        return partition, record

    def lose(self, topic: str) -> None:
        """The topic is deleted and created anew: another epoch, no records."""
        self.epochs[topic] += 1
        self.now_ms += 2 * MOST_BACK_MS
        for partition in self.named(topic):
            self.records[partition], self._ends[partition] = [], 0


class Consumer:
    """`pipeline.ports.Log` of one process, and the framework's consumer of its partition."""

    def __init__(self, topics: Topics, partition: str) -> None:
        self.partition = partition
        self.position = 0
        self._topics = topics

    def fetch(self, most: int) -> Batch:
        """The next batch, at most so many records. The framework may drop what it fetched, or hand it out again."""
        rng, faults = self._topics.rng, self._topics.faults
        end = self._topics.end(self.partition)
        if rng.random() < faults.drop:
            self.position = min(self.position + rng.randrange(1, 6), end)
        elif rng.random() < faults.repeat:
            self.position = max(self.position - rng.randrange(1, 6), 0)
        start = self.position
        records = [r for r in self._topics.records[self.partition] if r.offset >= start]
        rest = records[most:]
        taken = records[:most]
        if not taken:
            to_offset = end
        elif rng.random() < 0.5:
            to_offset = taken[-1].offset + 1
        else:
            to_offset = rest[0].offset if rest else end
        self.position = max(to_offset, start)
        return Batch(self.partition, start, self.position, taken)

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> dict[int, int]:
        """Append, one after the other: a process that dies here leaves a part of them."""
        topics = self._topics
        ends: dict[int, int] = {}
        await PAUSE
        for record in records:
            if topics.rng.random() < topics.faults.broker:
                raise LogError("the broker is gone")
            if topic == FACTS:
                assert record.key is not None
                partition, appended = topics.append(topic, record.key, record.value, record.timestamp_ms)
                ends[int(partition.rpartition("/")[2])] = appended.offset + 1
            if topics.rng.random() < 0.1:
                await PAUSE
        await PAUSE
        return ends

    async def seek(self, partition: str, offset: int) -> None:
        """Let the next batch start there."""
        await PAUSE
        self.position = offset
        await PAUSE

    async def bounds(self, partition: str) -> tuple[int, int]:
        """First offset, and that of the next record to come."""
        await PAUSE
        return 0, self._topics.end(partition)

    def durable(self, partition: str, next_offset: int) -> None:
        """Kafka's committed offset means nothing to the protocol."""

    def pause(self, partition: str) -> None:
        """Nobody is paused here: too many rejects do not occur."""

    def resume(self, partition: str) -> None:
        """Nobody is paused here."""


class Clock:
    """A wall clock that jumps back and forth."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def now_ms(self) -> int:
        """Any time at all."""
        return self._rng.randrange(1 << 41)


CellAt = tuple[tuple[int, int], int, WindowKey]
"""(generation, epoch, window)"""


class Table(Struct):
    """One partition of the ledger."""

    marker: tuple[int, bytes] | None = None
    states: dict[str, StateRow] = {}
    cells: dict[CellAt, tuple[int, dict[int, int]]] = {}


class Ledger:
    """`pipeline.ports.Ledger` in memory."""

    def __init__(self, rng: Random, faults: Faults) -> None:
        self.tables: dict[str, Table] = {}
        self.published: dict[str, dict[tuple[str, ...], tuple[int, tuple[Any, ...]]]] = {
            "contacts": {},
            "resolutions": {},
            "touchpoints": {},
        }
        self.letters: dict[tuple[str, int, int, int], DeadLetter] = {}
        self.reads = 0
        """How often something was read back."""
        self._rng = rng
        self._faults = faults

    def table(self, partition: str) -> Table:
        """The rows of a partition."""
        return self.tables.setdefault(partition, Table())

    def marker(self, partition: str) -> tuple[Marker | None, int]:
        """Where a partition stands, and the marker's version."""
        found = self.table(partition).marker
        return (None, 0) if found is None else (msgspec.json.decode(found[1], type=Marker), found[0])

    def _maybe_down(self) -> None:
        if self._rng.random() < self._faults.warehouse:
            raise WarehouseDown("no answer")

    async def recover(self, partition: str, recent_days: int) -> Recovered:
        """Like the SQL: a look at the marker for a lower bound, then one scan."""
        await PAUSE
        self._maybe_down()
        hint = self.marker(partition)[0] or Marker()
        hour = hint.append_ms // engine._HOUR_MS
        watermark_s = hint.watermark_ms // 1_000
        oldest = {1: watermark_s - engine.RECENT_MINUTES_S, 3: watermark_s - recent_days * 86_400}
        await PAUSE
        table = self.table(partition)
        marker, version = self.marker(partition)
        cells = [
            CellRow(generation, epoch, window, dict(cell))
            for (generation, epoch, window), (_, cell) in table.cells.items()
            if generation[0] >= hour or window[1] >= oldest.get(window[0], 1 << 62)
        ]
        live = {unit_of(row.key) for row in table.states.values() if row.is_open or row.version == version}
        states = [row for row in table.states.values() if unit_of(row.key) in live]
        await PAUSE
        return Recovered(marker, version, iter(states), iter(cells))

    async def known(self, partition: str) -> AsyncIterator[Sequence[int]]:
        """In two pieces: other owners may write in between."""
        for piece in (0, 1):
            await PAUSE
            self._maybe_down()
            units = {unit_of(key): None for key in self.table(partition).states}
            yield [hashed for unit in units if (hashed := hash_of(unit)) % 2 == piece]

    async def read(self, partition: str, units: Sequence[str]) -> ReadBack:
        """One snapshot; the answer takes its time."""
        await PAUSE
        self._maybe_down()
        self.reads += 1
        states = [row for row in self.table(partition).states.values() if unit_of(row.key) in units]
        found = ReadBack(self.marker(partition)[1], states)
        await PAUSE
        return found

    async def states(self, partition: str, above: int) -> AsyncIterator[Sequence[StateRow]]:
        """In small pieces: other owners may write in between."""
        after = ""
        while True:
            await PAUSE
            self._maybe_down()
            rows = sorted(self.table(partition).states.items())
            piece = [row for key, row in rows if key > after and row.version > above][:3]
            if not piece:
                return
            yield piece
            after = piece[-1].key

    async def forget(self, partition: str, before_ms: int) -> None:
        """Whole units, once in a while."""
        await PAUSE
        self._maybe_down()
        table = self.table(partition)
        kept = {unit_of(row.key) for row in table.states.values() if row.last_ms >= before_ms}
        for key in [key for key in table.states if unit_of(key) not in kept]:
            del table.states[key]

    async def markers(self) -> dict[str, tuple[Marker, int]]:
        """Where every partition stands."""
        await PAUSE
        self._maybe_down()
        found = {partition: self.marker(partition) for partition in self.tables}
        return {partition: (marker, version) for partition, (marker, version) in found.items() if marker is not None}

    async def reach(self) -> None:
        """Whether it answers."""
        await PAUSE
        self._maybe_down()

    async def commit(self, block: Mapping[str, Sequence[Any]]) -> None:
        """One block, atomic."""
        await self.insert(block, range(len(block["kind"])))

    async def insert(self, block: Mapping[str, Sequence[Any]], places: Sequence[int]) -> None:
        """Some rows of a block, atomic; the answer may get lost."""
        await PAUSE
        self._maybe_down()
        for row in _rows(block, places):
            self._put(row)
        await PAUSE
        self._maybe_down()

    def _put(self, row: Mapping[str, Any]) -> None:
        table, version = self.table(row["p"]), row["version"]
        if row["kind"] == MARKER:
            if table.marker is None or table.marker[0] <= version:
                table.marker = (version, row["state"])
        elif row["kind"] == CELL:
            window = (row["resolution"], row["window_s"], row["channel"], row["queue"], row["segment"])
            at = ((row["generation_hour"], row["generation_block"]), row["epoch"], window)
            cell = dict(zip(row["keys"], row["values"], strict=True))
            known = table.cells.get(at)
            if known is None or known[0] < version:
                table.cells[at] = (version, cell)
            elif known[0] == version:
                _same(f"cell {at} of {row['p']}", version, known[1], cell)
        else:
            state = StateRow(row["key"], row["state"], bool(row["is_open"]), row["last_ms"], version)
            before = table.states.get(state.key)
            if before is None or before.version < version:
                table.states[state.key] = state
            elif before.version == version:
                _same(f"state {state.key!r} of {row['p']}", version, before, state)

    async def publish(self, table: str, partition: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Rows for people."""
        await PAUSE
        self._maybe_down()
        for row in _rows(columns, range(len(columns["version"]))):
            *values, version = row.values()
            key = tuple(row[name] for name in _KEYS[table])
            known = self.published[table].get((partition, *key))
            if known is None or known[0] < version:
                self.published[table][partition, *key] = (version, tuple(values))
            elif known[0] == version:
                _same(f"row {key} of {table}", version, known[1], tuple(values))
        await PAUSE
        self._maybe_down()

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters by their origin."""
        await PAUSE
        self._maybe_down()
        for letter in letters:
            origin = (letter.topic, letter.number, letter.epoch, letter.offset)
            _same("dead letter", letter.offset, self.letters.setdefault(origin, letter), letter)
        await PAUSE


_KEYS: Final = {
    "contacts": ("contact_id",),
    "resolutions": ("contact_id", "customer_id"),
    "touchpoints": ("contact_id", "id"),
}


def _rows(columns: Mapping[str, Sequence[Any]], places: Sequence[int]) -> Iterator[dict[str, Any]]:
    listed = {name: list(column) for name, column in columns.items()}
    for place in places:
        yield {name: column[place] for name, column in listed.items()}


def _same(what: str, version: int, one: object, other: object) -> None:
    if one != other:
        raise LawBroken(f"{what}, version {version >> 48}/{version & ((1 << 48) - 1)}: {one} and {other}")
