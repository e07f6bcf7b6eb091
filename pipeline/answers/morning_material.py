"""What a morning report is made from, and what its sections share: words, titles, sums by kind of channel."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from msgspec import Struct

from pipeline.answers import speech
from pipeline.answers.report import Row, Value
from pipeline.answers.speech import Language
from pipeline.answers.sums import added, formula, sums
from pipeline.core.cells import Cell
from pipeline.core.rules import Rulebook
from schemas.catalogue import title
from schemas.vocabulary import UNKNOWN, ChannelKind

Dimensions = tuple[str, str, str]
Cells = Mapping[Dimensions, Cell]
"""(channel, queue, segment) -> cell."""


class Beyond(Struct, frozen=True):
    """A contact beyond its target. `ended_ms` None: nothing has ended it yet."""

    contact_id: str
    channel: str
    queue: str
    outcome: str
    began_ms: int
    ended_ms: int | None
    limit_ms: int | None


class Kept(Struct, frozen=True):
    """Promises of one kind that were due on the day. `pending`: open, and not due yet (the day is not over)."""

    kind: str
    due: int
    kept: int
    late: int
    broken: int
    pending: int = 0


class AtRisk(Struct, frozen=True):
    """A customer with reasons to leave, the last of which came up on the day."""

    customer_id: str
    reasons: list[str]
    contact_ids: list[str]


class Risk(Struct, frozen=True):
    """Customers at risk: how many in all, by reason, and those of the day; and how many silent ones of the day.
    `until_ms`: the end of the 30 days looked at, which is not the day's where an earlier day is reported.
    """

    total: int
    by_reason: dict[str, int]
    new: list[AtRisk]
    silent: int
    until_ms: int


class Material(Struct, frozen=True):
    """Everything a report is made from. `earlier` is the same weekday a week before, `days` the last two weeks. Of
    contacts the worst few. `promises` and `risk` None: this warehouse cannot tell. `final_day`: the newest day
    whose first-contact resolution is final, with its cells and those of a week before it; None without one.
    """

    day: int
    now_ms: int
    data_until_ms: int | None
    cells: Cells
    earlier: Cells
    hours: Mapping[int, Cells]
    days: Mapping[int, Cells]
    undecided: Mapping[Dimensions, Mapping[str, int]]
    waits: list[Beyond]
    replies: list[Beyond]
    promises: list[Kept] | None
    risk: Risk | None
    final_day: int | None
    final_cells: Cells
    final_earlier: Cells


class Making:
    """A day under way to its report, in one language."""

    def __init__(self, of: Material, rulebook: Rulebook, lang: Language) -> None:
        self.of, self.rulebook, self.lang = of, rulebook, lang
        self.zone = rulebook.zone
        self.headline = rulebook.settings.headline_service_level

    def say(self, english: str, german: str) -> str:
        """The sentence in the report's language."""
        return german if self.lang == "de" else english

    def kind(self, channel: str) -> ChannelKind:
        """Live or deferred."""
        return self.rulebook.kind(channel) or "deferred"

    def chosen(self, cells: Cells, kind: ChannelKind) -> Cells:
        """The cells of live channels, or of deferred ones."""
        return {key: cell for key, cell in cells.items() if self.kind(key[0]) == kind}

    def sums(self, cells: Cells, *, today: bool = False) -> dict[str, int]:
        """Their sums. `today`: with those who are neither hit nor miss yet."""
        more: dict[str, int] = defaultdict(int)
        for dimensions, counts in self.of.undecided.items() if today else ():
            if dimensions in cells:
                for name, n in counts.items():
                    more[name] += n
        return sums(added(cells.values()), more)

    def promises_due(self) -> int:
        """Promises of the day that have become due: those of later today are neither kept nor broken."""
        return self.sums(self.of.cells)["promises_due"] - sum(each.pending for each in self.of.promises or ())

    def queue(self, name: str) -> str:
        """A queue as people call it."""
        if name == UNKNOWN:
            return self.say("(no queue)", "(ohne Warteschlange)")
        return title(self.rulebook.catalogue.queues.get(name, {}), name, self.lang)

    def channel(self, name: str) -> str:
        """A channel as people call it."""
        entry = self.rulebook.catalogue.channels.get(name)
        return name if entry is None else title(entry.titles, name, self.lang)

    def by_queue(self, cells: Cells) -> dict[str, Cells]:
        """The cells of each queue."""
        found: dict[str, dict[Dimensions, Cell]] = defaultdict(dict)
        for key, cell in cells.items():
            found[key[1]][key] = cell
        return dict(found)

    def last_week(self) -> str:
        """The day compared with."""
        day = date.fromordinal(self.of.day) - timedelta(days=7)
        return f"{speech.weekday(day, self.lang)} {speech.day(day, self.lang)}"


def change(now: float | None, before: float | None) -> float | None:
    """The difference; None where one of both is missing."""
    return None if now is None or before is None else now - before


def formula_words(name: str) -> str:
    """`sl_net = answered_in_target / (offered - abandoned_short)`: the formula with its name."""
    of = formula(name)
    below = of.below.replace(" - undecided", "").replace(" - responses_undecided", "")
    return f"{name} = {of.above} / {f'({below})' if ' ' in below else below}"


def by_queue(
    making: Making, cells: Cells, earlier: Cells, values: Callable[[Cells, Cells], tuple[Value, ...]], *any_of: str
) -> list[Row]:
    """A row per queue that has any of these measures, the one with most of the last of them first, and their total."""
    mine, theirs = making.by_queue(cells), making.by_queue(earlier)
    counted = {name: making.sums(of) for name, of in mine.items()}
    some = [name for name, of in counted.items() if any(of[measure] for measure in any_of)]
    names = sorted(some, key=lambda name: (-counted[name][any_of[-1]], name))
    rows = [Row(name, making.queue(name), values(mine[name], theirs.get(name, {}))) for name in names]
    if len(rows) > 1:
        rows.append(Row("", making.say("all", "alle"), values(cells, earlier), is_total=True))
    return rows
