"""`make bench`: python -m tests.bench --rows catch_up --touchpoints 100000.

Not a test: nothing here is collected by pytest, and nothing fails because a machine is slow.
"""

import asyncio
import inspect
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import pytest
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.bench import (
    output,
    profiling,
    rows_boards,
    rows_catch_up,
    rows_cold,
    rows_latency,
    rows_memory,
    rows_rest,
    rows_restart,
)
from tests.bench.programs import PEERS
from tests.bench.rows import Options, Result, Row, Stack
from tests.faults.servers.kafka import Missing

ROWS: Final[Mapping[str, Row]] = {
    "catch_up": rows_catch_up.run,
    "latency": rows_latency.run,
    "restart": rows_restart.run,
    "cold": rows_cold.run,
    "boards": rows_boards.run,
    "rest": rows_rest.run,
    "memory": rows_memory.run,
}
"""Every row (some give several lines of the table), in the order in which they run."""

_PIPE_WIDTH: Final = 160
_out: Final = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
_err: Final = Console(stderr=True, highlight=False)


class Bars:
    """Progress on the terminal (`tests.bench.rows.Report`)."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._progress.console.print(text, markup=False, soft_wrap=True)

    def begin(self, what: str, total: float) -> None:
        """A new bar."""
        self._progress.reset(self._task, description=what, total=total)

    def at(self, done: float) -> None:
        """How far the bar is."""
        self._progress.update(self._task, completed=done)


def _names(text: str | None, known: Mapping[str, object], what: str) -> list[str]:
    """Names with commas. Raises BadParameter for one there is not."""
    if text is None:
        return list(known)
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"there is no {what} {name!r}; there is: {', '.join(known)}")
    return names


def main(
    rows: Annotated[str | None, typer.Option(help=f"Only these, with commas: {', '.join(ROWS)}")] = None,
    peers: Annotated[str | None, typer.Option(help=f"Only these, with commas: {', '.join(PEERS)}")] = None,
    touchpoints: Annotated[int, typer.Option(help="How many are in the topic")] = 1_000_000,
    repeat: Annotated[int, typer.Option(help="How often each is measured: the median counts")] = 3,
    seed: Annotated[int, typer.Option(help="Another seed, another workload")] = 7,
    workers: Annotated[int, typer.Option(min=1, help="How many catch up together; what is promised is of one")] = 1,
    one_core: Annotated[
        bool, typer.Option("--one-core", help="All workers, and each peer, on the same one core")
    ] = False,
    profile: Annotated[
        Path | None, typer.Option(help="Only catch up, once, under py-spy; its stacks go to this file")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write JSON lines to this file as well")] = None,
) -> None:
    """Measure every row of the promise, with the peers beside us. Exit code 1: something failed or was not exact."""
    chosen = _names(rows, ROWS, "row") if profile is None else ["catch_up"]
    options = Options(touchpoints, repeat, seed, _names(peers, PEERS, "peer"), profile, workers, one_core)
    if profile is not None:
        profile.unlink(missing_ok=True)
    results: list[Result] = []
    failed = False
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with (
        tempfile.TemporaryDirectory(prefix="touchline-bench-") as home,
        Progress(*columns, TimeElapsedColumn(), console=_err, transient=True) as progress,
    ):
        stack, report = Stack(Path(home)), Bars(progress)
        report.say(_machine())
        for name in chosen:
            try:
                results += run(ROWS[name], stack, options, report)
            except (Missing, pytest.skip.Exception) as error:  # no server on this machine: said, not passed over
                results.append(Result(name, None, "", note=str(error)))
            except RuntimeError as error:  # it failed: the others are measured all the same
                results.append(Result(name, None, "", note=f"failed: {error}"))
                failed = True
    _out.print(output.table(results))
    _out.print(output.notes(results), markup=False)
    lines = output.json_lines(results, options.unusual)
    _out.print(lines.decode(), end="", markup=False, soft_wrap=True)
    if json is not None:
        json.write_bytes(lines)
    if profile is not None and profile.exists():
        _out.print(profiling.table(profile.read_text()))
    if failed or any(each.unit == output.DIFFERENCES and each.value for each in results):
        raise typer.Exit(1)  # slow is no failure, wrong is one


def _machine() -> str:
    load = os.getloadavg()[0]
    busy = f"; its load is {load:.1f} before we begin: others use it, too" if load > 1 else ""
    return f"{os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}{busy}"


def run(row: Row, stack: Stack, options: Options, report: Bars) -> list[Result]:
    """One row to its end."""
    found = row(stack, options, report)
    if not inspect.isawaitable(found):
        return found

    async def awaited() -> list[Result]:
        return await found

    return asyncio.run(awaited())


if __name__ == "__main__":
    typer.run(main)
