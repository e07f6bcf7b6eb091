"""A backup of the warehouse as files: the ledger, dead letters, who was erased, kept touchpoints, and a manifest.

What data teams read (`contacts`, `resolutions`) follows from the ledger, so it is made again when a backup is restored.
Each partition is one moment of the ledger; customers are taken before contacts, so that they know nothing that the
contacts do not: what they have missed is in the log, or told again. The manifest comes last: without it, it is none.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import msgspec
import zstandard
from msgspec import Struct

from pipeline.core.rebuild import ByColumn, state_block
from pipeline.core.steps import CONTACT, FACT, MARKER, Marker
from pipeline.io.frozen import STATES_AT_ONCE, frozen, is_of_customers, pieces, states, sweep
from pipeline.io.ledger import SqlLedger
from pipeline.ports import Block, Warehouse
from schemas.tables import INTERNAL
from schemas.topics import TOUCHPOINTS

MANIFEST: Final = "manifest.json"
CATALOGUE: Final = "catalogue.yaml"
FORMAT: Final = 1
_LEDGER: Final = f"{INTERNAL}.ledger"
_LETTERS: Final = f"{INTERNAL}.dead_letters"
_KEPT: Final = f"{INTERNAL}.touchpoints"
_ERASED: Final = f"{INTERNAL}.erasures"
_CELLS_AT_ONCE: Final = 50_000
_LETTERS_AT_ONCE: Final = 500


class BackupError(Exception):
    """Why this is no backup, or none can be made: one sentence."""


class Entry(Struct, frozen=True):
    """One file: rows of a table, by column, as MessagePack in Zstandard."""

    name: str
    table: str
    rows: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What is in a backup. `markers`: where each partition stood, with its version (epoch and offset)."""

    format: int
    touchline: str
    created_ms: int
    markers: dict[str, tuple[Marker, int]]
    entries: list[Entry]

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(entry.rows for entry in self.entries)


async def write(
    warehouse: Warehouse,
    folder: Path,
    catalogue_text: str,
    touchline: str,
    now_ms: int,
    on_progress: Callable[[float], Any] = lambda _: None,
) -> Manifest:
    """Write a backup into an empty or new folder, also while workers write to the warehouse.

    Raises BackupError, WarehouseDown, WarehouseRefused.
    """
    await asyncio.to_thread(_fresh, folder)
    await sweep(warehouse)
    partitions = sorted(await SqlLedger(warehouse).markers())
    if not partitions:
        raise BackupError("there is nothing to back up: nothing is counted here yet")
    files = _Files(folder)
    markers: dict[str, tuple[Marker, int]] = {}
    async with AsyncExitStack() as stack:
        ordered = sorted(partitions, key=lambda p: (not is_of_customers(p), p))
        copies = [(p, await stack.enter_async_context(frozen(warehouse, _LEDGER, p))) for p in ordered]
        for number, (partition, table) in enumerate(copies):
            markers[partition] = await _ledger(warehouse, partition, table, files)
            on_progress((number + 1) / (len(copies) + 1))
        await _others(warehouse, partitions, files)
    manifest = Manifest(FORMAT, touchline, now_ms, markers, files.entries)
    await asyncio.to_thread(_finish, folder, manifest, catalogue_text)
    on_progress(1.0)
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """What is in a backup. Raises BackupError."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupError(
            f"{folder} is no backup, or one that did not end: there is no {MANIFEST}, which is written last"
        ) from None
    except (OSError, msgspec.DecodeError) as error:
        raise BackupError(f"{folder / MANIFEST} cannot be read: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(
            f"{folder} is a backup of format {manifest.format} (of touchline {manifest.touchline}), and this version"
            f" reads format {FORMAT}: restore it with that version"
        )
    return manifest


def verify(folder: Path, manifest: Manifest) -> Iterator[Entry]:
    """Compare every file with its checksum, one after the other. Raises BackupError at the first that differs."""
    for entry in manifest.entries:
        try:
            with (folder / entry.name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise BackupError(f"{folder / entry.name} of the backup cannot be read: {error}") from None
        if found != entry.sha256:
            raise BackupError(f"{folder / entry.name} is not the file that was backed up: its checksum is another")
        yield entry


def read(folder: Path, entry: Entry, into: str) -> Block:
    """The rows of a file, for this table."""
    packed = zstandard.decompress((folder / entry.name).read_bytes())
    return Block(into, msgspec.msgpack.decode(packed, type=dict[str, list[Any]]))


class _Files:
    """Writes rows to numbered files."""

    def __init__(self, folder: Path) -> None:
        self.entries: list[Entry] = []
        self._folder = folder

    async def add(self, table: str, columns: ByColumn) -> None:
        """One more file."""
        if columns:
            await asyncio.to_thread(self._write, table, columns)

    def _write(self, table: str, columns: ByColumn) -> None:
        name = f"{table.partition('.')[2]}-{len(self.entries):06}.msgpack.zst"
        packed = zstandard.compress(msgspec.msgpack.encode(columns))
        with (self._folder / name).open("xb") as file:
            file.write(packed)
            file.flush()
            os.fsync(file.fileno())
        rows = len(next(iter(columns.values()), ()))
        self.entries.append(Entry(name, table, rows, hashlib.sha256(packed).hexdigest()))


def _fresh(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise BackupError(f"{folder} is not empty: a backup needs a folder of its own")
    except OSError as error:
        raise BackupError(f"{folder} cannot be written to: {error}") from None


def _finish(folder: Path, manifest: Manifest, catalogue_text: str) -> None:
    (folder / CATALOGUE).write_text(catalogue_text, encoding="utf-8")
    unfinished = folder / f"{MANIFEST}.new"
    unfinished.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    unfinished.rename(folder / MANIFEST)


async def _ledger(warehouse: Warehouse, partition: str, table: str, files: _Files) -> tuple[Marker, int]:
    """One partition in its frozen copy: states, cells and marker; the marker and its version."""
    kind = FACT if is_of_customers(partition) else CONTACT
    async for rows, _ in states(warehouse, table, partition, at_once=STATES_AT_ONCE):
        await files.add(_LEDGER, state_block(partition, kind, rows))
    names = list(state_block(partition, kind, []))
    async for where in _days(warehouse, table, partition):
        await files.add(_LEDGER, await _rows(warehouse, table, names, f"kind = 1 AND {where}"))
    mark = await _rows(warehouse, table, names, f"kind = {MARKER}")
    await files.add(_LEDGER, mark)
    return msgspec.json.decode(mark["state"][0], type=Marker), mark["version"][0]


async def _days(warehouse: Warehouse, table: str, partition: str) -> AsyncIterator[str]:
    """Conditions that cut the cells into pieces of whole days."""
    counts = await warehouse.query(
        f"SELECT intDiv(window_s, 86400) AS day, count() FROM {table} WHERE kind = 1 AND p = %(p)s"
        " GROUP BY day ORDER BY day",
        {"p": partition},
    )
    start, gathered = 0, 0
    for day, n in counts:
        if gathered and gathered + n > _CELLS_AT_ONCE:
            yield f"window_s >= {start * 86_400} AND window_s < {day * 86_400}"
            start, gathered = day, 0
        gathered += n
    yield f"window_s >= {start * 86_400}"


async def _others(warehouse: Warehouse, partitions: Iterable[str], files: _Files) -> None:
    """Dead letters, who was erased, and touchpoints where they are kept. What is newer than the ledger does no harm."""
    columns = await _columns(warehouse)
    names = columns[_LETTERS]
    after: tuple[Any, ...] = ("", 0, 0, -1)
    key = "(topic, number, epoch, offset)"
    while True:
        where = f"{key} > %(after)s ORDER BY topic, number, epoch, offset LIMIT {_LETTERS_AT_ONCE}"
        rows = await _rows(warehouse, _LETTERS, names, where, after=after)
        if not rows or not rows["topic"]:
            break
        await files.add(_LETTERS, rows)
        after = tuple(rows[name][-1] for name in ("topic", "number", "epoch", "offset"))
    if _ERASED in columns:
        for inside, ends in await pieces(warehouse, _ERASED, "1", {}, "subject", "subject", STATES_AT_ONCE):
            await files.add(_ERASED, await _rows(warehouse, _ERASED, columns[_ERASED], f"1{inside}", **ends))
    if _KEPT not in columns:
        return
    for partition in partitions:
        if not partition.startswith(f"{TOUCHPOINTS}/"):
            continue
        async with frozen(warehouse, _KEPT, partition) as table:
            parts = await pieces(warehouse, table, "1", {}, "contact_id", "contact_id", STATES_AT_ONCE)
            for inside, ends in parts:
                await files.add(_KEPT, await _rows(warehouse, table, columns[_KEPT], f"1{inside}", **ends))


async def _columns(warehouse: Warehouse) -> dict[str, list[str]]:
    """Stored columns of the tables that are backed up row by row, those that are there."""
    rows = await warehouse.query(
        "SELECT table, name FROM system.columns WHERE database = %(database)s AND default_kind != 'ALIAS'",
        {"database": INTERNAL},
    )
    found: dict[str, list[str]] = {}
    for table, name in rows:
        found.setdefault(f"{INTERNAL}.{table}", []).append(name)
    return {table: names for table, names in found.items() if table in (_LETTERS, _ERASED, _KEPT)}


async def _rows(warehouse: Warehouse, table: str, names: Sequence[str], where: str, **named: Any) -> ByColumn:
    """Rows by column. Text that is no text (keys, values as they came) stays bytes."""
    rows = await warehouse.query(f"SELECT {', '.join(names)} FROM {table} FINAL WHERE {where}", named)
    if not rows:
        return {}
    return {name: list(map(_packable, column)) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


def _packable(value: Any) -> Any:
    """Bytes that are no text came as text with surrogates."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "surrogateescape")
    return value
