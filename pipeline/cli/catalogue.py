"""`catalogue check` and `catalogue what-if`: what an edited catalogue would change, before it does."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import Struct
from rich.console import RenderableType
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from pipeline.answers import plausible, scope, speech, whatif
from pipeline.answers.plausible import Warned
from pipeline.answers.scope import Promised
from pipeline.answers.whatif import Question, Row
from pipeline.app.answering import counted_day, day_of, rules_of
from pipeline.app.catalogues import KEPT, Chosen, choose, definitions
from pipeline.app.stack import CannotStart
from pipeline.cli.base import CatalogueFile, Data, app, err, out, run_async, settings
from pipeline.cli.inspect import at_hand
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, Marker
from pipeline.core.zone import Zone
from pipeline.io import asking
from pipeline.settings import Settings
from schemas.catalogue import SERVICE_LEVELS, Catalogue, Change, changes
from schemas.catalogue_lines import lines

catalogue_app = typer.Typer(help="What an edited catalogue would change, before it does.", no_args_is_help=True)
app.add_typer(catalogue_app, name="catalogue")

File = Annotated[Path, typer.Argument(help="The edited catalogue (YAML)", metavar="FILE")]
_DAYS_SHOWN = 7


class Checked(Struct, frozen=True):
    """What a check found. `counted`: whether anything is counted; `restart`: whether a start with it would go on."""

    base: str
    counted: bool
    changes: list[Change]
    old_lines: dict[str, int]
    new_lines: dict[str, int]
    restart: bool
    warnings: list[Warned]
    zone: str


@catalogue_app.command()
def check(file: File, data: Data = None, catalogue: CatalogueFile = None) -> None:
    """Compare FILE with the catalogue that is counted by (the folder's own, or --catalogue): what would be taken over
    while running, what needs everything counted anew, and what is odd. Exit code 1 if it needs a rebuild.
    """
    checked = run_async(_check(settings(data=data, catalogue=catalogue), file))
    for renderable in _report(checked, file):
        out.print(renderable)
    raise typer.Exit(1 if checked.counted and _rebuild(checked) else 0)


async def _check(found: Settings, file: Path) -> Checked:
    chosen = choose(msgspec.structs.replace(found, catalogue=file))
    new, now_ms = chosen.catalogue, time.time_ns() // 1_000_000
    base = choose(found)
    seen, markers = None, {}
    if not found.embedded_warehouse or (found.data / KEPT).exists():
        async with at_hand(found) as warehouse:
            markers = {p: marker for p, marker in (await asking.markers(warehouse)).items() if marker.fingerprint}
            seen = await asking.names(warehouse) if markers else None
    if not _counted_by(base, markers):
        if not _counted_by(chosen, markers):
            raise CannotStart(
                f"{base.name} is not what all is counted by: name that catalogue with --catalogue, so that FILE can be"
                " compared with it"
            )
        base = chosen
    new_lines = lines(chosen.text, chosen.name, new)
    return Checked(
        base.name,
        bool(markers),
        list(changes(base.catalogue, new, now_ms)),
        lines(base.text, base.name, base.catalogue),
        new_lines,
        _counted_by(chosen, markers),
        plausible.warnings(new, new_lines, seen, now_ms),
        new.zone,
    )


def _counted_by(chosen: Chosen, markers: Mapping[str, Marker]) -> bool:
    """Whether this is the catalogue that all is counted by, up to where it is counted."""
    own = definitions(chosen.catalogue)
    return all(marker.fingerprint == own(marker.watermark_ms) for marker in markers.values())


def _rebuild(checked: Checked) -> bool:
    return not checked.restart and any(change.rebuild for change in checked.changes)


def _report(checked: Checked, file: Path) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if not checked.counted:
        parts.append(Text(f"{file} can be used as it is: nothing is counted here yet.", style="bold"))
    else:
        parts.append(f"{file}, compared with {checked.base}, which all is counted by:")
        if checked.changes:
            parts.append(_differences(checked))
        parts.append(Text(_verdict(checked), style="bold"))
    if checked.warnings:
        parts.append(Text("\nWritten correctly, but is it meant so?"))
        parts += [
            Text(f"  {f'line {warned.line}: ' if warned.line else ''}{warned.message}") for warned in checked.warnings
        ]
    return parts


def _differences(checked: Checked) -> Table:
    zone = Zone(checked.zone)
    table = Table("line", "what differs", "begins", "and so", box=None)
    for change in sorted(checked.changes, key=lambda each: checked.new_lines.get(each.entry, 0)):
        begins, said = "always", change.entry
        if change.begins_ms is not None:
            begins, said = speech.moment(change.begins_ms, zone, "en"), said.rpartition(" from ")[0] or said
        table.add_row(Text(_line(change.entry, checked), justify="right"), Text(said), begins, _so(change, checked))
    return table


def _line(entry: str, checked: Checked) -> str:
    """Of the new file, else of the old one, in brackets."""
    if entry in checked.new_lines:
        return str(checked.new_lines[entry])
    return f"(was {checked.old_lines[entry]})" if entry in checked.old_lines else "-"


def _so(change: Change, checked: Checked) -> str:
    if not change.rebuild:
        return "can be taken over while running"
    return "taken over with the next start" if checked.restart else "needs a rebuild"


def _verdict(checked: Checked) -> str:
    if not checked.changes:
        return "Nothing that is counted or shown differs."
    if not any(change.rebuild for change in checked.changes):
        return "All of it can be taken over while running: save it, and a running touchline does so within seconds."
    if checked.restart:
        return "A running touchline refuses it, the next start takes it: nothing that is counted depends on it yet."
    return (
        "It changes what is counted already: let the changes begin at least a minute from now (valid_from), or count"
        " everything anew with it: touchline rebuild."
    )


@catalogue_app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(help="A catalogue [default: the one at hand]", metavar="[FILE]")
    ] = None,
    at: Annotated[str, typer.Option("--day", help="What holds on this day: 2026-03-02, today")] = "today",
    data: Data = None,
    catalogue: CatalogueFile = None,
) -> None:
    """What is promised where, and what is not: the targets in force on a day, and when they change next."""
    found = settings(data=data, catalogue=file or catalogue)
    rulebook, rows = run_async(_show(found, at))
    table = Table("channel", "queue", "segment", "wait", "reply", "no word for", "calendar", "next change", box=None)
    for row in rows:
        own = ("" if row.queue or row.segment else row.channel, row.queue or "any", row.segment or "any")
        changes_at = "" if row.changes_ms is None else speech.moment(row.changes_ms, rulebook.zone, "en")
        table.add_row(
            *own, *(each or "-" for each in (row.wait, row.response, row.unannounced, row.calendar)), changes_at
        )
    out.print(table)
    outside = [", ".join(filter(None, (row.channel, row.queue, row.segment))) for row in rows if not row.in_scope]
    if outside:
        out.print(
            f"No target to keep or miss, so never counted as within it: {'; '.join(outside)}.",
            markup=False,
            soft_wrap=True,
        )


async def _show(found: Settings, day: str) -> tuple[Rulebook, list[Promised]]:
    known, now_ms = choose(found).catalogue, time.time_ns() // 1_000_000
    rulebook = Rulebook(known)
    at_ms = rulebook.zone.start_of_ms(day_of(day, rulebook, now_ms).toordinal())
    queues = {*known.queues, *(entry.queue for entry in known.targets if entry.queue)}
    queues |= {entry.queue for entry in known.opening_hours if entry.queue}
    segments = {*known.segments, *(entry.segment for entry in known.targets if entry.segment)}
    return rulebook, scope.promised(rulebook, known.channels, queues, segments, max(at_ms, 0))


@catalogue_app.command(name="what-if")
def what_if(
    file: File,
    from_: Annotated[str, typer.Option("--from", help="First day: 2026-03-02, today or yesterday")],
    to: Annotated[str | None, typer.Option("--to", help="Last day [default: the first]")] = None,
    undated: Annotated[
        bool, typer.Option("--undated", help="As if the newest targets of FILE had always been in force")
    ] = False,
    formula: Annotated[str | None, typer.Option("--formula", help=f"One of {', '.join(SERVICE_LEVELS)}")] = None,
    by_day: Annotated[bool | None, typer.Option("--days/--no-days", help="Each day by itself [up to a week]")] = None,
    data: Data = None,
    catalogue: CatalogueFile = None,
) -> None:
    """Service levels of stored history as they would be with FILE's targets and opening hours; changes nothing."""
    found = settings(data=data, catalogue=catalogue)
    answer = run_async(_what_if(found, file, (from_, to or from_), formula, undated=undated, by_day=by_day))
    for renderable in _table(answer):
        out.print(renderable)


class Answer(Struct, frozen=True):
    """Rows, and what has to be said about them."""

    rows: list[Row]
    formula: str
    zone: str
    begins_later: int | None
    period: str


async def _what_if(
    found: Settings, file: Path, days: tuple[str, str], formula: str | None, *, undated: bool, by_day: bool | None
) -> Answer:
    if formula is not None and formula not in SERVICE_LEVELS:
        raise CannotStart(f"there is no service level {formula!r}: write one of {', '.join(SERVICE_LEVELS)}")
    now_ms = time.time_ns() // 1_000_000
    edited = choose(msgspec.structs.replace(found, catalogue=file)).catalogue
    new = Rulebook(whatif.undated(edited) if undated else edited)
    async with at_hand(found) as warehouse:
        old = await rules_of(warehouse, found)
        unknown = sorted((await asking.names(warehouse)).channels - set(new.catalogue.channels))
        if unknown:
            raise CannotStart(f"{file} does not know channel '{unknown[0]}', which is counted: add it under channels")
        if new.zone.name != old.zone.name:
            raise CannotStart(
                f"{file} is in zone {new.zone.name}, what is counted in {old.zone.name}: their days are not the same"
            )
        first, last = [await counted_day(warehouse, old, text, now_ms) for text in days]
        if last < first:
            raise CannotStart(f"--to {last} is before --from {first}")
        from_ms, to_ms = old.zone.start_of_ms(first.toordinal()), old.zone.start_of_ms(last.toordinal() + 1)
        question = Question(old, new, from_ms, to_ms, now_ms)
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("deriving contacts anew", total=None)
            async for found_contacts in asking.contacts(warehouse, from_ms):
                question.count(found_contacts)
                progress.advance(task, len(found_contacts))
        stored = await asking.cells(warehouse, DAY, from_ms // 1_000, to_ms // 1_000)
    shown_days = by_day if by_day is not None else (last - first).days < _DAYS_SHOWN
    name = formula or edited.settings.headline_service_level
    rows = whatif.rows(question.outcomes(stored), name, by_day=shown_days and first != last)
    period = str(first) if first == last else f"{first} to {last}"
    return Answer(rows, name, old.zone.name, None if undated else _begins_later(old.catalogue, edited, to_ms), period)


def _begins_later(old: Catalogue, new: Catalogue, to_ms: int) -> int | None:
    """When the first of the changes begins, if all of them begin after the period."""
    begins = [change.begins_ms for change in changes(old, new, 0) if change.begins_ms is not None or change.rebuild]
    dated = [at_ms for at_ms in begins if at_ms is not None]
    return min(dated) if dated and len(dated) == len(begins) and min(dated) >= to_ms else None


def _table(answer: Answer) -> list[RenderableType]:
    zone = Zone(answer.zone)
    table = Table("", "queue", "day", "contacts", "was", "would be", "difference", box=None)
    for row in answer.rows:
        table.add_row(
            f"waiting, {answer.formula}" if row.level == "waiting" else "first replies, sl_response",
            Text(row.queue or "all", style="" if row.queue else "bold"),
            "" if row.day_s is None else speech.day(zone.local_date(row.day_s * 1_000), "en"),
            *(Text(text, justify="right") for text in _numbers(row)),
        )
    parts: list[RenderableType] = [
        Text(f"Service levels of {answer.period} ({answer.zone}), as counted and as they would be", style="bold"), table
    ]  # fmt: skip
    if not answer.rows:
        parts = [f"Nobody waited for us or wrote to us in {answer.period}."]
    inexact = sum(row.inexact for row in answer.rows if not row.queue)
    parts.append(
        "Exact: every contact was derived anew."
        if not inexact
        else f"Not exact for {inexact:,} contacts: their state is gone (older than the retention), and histograms tell"
        " only a range. Targets in open time cannot be told from them at all."
    )
    if answer.begins_later is not None:
        begins = speech.moment(answer.begins_later, zone, "en")
        parts.append(f"All changes begin on {begins}, after the period: --undated shows them as if always in force.")
    return parts


def _numbers(row: Row) -> tuple[str, str, str, str]:
    def span(low: str, high: str) -> str:
        return low if low == high else f"{low} to {high}"

    low, high = speech.percent(row.new_low, "en"), speech.percent(row.new_high, "en")
    gains = [None if new is None or row.old is None else new - row.old for new in (row.new_low, row.new_high)]
    differences = [speech.points(gain, "en") for gain in gains]
    return speech.number(row.contacts, "en"), speech.percent(row.old, "en"), span(low, high), span(*differences)
