"""`rebuild`: the numbers counted anew under another catalogue or other measures."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Annotated

import typer
from rich.progress import Progress

from pipeline.app.catalogues import choose
from pipeline.app.rebuilding import Rebuilt, rebuild_all
from pipeline.app.stack import CannotStart, open_warehouse
from pipeline.cli.base import CatalogueFile, Data, app, err, out, run_async, settings
from pipeline.io import swap
from pipeline.io.embedded import FolderHeld
from pipeline.settings import Settings


@app.command()
def rebuild(
    data: Data = None,
    catalogue: CatalogueFile = None,
    again: Annotated[bool, typer.Option("--again", help="Also where the definitions have not changed")] = False,
    drop_old: Annotated[bool, typer.Option("--drop-old", help="Keep no copy of the numbers as they were")] = False,
) -> None:
    """Count everything anew from the contacts under a changed catalogue or changed measures. No worker may be running.

    The new numbers are audited and then take the place of the old, which stay in force until then.
    """
    found = settings(data=data, catalogue=catalogue)
    done, dropped = run_async(_rebuild(found, again=again, drop_old=drop_old))
    if done.outcome is None:
        out.print("The numbers are of these definitions already: nothing to rebuild.")
    else:
        out.print(
            f"{done.contacts} contacts counted anew, {done.outcome.cells} cells, audited: 0 differences. These numbers"
            " are in force now."
        )
    if dropped:
        out.print(f"Dropped: {', '.join(dropped)}")
    elif done.kept:
        out.print(
            f"The numbers as they were are kept in {', '.join(done.kept)} of database touchline_internal, until"
            " `touchline rebuild --drop-old`."
        )
    if done.note:
        out.print(done.note, markup=False)


async def _rebuild(found: Settings, *, again: bool, drop_old: bool) -> tuple[Rebuilt, list[str]]:
    async with AsyncExitStack() as stack:
        try:
            warehouse = await open_warehouse(found, stack)
        except FolderHeld as error:
            raise CannotStart(f"{error} (a rebuild needs the folder for itself)") from error
        with steps() as told:
            done = await rebuild_all(found, warehouse, choose(found), again=again, on_progress=told)
        return done, await swap.drop_kept(warehouse) if drop_old else []


@contextmanager
def steps() -> Iterator[Callable[[str, float], None]]:
    """A progress bar for work in steps, each with a name and a share."""
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("starting", total=1.0)

        def told(step: str, share: float) -> None:
            progress.update(task, description=step, completed=share)

        yield told
