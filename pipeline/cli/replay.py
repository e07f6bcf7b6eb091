"""`replay`: files through the same Kafka wire, worker and warehouse as everything else, with a progress bar."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from msgspec import Struct
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipeline.app import Counts
from pipeline.app.catalogues import choose
from pipeline.app.shared import Access, Local, Remote
from pipeline.app.stack import CannotStart
from pipeline.cli.base import CatalogueFile, Data, app, cannot, err, out, run_async, settings
from pipeline.cli.serve import pipeline_of
from pipeline.io.embedded import FolderHeld
from pipeline.io.files import lines, size_bytes
from pipeline.settings import Settings
from schemas.rejects import EXPLANATIONS, DeadLetter, dead_letter
from schemas.sources import SOURCES, BadLine, Item, Skipped

_CHUNK = 2_000
_NUMBERS_SQL = """
SELECT queue, sum(requested) AS requested, sum(offered) AS offered, sum(answered) AS answered,
       sum(abandoned) AS abandoned, sum(wait_ms) AS wait_ms, sum(answered_in_target) AS answered_in_target,
       sum(first_responses_due) AS first_responses_due, sum(first_responses) AS first_responses,
       sum(closed) AS closed, sum(fcr_eligible) AS fcr_eligible, sum(fcr_resolved) AS fcr_resolved
FROM touchline_internal.ledger FINAL WHERE kind = 1 AND resolution = 3 AND notEmpty(keys)
GROUP BY queue ORDER BY requested DESC, queue"""


class Report(Struct):
    """What a replay did: touchpoints by what became of them, lines left out by why, and the numbers there are now."""

    applied: int
    duplicate: int
    rejected: int
    rejected_by_reason: dict[str, int]
    skipped: dict[str, int]
    numbers: list[dict[str, Any]]


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(help="Files, plain, .gz or .zst", metavar="FILE...")],
    source: Annotated[str, typer.Option(help=f"What they hold: {', '.join(SOURCES)}")] = "canonical",
    catalogue: CatalogueFile = None,
    data: Data = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON")] = False,
) -> None:
    """Push files through the pipeline, as fast as it goes; ends when all is stored."""
    if source not in SOURCES:
        cannot(f"there is no source {source!r}; known are {', '.join(SOURCES)}")
    found = settings(data=data, catalogue=catalogue)
    report = run_async(_replay(found, files, source))
    if json:
        out.print_json(msgspec.json.encode(report).decode())
    else:
        _show(report)


async def _replay(found: Settings, files: list[Path], source: str) -> Report:
    total = sum(size_bytes(path) for path in files)
    async with _target(found) as target:
        before = await target.counts()
        left_out: dict[str, int] = {}
        bad: dict[str, int] = {}
        with _progress() as progress:
            task = progress.add_task("reading", total=total, note="")
            for path in files:
                await _file(path, source, target, progress, task, left_out, bad)
            progress.update(task, completed=total, description="storing")
            await _stored(target, before, progress, task)
        after = await target.counts()
        rows = (await target.formatted(_NUMBERS_SQL, "JSONEachRow")).splitlines()
    numbers = [
        {name: value if name == "queue" else int(value) for name, value in msgspec.json.decode(line).items()}
        for line in rows
    ]
    reasons = dict(bad)
    for reason, n in after.rejected.items():
        if n > before.rejected.get(reason, 0):
            reasons[reason] = reasons.get(reason, 0) + n - before.rejected.get(reason, 0)
    return Report(
        after.applied - before.applied,
        after.duplicate - before.duplicate,
        sum(reasons.values()),
        reasons,
        left_out,
        numbers,
    )


async def _file(
    path: Path,
    source: str,
    target: Access,
    progress: Progress,
    task: TaskID,
    left_out: dict[str, int],
    bad: dict[str, int],
) -> None:
    read_before = progress.tasks[task].completed
    chunk: list[bytes] = []
    letters: list[DeadLetter] = []
    outputs = SOURCES[source].read(lines(path, lambda done: progress.update(task, completed=read_before + done)))
    for output in outputs:
        if isinstance(output, Item):
            chunk.append(output.value)
            if len(chunk) >= _CHUNK:
                await target.feed(chunk)
                chunk = []
        elif isinstance(output, Skipped):
            left_out[output.why] = left_out.get(output.why, 0) + 1
        else:
            bad[output.reject.reason] = bad.get(output.reject.reason, 0) + 1
            letters.append(_letter(path, source, output, time.time_ns() // 1_000_000))
            if len(letters) >= _CHUNK:
                await target.reject(letters)
                letters = []
    if chunk:
        await target.feed(chunk)
    if letters:
        await target.reject(letters)


def _letter(path: Path, source: str, line: BadLine, now_ms: int) -> DeadLetter:
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
        append_ms=now_ms,
    )


async def _stored(target: Access, before: Counts, progress: Progress, task: TaskID) -> None:
    """Wait until all is in the warehouse. Raises CannotStart where a partition has stopped."""
    seen = 0
    while seen < 2:
        done, stopped = await target.drained()
        if stopped:
            more = f" ({len(stopped) - 1} more partitions stopped as well.)" if len(stopped) > 1 else ""
            raise CannotStart(stopped[0] + more)
        seen = seen + 1 if done else 0
        counts = await target.counts()
        n = counts.applied + counts.duplicate - before.applied - before.duplicate
        progress.update(task, note=f"{n:,} touchpoints")
        await asyncio.sleep(0.1)


@asynccontextmanager
async def _target(found: Settings) -> AsyncIterator[Access]:
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
    out.print(f"{report.applied:,} applied, {report.duplicate:,} duplicate, {report.rejected:,} rejected")
    for reason, n in sorted(report.rejected_by_reason.items()):
        out.print(f"  {n:,} {reason}: {EXPLANATIONS[reason]}")  # type: ignore[index]
    for why, n in sorted(report.skipped.items()):
        out.print(f"  {n:,} lines left out: {why}")


def _mean_seconds(total_ms: int, n: int) -> str:
    return f"{total_ms / n / 1_000:.1f} s" if n else "-"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"
