"""The wait of a contact, and its stays in queues (legs). Definitions: docs/measures-settled.md, rules 8 to 15."""

from collections.abc import Iterable, Iterator
from typing import Final, Literal

from mypy_extensions import mypyc_attr

from pipeline.core.contact import Touch
from pipeline.core.timeline import (
    ABANDONED,
    ANSWERED,
    CALLBACK,
    CLOSED,
    HELD,
    INFORMED,
    QUEUED,
    REFUSED,
    RESUMED,
    SELF_SERVICE,
    TRANSFERRED,
    Timeline,
    is_contained,
    open_ms,
)
from schemas.vocabulary import UNKNOWN

Outcome = Literal["answered", "abandoned", "refused", "callback", "closed", "contained", "waiting"]
_LATER: Final[dict[int, tuple[int, Outcome]]] = {
    REFUSED: (2, "refused"),
    CALLBACK: (3, "callback"),
    CLOSED: (4, "closed"),
}
_CONTAINED: Final[tuple[int, Outcome]] = (5, "contained")
_LATER_MARKS: Final = 1 << REFUSED | 1 << CALLBACK | 1 << CLOSED | 1 << SELF_SERVICE


@mypyc_attr(acyclic=True)
class Wait:
    """A contact that was offered: its wait from `began_ms` to `ended_ms` (None: still waiting).

    `open_ms`: the wait in opening hours, None without a calendar. `negative`: 1 where the outcome came before the wait
    began, which makes it 0 long. `estimate_error_ms` sums over the `estimates_judged`.
    """

    __slots__ = (
        "began_ms", "ended_ms", "estimate_error_ms", "estimates", "estimates_judged", "negative", "open_ms", "outcome",
        "queued", "short_ms", "target_ms", "unannounced",
    )  # fmt: skip

    def __init__(
        self,
        began_ms: int,
        outcome: Outcome,
        ended_ms: int | None,
        queued: bool,
        target_ms: int | None,
        short_ms: int,
        open_ms: int | None,
        unannounced: bool,
        estimates: int,
        estimates_judged: int,
        estimate_error_ms: int,
        negative: int,
    ) -> None:
        self.began_ms = began_ms
        self.outcome = outcome
        self.ended_ms = ended_ms
        self.queued = queued
        self.target_ms = target_ms
        self.short_ms = short_ms
        self.open_ms = open_ms
        self.unannounced = unannounced
        self.estimates = estimates
        self.estimates_judged = estimates_judged
        self.estimate_error_ms = estimate_error_ms
        self.negative = negative

    @property
    def length_ms(self) -> int:
        """The wait, or the patience; 0 while still waiting."""
        return 0 if self.ended_ms is None else self.ended_ms - self.began_ms


@mypyc_attr(acyclic=True)
class Leg:
    """One stay in a queue. `ended_ms` None: waiting in it now; `outcome` 'moved' ends it without an answer or a
    loss.
    """

    __slots__ = ("began_ms", "ended_ms", "open_ms", "outcome", "queue")

    def __init__(self, began_ms: int, queue: str) -> None:
        self.began_ms = began_ms
        self.queue = queue
        self.ended_ms: int | None = None
        self.outcome: Literal["answered", "abandoned", "moved", "waiting"] = "waiting"
        self.open_ms: int | None = None


def in_family(timeline: Timeline) -> bool:
    """Waiting concerns inbound contacts on live channels, and whatever is queued."""
    return timeline.inbound and (timeline.live or timeline.queued_ms is not None)


def wait(timeline: Timeline) -> Wait | None:
    """The contact's wait; None if it was never offered."""
    if not in_family(timeline):
        return None
    began_ms = timeline.queued_ms if timeline.queued_ms is not None else timeline.answered_ms
    if began_ms is None:
        return None
    outcome, ended_ms, negative = _outcome(timeline, began_ms)
    rules = timeline.rules(began_ms)
    estimates = judged = error_ms = 0
    unannounced = False
    informed: list[Touch] = []
    if timeline.has(INFORMED):
        informed = [t for t in timeline.touches if t.type == INFORMED]
        for touch in informed:
            estimate_ms = _estimate_ms(touch)
            if estimate_ms is None or touch.at_ms < began_ms or (ended_ms is not None and touch.at_ms > ended_ms):
                continue
            estimates += 1
            if outcome == "answered" and ended_ms is not None:
                judged += 1
                error_ms += abs(estimate_ms - (ended_ms - touch.at_ms))
    if rules.unannounced_ms is not None:
        spans = [(began_ms, ended_ms), *holds(timeline.touches)] if timeline.has(HELD) else [(began_ms, ended_ms)]
        unannounced = _longest_silence_ms(spans, [t.at_ms for t in informed]) > rules.unannounced_ms
    return Wait(
        began_ms,
        outcome,
        ended_ms,
        timeline.queued_ms is not None,
        rules.wait_target_ms,
        timeline.rulebook.settings.abandoned_short_ms,
        None if ended_ms is None else open_ms(rules.calendar, began_ms, ended_ms),
        unannounced,
        estimates,
        judged,
        error_ms,
        negative,
    )


def _outcome(timeline: Timeline, began_ms: int) -> tuple[Outcome, int | None, int]:
    """How the wait ended: the earliest of what can end it; of one time answered, abandoned, and then by rank."""
    outcome: Outcome = "waiting"
    ended_ms: int | None = None
    rank = 0
    if timeline.answered_ms is not None:
        outcome, ended_ms = "answered", max(timeline.answered_ms, began_ms)
    if timeline.abandoned_ms is not None:
        at_ms = max(timeline.abandoned_ms, began_ms)
        if ended_ms is None or at_ms < ended_ms:
            outcome, ended_ms, rank = "abandoned", at_ms, 1
    if timeline.seen & _LATER_MARKS:
        for touch in timeline.touches:
            at_ms = touch.at_ms
            if at_ms < began_ms or (ended_ms is not None and at_ms > ended_ms):
                continue
            later = _LATER.get(touch.type) or (_CONTAINED if is_contained(touch) else None)
            if later is not None and (ended_ms is None or at_ms < ended_ms or later[0] < rank):
                rank, outcome = later
                ended_ms = at_ms
    if ended_ms is None:
        return "waiting", None, 0
    true_ms: int | None = None
    if outcome == "answered":
        true_ms = timeline.answered_ms
    elif outcome == "abandoned":
        true_ms = timeline.abandoned_ms
    return outcome, ended_ms, int(true_ms is not None and true_ms < began_ms)


def _estimate_ms(touch: Touch) -> int | None:
    details = touch.details or {}
    return details.get("estimate_ms") if details.get("reason") == "estimate" else None


def holds(touches: list[Touch]) -> Iterator[tuple[int, int | None]]:
    """Holds as (start, end); the last one may have no end yet. Resuming or closing ends a hold."""
    start: int | None = None
    for touch in touches:
        if touch.type == HELD:
            start = touch.at_ms if start is None else start
        elif touch.type in (RESUMED, CLOSED) and start is not None:
            yield start, touch.at_ms
            start = None
    if start is not None:
        yield start, None


def _longest_silence_ms(spans: Iterable[tuple[int, int | None]], informed_ms: list[int]) -> int:
    """The longest time within the spans without a word from us. What is not over yet counts up to the last word."""
    longest = 0
    for start, end in spans:
        if not informed_ms:
            if end is not None and end - start > longest:
                longest = end - start
            continue
        last = start
        for at_ms in informed_ms:
            if at_ms >= start and (end is None or at_ms <= end):
                longest = max(longest, at_ms - last)
                last = at_ms
        if end is not None:
            longest = max(longest, end - last)
    return longest


def legs(timeline: Timeline) -> list[Leg]:
    """The contact's stays in queues, in order. A caller who is passed on waits again."""
    if not in_family(timeline) or not (timeline.has(QUEUED) or timeline.has(TRANSFERRED)):
        return []
    found: list[Leg] = []
    waiting: Leg | None = None
    for touch in timeline.touches:
        code = touch.type
        if code == QUEUED or (code == TRANSFERRED and touch.common.queue):
            queue = touch.common.queue or UNKNOWN
            if waiting is not None:
                if waiting.queue == queue:
                    continue
                waiting.ended_ms, waiting.outcome = touch.at_ms, "moved"
            waiting = Leg(touch.at_ms, queue)
            found.append(waiting)
        elif waiting is not None and (code in (ANSWERED, ABANDONED) or code in _LATER or is_contained(touch)):
            waiting.ended_ms = touch.at_ms
            waiting.outcome = "answered" if code == ANSWERED else "abandoned" if code == ABANDONED else "moved"
            if waiting.outcome == "answered":
                calendar = timeline.rules(waiting.began_ms).calendar
                waiting.open_ms = open_ms(calendar, waiting.began_ms, touch.at_ms)
            waiting = None
    return found
