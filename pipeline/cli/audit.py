"""`audit`: every cell counted again from the contacts, while the pipeline runs."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from pipeline.app.catalogues import choose, refuse_others
from pipeline.app.shared import Remote
from pipeline.cli.base import CatalogueFile, Data, app, cannot, err, out, run_async, settings
from pipeline.cli.inspect import at_hand
from pipeline.core.audit import Difference, span_of
from pipeline.core.rules import Rulebook
from pipeline.io.audit import AuditOutcome, audit_days
from pipeline.settings import Settings

_SHOWN = 20
_Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day, local to the catalogue's zone")]


@app.command()
def audit(
    data: Data = None,
    catalogue: CatalogueFile = None,
    day: _Day = None,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day [default: the first there is]")
    ] = None,
    to: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day [default: the last there is]")
    ] = None,
) -> None:
    """Count every cell again from the contacts and print what differs, also while the pipeline runs. Exit code 1 on any
    difference.
    """
    if day is not None and (from_ is not None or to is not None):
        cannot("--day is one day, --from and --to are more: give one or the other")
    first, last = (day, day) if day is not None else (from_, to)
    if first is not None and last is not None and last < first:
        cannot(f"--to {last:%Y-%m-%d} lies before --from {first:%Y-%m-%d}")
    found = settings(data=data, catalogue=catalogue)
    outcome = run_async(_audit(found, first and first.date(), last and last.date()))
    show(outcome)
    raise typer.Exit(1 if outcome.total else 0)


async def _audit(found: Settings, first: date | None, last: date | None) -> AuditOutcome:
    async with at_hand(found) as warehouse:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("counting again", total=None)
            rulebook = Rulebook(choose(found).catalogue)
            span = span_of(rulebook.zone, first, last)
            if isinstance(warehouse, Remote):
                return await warehouse.audit(span)
            await refuse_others(warehouse, rulebook.catalogue)

            def told(share: float) -> Any:
                progress.update(task, completed=share, total=1.0)

            return await audit_days(warehouse, rulebook, span, on_progress=told)


def show(outcome: AuditOutcome) -> None:
    """What an audit found, for people."""
    if outcome.differences:
        table = Table(*Difference.__struct_fields__)
        for each in outcome.differences[:_SHOWN]:
            table.add_row(
                each.partition, each.resolution, str(each.window_s), each.channel, each.queue, each.segment,
                each.column, str(each.stored), str(each.recounted),
            )  # fmt: skip
        out.print(table)
    for partition in outcome.lagging:
        out.print(
            f"{partition}: its last flush is not in the tables for people yet (a worker writes it when it starts), so"
            " these were not compared"
        )
    if outcome.since_s:
        out.print(
            f"What is older than {datetime.fromtimestamp(outcome.since_s, UTC):%Y-%m-%d %H:%M} UTC was left out: it is"
            " beyond retention, its contacts are forgotten and its numbers kept as they were"
        )
    if outcome.unnamed:
        out.print(f"{outcome.unnamed} more days of partitions differ; look at one with --day")
    out.print(
        f"{outcome.contacts} contacts, {outcome.cells} cells in {outcome.partitions} partitions counted again:"
        f" {outcome.total} differences"
    )
