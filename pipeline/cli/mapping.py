"""`map check`: what a mapping file makes of the first rows, and every problem with its line."""

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.table import Table

from pipeline.cli.base import app, cannot, out
from pipeline.io.files import FileProblem, lines
from pipeline.io.mappings import SourceError, source_named
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.sources import BadLine, Item, Source
from schemas.touchpoint import Touchpoint

_SHOWN_PROBLEMS = 20
mapping = typer.Typer(no_args_is_help=True, help="Formats of your own: mapping files.")
app.add_typer(mapping, name="map")


@mapping.command()
def check(
    mapping_file: Annotated[Path, typer.Argument(help="The mapping file (.yaml)", metavar="MAPPING")],
    file: Annotated[Path | None, typer.Argument(help="A file to read by it, plain, .gz or .zst")] = None,
    rows: Annotated[int, typer.Option(help="Rows to show")] = 5,
) -> None:
    """Show what the first rows become, and every problem of mapping and file with its line. Exit code 1 if there is
    one.
    """
    if mapping_file.suffix not in {".yaml", ".yml"}:
        cannot(f"{mapping_file} is no mapping file: its name ends in .yaml")
    try:
        source = source_named(str(mapping_file))
    except SourceError as error:
        out.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if file is None:
        out.print(f"{mapping_file}: no mistakes. Name a file as well to see what becomes of it.")
        return
    try:
        bad = _look(source, file, rows)
    except FileProblem as error:
        cannot(error)
    raise typer.Exit(1 if bad else 0)


def _look(source: Source, file: Path, rows: int) -> int:
    """Show the first rows and the problems; how many problems there are."""
    made: dict[int, list[Touchpoint]] = {}
    problems: list[tuple[int, str]] = []
    left_out: dict[str, int] = {}
    touchpoints = 0
    for output in source.read(lines(file)):
        if isinstance(output, Item):
            found = decode(output.value)
            if isinstance(found, Reject):
                problems.append((output.line, found.detail))
                continue
            touchpoints += 1
            if len(made) < rows or output.line in made:
                made.setdefault(output.line, []).append(found)
        elif isinstance(output, BadLine):
            problems.append((output.line, output.reject.detail))
        else:
            left_out[output.why] = left_out.get(output.why, 0) + 1
    out.print(_table(made))
    for line, detail in islice(problems, _SHOWN_PROBLEMS):
        out.print(f"{file} line {line}: {detail}", markup=False, soft_wrap=True)
    if len(problems) > _SHOWN_PROBLEMS:
        out.print(f"... and {len(problems) - _SHOWN_PROBLEMS:,} more.")
    for why, n in sorted(left_out.items()):
        out.print(f"{n:,} rows left out: {why}", markup=False)
    out.print(f"{touchpoints:,} touchpoints, {len(problems):,} problems.")
    return len(problems)


def _table(made: dict[int, list[Touchpoint]]) -> Table:
    table = Table("line", "time (UTC)", "type", "contact", "channel", "more")
    shown = {"id", "time", "type", "contact_id", "channel"}
    for line, touchpoints in made.items():
        for each in touchpoints:
            fields = msgspec.to_builtins(each)
            more = ", ".join(f"{name}={value}" for name, value in fields.items() if name not in shown)
            at = datetime.fromtimestamp(each.time / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
            table.add_row(str(line), at, str(fields["type"]), each.contact_id, each.channel, more)
        table.add_section()
    return table
