"""What /metrics shows beside the live values, for the alerts: opening hours, the intake, and how yesterday's matters
compare. What only the warehouse knows is asked of it now and then; while it is away the last answer stays.
"""

import logging
from collections.abc import Mapping
from typing import Final

from pipeline.app import FOLDED, App
from pipeline.app.asking import now_and_then
from pipeline.io.aged import aged, last_heard
from pipeline.live.around import (
    Aged,
    Around,
    IntakeNow,
    Place,
    calendars_now,
    promised_percent,
    silence_open_ms,
)
from pipeline.live.summary import Summary

LEAST_SECONDS: Final = 300.0
_SHARE: Final = 100
"""At most so small a share of the warehouse's time is asked for: one hundredth."""
_AGAIN_SECONDS: Final = 15.0
log_ = logging.getLogger("touchline.cohorts")


class Cohorts:
    """`heard`: when sources were last heard of before this process began."""

    def __init__(self, app: App) -> None:
        self.heard: Mapping[str, int] = {}
        self._app = app
        self._resolution: Mapping[Place, Aged] = {}
        self._day = 0

    async def run(self) -> None:
        """Ask until cancelled. Where that is refused, one alert goes without its numbers."""
        await now_and_then(
            self._app,
            self.ask,
            lambda took_seconds, answered: max(LEAST_SECONDS, _SHARE * took_seconds) if answered else _AGAIN_SECONDS,
            lambda refused: log_.warning("resolution of yesterday is not compared: %s", refused),
        )

    async def ask(self) -> None:
        """Once. Raises WarehouseDown, WarehouseRefused."""
        zone, now_ms = self._app.rulebook.zone, self._app.clock.now_ms()
        if not self.heard:
            self.heard = await last_heard(self._app.warehouse, now_ms)
        self._resolution, self._day = await aged(self._app.warehouse, zone, now_ms), zone.ordinal(now_ms)

    def around(self, summary: Summary) -> Around:
        """What goes with this summary. Yesterday's matters are there only as long as it is the same yesterday."""
        rulebook, now_ms = self._app.rulebook, summary.now_ms
        intake = self._app.intake
        return Around(
            calendars=calendars_now(rulebook, summary.queues, now_ms),
            objectives=promised_percent(rulebook),
            silence_open_ms=silence_open_ms(rulebook, summary.queues, summary.source_silence_ms, now_ms),
            intake=[
                IntakeNow(
                    one.partition,
                    stopped=intake is not None and one.partition in intake.stopped,
                    log_lag=max(one.end_offset - one.position, 0),
                )
                for one in self._app.log.progress()
                if one.partition.rpartition("/")[0] not in FOLDED
            ],
            intake_rejected=dict(intake.rejected) if intake is not None else {},
            resolution=self._resolution if self._day == rulebook.zone.ordinal(now_ms) else {},
        )
