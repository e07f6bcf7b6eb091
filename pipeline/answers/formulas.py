"""Which formula gave that number: every named ratio of a day, and how it is computed by mistake, nearest first."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from pipeline.answers.speech import Language
from pipeline.answers.sums import Sums, formula, ratio, terms, value

NAMES: Final = (
    "sl_offered", "sl_net", "sl_without_quick", "sl_answered", "sl_connect", "sl_response", "reachability", "fcr",
)  # fmt: skip

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "sl_offered": (
        "of all who were offered to us, who was answered within the target",
        "von allen, die auf einen Menschen warteten: wer im Ziel angenommen wurde",
    ),
    "sl_net": (
        "as sl_offered, but those who left at once (abandoned_short) are left out",
        "wie sl_offered, aber ohne alle, die gleich wieder auflegten (abandoned_short)",
    ),
    "sl_without_quick": (
        "as sl_offered, but those who left within the target are left out",
        "wie sl_offered, aber ohne alle, die innerhalb des Ziels aufgaben",
    ),
    "sl_answered": (
        "of the answered only: whoever gave up is not in it",
        "nur von den Angenommenen: wer aufgab, kommt nicht vor",
    ),
    "sl_connect": (
        "who left within the target counts as served",
        "wer innerhalb des Ziels aufgab, gilt als bedient",
    ),
    "sl_response": (
        "of first replies due in writing, which came within the target (the unanswered are in it)",
        "von den fälligen ersten Antworten auf Geschriebenes: welche im Ziel kamen (Unbeantwortetes zählt mit)",
    ),
    "reachability": (
        "who was answered or helped in self-service, of all who asked; no target is in it",
        "wer angenommen wurde oder im Selbstservice Hilfe fand, von allen Anfragen; ohne jedes Ziel",
    ),
    "fcr": (
        "first-contact resolution, no waiting time is in it",
        "Erstlösung; darin steckt keine Wartezeit",
    ),
}
VARIANTS: Final[Mapping[str, tuple[str, str]]] = {
    "": ("", ""),
    "undecided": (
        "those who wait within the target now counted as missed",
        "wer jetzt noch im Ziel wartet, zählt als verfehlt",
    ),
    "utc": ("of the day in UTC, not in {zone}", "des Tages in UTC statt in {zone}"),
    "hours": (
        "unweighted mean of the hours: a quiet hour counts as much as a busy one (not a number of touchline's)",
        "ungewichtetes Mittel der Stunden: eine ruhige zählt so viel wie eine volle (keine Zahl von touchline)",
    ),
    "queues": (
        "unweighted mean of the queues: a small one counts as much as a large one (not a number of touchline's)",
        "ungewichtetes Mittel der Warteschlangen: jede zählt gleich viel (keine Zahl von touchline)",
    ),
    "channel": ("channel {channel} only", "nur Kanal {channel}"),
}


class Candidate(Struct, frozen=True):
    """One way to a number: a named ratio, how it was varied, and its parts. `above` and `below` are '' for means."""

    name: str
    variant: str
    ratio: float
    above: str = ""
    below: str = ""
    channel: str = ""

    def words(self, lang: Language, zone: str) -> list[str]:
        """What it means, and how it is varied."""
        place = 1 if lang == "de" else 0
        varied = VARIANTS[self.variant][place].format(channel=self.channel, zone=zone)
        return [text for text in (WORDS[self.name][place], varied) if text]


class Day(Struct, frozen=True):
    """The sums of a day: as a whole, in UTC (None where that is the same), and by hour, queue and channel."""

    whole: Sums
    utc: Sums | None
    by_hour: Mapping[int, Sums]
    by_queue: Mapping[str, Sums]
    by_channel: Mapping[str, Sums]


def candidates(day: Day, asked: float) -> list[Candidate]:
    """Every way to a ratio on that day, the nearest to `asked` first; plain definitions before variants."""
    found = [each for name in NAMES for each in _of(name, day)]
    return sorted(found, key=lambda each: (abs(each.ratio - asked), each.variant != "", NAMES.index(each.name)))


def agrees(ratio_: float, asked: float, decimals: int) -> bool:
    """Whether it is the number asked for, as far as that was given: 84.0 percent is anything that rounds to it."""
    return abs(100 * ratio_ - 100 * asked) <= 0.5 * 10.0**-decimals + 1e-9


def _of(name: str, day: Day) -> Iterator[Candidate]:
    """The definition, and what differs from it of the ways people compute it otherwise."""
    plain = ratio(name, day.whole)
    yield from _plain(name, "", day.whole)
    for each in _variants(name, day):
        if each.ratio != plain:
            yield each


def _variants(name: str, day: Day) -> Iterator[Candidate]:
    late = "responses_undecided" if name == "sl_response" else "undecided"
    if late in formula(name).below:
        yield from _plain(name, "undecided", {**day.whole, late: 0})
    if day.utc is not None:
        yield from _plain(name, "utc", day.utc)
    if len(day.by_channel) > 1:
        for channel, of in sorted(day.by_channel.items()):
            for each in _plain(name, "channel", of):
                yield Candidate(each.name, each.variant, each.ratio, each.above, each.below, channel)
    yield from _mean(name, "hours", day.by_hour.values())
    yield from _mean(name, "queues", day.by_queue.values())


def _plain(name: str, variant: str, of: Sums) -> Iterator[Candidate]:
    found = ratio(name, of)
    if found is not None:
        yield Candidate(name, variant, found, _shown(formula(name).above, of), _shown(formula(name).below, of))


def _mean(name: str, variant: str, parts: Iterable[Sums]) -> Iterator[Candidate]:
    ratios = [found for of in parts if (found := ratio(name, of)) is not None]
    if len(ratios) > 1:
        yield Candidate(name, variant, sum(ratios) / len(ratios))


def _shown(expression: str, of: Sums) -> str:
    """The parts with their numbers: `offered 105 - abandoned_short 5 = 100`."""
    shown = [(sign, name) for sign, name in terms(expression) if of.get(name, 0) or not name.endswith("undecided")]
    text = "".join(
        f"{' - ' if sign < 0 else ' + ' if place else ''}{name} {of.get(name, 0)}"
        for place, (sign, name) in enumerate(shown)
    )
    return text if len(shown) == 1 else f"{text} = {value(expression, of)}"
