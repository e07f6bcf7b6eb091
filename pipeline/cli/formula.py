"""`which-formula`: somebody has a service level of a day; which of those that are in use is it?"""

import re
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Annotated

import typer
from rich.text import Text

from pipeline.answers import formulas, speech
from pipeline.answers.formulas import Candidate, Day
from pipeline.answers.sums import added, sums
from pipeline.app.answering import counted_day, rules_of
from pipeline.app.stack import CannotStart
from pipeline.cli.base import CatalogueFile, Data, app, cannot, out, run_async, settings
from pipeline.cli.explain import Lang, spoken
from pipeline.cli.inspect import at_hand
from pipeline.core.cells import Cell
from pipeline.core.steps import DAY, HOUR
from pipeline.core.zone import DAY_MS, EPOCH_ORDINAL
from pipeline.io import asking
from pipeline.settings import Settings

_NUMBER = re.compile(r"(\d{1,3}(?:[.,](\d+))?)\s*%?")

Cells = dict[tuple[int, str, str, str], Cell]
Chosen = Callable[[str, str, str], bool]


@app.command(name="which-formula")
def which_formula(
    number: Annotated[str, typer.Argument(help="A percentage that somebody reported, such as 84.0", metavar="PERCENT")],
    day: Annotated[str, typer.Option("--day", help="The day: 2026-03-02, today or yesterday")],
    queue: Annotated[str | None, typer.Option("--queue", help="One queue [default: all]")] = None,
    channel: Annotated[str | None, typer.Option("--channel", help="One channel [default: all]")] = None,
    segment: Annotated[str | None, typer.Option("--segment", help="One segment [default: all]")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Show every other way to compute them as well")] = False,
    data: Data = None,
    catalogue: CatalogueFile = None,
    lang: Lang = "en",
) -> None:
    """Which service level is 84.0? Every named one of a day with its parts, nearest first."""
    language = spoken(lang)
    match = _NUMBER.fullmatch(number.strip())
    if match is None:
        cannot(f"{number!r} is not a percentage: write such as 84 or 84.0")
    asked, decimals = float(match[1].replace(",", ".")) / 100, len(match[2] or "")
    wanted = (channel, queue, segment)
    shown, found, zone = run_async(_found(settings(data=data, catalogue=catalogue), day, wanted, asked))
    where = ", ".join(name for name in (queue, channel, segment) if name) or (
        "everything" if language == "en" else "alles"
    )
    out.print(Text(f"{speech.percent(asked, language, decimals)}, {where}, {shown} ({zone})", style="bold"))
    shown_ones = [e for e in found if everything or not e.variant or formulas.agrees(e.ratio, asked, decimals)]
    for each in shown_ones:
        out.print(_line(each, asked, decimals, language, zone))
    if len(shown_ones) < len(found):
        more = len(found) - len(shown_ones)
        out.print(
            f"{more} other ways to compute them, none of them that number: --all"
            if language == "en"
            else f"{more} andere Rechenwege, keiner davon ergibt diese Zahl: --all"
        )
    if not any(formulas.agrees(each.ratio, asked, decimals) for each in found):
        out.print(
            "None of them is the number asked for: was it of another day, queue, target or source?"
            if language == "en"
            else "Keine davon ist die gefragte Zahl: galt sie für einen anderen Tag, eine andere Warteschlange, ein"
            " anderes Ziel oder eine andere Quelle?"
        )


def _line(each: Candidate, asked: float, decimals: int, lang: speech.Language, zone: str) -> Text:
    exact = formulas.agrees(each.ratio, asked, decimals)
    places = max(decimals, 1)
    text = Text(
        f"{'=' if exact else ' '} {speech.percent(each.ratio, lang, places):>8}  ", style="bold" if exact else ""
    )
    text.append(each.name)
    if each.above:
        text.append(f" = {each.above} / {_bracket(each.below)}")
    for words in each.words(lang, zone):
        text.append(f"\n{'':14}{words}", style="dim")
    return text


def _bracket(text: str) -> str:
    return f"({text})" if " - " in text or " + " in text else text


async def _found(
    found: Settings, day_text: str, wanted: tuple[str | None, str | None, str | None], asked: float
) -> tuple[str, list[Candidate], str]:
    now_ms = time.time_ns() // 1_000_000
    async with at_hand(found) as warehouse:
        rulebook = await rules_of(warehouse, found)
        day = await counted_day(warehouse, rulebook, day_text, now_ms)
        zone, ordinal = rulebook.zone, day.toordinal()
        start_ms, end_ms = zone.start_of_ms(ordinal), zone.start_of_ms(ordinal + 1)
        utc_ms = (ordinal - EPOCH_ORDINAL) * DAY_MS
        whole = await asking.cells(warehouse, DAY, start_ms // 1_000, end_ms // 1_000)
        hours = await asking.cells(
            warehouse, HOUR, min(start_ms, utc_ms) // 1_000, max(end_ms, utc_ms + DAY_MS) // 1_000
        )
        waiting = await asking.undecided(warehouse, start_ms, end_ms, now_ms)
    chosen = _chosen(wanted)
    whole = {key: cell for key, cell in whole.items() if chosen(*key[1:])}
    if not whole:
        narrowed = ", ".join(name for name in wanted if name)
        raise CannotStart(f"nothing is counted on {day}{f' for {narrowed}' if narrowed else ''}")
    open_now: dict[str, int] = defaultdict(int)
    for dimensions, counts in waiting.items():
        for name, n in counts.items():
            open_now[name] += n if chosen(*dimensions) else 0
    mine = {key: cell for key, cell in hours.items() if chosen(*key[1:])}
    local = {key: cell for key, cell in mine.items() if start_ms <= key[0] * 1_000 < end_ms}
    utc = {key: cell for key, cell in mine.items() if utc_ms <= key[0] * 1_000 < utc_ms + DAY_MS}
    sums_of_day = Day(
        sums(added(whole.values()), open_now),
        None if utc_ms == start_ms else sums(added(utc.values())),
        {int(key): sums(cell) for key, cell in _by(local, lambda key: str(key[0])).items()},
        {key: sums(cell) for key, cell in _by(whole, lambda key: key[2]).items()},
        {key: sums(cell) for key, cell in _by(whole, lambda key: key[1]).items()},
    )
    return str(day), formulas.candidates(sums_of_day, asked), zone.name


def _chosen(wanted: tuple[str | None, str | None, str | None]) -> Chosen:
    return lambda *dimensions: all(want in (None, has) for want, has in zip(wanted, dimensions, strict=True))


def _by(cells: Cells, of: Callable[[tuple[int, str, str, str]], str]) -> dict[str, Cell]:
    groups: dict[str, list[Cell]] = defaultdict(list)
    for key, cell in cells.items():
        groups[of(key)].append(cell)
    return {name: added(group) for name, group in groups.items()}
