"""Feeds an app: the simulated organisation in real time."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from pipeline.app import App
from pipeline.core.contacts import ContactFold
from pipeline.core.open import Open
from pipeline.io.simulator import Organisation
from schemas.codec import encode
from schemas.touchpoint import (
    Abandoned,
    Closed,
    Discarded,
    MessageReceived,
    PromiseBroken,
    PromiseKept,
    PromiseMade,
    Reopened,
    Touchpoint,
)

_SOURCE: Final = "simulator"
_HOUR_MS: Final = 3_600_000
_PREROLL_MS: Final = 2 * _HOUR_MS
_EARLIER: Final = ((9 * 24 * _HOUR_MS, _HOUR_MS // 3, 0), (7 * 24 * _HOUR_MS, _PREROLL_MS, _HOUR_MS // 2))
"""Told of earlier days in an empty folder: how long ago, and from how long before that moment until how long after.
Last week at this time is compared with, and of nine days ago it is confirmed what was resolved.
"""
_TICK_SECONDS: Final = 0.25
_CHUNK: Final = 2_000


class Simulation:
    """A service organisation that began two hours ago and goes on at the pace of the clock.

    `not_yet`: why live values make no sense yet; empty once what happened before the start is counted.
    """

    def __init__(self, app: App, seed: int, rate: float) -> None:
        self.not_yet = "the simulated organisation is telling what happened before the start"
        self._app = app
        self._seed = seed
        self._rate = rate

    async def run(self) -> None:
        """Feed until cancelled. Raises LogError."""
        await self._app.until_ready()
        start_ms = self._app.clock.now_ms()
        if is_empty(self._app):
            for ago_ms, before_ms, after_ms in _EARLIER:
                then_ms = start_ms - ago_ms
                await feed(self._app, await asyncio.to_thread(self._earlier, then_ms - before_ms, then_ms + after_ms))
        organisation = Organisation(self._seed, start_ms - _PREROLL_MS, rate=self._rate)
        await feed(self._app, left_open(self._app, start_ms))
        while True:
            await feed(self._app, await asyncio.to_thread(organisation.advance, self._app.clock.now_ms()))
            if self.not_yet and await self._app.drained():
                self.not_yet = ""
            await asyncio.sleep(_TICK_SECONDS)

    def _earlier(self, from_ms: int, to_ms: int) -> list[Touchpoint]:
        organisation = Organisation(self._seed + from_ms // _HOUR_MS, from_ms, rate=self._rate)
        return finished(organisation.advance(to_ms + 24 * _HOUR_MS), to_ms)


def is_empty(app: App) -> bool:
    """Whether nothing was ever counted in this folder."""
    return all(folding.engine.marker.watermark_ms == 0 for folding in app.foldings.values())


def finished(told: Sequence[Touchpoint], to_ms: int) -> list[Touchpoint]:
    """The contacts that began before `to_ms`, to their end. What had none is left out, and so are promises: nobody of
    that day waits for anything now.
    """
    began: dict[str, int] = {}
    ended: set[str] = set()
    for each in told:
        began.setdefault(each.contact_id, each.time)
        if isinstance(each, (Closed, Abandoned, Discarded)):
            ended.add(each.contact_id)
        elif isinstance(each, (MessageReceived, Reopened)):
            ended.discard(each.contact_id)
    return [
        each
        for each in told
        if each.contact_id in ended
        and began[each.contact_id] < to_ms
        and not isinstance(each, (PromiseMade, PromiseKept, PromiseBroken))
    ]


def left_open(app: App, now_ms: int) -> list[Touchpoint]:
    """What an earlier demo in this folder left open ends now: nobody of it is waiting any more, and what was promised
    is done.
    """
    left = [
        (contact_id, seen)
        for folding in app.foldings.values()
        if isinstance(folding.engine.fold_, ContactFold)
        for contact_id, seen in folding.engine.fold_.open.items()
        if seen.source == _SOURCE
    ]
    return [*_closed(left, now_ms), *_kept(left, now_ms)]


async def feed(app: App, touchpoints: Sequence[Touchpoint]) -> None:
    """Put made-up touchpoints on the raw topic. Raises LogError."""
    for start in range(0, len(touchpoints), _CHUNK):
        part = touchpoints[start : start + _CHUNK]
        await app.feed([encode(msgspec.structs.replace(each, source=_SOURCE)) for each in part])


def _closed(left: Iterable[tuple[str, Open]], now_ms: int) -> Iterator[Touchpoint]:
    for contact_id, seen in left:
        if seen.is_open or seen.clock_ms is not None:
            yield Closed(
                id=f"demo-ended-{now_ms}",
                time=now_ms,
                contact_id=contact_id,
                channel=seen.channel,
                source=_SOURCE,
            )


def _kept(left: Iterable[tuple[str, Open]], now_ms: int) -> Iterator[Touchpoint]:
    for contact_id, seen in left:
        for promise in seen.promises:
            yield PromiseKept(
                id=f"demo-kept-{now_ms}-{promise.promise_id}"[:128],
                time=now_ms,
                contact_id=contact_id,
                channel=seen.channel,
                promise_id=promise.promise_id,
                source=_SOURCE,
            )
