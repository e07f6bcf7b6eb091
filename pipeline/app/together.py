"""What workers tell each other every second, so that the page of any shows the partitions of all.

A statement is what `collect` found, with the generation of the group it holds for. Statements of different generations
are never put together: a partition that changed hands would be counted twice. Who is silent, counts by other
definitions or has not come along to the newest generation is named as missing, and is not merged.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Final

import msgspec
from msgspec import Struct

from pipeline.live.collect import Collected, bounded
from pipeline.live.present import Others
from pipeline.live.summary import WorkerStatus
from pipeline.ports import Log, LogError, OutRecord
from schemas.topics import LIVE

PERIOD_SECONDS: Final = 1.0
SILENT_SECONDS: Final = 5.0
FORGOTTEN_SECONDS: Final = 120.0
"""A worker that is silent for so long is not named any more; its partitions are, while nobody has them."""
_MOST_BYTES: Final = 900_000
_MOST_PLACES: Final = 2_000
log_ = logging.getLogger("touchline.together")


class Statement(Struct, frozen=True):
    """What one worker tells all others. `instance`: of a worker that starts again, this one."""

    worker: str
    instance: str
    generation: int
    fingerprint: str
    collected: Collected


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Statement)


class _Heard(Struct):
    statement: Statement
    at: float


class Together:
    """The others, as they are heard. `definitions` gives this worker's fingerprint at a watermark."""

    def __init__(
        self, worker: str, instance: str, definitions: Callable[[int], str], seconds: Callable[[], float] = monotonic
    ) -> None:
        self.worker, self.instance = worker, instance
        self.expected: Sequence[str] = ()
        """All partitions of the folded topics, once they are known."""
        self._definitions = definitions
        self._seconds = seconds
        self._heard: dict[str, _Heard] = {}
        self._agrees: dict[str, tuple[tuple[int, str], bool]] = {}

    def statement(self, collected: Collected, generation: int) -> bytes:
        """What is told. Small enough for any broker: where names are endless, the least used go together."""
        most = _MOST_PLACES
        while True:
            told = Statement(
                self.worker,
                self.instance,
                generation,
                self._definitions(collected.newest_ms),
                bounded(collected, most),
            )
            encoded = _ENCODER.encode(told)
            if len(encoded) <= _MOST_BYTES or most <= 1:
                return encoded
            most //= 2

    def take(self, key: bytes, value: bytes | None) -> None:
        """Somebody said something, or (None) goodbye."""
        if value is None:
            self._heard.pop(key.decode(errors="replace"), None)
            return
        try:
            statement = _DECODER.decode(value)
        except msgspec.DecodeError as error:  # another version of touchline
            log_.warning("%s says what is not understood here: %s", key.decode(errors="replace"), error)
            return
        if statement.instance != self.instance:
            self._heard[statement.worker] = _Heard(statement, self._seconds())

    def others(self, own: Collected, generation: int) -> tuple[list[Collected], Others]:
        """What is to be put together, our own first, and what is known of the rest."""
        now = self._seconds()
        self._heard = {name: one for name, one in self._heard.items() if now - one.at < FORGOTTEN_SECONDS}
        newest = max(
            (one.statement.generation for one in self._heard.values() if now - one.at <= SILENT_SECONDS),
            default=generation,
        )
        newest = max(newest, generation)
        merged = [own]
        workers = [WorkerStatus(self.worker, _partitions(own), 0, "")]
        if generation < newest:
            merged = [msgspec.structs.replace(own, partitions=(), contacts={}, customers={}, known_until_ms=None)]
            workers = [WorkerStatus(self.worker, _partitions(own), 0, "not in the newest division of partitions yet")]
        of_others: list[tuple[WorkerStatus, Collected]] = []
        for name, heard in sorted(self._heard.items()):
            age_seconds, said = now - heard.at, heard.statement
            because = self._not_merged(said, age_seconds, newest)
            status = WorkerStatus(name, _partitions(said.collected), int(age_seconds * 1_000), because)
            of_others.append((status, said.collected))
        merged += [collected for status, collected in of_others if not status.missing_because]
        present = {partition for collected in merged for partition in _partitions(collected)}
        # Who is gone, and whose partitions all have a new owner, is of no interest any more.
        of_others = [
            (status, collected)
            for status, collected in of_others
            if not status.missing_because or not present.issuperset(status.partitions)
        ]
        workers += [status for status, _ in of_others]
        silent = [collected for status, collected in of_others if status.missing_because]
        return merged, Others(self.expected, workers, silent)

    def _not_merged(self, said: Statement, age_seconds: float, newest: int) -> str:
        if age_seconds > SILENT_SECONDS:
            return f"silent for {age_seconds:.0f} s"
        if not self._agree(said):
            return "counts by other definitions"
        return "not in the newest division of partitions yet" if said.generation < newest else ""

    def _agree(self, said: Statement) -> bool:
        """Whether its definitions at its watermark are ours at its watermark."""
        asked = said.collected.newest_ms // 60_000, said.fingerprint
        known = self._agrees.get(said.worker)
        if known is None or known[0] != asked:
            known = self._agrees[said.worker] = (
                asked,
                self._definitions(said.collected.newest_ms) == said.fingerprint,
            )
        return known[1]

    async def tell(self, log: Log, collect: Callable[[], Awaitable[Collected]], generation: Callable[[], int]) -> None:
        """Say what we know, every second, for ever; a second that cannot be said is left out."""
        while True:
            begun = self._seconds()
            collected = await collect()
            record = OutRecord(self.worker.encode(), self.statement(collected, generation()), collected.at_ms)
            try:
                await log.produce(LIVE, [record])
            except LogError as error:
                log_.warning("the other workers are not told: %s", error)
            await asyncio.sleep(max(PERIOD_SECONDS - (self._seconds() - begun), 0.1))

    async def goodbye(self, log: Log, now_ms: int) -> None:
        """Say that there is nothing more to come. Raises LogError."""
        await log.produce(LIVE, [OutRecord(self.worker.encode(), None, now_ms)])


def _partitions(collected: Collected) -> tuple[str, ...]:
    return tuple(status.partition for status in collected.partitions)
