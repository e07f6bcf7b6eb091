"""`report`: what a head of service reads in the morning."""

import sys
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table as RichTable
from rich.text import Text

from pipeline.answers import morning, report_page
from pipeline.answers.report import Report, Table, flat, public
from pipeline.answers.speech import Language
from pipeline.app.answering import counted_day, rules_of
from pipeline.cli.base import CatalogueFile, Data, app, cannot, err, out, run_async, settings
from pipeline.cli.explain import Lang, spoken
from pipeline.cli.inspect import at_hand
from pipeline.core.zone import Zone
from pipeline.io import mornings, plots, spreadsheets
from pipeline.settings import Settings

_FORMATS: Final = ("text", "html", "parquet", "csv")


@app.command()
def report(
    day: Annotated[str, typer.Option("--day", help="The day: 2026-03-02, today or yesterday")] = "yesterday",
    lang: Lang = "en",
    format_: Annotated[str, typer.Option("--format", help=f"One of {', '.join(_FORMATS)}")] = "text",
    to: Annotated[Path | None, typer.Option("--to", help="File to write [default: print it]")] = None,
    data: Data = None,
    catalogue: CatalogueFile = None,
) -> None:
    """What a head of service reads in the morning: one day, compared with the same weekday of the week before."""
    language = spoken(lang)
    if format_ not in _FORMATS:
        cannot(f"there is no format {format_!r}: write one of {', '.join(_FORMATS)}")
    if to is not None and not to.parent.is_dir():
        cannot(f"there is no folder {to.parent} to write {to.name} in")
    found, zone = run_async(_made(settings(data=data, catalogue=catalogue), day, language))
    if format_ == "text" and to is None:
        _print(found, language, zone)
        return
    content = _rendered(found, language, format_, zone)
    if to is None:
        sys.stdout.buffer.write(content)
        return
    try:
        to.write_bytes(content)
    except OSError as error:
        cannot(f"{to} cannot be written: {error.strerror}")
    out.print(f"{to}: {len(content):,} bytes")


async def _made(found: Settings, day: str, lang: Language) -> tuple[Report, Zone]:
    now_ms = time.time_ns() // 1_000_000
    async with at_hand(found) as warehouse:
        rulebook = await rules_of(warehouse, found)
        counted = await counted_day(warehouse, rulebook, day, now_ms)
        material = await mornings.material(warehouse, rulebook, counted.toordinal(), now_ms)
    return morning.build(material, rulebook, lang), rulebook.zone


def _rendered(found: Report, lang: Language, format_: str, zone: Zone) -> bytes:
    if format_ == "csv":
        return spreadsheets.csv_bytes(flat(found), lang)
    if format_ == "parquet":
        try:
            return spreadsheets.parquet_bytes(flat(found))
        except spreadsheets.NoParquet as missing:
            cannot(missing)
    if format_ == "text":
        with out.capture() as captured:
            _print(found, lang, zone)
        return captured.get().encode()
    pictures: dict[str, str] = {}
    try:
        pictures = {plot.id: plots.svg(plot, lang) for plot in found.plots}
    except plots.NoPlots as missing:
        err.print(f"Without pictures: {missing}", markup=False)
    return report_page.page(public(found), pictures, zone).encode()


def _print(found: Report, lang: Language, zone: Zone) -> None:
    out.print(Text(f"{found.title}: {found.subtitle}", style="bold"))
    if found.tiles:
        grid = RichTable(box=None, show_header=False, pad_edge=False)
        for tile in found.tiles:
            grid.add_row(tile.title, Text(tile.value, style="bold", justify="right"), tile.line, tile.compared)
        out.print()
        out.print(grid)
    for section in found.sections:
        out.print()
        out.print(Text(section.title, style="bold"))
        for sentence in section.said:
            out.print(Text(sentence))
        for table in section.tables:
            out.print(_table(table, lang, zone))
    out.print()
    for note in found.notes:
        out.print(Text(note, style="dim"))


def _table(table: Table, lang: Language, zone: Zone) -> RichTable:
    labelled = any(row.label for row in table.rows)
    shown = RichTable(box=None, pad_edge=False)
    if labelled:
        shown.add_column(table.head)
    for column in table.columns:
        shown.add_column(column.title, justify="left" if column.kind == "text" else "right")
    for row in table.rows:
        cells = [
            report_page.written(column, value, lang, zone)
            for column, value in zip(table.columns, row.values, strict=True)
        ]
        style = "bold" if row.is_total else ""
        shown.add_row(*(Text(cell, style=style) for cell in ([row.label, *cells] if labelled else cells)))
    return shown
