"""`query`, `audit`, `export` and `measures`: looking at what is there."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from pipeline.app import read_catalogue
from pipeline.app.shared import Remote
from pipeline.app.stack import open_warehouse, prepare
from pipeline.cli.base import CatalogueFile, Data, app, err, out, run_async, settings
from pipeline.core.audit import Difference
from pipeline.core.rules import Rulebook
from pipeline.io import audit as recount
from pipeline.io.audit import Result
from pipeline.io.embedded import FolderHeld
from pipeline.measures import ALL
from pipeline.settings import Settings

_SHOWN = 20
VIEWS = ("measures", "measures_hour", "measures_day", "contacts", "histograms", "pipeline_status", "dead_letters")


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="SQL, for example: SELECT * FROM touchline.contacts LIMIT 10")],
    data: Data = None,
    format_: Annotated[str, typer.Option("--format", help="Any output format of ClickHouse")] = "PrettyCompact",
) -> None:
    """Ask the warehouse in SQL, also while the pipeline runs. Views are in database `touchline`."""
    answer = run_async(_formatted(settings(data=data), sql, format_))
    sys.stdout.buffer.write(answer)
    if answer and not answer.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")


@app.command()
def audit(data: Data = None, catalogue: CatalogueFile = None) -> None:
    """Count every cell again from the contacts and print what differs. Exit code 1 on any difference."""
    found = settings(data=data, catalogue=catalogue)
    result = run_async(_audit(found))
    if result.differences:
        table = Table(*Difference.__struct_fields__)
        for each in result.differences[:_SHOWN]:
            table.add_row(
                each.partition, each.resolution, str(each.window_s), each.channel, each.queue, each.segment,
                each.column, str(each.stored), str(each.recounted),
            )  # fmt: skip
        out.print(table)
    out.print(
        f"{result.contacts} contacts, {result.cells} cells in {result.partitions} partitions counted again:"
        f" {len(result.differences)} differences"
    )
    raise typer.Exit(1 if result.differences else 0)


@app.command()
def export(
    to: Annotated[Path, typer.Option("--to", help="Folder for the files; it is created")],
    data: Data = None,
) -> None:
    """Write every view as a Parquet file."""
    found = settings(data=data)
    to.mkdir(parents=True, exist_ok=True)
    with Progress(console=err, transient=True) as progress:
        for view in progress.track(VIEWS, description="writing"):
            content = run_async(_formatted(found, f"SELECT * FROM touchline.{view}", "Parquet"))  # noqa: S608
            target = to / f"{view}.parquet"
            target.write_bytes(content)
            out.print(f"{target}: {len(content):,} bytes")


@app.command()
def measures() -> None:
    """List every measure: unit, where it is booked, definition."""
    table = Table("measure", "unit", "booked at", "definition")
    for each in ALL:
        table.add_row(each.name, each.unit, each.booked_at, each.definition)
    out.print(table)


@asynccontextmanager
async def at_hand(found: Settings) -> AsyncIterator[Any]:
    """The warehouse with its tables, or, where another process holds the folder, that process."""
    async with AsyncExitStack() as stack:
        try:
            warehouse = await open_warehouse(found, stack)
        except FolderHeld:
            yield Remote(found.data)
            return
        await prepare(warehouse, found, read_catalogue(found.catalogue))
        yield warehouse


async def _formatted(found: Settings, sql: str, format_: str) -> bytes:
    async with at_hand(found) as warehouse:
        answer: bytes = await warehouse.formatted(sql, format_)
        return answer


async def _audit(found: Settings) -> Result:
    async with at_hand(found) as warehouse:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("counting again", total=None)
            if isinstance(warehouse, Remote):
                return await warehouse.audit()
            rulebook = Rulebook(read_catalogue(found.catalogue))
            return await recount.run(
                warehouse, rulebook, lambda done, of: progress.update(task, completed=done, total=of)
            )
