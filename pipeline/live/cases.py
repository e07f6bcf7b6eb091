"""Who needs somebody: the lists of the live values, put together and cut to the worst. Pure."""

from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import Final

from pipeline.core.rules import Rulebook
from pipeline.live.inputs import CallBack
from pipeline.live.now import Found
from pipeline.live.summary import Case, Cases

MOST_CASES: Final = 10


def all_cases(found: Found, call_backs: Iterable[CallBack], rulebook: Rulebook, now_ms: int, today_ms: int) -> Cases:
    """Everybody found, in no order; of the call-backs those of today."""
    calls = [
        Case(
            back.contact_id,
            back.channel,
            back.queue,
            rulebook.kind(back.channel) or "deferred",
            back.abandoned_ms,
            max(now_ms - back.abandoned_ms, 0),
            step="call_back",
        )
        for back in call_backs
        if back.abandoned_ms >= today_ms
    ]
    return Cases(
        beyond_target=tuple(found.beyond_target),
        unanswered=tuple(found.unanswered),
        call_back=tuple(calls),
        stale=tuple(found.stale),
        due_soon=tuple(found.due_soon),
        promises_overdue=tuple(found.promises_overdue),
        promises_due_soon=tuple(found.promises_due_soon),
    )


def worst(several: Iterable[Cases]) -> Cases:
    """Who needs somebody, of several: the worst first, at most ten each for live and for deferred channels, nobody
    twice.
    """
    lists = list(several)
    return Cases(
        beyond_target=_first((case for one in lists for case in one.beyond_target), _over),
        unanswered=_first((case for one in lists for case in one.unanswered), _overdue_first),
        call_back=_first({case.contact_id: case for one in lists for case in one.call_back}.values(), _oldest),
        stale=_first((case for one in lists for case in one.stale), _oldest),
        will_miss=_first((case for one in lists for case in one.will_miss), _latest),
        due_soon=_first((case for one in lists for case in one.due_soon), _due_first),
        promises_overdue=_by_kind(case for one in lists for case in one.promises_overdue),
        promises_due_soon=_by_kind(case for one in lists for case in one.promises_due_soon),
    )


def _first(cases: Iterable[Case], key: Callable[[Case], tuple[int, int, str]]) -> tuple[Case, ...]:
    listed = list(cases)
    kept = [
        case
        for kind in ("live", "deferred")
        for case in nsmallest(MOST_CASES, (case for case in listed if case.kind == kind), key=key)
    ]
    return tuple(sorted(kept, key=key))


def _by_kind(promises: Iterable[Case]) -> tuple[Case, ...]:
    """Those due first, at most ten of each kind."""
    kinds: dict[str, list[Case]] = {}
    for case in promises:
        kinds.setdefault(case.promise_kind, []).append(case)
    kept = [case for cases in kinds.values() for case in _first(cases, _due_first)]
    return tuple(sorted(kept, key=_due_first))


def _latest(case: Case) -> tuple[int, int, str]:
    """Whose turn comes longest after it should."""
    return 0, (case.due_ms or 0) - (case.expected_ms or 0), case.contact_id


def _due_first(case: Case) -> tuple[int, int, str]:
    return 0, case.due_ms or 0, f"{case.contact_id} {case.promise_id}"


def _over(case: Case) -> tuple[int, int, str]:
    return 0, -(case.over_ms or 0), case.contact_id


def _overdue_first(case: Case) -> tuple[int, int, str]:
    return not case.overdue, case.since_ms, case.contact_id


def _oldest(case: Case) -> tuple[int, int, str]:
    return 0, case.since_ms, case.contact_id
