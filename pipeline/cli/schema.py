"""`plan`, `apply` and `doctor`: what should be there, and what is."""

import asyncio
import platform
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from importlib import metadata
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from pipeline.app.catalogues import choose, refuse_interrupted
from pipeline.app.declared import declared
from pipeline.app.stack import open_warehouse
from pipeline.app.standing import standings
from pipeline.cli.base import MENDABLE, CatalogueFile, Data, app, out, run_async, settings
from pipeline.cli.openness import openness
from pipeline.compiled import core
from pipeline.core.steps import Marker
from pipeline.io import swap, topics
from pipeline.io.embedded import FolderHeld
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import Step, skipped
from pipeline.io.schema import apply as schema_apply
from pipeline.io.schema import plan as schema_plan
from pipeline.settings import Settings, reference

_LIBRARIES = ("faust-streaming", "aiokafka", "msgspec", "chdb", "confluent-kafka", "clickhouse-driver", "kafka-python")


@app.command()
def plan(data: Data = None, catalogue: CatalogueFile = None) -> None:
    """Show what `apply` would change: topics, tables, columns, retention, views. Changes nothing on real servers."""
    steps, notes = run_async(_plan(settings(data=data, catalogue=catalogue)))
    _show(steps, notes)


@app.command()
def apply(
    data: Data = None,
    catalogue: CatalogueFile = None,
    dangerous: Annotated[
        bool, typer.Option(help="Also make changes by which rows are deleted (shorter retention)")
    ] = False,
) -> None:
    """Create and alter topics, tables and views. A second time it changes nothing. Never drops a table with rows."""
    steps, notes = run_async(_apply(settings(data=data, catalogue=catalogue), dangerous=dangerous))
    _show(steps, notes)
    out.print("applied" if steps else "nothing to do")


def _show(steps: list[tuple[str, str]], notes: list[str]) -> None:
    for why, statement in steps:
        out.print(f"# {why}", style="bold", markup=False)
        out.print(statement, markup=False)
    for note in notes:
        out.print(note, markup=False)
    if not steps:
        out.print("The plan is empty: everything is as declared.")


async def _plan(found: Settings) -> tuple[list[tuple[str, str]], list[str]]:
    wanted = declared(choose(found).catalogue, datetime.now(UTC).year)
    notes: list[str] = []
    changes: list[tuple[str, str]] = []
    if not found.embedded_log:
        changes += [(step.why, step.shown) for step in await asyncio.to_thread(topics.plan, found)]
    else:
        notes.append("Topics: the embedded Kafka wire makes its own, there is nothing to declare.")
    async with AsyncExitStack() as stack:
        try:
            warehouse = await open_warehouse(found, stack)
        except FolderHeld:
            notes.append(f"Tables: a running process holds {found.data} and has made them.")
            return changes, notes
        changes += [_shown(step) for step in await schema_plan(warehouse, wanted)]
        if note := await skipped(warehouse, wanted):
            notes.append(note)
    return changes, notes


async def _apply(found: Settings, *, dangerous: bool) -> tuple[list[tuple[str, str]], list[str]]:
    changes, notes = await _plan(found)
    wanted = declared(choose(found).catalogue, datetime.now(UTC).year)
    if not found.embedded_log:
        await asyncio.to_thread(topics.apply, found)
    async with AsyncExitStack() as stack:
        try:
            warehouse = await open_warehouse(found, stack)
        except FolderHeld:
            return changes, notes
        await refuse_interrupted(warehouse)
        await schema_apply(warehouse, await schema_plan(warehouse, wanted), allow_dangerous=dangerous)
    return changes, notes


def _shown(step: Step) -> tuple[str, str]:
    return (f"{step.why} (may cost rows)" if step.dangerous else step.why), step.sql


@app.command()
def doctor(data: Data = None, catalogue: CatalogueFile = None) -> None:
    """Say what is here, what can be reached, what is open to whom, and what is missing. Exit code 1 if something is."""
    found = settings(data=data, catalogue=catalogue)
    table = Table("what", "how it is", show_header=False)
    table.add_row("Python", platform.python_version())
    table.add_row("core", core().words)
    for library in _LIBRARIES:
        table.add_row(library, _version(library))
    bad = run_async(_checks(found, table))
    out.print(table)
    out.print(Table.grid())
    settings_table = Table("setting", "default", "what it does")
    for row in reference():
        settings_table.add_row(*row)
    out.print(settings_table)
    out.print("All is well." if not bad else f"{bad} of the above need you.")
    raise typer.Exit(1 if bad else 0)


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


async def _checks(found: Settings, table: Table) -> int:
    bad = 0
    try:
        chosen = choose(found)
        known = chosen.catalogue
        table.add_row("catalogue", f"{chosen.name}: zone {known.zone}, {len(known.queues)} queues listed")
    except MENDABLE as error:
        table.add_row("catalogue", f"WRONG: {error}")
        return 1
    table.add_row("Kafka", "embedded in the process" if found.embedded_log else found.kafka)
    markers: dict[str, Marker] = {}
    if not found.embedded_log:
        try:
            changes = await asyncio.to_thread(topics.plan, found)
            table.add_row(
                "topics", "as declared" if not changes else f"{len(changes)} changes to make: touchline apply"
            )
            bad += bool(changes)
        except MENDABLE as error:
            table.add_row("topics", f"UNREACHABLE: {error}")
            bad += 1
    try:
        async with AsyncExitStack() as stack:
            warehouse = await open_warehouse(found, stack)
            version = (await warehouse.query("SELECT version()"))[0][0]
            where = found.data if found.embedded_warehouse else found.clickhouse
            table.add_row("ClickHouse", f"{version} ({where})")
            steps = await schema_plan(warehouse, declared(known, datetime.now(UTC).year))
            table.add_row("tables", "as declared" if not steps else f"{len(steps)} changes to make: touchline apply")
            names = await swap.there(warehouse)
            if swap.is_interrupted(names):
                table.add_row("rebuild", "INTERRUPTED in its last step: touchline rebuild")
                bad += 1
            if "ledger" in names:
                markers = {p: marker for p, (marker, _) in (await SqlLedger(warehouse).markers()).items()}
    except FolderHeld as error:
        table.add_row("ClickHouse", f"{error}")
    except MENDABLE as error:
        table.add_row("ClickHouse", f"UNREACHABLE: {error}")
        bad += 1
    if not found.embedded_log:
        bad += await _logs(found, markers, table)
    for finding in openness(found):
        table.add_row(finding.what, escape(finding.how))
        bad += finding.wrong
    return bad


async def _logs(found: Settings, markers: Mapping[str, Marker], table: Table) -> int:
    """Every folded partition: where it stands, where its log begins and ends, and what is gone in between."""
    try:
        every = await standings(found, markers)
    except MENDABLE as error:
        table.add_row("logs", f"UNREACHABLE: {error}")
        return 1
    for one in every:
        how = f"at offset {one.position}, log from {one.first} to {one.end}, {one.behind} behind"
        if one.lost:
            how += f", {one.lost} given up earlier"
        if one.gone:
            how += f", GONE UNCOUNTED: {one.gone}, offsets {one.position} to {one.first - 1} (TOUCHLINE_ACCEPT_LOSS)"
        elif one.trouble:
            how += f", ANOTHER LOG: it ends before that offset (TOUCHLINE_NEW_EPOCH={one.partition.partition('/')[0]})"
        table.add_row(one.partition, how)
    return sum(bool(one.trouble) for one in every)
