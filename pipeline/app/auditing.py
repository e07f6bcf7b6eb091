"""The audit in the background: a worker counts yesterday and today of its own partitions again now and then, by days.

Its outcome is in /metrics (`touchline_audit_differences`, `touchline_audit_age_seconds`), where an alert waits for it.
"""

import asyncio
import logging
from typing import Final

from pipeline.app import App
from pipeline.core.audit import Span
from pipeline.io.audit import AuditOutcome
from pipeline.io.audit_recent import audit_recent
from pipeline.ports import WarehouseDown, WarehouseRefused

LEAST_SECONDS: Final = 300.0
_FIRST_SECONDS: Final = 30.0
_SHARE: Final = 50
"""At most so small a share of the time is spent on it: one fiftieth."""
log_ = logging.getLogger("touchline.auditing")


class BackgroundAudit:
    """`outcome`: what the last one found, `ended_ms`: when; None before the first."""

    def __init__(self, app: App) -> None:
        self.outcome: AuditOutcome | None = None
        self.ended_ms: int | None = None
        self._app = app

    async def run(self) -> None:
        """Audit until cancelled. A refusal ends the auditing, not the process: there is no outcome then."""
        clock = asyncio.get_running_loop().time
        await self._app.until_ready()
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            began = clock()
            try:
                await self.audit()
            except WarehouseDown:
                pass
            except WarehouseRefused as refused:
                log_.warning("there is no audit in the background: %s", refused)
                self.outcome = self.ended_ms = None
                await asyncio.Event().wait()
            await asyncio.sleep(max(LEAST_SECONDS, _SHARE * (clock() - began)))

    async def audit(self) -> None:
        """Once. Raises WarehouseDown, WarehouseRefused."""
        app = self._app
        ready = [partition for partition, folding in app.foldings.items() if folding.ready]
        outcome = await audit_recent(app.warehouse, app.rulebook, self._span(), ready)
        self.outcome, self.ended_ms = outcome, app.clock.now_ms()
        if outcome.total:
            log_.error(
                "%d numbers of yesterday and today are not what the contacts say (touchline audit), the first: %s",
                outcome.total,
                outcome.differences[0] if outcome.differences else "not named",
            )

    def age_ms(self, now_ms: int) -> int | None:
        """How long ago the last one ended."""
        return None if self.ended_ms is None else now_ms - self.ended_ms

    def _span(self) -> Span:
        """Yesterday and today as the data has it: a replay of old history is audited where it is."""
        zone = self._app.rulebook.zone
        newest_ms = max((f.engine.marker.watermark_ms for f in self._app.foldings.values()), default=0)
        return Span(start_s=max(zone.start_of_ms(zone.ordinal(newest_ms) - 1) // 1_000, 0))
