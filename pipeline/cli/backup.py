"""`backup` and `restore`: the warehouse as files, and back."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from pipeline.app import WallClock
from pipeline.app.backups import Restored, back_up
from pipeline.app.backups import restore as read_back
from pipeline.app.catalogues import choose, refuse_others
from pipeline.app.shared import Remote
from pipeline.app.stack import CannotStart, open_warehouse
from pipeline.cli.base import CatalogueFile, Data, app, out, run_async, settings
from pipeline.cli.inspect import at_hand
from pipeline.cli.rebuild import steps
from pipeline.io.backup import Manifest
from pipeline.io.embedded import FolderHeld
from pipeline.settings import Settings

_Folder = Annotated[Path, typer.Argument(help="Folder of the backup", metavar="DIR")]


@app.command()
def backup(folder: _Folder, data: Data = None, catalogue: CatalogueFile = None) -> None:
    """Write all that is counted into an empty folder, also while the pipeline runs."""
    manifest = run_async(_backup(settings(data=data, catalogue=catalogue), folder.absolute()))
    out.print(
        f"{manifest.rows:,} rows of {len(manifest.markers)} partitions in {len(manifest.entries)} files in {folder}."
        " It goes back into an empty warehouse with `touchline restore`.",
        markup=False,
    )


@app.command()
def restore(folder: _Folder, data: Data = None) -> None:
    """Read a backup into an empty warehouse. Workers then go on where it was made, by reading the log from there."""
    done = run_async(_restore(settings(data=data), folder))
    out.print(
        f"{done.contacts} contacts, {done.outcome.cells} cells restored and counted again: {done.outcome.total}"
        f" differences. The catalogue they were counted by is {folder / 'catalogue.yaml'}.",
        markup=False,
    )
    for partition, (marker, _) in sorted(done.manifest.markers.items()):
        out.print(f"{partition} goes on at offset {marker.offset}")


async def _backup(found: Settings, folder: Path) -> Manifest:
    async with at_hand(found) as warehouse:
        with steps() as told:
            if isinstance(warehouse, Remote):
                return await warehouse.backup(folder)
            chosen = choose(found)
            await refuse_others(warehouse, chosen.catalogue)
            return await back_up(warehouse, folder, chosen, WallClock(), lambda share: told("writing", share))


async def _restore(found: Settings, folder: Path) -> Restored:
    async with AsyncExitStack() as stack:
        try:
            warehouse = await open_warehouse(found, stack)
        except FolderHeld as error:
            raise CannotStart(f"{error} (a backup is restored into a folder of its own)") from error
        with steps() as told:
            return await read_back(found, warehouse, folder, told)
