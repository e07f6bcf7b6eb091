"""The last hours, and the same weekday last week up to the same time of day: what the page sets beside the live values.
Pure: rows of the warehouse in, numbers and lines for plots out.

A number is compared with the one that was counted the same way: so much of the day, the same local time, resolution at
the same age. What was not known then is None.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec import Struct

from pipeline.core.cells import Cell, add
from pipeline.core.rules import Rulebook
from pipeline.core.zone import DAY_MS, HOUR_MS, Zone
from pipeline.live.parts import Place, ratio, service_levels
from pipeline.live.summary import Fcr
from pipeline.measures import ALL
from schemas.vocabulary import ChannelKind

LookedBack = Literal["now", "week_ago"]
LineName = Literal["waiting", "unanswered", "offered", "service_level", "messages", "replies"]

MINUTE_S: Final = 60
BIN_S: Final = 900
SPAN_S: Final = 4 * 3_600
"""How far back the plots go."""
AHEAD_S: Final = 3_600
"""How far last week's line goes on: what is to be expected next."""
_COLUMNS: Final = {measure.name: measure.key for measure in ALL}
SUMMED: Final = (
    "offered",
    "answered",
    "abandoned",
    "abandoned_short",
    "answered_in_target",
    "abandoned_in_target",
    "first_responses_due",
    "first_responses",
    "first_response_in_target",
    "first_response_ms",
    "replies",
    "promises_due",
    "promises_kept",
)
"""Measures that are asked for."""
_KINDS: Final[tuple[ChannelKind, ...]] = ("live", "deferred")
KEYS: Final[Mapping[int, str]] = {_COLUMNS[name]: name for name in SUMMED if name in _COLUMNS}


class Then(Struct, frozen=True):
    """How it stood in one place at this local time last week. `unanswered`: first messages without a reply."""

    waiting: int = 0
    longest_wait_ms: int = 0
    unanswered: int = 0
    oldest_unanswered_ms: int = 0
    promises_overdue: int = 0

    def plus(self, other: "Then") -> "Then":
        """Two places, or two readings of one, together."""
        return Then(
            self.waiting + other.waiting,
            max(self.longest_wait_ms, other.longest_wait_ms),
            self.unanswered + other.unanswered,
            max(self.oldest_unanswered_ms, other.oldest_unanswered_ms),
            self.promises_overdue + other.promises_overdue,
        )


class Spans(Struct, frozen=True):
    """What is asked for at `now_ms`; all in seconds, [from, to). `edge_s`: where the bins of the plots begin."""

    now_ms: int
    week_ago_ms: int
    edge_s: int
    edge_week_ago_s: int
    day_week_ago_s: int
    provisional_week_ago: tuple[int, int]
    confirmed_week_ago: tuple[int, int]

    def bins(self, looked_back: LookedBack) -> tuple[int, int]:
        """The span of the plots; last week's goes an hour further."""
        if looked_back == "now":
            return self.edge_s, self.now_ms // 1_000
        return self.edge_week_ago_s, self.week_ago_ms // 1_000 + AHEAD_S


class Known(Struct):
    """What the warehouse said. `bins`: cells by place and start; `steps`: who came and went by place and minute, for
    the two lines of people; `day`: last week's day so far; `eligible`: (eligible, resolved) of the two cohorts a week
    ago, the provisional one as it was known then.
    """

    spans: Spans
    bins: dict[tuple[LookedBack, int, Place], Cell]
    steps: dict[tuple[LookedBack, Literal["waiting", "unanswered"], Place], dict[int, int]]
    day: dict[Place, Cell]
    then: dict[Place, Then]
    provisional: dict[Place, tuple[int, int]]
    confirmed: dict[Place, tuple[int, int]]


class Line(Struct, frozen=True):
    """One line of a plot: values every `step_ms` from `from_ms` on. None: nothing to divide by."""

    name: LineName
    from_ms: int
    step_ms: int
    values: tuple[float | None, ...]
    week_ago: tuple[float | None, ...]


class WeekAgo(Struct, frozen=True):
    """Last week's numbers of one kind of channels at this time of day. None: nothing was counted that day."""

    waiting_now: int
    longest_wait_ms: int
    offered: int
    service_level: float | None
    abandon_ratio: float | None
    unanswered_now: int
    oldest_unanswered_ms: int
    first_responses_due: int
    first_response_in_target_ratio: float | None
    fcr_provisional: Fcr | None
    fcr_confirmed: Fcr | None
    promises_overdue_now: int


class KindPast(Struct, frozen=True):
    """The past of one kind of channels."""

    kind: ChannelKind
    week_ago: WeekAgo | None
    lines: tuple[Line, ...]


class Past(Struct, frozen=True):
    """All of it. `at_ms`: when the warehouse was asked; `week_ago_ms`: the moment it is compared with."""

    at_ms: int
    week_ago_ms: int
    kinds: tuple[KindPast, ...]


def week_ago_ms(zone: Zone, at_ms: int) -> int:
    """The same local time a week earlier.

    >>> zone = Zone("Europe/Berlin")
    >>> week_ago_ms(zone, 1_774_951_200_000) - (1_774_951_200_000 - 7 * DAY_MS)  # the clock was changed in between
    3600000
    """
    guess = at_ms - 7 * DAY_MS
    return guess + zone.offset_ms(at_ms) - zone.offset_ms(guess)


def spans(rulebook: Rulebook, now_ms: int) -> Spans:
    """What to ask for."""
    zone, settings = rulebook.zone, rulebook.settings
    ago_ms = week_ago_ms(zone, now_ms)
    edge_s = now_ms // 1_000 // BIN_S * BIN_S + BIN_S - SPAN_S
    days = -(-settings.follow_up_window_ms // DAY_MS)
    today = zone.ordinal(ago_ms)
    past = min(zone.ordinal(ago_ms - settings.follow_up_window_ms - settings.lateness_ms), today)
    return Spans(
        now_ms=now_ms,
        week_ago_ms=ago_ms,
        edge_s=edge_s,
        edge_week_ago_s=edge_s - (now_ms - ago_ms) // 1_000,
        day_week_ago_s=zone.day_start_ms(ago_ms) // 1_000,
        provisional_week_ago=(zone.start_of_ms(today - days + 1) // 1_000, zone.start_of_ms(today + 1) // 1_000),
        confirmed_week_ago=(zone.start_of_ms(past - days) // 1_000, zone.start_of_ms(past) // 1_000),
    )


def windows(from_s: int, to_s: int) -> list[tuple[int, int, int]]:
    """[from, to) as (seconds of resolution, from, to): hours where they fit, minutes at the edges.

    >>> windows(1_800, 7_260)
    [(60, 1800, 3600), (3600, 3600, 7200), (60, 7200, 7260)]
    """
    hour = HOUR_MS // 1_000
    first, last = -(-from_s // hour) * hour, to_s // hour * hour
    if first >= last:
        return [(MINUTE_S, from_s, to_s)] if from_s < to_s else []
    found = [(MINUTE_S, from_s, first), (hour, first, last), (MINUTE_S, last, to_s)]
    return [each for each in found if each[1] < each[2]]


def past(known: Known, rulebook: Rulebook, queues: Collection[str] = ()) -> Past:
    """Of these queues (none named: of all), by kind of channel."""
    kinds: list[KindPast] = []
    for kind in _KINDS:
        places = [
            place
            for place in _places(known)
            if (rulebook.kind(place[0]) or "deferred") == kind and (not queues or place[1] in queues)
        ]
        if places:
            lines = _live_lines if kind == "live" else _deferred_lines
            kinds.append(KindPast(kind, _week_ago(known, places, rulebook), tuple(lines(known, places, rulebook))))
    return Past(known.spans.now_ms, known.spans.week_ago_ms, tuple(kinds))


def _places(known: Known) -> list[Place]:
    found = {place for _, _, place in known.bins} | {place for _, _, place in known.steps}
    return sorted(found.union(known.day, known.then, known.provisional, known.confirmed))


def _live_lines(known: Known, places: Sequence[Place], rulebook: Rulebook) -> Iterable[Line]:
    formula = rulebook.settings.headline_service_level
    yield _people("waiting", known, places)
    yield _binned("offered", known, places, lambda cell: cell.get(_COLUMNS["offered"], 0))
    yield _binned("service_level", known, places, lambda cell: service_levels(cell, 0)[formula], begun=True)


def _deferred_lines(known: Known, places: Sequence[Place], _: Rulebook) -> Iterable[Line]:
    yield _people("unanswered", known, places)
    yield _binned("messages", known, places, lambda cell: cell.get(_COLUMNS["first_responses_due"], 0))
    yield _binned("replies", known, places, lambda cell: cell.get(_COLUMNS["replies"], 0))


def _people(name: Literal["waiting", "unanswered"], known: Known, places: Sequence[Place]) -> Line:
    """How many there were, minute by minute: who came minus who went, from the beginning on."""

    def line(looked_back: LookedBack) -> tuple[float | None, ...]:
        steps: dict[int, int] = {}
        for place in places:
            for minute_s, step in known.steps.get((looked_back, name, place), {}).items():
                steps[minute_s] = steps.get(minute_s, 0) + step
        from_s, to_s = known.spans.bins(looked_back)
        if looked_back == "week_ago" and not _was_anything(known, looked_back, places):
            return ()
        at, values = 0, []
        for minute_s in range(from_s, to_s - to_s % MINUTE_S + 1, MINUTE_S):
            at += steps.get(minute_s, 0)
            values.append(float(at))
        return tuple(values)

    return Line(name, known.spans.edge_s * 1_000, MINUTE_S * 1_000, line("now"), line("week_ago"))


def _binned(
    name: LineName, known: Known, places: Sequence[Place], read: Callable[[Cell], float | None], *, begun: bool = False
) -> Line:
    """A value for every quarter of an hour; `begun`: of the one that is not over, too (a count would seem to fall)."""

    def line(looked_back: LookedBack) -> tuple[float | None, ...]:
        from_s, to_s = known.spans.bins(looked_back)
        if looked_back == "week_ago" and not _was_anything(known, looked_back, places):
            return ()
        values = []
        for start_s in range(from_s, to_s if begun else to_s - BIN_S + 1, BIN_S):
            cell: Cell = {}
            for place in places:
                add(cell, known.bins.get((looked_back, start_s, place), {}))
            values.append(read(cell))
        return tuple(values)

    return Line(name, known.spans.edge_s * 1_000, BIN_S * 1_000, line("now"), line("week_ago"))


def _was_anything(known: Known, looked_back: LookedBack, places: Collection[Place]) -> bool:
    """Whether anything at all was counted then: without it there is no line, rather than one of zeros."""
    return any(back == looked_back and place in places and cell for (back, _, place), cell in known.bins.items())


def _week_ago(known: Known, places: Sequence[Place], rulebook: Rulebook) -> WeekAgo | None:
    cell: Cell = {}
    then = Then()
    for place in places:
        add(cell, known.day.get(place, {}))
        then = then.plus(known.then.get(place, Then()))
    if not cell:
        return None

    def sum_of(name: str) -> int:
        return cell.get(_COLUMNS[name], 0)

    return WeekAgo(
        waiting_now=then.waiting,
        longest_wait_ms=then.longest_wait_ms,
        offered=sum_of("offered"),
        service_level=service_levels(cell, 0)[rulebook.settings.headline_service_level],
        abandon_ratio=ratio(sum_of("abandoned"), sum_of("offered")),
        unanswered_now=then.unanswered,
        oldest_unanswered_ms=then.oldest_unanswered_ms,
        first_responses_due=sum_of("first_responses_due"),
        first_response_in_target_ratio=ratio(sum_of("first_response_in_target"), sum_of("first_responses_due")),
        fcr_provisional=_fcr(known.provisional, places),
        fcr_confirmed=_fcr(known.confirmed, places),
        promises_overdue_now=then.promises_overdue,
    )


def _fcr(cohort: Mapping[Place, tuple[int, int]], places: Iterable[Place]) -> Fcr | None:
    pairs = [cohort[place] for place in places if place in cohort]
    eligible, resolved = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    return Fcr(eligible, resolved, ratio(resolved, eligible)) if eligible else None
