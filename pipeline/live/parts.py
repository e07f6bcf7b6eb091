"""What the live values of a place are made of, so that places can be put together: sums and lists, never means.

A place is a (channel, queue). Parts of several places are merged first and turned into numbers afterwards.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct, field

from pipeline.core.cells import Cell, add
from pipeline.core.histogram import quantile
from pipeline.core.measure import column_key
from pipeline.live.summary import Fcr, Numbers, WindowNumbers
from pipeline.measures import ALL
from schemas.catalogue import ServiceLevel

Place = tuple[str, str]
"""(channel, queue)."""

ANSWERS_WINDOW_MS: Final = 30 * 60_000
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
_WAIT_BUCKETS: Final = column_key("wait_ms_buckets")
_FIRST_BUCKETS: Final = column_key("first_response_ms_buckets")


class WindowParts(Struct):
    """One window: the cells of both folds summed up, and who waits within target still."""

    cell: Cell = field(default_factory=dict)
    undecided: int = 0
    first_undecided: int = 0

    def merge(self, other: "WindowParts") -> None:
        """Take in another place's window."""
        add(self.cell, other.cell)
        self.undecided += other.undecided
        self.first_undecided += other.first_undecided


class Parts(Struct):
    """One place. `ages_ms` of those waiting, the stale apart; (clock, open) ages of the unanswered; `used` says how
    much a name occurs (today, ever).
    """

    ages_ms: list[int] = field(default_factory=list)
    stale: int = 0
    overdue: int = 0
    in_conversation: int = 0
    unanswered_ms: list[tuple[int, int | None]] = field(default_factory=list)
    unanswered_overdue: int = 0
    answers: int = 0
    replies: int = 0
    recent: WindowParts = field(default_factory=WindowParts)
    today: WindowParts = field(default_factory=WindowParts)
    provisional: tuple[int, int] = (0, 0)
    confirmed: tuple[int, int] = (0, 0)
    used: tuple[int, int] = (0, 0)

    def merge(self, other: "Parts") -> None:
        """Take in another place."""
        self.ages_ms += other.ages_ms
        self.stale += other.stale
        self.overdue += other.overdue
        self.in_conversation += other.in_conversation
        self.unanswered_ms += other.unanswered_ms
        self.unanswered_overdue += other.unanswered_overdue
        self.answers += other.answers
        self.replies += other.replies
        self.recent.merge(other.recent)
        self.today.merge(other.today)
        self.provisional = _plus(self.provisional, other.provisional)
        self.confirmed = _plus(self.confirmed, other.confirmed)
        self.used = _plus(self.used, other.used)


def _plus(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return a[0] + b[0], a[1] + b[1]


def merged(parts: Sequence[Parts]) -> Parts:
    """Several places as one; none of them is changed."""
    found = Parts()
    for part in parts:
        found.merge(part)
    return found


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


def age_percentile_ms(ages_ms: Sequence[int], percent: int) -> int | None:
    """The nearest-rank percentile; None without any.

    >>> age_percentile_ms([5, 1, 9], 90)
    9
    """
    if not ages_ms:
        return None
    rank = -(-len(ages_ms) * percent // 100)
    return sorted(ages_ms)[max(rank, 1) - 1]


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


def _buckets(cell: Mapping[int, int], base: int) -> dict[int, int]:
    return {number - base: n for number, n in cell.items() if 0 <= number - base < _BUCKETS}


def _mean_ms(cell: Mapping[int, int], total: int, count: int) -> int | None:
    n = cell.get(count, 0)
    return cell.get(total, 0) // n if n > 0 else None


def window_numbers(parts: WindowParts) -> WindowNumbers:
    """Parts of a window turned into its numbers."""
    cell = parts.cell
    waits, firsts = _buckets(cell, _WAIT_BUCKETS), _buckets(cell, _FIRST_BUCKETS)
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
    )


def numbers(parts: Parts, *, customers: bool) -> Numbers:
    """Parts turned into numbers. Without the `customers` what only they can tell is None."""
    clock = [age for age, _ in parts.unanswered_ms]
    opened = [age for _, age in parts.unanswered_ms if age is not None]
    today = parts.today.cell
    return Numbers(
        waiting_now=len(parts.ages_ms),
        waiting_stale=parts.stale,
        longest_wait_ms=max(parts.ages_ms, default=0),
        waiting_age_p50_ms=age_percentile_ms(parts.ages_ms, 50),
        waiting_age_p90_ms=age_percentile_ms(parts.ages_ms, 90),
        expected_wait_ms=expected_wait_ms(len(parts.ages_ms), parts.answers),
        overdue_now=parts.overdue,
        in_conversation_now=parts.in_conversation,
        unanswered_now=len(parts.unanswered_ms),
        unanswered_overdue_now=parts.unanswered_overdue,
        oldest_unanswered_ms=max(clock, default=0),
        oldest_unanswered_open_ms=max(opened, default=None),
        replies_last_hour=None if _REPLIES is None else parts.replies,
        not_called_back_today=today.get(_ABANDONED, 0) - today.get(_RETURNED, 0) if customers else None,
        recent=window_numbers(parts.recent),
        today=window_numbers(parts.today),
        fcr_provisional=_fcr(parts.provisional) if customers else None,
        fcr_confirmed=_fcr(parts.confirmed) if customers else None,
    )


def _fcr(cohort: tuple[int, int]) -> Fcr:
    eligible, resolved = cohort
    return Fcr(eligible, resolved, ratio(resolved, eligible))
