"""Asks the warehouse now and then what the page sets beside the live values: the last hours, and last week's numbers.

Pure work is in `pipeline.live.past`. While the warehouse is away the last answer stays, with its age.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Final

from pipeline.app import App
from pipeline.io.history import known
from pipeline.live.past import Known, Past, past, spans
from pipeline.ports import WarehouseDown, WarehouseRefused

LEAST_SECONDS: Final = 15.0
_SHARE: Final = 50
"""At most so small a share of the warehouse's time is asked for: one fiftieth."""
log_ = logging.getLogger("touchline.history")


class History:
    """What was answered last; `version` counts the answers."""

    def __init__(self, app: App, least_seconds: float = LEAST_SECONDS) -> None:
        self._app = app
        self._least_seconds = least_seconds
        self._known: Known | None = None
        self.version = 0

    def past(self, queues: Collection[str] = ()) -> Past | None:
        """Of these queues (none named: of all). None while nothing is known yet."""
        return None if self._known is None else past(self._known, self._app.rulebook, queues)

    async def run(self) -> None:
        """Ask until cancelled. A refusal ends the asking, not the process: the page goes on without the past."""
        clock = asyncio.get_running_loop().time
        await self._app.until_ready()
        while True:
            began = clock()
            try:
                await self.ask()
            except WarehouseDown:
                pass
            except WarehouseRefused as refused:
                log_.warning("the page shows no past numbers: %s", refused)
                await asyncio.Event().wait()
            await asyncio.sleep(max(self._least_seconds, _SHARE * (clock() - began)))

    async def ask(self) -> None:
        """Once. Raises WarehouseDown, WarehouseRefused."""
        rulebook = self._app.rulebook
        self._known = await known(self._app.warehouse, rulebook, spans(rulebook, self._app.clock.now_ms()))
        self.version += 1
