"""`replay`: files through the same Kafka wire, worker and warehouse as everything else, with a progress bar."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.app.catalogues import choose
from pipeline.app.replaying import Positions, Replay, until_stored
from pipeline.app.shared import Access, Local, Remote
from pipeline.app.stack import CannotStart
from pipeline.cli.base import CatalogueFile, Data, app, cannot, err, out, run_async, settings
from pipeline.cli.serve import pipeline_of
from pipeline.core.measure import column_key
from pipeline.io.embedded import FolderHeld
from pipeline.io.files import size_bytes
from pipeline.io.mappings import SourceError, source_named
from pipeline.settings import Settings
from schemas.rejects import EXPLANATIONS
from schemas.sources import SOURCES, Source
from schemas.tables import value_sql

_NUMBERS = (
    "requested", "offered", "answered", "abandoned", "wait_ms", "answered_in_target", "first_responses_due",
    "first_responses", "closed", "fcr_eligible", "fcr_resolved",
)  # fmt: skip
_NUMBERS_SQL = f"""
SELECT queue, {", ".join(f"sum({value_sql(column_key(name))}) AS {name}" for name in _NUMBERS)}
FROM touchline_internal.ledger FINAL WHERE kind = 1 AND resolution = 3 AND notEmpty(keys)
GROUP BY queue ORDER BY requested DESC, queue"""  # noqa: S608  (names are our own)


class Report(Struct):
    """What a replay did: touchpoints by what became of them, lines left out by why, and the numbers there are now."""

    applied: int
    duplicate: int
    rejected: int
    rejected_by_reason: dict[str, int]
    skipped: dict[str, int]
    numbers: list[dict[str, Any]]
    resumed: int = 0


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help="Files, plain, .gz or .zst", metavar="FILE...")],
    source: Annotated[
        str, typer.Option(help=f"What they hold: {', '.join(SOURCES)}, or a mapping file (.yaml)")
    ] = "canonical",
    catalogue: CatalogueFile = None,
    data: Data = None,
    speed: Annotated[
        float | None, typer.Option(help="In the order of time, at this many times its speed (1: as it happened)")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Read from the beginning what was broken off the last time")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Push files through the pipeline, as fast as it goes; ends when all is stored. Broken off, the same command goes
    on where it was.
    """
    if speed is not None and not speed > 0:
        cannot(f"--speed is {speed:g}, it has to be above 0")
    found = settings(data=data, catalogue=catalogue)
    try:
        read = source_named(source)
    except SourceError as error:
        cannot(error)
    positions = Positions(found.data)
    if from_start:
        for path in files:
            if path.exists():
                positions.forget(path, read.name, by_time=speed is not None)
    report = run_async(_replay(found, files, read, positions, speed))
    if json:
        out.print_json(msgspec.json.encode(report).decode())
    else:
        _show(report)


async def _replay(
    found: Settings, files: list[Path], source: Source, positions: Positions, speed: float | None
) -> Report:
    total = sum(size_bytes(path) for path in files)
    async with target_of(found) as target:
        before = await target.counts()
        with _progress() as progress:
            task = progress.add_task("reading", total=total, note="")
            work = Replay(
                target,
                source,
                positions=positions,
                speed=speed,
                on_bytes=lambda read: progress.update(task, completed=read),
                on_time=lambda at_ms: progress.update(task, description="replaying", note=_moment(at_ms)),
            )
            done = await work.files(files)
            progress.update(task, completed=total, description="storing")
            await until_stored(target)
        after = await target.counts()
        rows = (await target.formatted(_NUMBERS_SQL, "JSONEachRow")).splitlines()
    numbers = [
        {name: value if name == "queue" else int(value) for name, value in msgspec.json.decode(line).items()}
        for line in rows
    ]
    reasons = dict(done.rejected)
    for reason, n in after.rejected.items():
        if n > before.rejected.get(reason, 0):
            reasons[reason] = reasons.get(reason, 0) + n - before.rejected.get(reason, 0)
    return Report(
        after.applied - before.applied,
        after.duplicate - before.duplicate,
        sum(reasons.values()),
        reasons,
        done.left_out,
        numbers,
        done.resumed,
    )


@asynccontextmanager
async def target_of(found: Settings) -> AsyncIterator[Access]:
    """The pipeline of this folder or cluster: started here, or the one that runs on the folder."""
    try:
        async with pipeline_of(found, choose(found)) as pipeline:
            await pipeline.start()
            try:
                await pipeline.until_ready()
                yield Local(pipeline)
            finally:
                await pipeline.stop()
    except FolderHeld:
        if found.catalogue is not None:
            raise CannotStart(
                f"a running process holds {found.data} and counts by its own catalogue: leave --catalogue out"
            ) from None
        yield Remote(found.data)


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=err,
        transient=True,
    )


def _show(report: Report) -> None:
    heads = ("requested", "offered", "answered", "abandoned", "wait", "in target", "closed", "FCR")
    table = Table("queue", *heads)
    total: dict[str, Any] = {"queue": "all"}
    for row in report.numbers:
        for name, value in row.items():
            if name != "queue":
                total[name] = total.get(name, 0) + value
    for row in [*report.numbers, total] if report.numbers else []:
        table.add_row(
            row["queue"],
            *(f"{row[name]:,}" for name in ("requested", "offered", "answered", "abandoned")),
            _mean_seconds(row["wait_ms"], row["answered"]),
            _percent(row["answered_in_target"], row["offered"]),
            f"{row['closed']:,}",
            _percent(row["fcr_resolved"], row["fcr_eligible"]),
        )
    if report.numbers:
        out.print(table)
        out.print("wait: mean of the answered; in target: of the offered; FCR: resolved at first contact")
    if report.resumed:
        out.print(
            f"Went on after the {report.resumed:,} touchpoints and lines stored the last time (--from-start: all)"
        )
    out.print(f"{report.applied:,} applied, {report.duplicate:,} duplicate, {report.rejected:,} rejected")
    for reason, n in sorted(report.rejected_by_reason.items()):
        out.print(f"  {n:,} {reason}: {EXPLANATIONS[reason]}")  # type: ignore[index]
    for why, n in sorted(report.skipped.items()):
        out.print(f"  {n:,} lines left out: {why}")


def _mean_seconds(total_ms: int, n: int) -> str:
    return f"{total_ms / n / 1_000:.1f} s" if n else "-"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"
