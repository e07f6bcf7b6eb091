"""Promises: made, and kept, kept late, broken or open. Definitions: docs/measures-settled.md, rules 47 and 58."""

from collections.abc import Sequence
from typing import Literal

from mypy_extensions import mypyc_attr

from pipeline.core.timeline import PROMISE_BROKEN, PROMISE_KEPT, PROMISE_MADE, Timeline
from schemas.vocabulary import PromiseKind

Fate = Literal["kept", "late", "broken", "open"]


@mypyc_attr(acyclic=True)
class Promise:
    """One promise. `ended_ms`: when it was kept or broken, never before it was made; None while it is open.

    Open past its due is not broken here, since no touchpoint says so: the live values, which know the time, tell.
    """

    __slots__ = ("due_ms", "ended_ms", "fate", "kind", "made_ms", "promise_id")

    def __init__(self, promise_id: str, kind: PromiseKind, made_ms: int, due_ms: int) -> None:
        self.promise_id = promise_id
        self.kind = kind
        self.made_ms = made_ms
        self.due_ms = due_ms
        self.fate: Fate = "open"
        self.ended_ms: int | None = None

    @property
    def late_ms(self) -> int | None:
        """How long after its due it was kept; None unless it was kept late."""
        return self.ended_ms - self.due_ms if self.fate == "late" and self.ended_ms is not None else None


def promises(timeline: Timeline) -> Sequence[Promise]:
    """The contact's promises, in the order in which they were made. Keeping what nobody promised is ignored."""
    if not timeline.has(PROMISE_MADE):
        return ()
    made: dict[str, Promise] = {}
    kept: dict[str, int] = {}
    broken: dict[str, int] = {}
    for touch in timeline.touches:
        code, details = touch.type, touch.details
        if code not in (PROMISE_MADE, PROMISE_KEPT, PROMISE_BROKEN) or details is None:
            continue
        promise_id = details["promise_id"]
        if code == PROMISE_KEPT:
            kept.setdefault(promise_id, touch.at_ms)
        elif code == PROMISE_BROKEN:
            broken.setdefault(promise_id, touch.at_ms)
        elif promise_id not in made:
            made[promise_id] = Promise(promise_id, details.get("kind", "other"), touch.at_ms, details["due"])
    for promise_id, promise in made.items():
        _settle(promise, kept.get(promise_id), broken.get(promise_id))
    return tuple(made.values())


def _settle(promise: Promise, kept_ms: int | None, broken_ms: int | None) -> None:
    """What became of a promise: the earlier of both, not before it was made; kept and broken at once is kept."""
    made_ms = promise.made_ms
    kept_ms = None if kept_ms is None else max(kept_ms, made_ms)
    broken_ms = None if broken_ms is None else max(broken_ms, made_ms)
    if kept_ms is not None and (broken_ms is None or kept_ms <= broken_ms):
        promise.fate = "kept" if kept_ms <= promise.due_ms else "late"
        promise.ended_ms = kept_ms
    elif broken_ms is not None:
        promise.fate, promise.ended_ms = "broken", broken_ms
