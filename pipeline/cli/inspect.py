"""`query`, `export` and `measures`: looking at what is there."""

import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from pipeline.app.catalogues import choose, keep
from pipeline.app.shared import Remote
from pipeline.app.stack import open_warehouse, prepare
from pipeline.cli.base import Data, app, err, out, run_async, settings
from pipeline.io.embedded import FolderHeld
from pipeline.measures import ALL
from pipeline.settings import Settings

_SHOWN = 20
_VIEWS_SQL = "SELECT name FROM system.tables WHERE database = 'touchline' AND engine = 'View' ORDER BY name"


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
def export(
    to: Annotated[Path, typer.Option("--to", help="Folder for the files; it is created")],
    data: Data = None,
) -> None:
    """Write every view as a Parquet file."""
    to.mkdir(parents=True, exist_ok=True)
    for file in run_async(_export(settings(data=data), to)):
        out.print(f"{file}: {file.stat().st_size:,} bytes")


@app.command()
def measures() -> None:
    """List every measure: unit, where it is booked, definition."""
    table = Table("measure", "unit", "booked at", "definition")
    for each in ALL:
        table.add_row(each.name, each.unit, each.booked_at, each.definition)
    out.print(table)


@asynccontextmanager
async def at_hand(found: Settings) -> AsyncIterator[Any]:
    """The warehouse with its tables, or, where another process holds the folder, that process.

    Tables and views that are there stay as they are: whoever looks does not know by which catalogue they were made.
    """
    async with AsyncExitStack() as stack:
        try:
            warehouse = await open_warehouse(found, stack)
        except FolderHeld:
            yield Remote(found.data)
            return
        if ("dead_letters",) not in await warehouse.query(_VIEWS_SQL):
            chosen = choose(found)
            await prepare(warehouse, found, chosen.catalogue)
            keep(found, chosen)
        yield warehouse


async def _export(found: Settings, to: Path) -> list[Path]:
    files: list[Path] = []
    async with at_hand(found) as warehouse:
        names = (await warehouse.formatted(_VIEWS_SQL, "TSV")).decode().split()
        with Progress(console=err, transient=True) as progress:
            for name in progress.track(names, description="writing"):
                content = await warehouse.formatted(f"SELECT * FROM touchline.{name}", "Parquet")  # noqa: S608
                files.append(to / f"{name}.parquet")
                files[-1].write_bytes(content)
    return files


async def _formatted(found: Settings, sql: str, format_: str) -> bytes:
    async with at_hand(found) as warehouse:
        answer: bytes = await warehouse.formatted(sql, format_)
        return answer
