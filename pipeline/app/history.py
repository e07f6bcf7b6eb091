"""What the page shows beside the live values: the last hours and last week, asked of the warehouse now and then; what
the numbers mean; what the demo tells.

Pure work is in `pipeline.live.past`. While the warehouse is away the last answer stays, with its age.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from math import inf
from time import monotonic
from typing import Final

from pipeline.answers.numbers import Definitions, definitions
from pipeline.answers.speech import Language
from pipeline.app import App
from pipeline.app.asking import now_and_then
from pipeline.io.board import Telling
from pipeline.io.history import known
from pipeline.live.past import Known, Past, past, spans

LEAST_SECONDS: Final = 15.0
MOST_SECONDS: Final = 60.0
_SHARE: Final = 30
"""At most a thirtieth of the warehouse's time is asked for, as long as that is not too seldom."""
_WATCHED_SECONDS: Final = 60.0
"""So long after somebody looked the past is asked for still."""
log_ = logging.getLogger("touchline.history")


class History:
    """`pipeline.io.board.Aside` of an app. `told`: what the demo tells just now; `not_yet`: why asking is of no use
    yet.
    """

    def __init__(self, app: App, least_seconds: float = LEAST_SECONDS) -> None:
        self._app = app
        self.not_yet: Callable[[], str] = lambda: ""
        self._least_seconds = least_seconds
        self._known: Known | None = None
        self._version = 0
        self._looked_at = -inf
        self.told: Telling | None = None

    def past(self, queues: Collection[str] = ()) -> Past | None:
        """Of these queues (none named: of all). None while nothing is known yet."""
        self._looked_at = monotonic()
        return None if self._known is None else past(self._known, self._app.rulebook, queues)

    def past_version(self) -> int:
        """How often the warehouse has answered."""
        self._looked_at = monotonic()
        return self._version

    def definitions(self, lang: Language) -> Definitions:
        """What the numbers mean, by the catalogue in force."""
        return definitions(self._app.rulebook.catalogue, lang)

    def telling(self) -> Telling | None:
        """What the demo tells just now, if it tells anything."""
        return self.told

    async def run(self) -> None:
        """Ask until cancelled. Where that is refused, the page goes on without the past."""
        await self._app.until_ready()
        while self.not_yet():  # noqa: ASYNC110  (what is waited for cannot wake us)
            await asyncio.sleep(self._least_seconds / 30)
        await now_and_then(
            self._app,
            self.ask,
            lambda took_seconds, _: self._pause_seconds(took_seconds),
            lambda refused: log_.warning("the page shows no past numbers: %s", refused),
        )

    @property
    def _watched(self) -> bool:
        return monotonic() - self._looked_at <= _WATCHED_SECONDS

    def _pause_seconds(self, took_seconds: float) -> float:
        if not self._watched:
            return self._least_seconds / 15  # whoever looks next is not shown the old for long
        if self._known is None or not self._known.bins:
            return self._least_seconds / 5
        return min(max(self._least_seconds, _SHARE * took_seconds), MOST_SECONDS)

    async def ask(self) -> None:
        """Once, unless it is known and nobody looks. Raises WarehouseDown, WarehouseRefused."""
        if self._known is not None and not self._watched:
            return
        rulebook = self._app.rulebook
        self._known = await known(self._app.warehouse, rulebook, spans(rulebook, self._app.clock.now_ms()))
        self._version += 1
