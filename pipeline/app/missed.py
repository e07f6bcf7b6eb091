"""The call-back list, asked of the warehouse now and then. While the warehouse is away the last answer stays."""

import logging
from collections.abc import Sequence
from typing import Final

from pipeline.app import App
from pipeline.app.asking import now_and_then
from pipeline.io.missed import missed
from pipeline.live.inputs import CallBack

LEAST_SECONDS: Final = 5.0
_SHARE: Final = 50
"""At most so small a share of the warehouse's time is asked for: one fiftieth."""
log_ = logging.getLogger("touchline.missed")


class Missed:
    """`call_backs`: who gave up today and was not reached since, as far as it is written."""

    def __init__(self, app: App) -> None:
        self.call_backs: Sequence[CallBack] = ()
        self._app = app
        self._known: object = None
        """The day and the flushes that the list is of."""

    async def run(self) -> None:
        """Ask until cancelled. Where that is refused, the list stays empty."""
        await now_and_then(
            self._app,
            self.ask,
            lambda took_seconds, _: max(LEAST_SECONDS, _SHARE * took_seconds),
            lambda refused: log_.warning("there is no call-back list: %s", refused),
        )

    async def ask(self) -> None:
        """Once, unless nothing was written since. Raises WarehouseDown, WarehouseRefused."""
        app = self._app
        day_start_ms = app.rulebook.zone.day_start_ms(app.clock.now_ms())
        known = day_start_ms, [(folding, folding.flushes) for folding in app.foldings.values()]
        if known != self._known or not app.settings.embedded_log:  # elsewhere others write as well
            self.call_backs = await missed(app.warehouse, day_start_ms)
            self._known = known
