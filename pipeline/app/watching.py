"""What makes a worker end itself, to be started again: somebody has been ahead of it, or it does not come on."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Final

from pipeline.app import FOLDED, App
from pipeline.app.stack import CannotStart, MustRestart
from pipeline.core.steps import version_of
from pipeline.ports import LogError, WarehouseDown

STUCK_SECONDS: Final = 120.0
_PERIOD_SECONDS: Final = 10.0


async def watch(app: App) -> None:
    """Look every ten seconds, for ever; `app.fail` is told what is found."""
    stuck, overtaken = Stuck(app), Overtaken(app)
    while True:
        await asyncio.sleep(_PERIOD_SECONDS)
        if grown := app.grown(await last_partitions(app)):
            app.fail(CannotStart(grown))
            return
        if found := stuck.look() or ("" if app.settings.embedded_log else await overtaken.look()):
            app.fail(MustRestart(found))
            return


async def last_partitions(app: App) -> list[str]:
    """The last partition of each folded topic, as far as Kafka tells now."""
    try:
        return [f"{topic}/{await app.log.partitions(topic) - 1}" for topic in FOLDED]
    except LogError:
        return []


class Overtaken:
    """Whether somebody else writes a partition that this worker takes for its own: the ledger is ahead of what is
    folded here, and was at the last look, and has moved on since. Ahead once is what a last insert of the former owner
    may be, which landed late and which we pass.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._ahead: dict[str, int] = {}

    async def look(self) -> str:
        """By whom it was overtaken, as a sentence; empty if by nobody."""
        try:
            markers = await self._app.ledger.markers()
        except WarehouseDown:
            return ""
        before, self._ahead = self._ahead, {}
        for partition, folding in self._app.foldings.items():
            if not folding.ready or partition not in markers:
                continue
            marker, version = markers[partition]
            if version <= version_of(folding.engine.epoch, folding.engine.position):
                continue
            self._ahead[partition] = version
            if before.get(partition, version) < version:
                return (
                    f"{partition}: the ledger stands at offset {marker.offset} and goes on, but this worker only at"
                    f" {folding.engine.position}: somebody else has it"
                )
        return ""


class Stuck:
    """Whether a partition whose records are here stands still, though nothing is known to be waited for."""

    def __init__(self, app: App, seconds: Callable[[], float] = monotonic) -> None:
        self._app, self._seconds = app, seconds
        self._moved: dict[str, tuple[int, float]] = {}

    def look(self) -> str:
        """What is stuck, as a sentence; empty if nothing is."""
        now = self._seconds()
        for one in self._app.log.progress():
            folding = self._app.foldings.get(one.partition)
            position, since = self._moved.get(one.partition, (-1, now))
            waits = (
                folding is None
                or not folding.ready
                or not folding.warehouse_up
                or bool(folding.stopped_because)
                or folding.full
                or one.paused
                or not one.ahead
            )
            if waits or position != one.position:
                self._moved[one.partition] = one.position, now
            elif now - since > STUCK_SECONDS:
                return f"{one.partition}: nothing was counted for {now - since:.0f} s, at offset {one.position}"
        return ""
