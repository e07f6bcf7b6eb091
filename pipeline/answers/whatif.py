"""What if other targets had been in force: service levels of stored history under two catalogues.

Contacts whose state is kept are derived anew under both, which is exact. Of those whose state is gone (older than the
retention) the cells and histograms remain: what stood in their cells and is not explained by the contacts at hand.
There a target on the clock can be judged to within a bucket, a target in open time not at all; the answer is a range.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

import msgspec
from msgspec import Struct

from pipeline.answers import sums as summed
from pipeline.core import view
from pipeline.core.cells import Cell, add, take
from pipeline.core.contact import Contact
from pipeline.core.histogram import bounds
from pipeline.core.measure import Columns
from pipeline.core.response import deadline_ms
from pipeline.core.rules import Rulebook, Rules
from pipeline.measures import ALL
from schemas.catalogue import Catalogue, TargetEntry

_WAITING: Final = ("offered", "answered", "abandoned", "abandoned_short", "answered_in_target", "abandoned_in_target",
                   "wait_ms", "patience_ms")  # fmt: skip
_RESPONSE: Final = ("first_responses_due", "first_responses", "first_response_in_target", "first_response_ms")
COLUMNS: Final = Columns(measure for measure in ALL if measure.name in (*_WAITING, *_RESPONSE))
"""The measures that service levels are made of, counted by the very functions of the contact fold."""
_MOVING: Final = ("answered_in_target", "abandoned_in_target", "abandoned_short", "first_response_in_target")
"""What other targets change."""

Level = Literal["waiting", "response"]
Place = tuple[int, str, str, str]
"""(start of the local day in seconds, channel, queue, segment)."""


class Outcome(Struct):
    """Sums of one place: under the old catalogue, and under the new one at least (`low`) and at most (`high`)."""

    old: dict[str, int]
    low: dict[str, int]
    high: dict[str, int]
    inexact: int = 0
    """Contacts whose state is gone and that the histograms cannot judge alone."""


class Row(Struct, frozen=True):
    """One line of the answer: a service level before and after. `new_low` < `new_high` where it is not exact."""

    level: Level
    queue: str
    day_s: int | None
    contacts: int
    old: float | None
    new_low: float | None
    new_high: float | None
    inexact: int

    @property
    def exact(self) -> bool:
        """Whether the new service level is one number."""
        return self.new_low == self.new_high


def undated(catalogue: Catalogue) -> Catalogue:
    """The catalogue with its newest targets and calendars in force always: what would have been, had they been."""
    newest: dict[tuple[object, ...], TargetEntry] = {}
    for entry in sorted(catalogue.targets, key=lambda entry: entry.valid_from_ms or -1):
        newest[entry.what, entry.channel, entry.queue, entry.segment] = entry
    opened = {}
    for opening in sorted(catalogue.opening_hours, key=lambda entry: entry.valid_from_ms or -1):
        opened[opening.channel, opening.queue] = opening
    return msgspec.structs.replace(
        catalogue,
        targets=tuple(msgspec.structs.replace(entry, valid_from_ms=None) for entry in newest.values()),
        opening_hours=tuple(msgspec.structs.replace(entry, valid_from_ms=None) for entry in opened.values()),
    )


class Question:
    """Two catalogues and a period [from_ms, to_ms); `count` contacts into it, then ask for `outcomes`."""

    def __init__(self, old: Rulebook, new: Rulebook, from_ms: int, to_ms: int, now_ms: int) -> None:
        self._old, self._new = old, new
        self._from_ms, self._to_ms, self._now_ms = from_ms, to_ms, now_ms
        self._counted: dict[Place, tuple[Cell, Cell]] = defaultdict(lambda: ({}, {}))
        self._open: dict[Place, tuple[dict[str, int], dict[str, int]]] = defaultdict(lambda: ({}, {}))

    def count(self, found: Iterable[Contact]) -> None:
        """Derive these contacts under both catalogues."""
        for contact in found:
            for which, rulebook in enumerate((self._old, self._new)):
                seen = view.view(contact, rulebook)
                for (window_s, *place), cell in view.contribution(seen, COLUMNS).items():
                    if self._from_ms <= window_s * 1_000 < self._to_ms:
                        add(self._counted[self._at(window_s * 1_000, place)][which], cell)
                for name, at_ms in _undecided(seen, self._now_ms):
                    if self._from_ms <= at_ms < self._to_ms:
                        line = seen.timeline
                        counts = self._open[self._at(at_ms, [line.channel, line.queue, line.segment])][which]
                        counts[name] = counts.get(name, 0) + 1

    def _at(self, at_ms: int, place: list[str]) -> Place:
        channel, queue, segment = place
        return self._old.zone.day_start_ms(at_ms) // 1_000, channel, queue, segment

    def outcomes(self, stored: Mapping[Place, Cell]) -> dict[Place, Outcome]:
        """Sums by place. `stored`: the cells of the period's days; the contacts counted explain most of them."""
        found: dict[Place, Outcome] = {}
        for place in sorted(self._counted.keys() | stored.keys()):
            old, new = self._counted[place]
            open_old, open_new = self._open[place]
            rest = dict(stored.get(place, {}))
            take(rest, old)
            outcome = Outcome(summed.sums(old, open_old), summed.sums(new, open_new), summed.sums(new, open_new))
            gone = {name: n for name, n in summed.sums(rest).items() if n and name in (*_WAITING, *_RESPONSE)}
            if any(n > 0 for n in gone.values()):
                self._estimate(outcome, gone, rest, place)
            if any(outcome.old[name] for name in ("offered", "first_responses_due")):
                found[place] = outcome
        return found

    def _estimate(self, outcome: Outcome, gone: Mapping[str, int], rest: Cell, place: Place) -> None:
        """Add what the cells alone tell of contacts that are gone."""
        day_s, channel, queue, segment = place
        end_ms = self._old.zone.start_of_ms(self._old.zone.ordinal(day_s * 1_000) + 1)
        before, after = (
            _rules(rulebook, channel, queue, segment, day_s * 1_000, end_ms) for rulebook in (self._old, self._new)
        )
        same_short = self._old.settings.abandoned_short_ms == self._new.settings.abandoned_short_ms
        for into in (outcome.old, outcome.low, outcome.high):
            for name, n in gone.items():
                if into is outcome.old or name not in _MOVING:
                    into[name] += n
        for name, histogram, total, limit in (
            ("answered_in_target", "wait_ms", "answered", _wait_limit(before, after)),
            ("abandoned_in_target", "patience_ms", "abandoned", _wait_limit(before, after)),
            (
                "abandoned_short",
                "patience_ms",
                "abandoned",
                _SAME if same_short else self._new.settings.abandoned_short_ms,
            ),
            ("first_response_in_target", "first_response_ms", "first_responses", _response_limit(before, after)),
        ):
            low, high = _judged(gone, rest, name, histogram, total, limit)
            outcome.low[name] += low
            outcome.high[name] += high
            outcome.inexact += high - low


_SAME: Final = -1
"""The limit did not change: what is stored holds."""
_NOT_TOLD: Final = -2
"""The histogram cannot tell: it is of clock time, or the limit changed within the day."""


def _judged(
    gone: Mapping[str, int], rest: Cell, name: str, histogram: str, total: str, limit: int | None
) -> tuple[int, int]:
    """At least and at most so many within the limit. None: no target, so nothing is in it."""
    if limit == _SAME:
        return gone.get(name, 0), gone.get(name, 0)
    if limit is None:
        return 0, 0
    if limit == _NOT_TOLD:
        return 0, max(gone.get(total, 0), 0)
    low = high = 0
    for index, n in summed.histogram(rest, histogram).items():
        first, beyond = bounds(index)
        low += n if beyond - 1 <= limit else 0
        high += n if first <= limit else 0
    return max(low, 0), max(high, 0)


def _rules(rulebook: Rulebook, channel: str, queue: str, segment: str, from_ms: int, to_ms: int) -> Rules | None:
    """What holds there the whole day; None if that changes within it, or the channel is not known."""
    if rulebook.kind(channel) is None:
        return None
    first, last = (rulebook.rules(channel, queue, segment, at_ms) for at_ms in (from_ms, to_ms - 1))
    return first if _promised(first) == _promised(last) else None


def _promised(rules: Rules) -> tuple[object, ...]:
    return rules.wait_target_ms, rules.response_target, None if rules.calendar is None else rules.calendar.name


def _wait_limit(before: Rules | None, after: Rules | None) -> int | None:
    if before is None or after is None or before.kind != after.kind:
        return _NOT_TOLD
    return _SAME if before.wait_target_ms == after.wait_target_ms else after.wait_target_ms


def _response_limit(before: Rules | None, after: Rules | None) -> int | None:
    if before is None or after is None:
        return _NOT_TOLD
    if after.response_target is None:
        return None if before.response_target is not None else _SAME
    on_clock = after.response_target.unit == "clock" or (
        after.calendar is None and after.response_target.unit == "open"
    )
    if before.response_target == after.response_target and (on_clock or before.calendar is after.calendar is None):
        return _SAME
    return after.response_target.amount if on_clock else _NOT_TOLD


def _undecided(seen: view.View, now_ms: int) -> Iterator[tuple[str, int]]:
    """Neither hit nor miss yet, and since when."""
    wait = seen.wait
    target_ms = None if wait is None or wait.ended_ms is not None else wait.target_ms
    if wait is not None and target_ms is not None and wait.began_ms + target_ms >= now_ms:
        yield "undecided", wait.began_ms
    first = seen.clocks[0] if seen.clocks else None
    if first is not None and first.running:
        due_ms = deadline_ms(seen.timeline, first)
        if due_ms is not None and due_ms >= now_ms:
            yield "responses_undecided", first.began_ms


_LEVELS: Final[tuple[tuple[Level, str], ...]] = (("waiting", "offered"), ("response", "first_responses_due"))


def rows(outcomes: Mapping[Place, Outcome], formula: str, *, by_day: bool) -> list[Row]:
    """Waiting by `formula` and first replies by `sl_response`: by queue (and day), then all queues together."""
    grouped: dict[tuple[Level, str, int | None], Outcome] = {}
    for (day_s, _, queue, _), outcome in outcomes.items():
        for level, due in _LEVELS:
            if not outcome.old[due]:
                continue
            for key in {(level, queue, day_s if by_day else None), (level, "", None)}:
                into = grouped.setdefault(key, Outcome({}, {}, {}))
                for ours, theirs in ((into.old, outcome.old), (into.low, outcome.low), (into.high, outcome.high)):
                    add_named(ours, theirs)
                into.inexact += outcome.inexact
    return [_row(key, outcome, formula) for key, outcome in sorted(grouped.items(), key=lambda item: _order(item[0]))]


def add_named(into: dict[str, int], more: Mapping[str, int]) -> None:
    """into += more."""
    for name, n in more.items():
        into[name] = into.get(name, 0) + n


def _order(key: tuple[Level, str, int | None]) -> tuple[bool, bool, str, int]:
    level, queue, day_s = key
    return level == "response", queue == "", queue, day_s or 0


def _row(key: tuple[Level, str, int | None], outcome: Outcome, formula: str) -> Row:
    level, queue, day_s = key
    name = formula if level == "waiting" else "sl_response"
    due = outcome.old["offered" if level == "waiting" else "first_responses_due"]
    return Row(
        level, queue, day_s, due, summed.ratio(name, outcome.old), summed.ratio(name, outcome.low),
        summed.ratio(name, outcome.high), outcome.inexact,
    )  # fmt: skip
