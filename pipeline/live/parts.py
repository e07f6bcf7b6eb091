"""What the live values of a place are made of, so that places and workers can be put together: sums, maxima and
histograms, never means or lists that grow with the number of contacts.

A place is a (channel, queue). Parts of several are merged first and turned into numbers afterwards. Laws of `merge`:
associative, commutative, an empty one changes nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field

from pipeline.core.cells import Cell, add
from pipeline.core.histogram import bucket, quantile
from pipeline.core.measure import column_key
from pipeline.live.judged import Outcomes, judged
from pipeline.live.summary import Fcr, Numbers, WindowNumbers
from pipeline.measures import ALL
from schemas.catalogue import ServiceLevel
from schemas.vocabulary import PromiseKind

Place = tuple[str, str]
"""(channel, queue)."""

ANSWERS_WINDOW_MS: Final = 30 * 60_000
SOON_MS: Final = 30 * 60_000
"""What is due within it is due soon."""
LINE_MOST: Final = 50
"""So many of those waiting within target in a queue are known one by one."""
InLine = tuple[int, str, int]
"""Somebody who waits: since when, in which contact, and until when it is within target (ms)."""
_BUCKETS: Final = 1 << 16


def _column(name: str) -> int:
    """The number of a measure's column. Raises KeyError for a name no measure has."""
    return _COLUMNS[name]


_COLUMNS: Final = {measure.name: measure.key for measure in ALL}
_OFFERED: Final = _column("offered")
_ANSWERED: Final = _column("answered")
_ANSWERED_QUEUED: Final = _column("answered_queued")
_ABANDONED: Final = _column("abandoned")
_ABANDONED_SHORT: Final = _column("abandoned_short")
_ANSWERED_IN_TARGET: Final = _column("answered_in_target")
_ABANDONED_IN_TARGET: Final = _column("abandoned_in_target")
_RETURNED: Final = _column("abandoned_returned")
_WAIT: Final = _column("wait_ms")
_DUE: Final = _column("first_responses_due")
_FIRST: Final = _column("first_responses")
_FIRST_IN_TARGET: Final = _column("first_response_in_target")
_REPLIES: Final = _COLUMNS.get("replies")
_JUDGED: Final = _column("estimates_judged")
_ERROR: Final = _column("estimate_error_ms")
_PARTS: Final = {
    name: _column(name)
    for name in (
        "answered",
        "answered_in_target",
        "answered_queued",
        "abandoned",
        "abandoned_in_target",
        "abandoned_returned",
        "abandoned_short",
        "first_response_in_target",
        "first_response_ms",
        "first_responses",
        "first_responses_due",
        "offered",
        "wait_ms",
    )
}
_WAIT_BUCKETS: Final = column_key("wait_ms_buckets")
_FIRST_BUCKETS: Final = column_key("first_response_ms_buckets")


class WindowParts(Struct):
    """One window: the cells of both folds summed up, and who waits within target still."""

    cell: Cell = field(default_factory=dict)
    undecided: int = 0
    first_undecided: int = 0

    def merge(self, other: "WindowParts") -> None:
        """Take in another place's window."""
        self.cell = _sum(self.cell, other.cell)
        self.undecided += other.undecided
        self.first_undecided += other.first_undecided


class Waiting(Struct):
    """Those who wait for something: how many, the longest, and a histogram of how long."""

    count: int = 0
    longest_ms: int = 0
    ages: dict[int, int] = field(default_factory=dict)

    def see(self, age_ms: int) -> None:
        """One more."""
        self.count += 1
        self.longest_ms = max(self.longest_ms, age_ms)
        add(self.ages, {bucket(age_ms): 1})

    def merge(self, other: "Waiting") -> None:
        """Take in others."""
        self.count += other.count
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        self.ages = _sum(self.ages, other.ages)

    def percentile_ms(self, percent: int) -> int | None:
        """Nearest rank, at most 6.25 % too high and never beyond the longest; None where nobody waits.

        >>> crowd = Waiting()
        >>> for age_ms in (1_000, 5, 9):
        ...     crowd.see(age_ms)
        >>> crowd.percentile_ms(50), crowd.percentile_ms(90)
        (9, 1000)
        """
        age_ms = quantile(self.ages, percent)
        return None if age_ms is None else min(age_ms, self.longest_ms)


class Parts(Struct):
    """One place. `waiting` without the `stale`; `unanswered` on the clock, `unanswered_open` in opening hours where a
    calendar applies; `resolution` by the local day (its start in seconds) of the first closing: (eligible, resolved);
    `used` says how much a name occurs (today, ever). `line`: the first of those waiting within target, the longest
    first; `will_miss`: how many of them will miss it, once somebody has looked (`foresee`).
    """

    waiting: Waiting = field(default_factory=Waiting)
    stale: int = 0
    overdue: int = 0
    in_conversation: int = 0
    unanswered: Waiting = field(default_factory=Waiting)
    unanswered_open: Waiting = field(default_factory=Waiting)
    unanswered_overdue: int = 0
    unanswered_target_permille: int = -1
    answers: int = 0
    replies: int = 0
    recent: WindowParts = field(default_factory=WindowParts)
    today: WindowParts = field(default_factory=WindowParts)
    resolution: dict[int, tuple[int, int]] = field(default_factory=dict)
    used: tuple[int, int] = (0, 0)
    outcomes: Outcomes = field(default_factory=dict)
    line: list[InLine] = field(default_factory=list)
    will_miss: int = 0
    responses_due_soon: int = 0
    promises_overdue: dict[PromiseKind, int] = field(default_factory=dict)
    promises_due_soon: dict[PromiseKind, int] = field(default_factory=dict)

    def merge(self, other: "Parts") -> None:
        """Take in another place."""
        self.waiting.merge(other.waiting)
        self.stale += other.stale
        self.overdue += other.overdue
        self.in_conversation += other.in_conversation
        self.unanswered.merge(other.unanswered)
        self.unanswered_open.merge(other.unanswered_open)
        self.unanswered_overdue += other.unanswered_overdue
        self.unanswered_target_permille = max(self.unanswered_target_permille, other.unanswered_target_permille)
        self.answers += other.answers
        self.replies += other.replies
        self.recent.merge(other.recent)
        self.today.merge(other.today)
        for day_s, pair in other.resolution.items():
            self.resolution[day_s] = _plus(self.resolution.get(day_s, (0, 0)), pair)
        self.used = _plus(self.used, other.used)
        for key, pair in other.outcomes.items():
            self.outcomes[key] = _plus(self.outcomes.get(key, (0, 0)), pair)
        self.line = in_line([*self.line, *other.line])
        self.will_miss += other.will_miss
        self.responses_due_soon += other.responses_due_soon
        for kind, n in other.promises_overdue.items():
            self.promises_overdue[kind] = self.promises_overdue.get(kind, 0) + n
        for kind, n in other.promises_due_soon.items():
            self.promises_due_soon[kind] = self.promises_due_soon.get(kind, 0) + n


class Cohorts(Struct, frozen=True):
    """The local days (by first closing) of the two resolution figures, each as [from, to) in seconds."""

    provisional: tuple[int, int]
    confirmed: tuple[int, int]


def _sum(into: Cell, cell: Cell) -> Cell:
    """Both added up, in the first one unless that is empty; the second stays as it is."""
    if not into:
        return dict(cell)
    add(into, cell)
    return into


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def merged(parts: Iterable[Parts]) -> Parts:
    """Several places as one; none of them is changed."""
    found = Parts()
    for part in parts:
        found.merge(part)
    return found


def in_line(waiting: list[InLine]) -> list[InLine]:
    """The longest first, as many as are known one by one."""
    return waiting if len(waiting) <= 1 else sorted(waiting)[:LINE_MOST]


def expected_wait_ms(waiting: int, answers: int) -> int | None:
    """What somebody who joins the queue now has to expect: position x recent time between answers.

    Position = waiting + 1; time between answers = 30 min / stays in the queue begun in the last 30 min and answered.
    With nobody waiting somebody is taken to be free: 0. None where nobody was answered, since nothing is known then.

    >>> expected_wait_ms(3, 60)
    120000
    """
    if answers <= 0:
        return None
    return 0 if waiting == 0 else (waiting + 1) * ANSWERS_WINDOW_MS // answers


def ratio(part: int, whole: int) -> float | None:
    """part / whole; None where there is nothing to divide by."""
    return part / whole if whole > 0 else None


def service_levels(cell: Mapping[int, int], undecided: int) -> dict[ServiceLevel, float | None]:
    """The five formulas. Who waits within target still is neither hit nor miss: not in any denominator."""
    offered = cell.get(_OFFERED, 0) - undecided
    hits, quick = cell.get(_ANSWERED_IN_TARGET, 0), cell.get(_ABANDONED_IN_TARGET, 0)
    return {
        "sl_offered": ratio(hits, offered),
        "sl_net": ratio(hits, offered - cell.get(_ABANDONED_SHORT, 0)),
        "sl_without_quick": ratio(hits, offered - quick),
        "sl_answered": ratio(hits, cell.get(_ANSWERED, 0)),
        "sl_connect": ratio(hits + quick, offered),
    }


def _buckets(cell: Mapping[int, int], *bases: int) -> tuple[dict[int, int], ...]:
    """The histograms that begin at these numbers, in one look at the cell."""
    found: dict[int, dict[int, int]] = {base: {} for base in bases}
    for number, n in cell.items():
        base = number // _BUCKETS * _BUCKETS
        if base in found:
            found[base][number - base] = n
    return tuple(found.values())


def _mean_ms(cell: Mapping[int, int], total: int, count: int) -> int | None:
    n = cell.get(count, 0)
    return cell.get(total, 0) // n if n > 0 else None


def window_numbers(parts: WindowParts) -> WindowNumbers:
    """Parts of a window turned into its numbers."""
    cell = parts.cell
    waits, firsts = _buckets(cell, _WAIT_BUCKETS, _FIRST_BUCKETS)
    due = cell.get(_DUE, 0)
    return WindowNumbers(
        offered=cell.get(_OFFERED, 0),
        answered=cell.get(_ANSWERED, 0),
        abandoned=cell.get(_ABANDONED, 0),
        undecided=parts.undecided,
        service_levels=service_levels(cell, parts.undecided),
        abandon_ratio=ratio(cell.get(_ABANDONED, 0), cell.get(_OFFERED, 0)),
        asa_ms=_mean_ms(cell, _WAIT, _ANSWERED),
        asa_queued_ms=_mean_ms(cell, _WAIT, _ANSWERED_QUEUED),
        wait_p50_ms=quantile(waits, 50),
        wait_p90_ms=quantile(waits, 90),
        wait_p95_ms=quantile(waits, 95),
        first_responses_due=due,
        first_responses=cell.get(_FIRST, 0),
        first_responses_undecided=parts.first_undecided,
        first_response_in_target_ratio=ratio(cell.get(_FIRST_IN_TARGET, 0), due - parts.first_undecided),
        first_response_p50_ms=quantile(firsts, 50),
        first_response_p90_ms=quantile(firsts, 90),
        estimates_judged=cell.get(_JUDGED, 0),
        estimate_error_mean_ms=_mean_ms(cell, _ERROR, _JUDGED),
        parts={name: n for name, key in _PARTS.items() if (n := cell.get(key, 0))},
    )


def numbers(parts: Parts, cohorts: Cohorts | None) -> Numbers:
    """Parts turned into numbers. Without `cohorts` (the customers are not known) what only they can tell is None."""
    waiting, unanswered = parts.waiting, parts.unanswered
    today = parts.today.cell
    return Numbers(
        waiting_now=waiting.count,
        waiting_stale=parts.stale,
        longest_wait_ms=waiting.longest_ms,
        waiting_age_p50_ms=waiting.percentile_ms(50),
        waiting_age_p90_ms=waiting.percentile_ms(90),
        expected_wait_ms=expected_wait_ms(waiting.count, parts.answers),
        overdue_now=parts.overdue,
        in_conversation_now=parts.in_conversation,
        unanswered_now=unanswered.count,
        unanswered_overdue_now=parts.unanswered_overdue,
        oldest_unanswered_ms=unanswered.longest_ms,
        oldest_unanswered_open_ms=parts.unanswered_open.longest_ms if parts.unanswered_open.count else None,
        replies_last_hour=None if _REPLIES is None else parts.replies,
        not_called_back_today=None if cohorts is None else today.get(_ABANDONED, 0) - today.get(_RETURNED, 0),
        recent=window_numbers(parts.recent),
        today=window_numbers(parts.today),
        fcr_provisional=None if cohorts is None else _fcr(parts.resolution, cohorts.provisional),
        fcr_confirmed=None if cohorts is None else _fcr(parts.resolution, cohorts.confirmed),
        will_miss_target_now=parts.will_miss,
        responses_due_soon=parts.responses_due_soon,
        promises_due_soon=sum(parts.promises_due_soon.values()),
        promises_overdue_now=sum(parts.promises_overdue.values()),
        promises_due_soon_by_kind=dict(sorted(parts.promises_due_soon.items())),
        promises_overdue_by_kind=dict(sorted(parts.promises_overdue.items())),
        judged=tuple(judged(parts.outcomes)),
        unanswered_target_permille=None if parts.unanswered_target_permille < 0 else parts.unanswered_target_permille,
    )


def _fcr(resolution: Mapping[int, tuple[int, int]], days_s: tuple[int, int]) -> Fcr:
    eligible = resolved = 0
    for day_s, pair in resolution.items():
        if days_s[0] <= day_s < days_s[1]:
            eligible, resolved = eligible + pair[0], resolved + pair[1]
    return Fcr(eligible, resolved, ratio(resolved, eligible))
