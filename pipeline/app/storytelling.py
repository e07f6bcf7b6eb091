"""Tells a story to an app: its touchpoints in time, and what happens in words."""

import asyncio
from collections.abc import Callable
from typing import Final

from pipeline.app import App
from pipeline.app.feeding import feed, finished, is_empty, left_open
from pipeline.io.board import Telling
from pipeline.io.simulator.story import ACTS, LENGTH_MS, STORIES, act_at

_TICK_SECONDS: Final = 0.25
_CALM_DAYS_AGO_MS: Final = (9 * 86_400_000, 7 * 86_400_000)
"""In an empty folder calm mornings are told first: last week's to compare with, and one that is confirmed."""
_CALM_MS: Final = 30 * 60_000
_LEAD_MS: Final = 3_000
"""What happened before the story is counted in this time, most of the time."""


class Storytelling:
    """One of the `STORIES`, and calm after it until cancelled; `once`: it ends with the story, once all is written.

    Times are true: the live values and every alert see it as it happens. With a `speed` above 1 it is told faster than
    it happened, and ends now: it began so much earlier, and live values make sense at its end only.
    """

    def __init__(
        self, app: App, name: str, seed: int, tell: Callable[[Telling], None], *, speed: float = 1.0, once: bool = False
    ) -> None:
        self.not_yet = "the simulated organisation is telling its morning before the story"
        self._app = app
        self._name = name
        self._seed = seed
        self._tell = tell
        self._speed = speed
        self._once = once

    async def run(self) -> None:
        """Raises LogError."""
        app = self._app
        await app.until_ready()
        if is_empty(app):
            for ago_ms in _CALM_DAYS_AGO_MS:
                then_ms = app.clock.now_ms() - ago_ms
                calm = STORIES[self._name](self._seed + ago_ms // 3_600_000, then_ms, calm=True)
                await feed(app, finished(calm.advance(then_ms + 2 * _CALM_MS), then_ms + _CALM_MS))
        begin_ms = app.clock.now_ms() + _LEAD_MS
        story = STORIES[self._name](self._seed, begin_ms - round(LENGTH_MS * (1 - 1 / self._speed)))
        await feed(app, [*left_open(app, app.clock.now_ms()), *story.advance(story.start_ms)])
        await _counted(app)
        self.not_yet = ""
        told = 0
        while True:
            now_ms = app.clock.now_ms()
            # Until the fast story has caught up with the clock, at the end of it.
            at_ms = min(story.start_ms + round((now_ms - begin_ms) * self._speed), now_ms)
            await feed(app, story.advance(at_ms))
            since_ms = at_ms - story.start_ms
            while since_ms >= 0 and told < act_at(since_ms):
                self._tell(Telling(told + 1, len(ACTS), ACTS[told].text))
                told += 1
            if self._once and since_ms >= LENGTH_MS:
                await _counted(app)
                return
            await asyncio.sleep(_TICK_SECONDS)


async def _counted(app: App) -> None:
    while not await app.drained():  # noqa: ASYNC110  (the log cannot wake us)
        await asyncio.sleep(_TICK_SECONDS / 5)
