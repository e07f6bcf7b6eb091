"""What the objectives are judged by: how many were due and how many of them were missed, per window. Pure.

The short windows hold minutes in which every contact is decided: they end as long ago as the target is long, so that
who still waits is never left out for being slow. What is worth a look now is in other numbers (longest wait).
"""

from collections.abc import Iterator, Mapping
from typing import Final

from pipeline.core.cells import Tally
from pipeline.core.objectives import ObjectiveName, Window
from pipeline.core.rules import Rulebook
from pipeline.live.summary import Judged
from pipeline.measures import ALL
from schemas.catalogue import ServiceLevel

Outcomes = dict[str, tuple[int, int]]
"""`objective/window` -> (due, missed). Additive."""

_MINUTE_MS: Final = 60_000
_LENGTHS: Final[tuple[tuple[Window, int], ...]] = (("5m", 5), ("1h", 60))
_COLUMNS: Final = {measure.name: measure.key for measure in ALL}
_OFFERED: Final = _COLUMNS["offered"]
_ANSWERED: Final = _COLUMNS["answered"]
_ABANDONED: Final = _COLUMNS["abandoned"]
_SHORT: Final = _COLUMNS["abandoned_short"]
_HITS: Final = _COLUMNS["answered_in_target"]
_QUICK: Final = _COLUMNS["abandoned_in_target"]
_DUE: Final = _COLUMNS["first_responses_due"]
_REPLIED: Final = _COLUMNS["first_response_in_target"]


def count(outcomes: Outcomes, objective: ObjectiveName, window: Window, due: int, missed: int) -> None:
    """Add to one objective's window."""
    key = f"{objective}/{window}"
    before = outcomes.get(key, (0, 0))
    outcomes[key] = (before[0] + due, before[1] + missed)


def judge_minute(
    outcomes: Outcomes, cell: Tally, start_s: int, place: tuple[str, str, str], rulebook: Rulebook, now_ms: int
) -> None:
    """One minute of one (channel, queue, segment), into the windows it lies in."""
    if rulebook.kind(place[0]) != "live":
        return
    target_ms = rulebook.rules(*place, start_s * 1_000).wait_target_ms
    if target_ms is None:
        return
    minutes_ago = (now_ms - target_ms) // _MINUTE_MS - start_s // 60
    for window, minutes in _LENGTHS:
        if 0 < minutes_ago <= minutes:
            count(outcomes, "wait", window, *_waits(cell, rulebook.settings.headline_service_level))
            count(outcomes, "stay", window, *_stays(cell))


def judge_day(
    outcomes: Outcomes, cell: Tally, start_s: int, place: tuple[str, str, str], rulebook: Rulebook, *, today: bool
) -> None:
    """Today or yesterday of one place. Who is not decided yet is taken off by `wait_undecided`, `reply_undecided`."""
    if rulebook.kind(place[0]) is None:
        return
    rules = rulebook.rules(*place, start_s * 1_000)
    if rules.kind == "live" and rules.wait_target_ms is not None and today:
        count(outcomes, "wait", "today", *_waits(cell, rulebook.settings.headline_service_level))
        count(outcomes, "stay", "today", *_stays(cell))
    if rules.kind == "deferred" and rules.response_target is not None:
        due = cell.get(_DUE, 0)
        missed = due - cell.get(_REPLIED, 0)
        count(outcomes, "response", "2d", due, missed)
        if today:
            count(outcomes, "response", "today", due, missed)


def wait_undecided(outcomes: Outcomes, formula: ServiceLevel) -> None:
    """Somebody who came today waits within target still: neither hit nor miss."""
    if formula != "sl_answered":
        count(outcomes, "wait", "today", -1, -1)


def reply_undecided(outcomes: Outcomes, *, today: bool) -> None:
    """A first message since yesterday is within target still."""
    count(outcomes, "response", "2d", -1, -1)
    if today:
        count(outcomes, "response", "today", -1, -1)


def judged(outcomes: Mapping[str, tuple[int, int]]) -> Iterator[Judged]:
    """The counts under their names. Where a correction is known before what it corrects, there is nothing yet."""
    for key in sorted(outcomes):
        objective, _, window = key.partition("/")
        due, missed = outcomes[key]
        yield Judged(objective, window, max(due, 0), min(max(missed, 0), max(due, 0)))


def _waits(cell: Tally, formula: ServiceLevel) -> tuple[int, int]:
    """(due, missed) by the formula of the service level: its denominator, and that without its numerator."""
    offered, hits, quick = cell.get(_OFFERED, 0), cell.get(_HITS, 0), cell.get(_QUICK, 0)
    if formula == "sl_answered":
        due = cell.get(_ANSWERED, 0)
    elif formula == "sl_net":
        due = offered - cell.get(_SHORT, 0)
    elif formula == "sl_without_quick":
        due = offered - quick
    else:
        due = offered
    return due, due - hits - (quick if formula == "sl_connect" else 0)


def _stays(cell: Tally) -> tuple[int, int]:
    short = cell.get(_SHORT, 0)
    return cell.get(_OFFERED, 0) - short, cell.get(_ABANDONED, 0) - short
