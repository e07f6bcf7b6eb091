"""Files into a pipeline: in their order or in that of time, at any speed, and again from where it was broken off.

What a source makes of a file is the same every time, so a position in it is a number of outputs. It is written down
when all before it is in the warehouse; what is sent twice after a break is dropped as duplicate anyway.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pipeline.app.shared import Access
from pipeline.app.stack import CannotStart
from pipeline.io.files import lines, size_bytes
from schemas.codec import decode
from schemas.rejects import DeadLetter, Reject, dead_letter
from schemas.sources import BadLine, Item, Output, Skipped, Source

_CHUNK: Final = 2_000
_CHECKPOINT_EVERY: Final = 25_000
"""Outputs between two moments at which all before is waited for: half a minute's work at the most is done again."""
_TICK_SECONDS: Final = 0.2
_POSITIONS: Final = "replay"


class Done(Struct):
    """What was read: rejected and left out lines by why; `resumed` outputs were read the last time."""

    rejected: dict[str, int] = {}
    left_out: dict[str, int] = {}
    resumed: int = 0


class Positions:
    """How far files have been read, in a folder of the data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / _POSITIONS

    def of(self, path: Path, source: str, *, by_time: bool) -> int:
        """Outputs that are stored already; 0 for a file that was read to its end, or is another one now."""
        try:
            return msgspec.json.decode(self._file(path, source, by_time=by_time).read_bytes(), type=int)
        except (OSError, msgspec.DecodeError):
            return 0

    def keep(self, path: Path, source: str, outputs: int, *, by_time: bool) -> None:
        """Write down that so many are stored."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(path, source, by_time=by_time)
        fresh = file.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(outputs))
        fresh.replace(file)

    def forget(self, path: Path, source: str, *, by_time: bool) -> None:
        """The file is read to its end."""
        self._file(path, source, by_time=by_time).unlink(missing_ok=True)

    def _file(self, path: Path, source: str, *, by_time: bool) -> Path:
        known = path.stat()
        what = f"{path.resolve()}\0{known.st_size}\0{known.st_mtime_ns}\0{source}\0{by_time}"
        return self._folder / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.json"


class Replay:
    """One replay of files. `speed` None: as fast as it goes, in the files' order."""

    def __init__(
        self,
        target: Access,
        source: Source,
        *,
        positions: Positions | None = None,
        speed: float | None = None,
        on_bytes: Callable[[int], None] = lambda _: None,
        on_time: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._target = target
        self._source = source
        self._positions = positions
        self._speed = speed
        self._on_bytes = on_bytes
        self._on_time = on_time
        self._began: tuple[float, int] | None = None
        self.done = Done()

    async def files(self, paths: Sequence[Path]) -> Done:
        """Read them one after the other. Raises FileProblem, LogError, CannotStart."""
        before = 0
        for path in paths:
            size = size_bytes(path)
            await self._file(path, before)
            before += size
        return self.done

    async def _file(self, path: Path, bytes_before: int) -> None:
        by_time, name = self._speed is not None, self._source.name
        start = self._positions.of(path, name, by_time=by_time) if self._positions else 0
        self.done.resumed += start
        outputs: Iterable[Output] = self._source.read(lines(path, lambda read: self._on_bytes(bytes_before + read)))
        chunk = _Chunk(path, name)
        for number, output in enumerate(_by_time(outputs) if by_time else outputs):
            if number < start:
                continue
            if by_time and isinstance(output, Item):
                await self._until(output, chunk)
            chunk.add(output, self.done)
            if chunk.full:
                await self._send(chunk)
            if self._positions and (number + 1) % _CHECKPOINT_EVERY == 0:
                await self._send(chunk)
                await until_stored(self._target)
                self._positions.keep(path, name, number + 1, by_time=by_time)
        await self._send(chunk)
        if self._positions and start:
            await until_stored(self._target)
        if self._positions:
            self._positions.forget(path, name, by_time=by_time)

    async def _until(self, item: Item, chunk: "_Chunk") -> None:
        """Wait until its time has come, at the replay's speed; what is due goes out meanwhile."""
        at_ms = _time_ms(item)
        if at_ms is None or self._speed is None:
            return
        now = time.monotonic()
        if self._began is None:
            self._began = now, at_ms
        self._on_time(at_ms)
        began, first_ms = self._began
        wait_seconds = (at_ms - first_ms) / 1_000 / self._speed - (now - began)
        if wait_seconds > 0:
            await self._send(chunk)
        while wait_seconds > 0:
            await asyncio.sleep(min(wait_seconds, _TICK_SECONDS))
            wait_seconds = (at_ms - first_ms) / 1_000 / self._speed - (time.monotonic() - began)

    async def _send(self, chunk: "_Chunk") -> None:
        if chunk.values:
            await self._target.feed(chunk.values)
        if chunk.letters:
            await self._target.reject(chunk.letters)
        chunk.values, chunk.letters = [], []


class _Chunk:
    """What is sent at once."""

    def __init__(self, path: Path, source: str) -> None:
        self._path, self._source = path, source
        self.values: list[bytes] = []
        self.letters: list[DeadLetter] = []

    @property
    def full(self) -> bool:
        return len(self.values) + len(self.letters) >= _CHUNK

    def add(self, output: Output, done: Done) -> None:
        if isinstance(output, Item):
            self.values.append(output.value)
        elif isinstance(output, Skipped):
            done.left_out[output.why] = done.left_out.get(output.why, 0) + 1
        else:
            done.rejected[output.reject.reason] = done.rejected.get(output.reject.reason, 0) + 1
            self.letters.append(_letter(self._path, self._source, output))


async def until_stored(target: Access, on_round: Callable[[], object] = lambda: None) -> None:
    """Wait until all is in the warehouse. Raises CannotStart where a partition has stopped."""
    seen = 0
    while seen < 2:
        done, stopped = await target.drained()
        if stopped:
            more = f" ({len(stopped) - 1} more partitions stopped as well.)" if len(stopped) > 1 else ""
            raise CannotStart(stopped[0] + more)
        seen = seen + 1 if done else 0
        on_round()
        await asyncio.sleep(0.1)


def _by_time(outputs: Iterable[Output]) -> Iterator[Output]:
    """All outputs by the times of their touchpoints; those without one first. The whole file is held for it."""
    return iter(sorted(outputs, key=lambda each: (isinstance(each, Item) and _time_ms(each)) or 0))


def _time_ms(item: Item) -> int | None:
    found = decode(item.value)
    return None if isinstance(found, Reject) else found.time


def _letter(path: Path, source: str, line: BadLine) -> DeadLetter:
    """A line of a file has its file's name for a topic and its number for an offset."""
    return dead_letter(
        line.reject,
        topic=path.name,
        number=0,
        epoch=0,
        offset=line.line,
        step="replay",
        source=source,
        key=None,
        value=line.value,
        append_ms=time.time_ns() // 1_000_000,
    )
