"""A log, a ledger and a clock that write down what is asked of them, in one journal, and fail when they are told to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec

from pipeline.core.known import hash_of
from pipeline.core.steps import Marker, ReadBack, Recovered, StateRow, unit_of
from pipeline.ports import Batch, LogError, OutRecord, Record, WarehouseDown
from schemas.rejects import DeadLetter

NOW_MS = 1_800_000_000_000
NOTHING = Recovered(None, 0, (), ())

Step = tuple[Any, ...]


class FakeClock:
    """It stands still."""

    def now_ms(self) -> int:
        return NOW_MS


class FakeLog:
    """Keeps what is produced, unless it `refuses`. `begins` and `ends` are the bounds of every partition."""

    def __init__(self, journal: list[Step], *, begins: int = 0, ends: int = 1_000) -> None:
        self.journal = journal
        self.begins, self.ends = begins, ends
        self.refuses = False
        self.refused = 0
        self.produced: dict[str, list[OutRecord]] = {}

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> dict[int, int]:
        await asyncio.sleep(0)
        if self.refuses:
            self.refused += 1
            raise LogError("gone")
        self.journal.append(("produce", topic, len(records)))
        produced = self.produced.setdefault(topic, [])
        produced.extend(records)
        return {0: len(produced)}

    async def seek(self, partition: str, offset: int) -> None:
        self.journal.append(("seek", partition, offset))

    async def bounds(self, partition: str) -> tuple[int, int]:
        return self.begins, self.ends

    def durable(self, partition: str, next_offset: int) -> None:
        self.journal.append(("durable", partition, next_offset))

    def pause(self, partition: str) -> None:
        self.journal.append(("pause", partition))

    def resume(self, partition: str) -> None:
        self.journal.append(("resume", partition))


class FakeLedger:
    """Keeps committed blocks. While `down` names a method it raises WarehouseDown; `gate` closed, commits wait."""

    def __init__(self, journal: list[Step], recovered: Recovered = NOTHING) -> None:
        self.journal = journal
        self.recovered = recovered
        self.stands_at = recovered.version
        self.stand: dict[str, tuple[Marker, int]] = {}
        self.forgotten: list[int] = []
        self.cold: set[str] = set()
        """States that recovery does not bring into memory."""
        self.down: set[str] = set()
        self.broken: BaseException | None = None
        self.failures: Counter[str] = Counter()
        self.blocks: list[Mapping[str, Sequence[Any]]] = []
        self.letters: list[DeadLetter] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def recover(self, partition: str, recent_days: int) -> Recovered:
        self._answer("recover")
        hot = [row for row in self.recovered.states if row.key not in self.cold]
        return msgspec.structs.replace(self.recovered, states=hot)

    async def known(self, partition: str) -> AsyncIterator[Sequence[int]]:
        self._answer("known")
        yield [hash_of(unit_of(row.key)) for row in self.recovered.states]

    async def read(self, partition: str, units: Sequence[str]) -> ReadBack:
        self._answer("read")
        self.journal.append(("read", sorted(units)))
        return ReadBack(self.stands_at, [row for row in self.recovered.states if unit_of(row.key) in units])

    async def states(self, partition: str, above: int) -> AsyncIterator[Sequence[StateRow]]:
        self._answer("states")
        yield [row for row in self.recovered.states if row.version > above]

    async def forget(self, partition: str, before_ms: int) -> None:
        self._answer("forget")
        self.forgotten.append(before_ms)

    async def markers(self) -> dict[str, tuple[Marker, int]]:
        self._answer("markers")
        return self.stand

    async def reach(self) -> None:
        self._answer("reach")

    async def commit(self, block: Mapping[str, Sequence[Any]]) -> None:
        await self.gate.wait()
        self._answer("commit")
        if self.broken is not None:
            raise self.broken
        self.journal.append(("commit", len(block["kind"])))
        self.blocks.append(block)

    async def publish(self, table: str, partition: str, columns: Mapping[str, Sequence[Any]]) -> None:
        self._answer("publish")
        self.journal.append(("publish", table))

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        self._answer("reject")
        self.journal.append(("reject", len(letters)))
        self.letters += letters

    def _answer(self, method: str) -> None:
        if method in self.down:
            self.failures[method] += 1
            raise WarehouseDown("no answer")


def touchpoint(contact_id: str, type_: str, minutes: float = 0, **fields: Any) -> bytes:
    """The value of a record; its id is its type."""
    told = {
        "id": type_,
        "type": type_,
        "time": NOW_MS - 3_600_000 + int(minutes * 60_000),
        "contact_id": contact_id,
        "channel": "phone",
        **fields,
    }
    return msgspec.json.encode(told)


def batch(partition: str, from_offset: int, *values: bytes | None) -> Batch:
    """Consecutive records; the key is the contact where there is one."""
    records = [Record(offset, NOW_MS, _key(value), value) for offset, value in enumerate(values, from_offset)]
    return Batch(partition, from_offset, from_offset + len(values), records)


def _key(value: bytes | None) -> bytes:
    try:
        told = msgspec.json.decode(value or b"")
    except msgspec.DecodeError:
        return b"?"
    return told["contact_id"].encode() if isinstance(told, dict) else b"?"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks bring about."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)
