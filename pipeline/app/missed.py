"""The call-back list, asked of the warehouse now and then. While the warehouse is away the last answer stays."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from pipeline.app import App
from pipeline.io.missed import missed
from pipeline.live.inputs import CallBack
from pipeline.ports import WarehouseDown, WarehouseRefused

LEAST_SECONDS: Final = 5.0
_SHARE: Final = 50
"""At most so small a share of the warehouse's time is asked for: one fiftieth."""
log_ = logging.getLogger("touchline.missed")


class Missed:
    """`call_backs`: who gave up today and was not reached since, as far as it is written."""

    def __init__(self, app: App) -> None:
        self.call_backs: Sequence[CallBack] = ()
        self._app = app

    async def run(self) -> None:
        """Ask until cancelled. A refusal ends the asking, not the process: the list stays empty."""
        clock = asyncio.get_running_loop().time
        await self._app.until_ready()
        while True:
            began = clock()
            try:
                await self.ask()
            except WarehouseDown:
                pass
            except WarehouseRefused as refused:
                log_.warning("there is no call-back list: %s", refused)
                await asyncio.Event().wait()
            await asyncio.sleep(max(LEAST_SECONDS, _SHARE * (clock() - began)))

    async def ask(self) -> None:
        """Once. Raises WarehouseDown, WarehouseRefused."""
        zone, now_ms = self._app.rulebook.zone, self._app.clock.now_ms()
        self.call_backs = await missed(self._app.warehouse, zone.day_start_ms(now_ms))
