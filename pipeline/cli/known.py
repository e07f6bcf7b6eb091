"""`as-known`: what was known at an earlier moment, and what has been learned since."""

import sys
import time
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from pipeline.answers import speech
from pipeline.app.answering import day_of, moment_of, rules_of
from pipeline.app.stack import CannotStart
from pipeline.cli.base import CatalogueFile, Data, app, err, out, run_async, settings
from pipeline.cli.inspect import at_hand
from pipeline.core.rules import Rulebook
from pipeline.core.zone import Zone
from pipeline.io import knowing
from pipeline.io.knowing import HOUR_MS, Answer, Learned
from pipeline.measures import ALL
from pipeline.settings import Settings

_AT = "The moment, local to the catalogue's zone: 2026-03-02T09:00 (exact at full hours)"


@app.command(name="as-known")
def as_known(
    view: Annotated[
        str | None, typer.Argument(help="A view, such as measures_day [default: only what differs]")
    ] = None,
    at: Annotated[str, typer.Option("--at", help=_AT)] = "",
    day: Annotated[str | None, typer.Option("--day", help="Of what differs: only what happened on this day")] = None,
    queue: Annotated[str | None, typer.Option("--queue", help="Of what differs: one queue")] = None,
    where: Annotated[str, typer.Option("--where", help="Of the view: an SQL condition, such as queue = 'sales'")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Of the view: at most so many rows")] = 1_000,
    everything: Annotated[bool, typer.Option("--all", help="Of what differs: also what does not")] = False,
    data: Data = None,
    catalogue: CatalogueFile = None,
    format_: Annotated[str, typer.Option("--format", help="Of the view: any output format of ClickHouse")] = (
        "PrettyCompact"
    ),
) -> None:
    """Say what was known at an earlier moment, and what has been learned since: a view, and every measure."""
    found = settings(data=data, catalogue=catalogue)
    work = _as_known(found, at, view, day, queue, where, limit, format_)
    hour, answer, learned, rulebook = run_async(work)
    shown = speech.moment(hour * HOUR_MS, rulebook.zone, "en", seconds=False)
    if answer is not None and view is not None:
        sys.stdout.buffer.write(answer.content)
        sys.stdout.buffer.flush()
        for note in _notes(answer, view, shown, limit):
            err.print(Text(f"- {note}"), soft_wrap=True)
        return
    _show(learned, shown, rulebook.zone, everything=everything)


async def _as_known(
    found: Settings, at: str, view: str | None, day: str | None, queue: str | None, where: str, limit: int, format_: str
) -> tuple[int, Answer | None, list[Learned], Rulebook]:
    now_ms = time.time_ns() // 1_000_000
    async with at_hand(found) as warehouse:
        rulebook = await rules_of(warehouse, found)
        hour = _hour(at, rulebook, now_ms)
        if view is not None:
            if not await knowing.views(warehouse):
                raise CannotStart(
                    "this ClickHouse has no views (they need 24.8 or newer): leave the view out to see what each"
                    " measure was and is"
                )
            return hour, await knowing.view(warehouse, view, hour, where, limit, format_), [], rulebook
        condition, parameters = _selected(day, queue, rulebook, now_ms)
        return hour, None, await knowing.learned(warehouse, hour, condition, parameters), rulebook


def _hour(at: str, rulebook: Rulebook, now_ms: int) -> int:
    """The hour of append time before which everything had been learned. Raises CannotStart."""
    if not at:
        raise CannotStart("say at which moment: --at 2026-03-02T09:00")
    return moment_of(at, rulebook, now_ms) // HOUR_MS


def _selected(day: str | None, queue: str | None, rulebook: Rulebook, now_ms: int) -> tuple[str, dict[str, Any]]:
    condition = ""
    parameters: dict[str, Any] = {}
    if day is not None:
        ordinal = day_of(day, rulebook, now_ms).toordinal()
        condition += " AND window_s = %(day)s"
        parameters["day"] = rulebook.zone.start_of_ms(ordinal) // 1_000
    if queue is not None:
        condition += " AND queue = %(queue)s"
        parameters["queue"] = queue
    return condition, parameters


def _show(learned: list[Learned], shown: str, zone: Zone, *, everything: bool) -> None:
    by_key = {each.cell_key: each for each in learned}
    table = Table("measure", f"known {shown}", "known now", "learned since", box=None)
    differing = 0
    for measure in ALL:
        each = by_key.get(measure.key)
        if each is None or not (everything or each.known != each.present):
            continue
        differing += each.known != each.present
        numbers = (speech.number(each.known, "en"), speech.number(each.present, "en"),
                   speech.signed(each.present - each.known, "en"))  # fmt: skip
        table.add_row(measure.name, *(Text(number, justify="right") for number in numbers))
    out.print(f"Everything the log had said before {shown} ({zone.name}); exact at full hours.")
    if not learned:
        out.print("Nothing is counted there.")
    elif not any(each.known for each in learned):
        out.print("Nothing was known then: all of it was learned later.")
    elif not differing:
        out.print("Nothing has been learned since.")
    if table.row_count:
        out.print(table)


def _notes(answer: Answer, view: str, shown: str, limit: int) -> list[str]:
    """What can be said of that view as of then, and what cannot."""
    notes = [f"{view} as of {shown}."]
    if answer.reads_cells:
        notes.append("Its counts are exact: what was learned later is left out, by hours of append time.")
    if not answer.reads_cells and not answer.sources:
        notes.append("Of this only the present state is kept: it is as of now.")
    if answer.reads_states:
        notes.append("It reads the present state of contacts or customers: that part is as of now.")
    notes += [
        f"Rows of {source.table}: {source.same} have not been revised since and were the same then; {source.revised}"
        " were revised or came later and are left out, since how they were then is not kept."
        for source in answer.sources
    ]
    if answer.has_undecided:
        notes.append("Who was waiting then is not kept: `undecided` lacks them, service levels count them as missed.")
    if "confirmed" in view or answer.reads_cells:
        notes.append("Confirmed means: as if the log had been read up to that moment.")
    if answer.reads_cells:
        notes.append("What has been learned since: the same command without the view.")
    if answer.cut:
        notes.append(f"There are more than {limit} rows: --limit shows more, --where fewer.")
    return notes
