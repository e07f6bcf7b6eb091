"""`touchline backup` and `touchline restore`: the warehouse as files, and back into an empty one."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from pipeline.app.catalogues import Chosen, choose, definitions, keep, refuse_interrupted
from pipeline.app.declared import declared
from pipeline.app.rebuilding import audited, refuse_workers, renamed
from pipeline.app.stack import CannotStart
from pipeline.core.engine import OtherDefinitions
from pipeline.core.rules import Rulebook
from pipeline.io import backup, rebuild, swap
from pipeline.io.audit import AuditOutcome
from pipeline.io.backup import BackupError, Manifest
from pipeline.io.frozen import is_of_customers
from pipeline.io.schema import ensure
from pipeline.ports import Clock, Warehouse
from pipeline.settings import Settings
from schemas.catalogue import load
from schemas.tables import INTERNAL


class Restored(Struct, frozen=True):
    """What was restored, counted again."""

    manifest: Manifest
    contacts: int
    outcome: AuditOutcome


async def back_up(
    warehouse: Warehouse,
    folder: Path,
    chosen: Chosen,
    clock: Clock,
    on_progress: Callable[[float], Any] = lambda _: None,
) -> Manifest:
    """Write a backup. Raises CannotStart, WarehouseDown, WarehouseRefused."""
    try:
        return await backup.write(warehouse, folder, chosen.text, _version(), clock.now_ms(), on_progress)
    except BackupError as error:
        raise CannotStart(str(error)) from error


async def back_up_folder(settings: Settings, warehouse: Warehouse, folder: Path, clock: Clock) -> Manifest:
    """The same by the process that holds a data folder, which keeps the catalogue that is in force."""
    return await back_up(warehouse, folder, choose(msgspec.structs.replace(settings, catalogue=None)), clock)


def _version() -> str:
    try:
        return metadata.version("touchline")
    except metadata.PackageNotFoundError:
        return "of a working copy"


async def restore(
    found: Settings, warehouse: Warehouse, folder: Path, on_progress: Callable[[str, float], Any] = lambda *_: None
) -> Restored:
    """Read a backup into an empty warehouse, make what data teams read, audit, and put all in place.

    What fails on the way leaves the warehouse empty. Raises CannotStart, CatalogueError, OtherDefinitions, LogError,
    WarehouseDown, WarehouseRefused.
    """
    try:
        manifest = backup.read_manifest(folder)
        chosen = _catalogue(folder)
        fingerprint = definitions(chosen.catalogue)
        for partition, (marker, _) in sorted(manifest.markers.items()):
            if marker.fingerprint != fingerprint(marker.watermark_ms):
                raise OtherDefinitions(partition, marker.fingerprint, fingerprint(marker.watermark_ms))
        await refuse_workers(found)
        await _refuse_rows(warehouse)
        await asyncio.to_thread(_verify, folder, manifest, on_progress)
        wanted = declared(chosen.catalogue, datetime.now(UTC).year)
        await ensure(warehouse, wanted)
        await swap.make(warehouse)
        await ensure(warehouse, renamed(wanted))
        await _load(warehouse, folder, manifest, on_progress)
    except BackupError as error:
        raise CannotStart(str(error)) from error
    rulebook = Rulebook(chosen.catalogue)
    sources = sorted(p for p in manifest.markers if not is_of_customers(p))
    plan = rebuild.Plan(rulebook, fingerprint, manifest.markers, sources, customer_partitions=1, cells=False)
    contacts = await rebuild.refold(
        warehouse, swap.REBUILT, swap.REBUILT, plan, lambda share: on_progress("rows for people", share)
    )
    outcome = await audited(warehouse, rulebook, lambda share: on_progress("auditing", share))
    await swap.put_in_place(warehouse)
    await swap.drop_kept(warehouse)
    keep(found, chosen)
    return Restored(manifest, contacts, outcome)


def _catalogue(folder: Path) -> Chosen:
    path = folder / backup.CATALOGUE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"the catalogue of the backup, {path}, cannot be read: {error}") from error
    return Chosen(load(text, str(path)), text, str(path))


async def _refuse_rows(warehouse: Warehouse) -> None:
    """Only into an empty warehouse: two ledgers are not to be mixed."""
    names = await refuse_interrupted(warehouse)
    for name in swap.NAMES:
        if name not in names:
            continue
        rows = await warehouse.query(f"SELECT count() FROM {INTERNAL}.{name}")  # noqa: S608  (names are our own)
        if rows[0][0]:
            raise CannotStart(
                f"{INTERNAL}.{name} has {rows[0][0]} rows already: a backup is restored into an empty folder or"
                " database only"
            )


def _verify(folder: Path, manifest: Manifest, on_progress: Callable[[str, float], Any]) -> None:
    for number, _ in enumerate(backup.verify(folder, manifest), 1):
        on_progress("comparing checksums", number / len(manifest.entries))


async def _load(
    warehouse: Warehouse, folder: Path, manifest: Manifest, on_progress: Callable[[str, float], Any]
) -> None:
    for number, entry in enumerate(manifest.entries, 1):
        into = swap.REBUILT.ledger if entry.table == f"{INTERNAL}.ledger" else entry.table
        await warehouse.insert(await asyncio.to_thread(backup.read, folder, entry, into))
        on_progress("reading", number / len(manifest.entries))
