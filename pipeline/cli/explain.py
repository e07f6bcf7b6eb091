"""`explain`: why one contact counts as it does."""

import time
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from pipeline.answers import explain_words, speech
from pipeline.answers.explain_page import WORDS
from pipeline.answers.explanation import Counted, Explanation
from pipeline.answers.speech import Language
from pipeline.app.answering import explained, moment_of, rules_of
from pipeline.app.shared import Remote
from pipeline.cli.base import CatalogueFile, Data, app, cannot, out, run_async, settings
from pipeline.cli.inspect import at_hand
from pipeline.core.zone import Zone
from pipeline.settings import Settings

Lang = Annotated[str, typer.Option("--lang", help="de or en")]


def spoken(name: str) -> Language:
    """The language a command was asked for; ends the command on another."""
    try:
        return speech.language(name)
    except ValueError as error:
        cannot(error)


@app.command()
def explain(
    contact_id: Annotated[str, typer.Argument(help="Id of a contact, as in touchline.contacts", metavar="CONTACT_ID")],
    at: Annotated[
        str | None, typer.Option("--at", help="As it was known then: 2026-03-02T09:00 [default: now]")
    ] = None,
    data: Data = None,
    catalogue: CatalogueFile = None,
    lang: Lang = "en",
) -> None:
    """Explain one contact: its timeline, every cell it counts in, and why its resolution is what it is."""
    language = spoken(lang)
    found = run_async(_explain(settings(data=data, catalogue=catalogue), contact_id, at))
    if found is None and at is not None:
        cannot(f"no contact {contact_id!r} was known then: leave --at out for what is known now")
    if found is None:
        cannot(
            f"no contact is called {contact_id!r}: ids are exact, capitals included, and single contacts are kept as"
            " long as the catalogue's retention says"
        )
    _show(found, language)


async def _explain(found: Settings, contact_id: str, at: str | None) -> Explanation | None:
    async with at_hand(found) as warehouse:
        rulebook, now_ms = await rules_of(warehouse, found), time.time_ns() // 1_000_000
        at_ms = None if at is None else moment_of(at, rulebook, now_ms)
        if isinstance(warehouse, Remote):
            return await warehouse.explain(contact_id, at_ms)
        return await explained(warehouse, rulebook, contact_id, now_ms, at_ms)


def _show(found: Explanation, lang: Language) -> None:
    words, zone = WORDS[lang], Zone(found.zone)
    out.print(Text(f"{words['contact']} {found.contact_id}", style="bold"))
    about = [
        f"{words[name]} {value}"
        for name, value in (
            ("channel", found.channel), ("queue", found.queue), ("segment", found.segment), ("topic", found.topic),
            ("customer", found.customer_id), ("source", found.source),
        )
        if value
    ]  # fmt: skip
    about += [words["inbound" if found.inbound else "outbound"], words["open" if found.is_open else "ended"]]
    out.print(Text(", ".join(about)))
    _timeline(found, lang, zone)
    _resolution(found, lang, zone)
    _cells(found.cells, lang, zone)
    _section(words["unknown"])
    for what in found.unknown:
        out.print(Text(f"  {explain_words.sentence(what, lang, zone)}"))
    if not found.unknown:
        out.print(Text(f"  {words['all_known']}"))


def _section(title: str) -> None:
    out.print()
    out.print(Text(title, style="bold"))


def _timeline(found: Explanation, lang: Language, zone: Zone) -> None:
    words = WORDS[lang]
    _section(words["timeline"].format(zone=zone.name))
    table = Table(words["time"], words["touchpoint"], words["did"], box=None, pad_edge=True)
    last_day = ""
    for step in found.steps:
        day = speech.day(zone.local_date(step.at_ms), lang)
        told = [explain_words.sentence(did, lang, zone) for did in step.did]
        if step.sent_at_ms is not None:
            told.append(words["sent"].format(at=speech.moment(step.sent_at_ms, zone, lang)))
        at = speech.clock(step.at_ms, zone)
        table.add_row(Text(at if day == last_day else f"{day} {at}", justify="right"), Text(step.type),
                      Text("; ".join(told)))  # fmt: skip
        last_day = day
    out.print(table)


def _resolution(found: Explanation, lang: Language, zone: Zone) -> None:
    words, resolution = WORDS[lang], found.resolution
    _section(words["resolution"])
    out.print(Text(f"  {explain_words.fcr_sentence(resolution.fcr, lang)}"))
    for why in resolution.why_not:
        out.print(Text(f"  - {explain_words.fixed(why, lang)}"))
    for because in resolution.because:
        out.print(Text(f"  - {explain_words.sentence(because, lang, zone)}"))
    if resolution.final_from_ms is not None and resolution.fcr:
        until = speech.moment(resolution.final_from_ms, zone, lang)
        out.print(Text(f"  - {words['final' if resolution.is_final else 'provisional'].format(at=until)}"))
    if resolution.follows:
        out.print(Text(f"  - {words['follows'].format(name=resolution.follows)}"))
    if len(resolution.issue) > 1:
        _section(words["issue"])
        for sibling in resolution.issue:
            mark = f"  ({words['this']})" if sibling.contact_id == found.contact_id else ""
            at = speech.moment(sibling.requested_ms, zone, lang)
            said = explain_words.fcr_sentence(sibling.fcr, lang)
            out.print(Text(f"  {at}  {sibling.contact_id}  {sibling.channel}  {said}{mark}"))


def _cells(cells: list[Counted], lang: Language, zone: Zone) -> None:
    words = WORDS[lang]
    _section(words["cells"])
    table = Table(words["minute"], words["channel"], words["queue"], words["segment"], words["measure"],
                  words["adds"], words["fold"], box=None)  # fmt: skip
    before: tuple[str, ...] = ()
    for cell in cells:
        at = speech.moment(cell.window_s * 1_000, zone, lang, seconds=False)
        place = (at, cell.channel, cell.queue, cell.segment)
        shown = ("", "", "", "") if place == before else place
        before = place
        table.add_row(*(Text(each) for each in shown), Text(cell.measure),
                      Text(speech.number(cell.value, lang), justify="right"),
                      Text(words[f"{cell.fold}_fold"]))  # fmt: skip
    out.print(table)
