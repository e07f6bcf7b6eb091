"""Adding up in the background: every few hours the worker of the first partition adds up the hours and days that are
over, so that boards read a year of them from few rows (`pipeline/io/rolling.py`).
"""

import asyncio
import logging
from secrets import randbits
from time import time_ns
from typing import Final

from pipeline.app import App
from pipeline.app.declared import measure_columns
from pipeline.io.rolling import roll
from pipeline.ports import WarehouseDown, WarehouseRefused
from schemas.topics import TOUCHPOINTS

LEAST_HOURS: Final = 6
"""Hours of append time after which it is worth its while. Cells since then are read from the ledger."""
_FIRST_SECONDS: Final = 60.0
_PERIOD_SECONDS: Final = 600.0
_RANDOM_BITS: Final = 20
log_ = logging.getLogger("touchline.rolling")


async def keep_rolling(app: App) -> None:
    """Look every ten minutes, for ever. A refusal ends it, not the process: numbers are read from the ledger then."""
    await app.until_ready()
    await asyncio.sleep(_FIRST_SECONDS)
    while True:
        folding = app.foldings.get(f"{TOUCHPOINTS}/0")
        try:
            if folding is not None and folding.ready:
                await roll(app.warehouse, measure_columns(), new_run(), least_hours=LEAST_HOURS)
        except WarehouseDown:
            pass
        except WarehouseRefused as refused:
            log_.warning("hours and days are not added up, so boards over long times are slower: %s", refused)
            await asyncio.Event().wait()
        await asyncio.sleep(_PERIOD_SECONDS)


def new_run() -> int:
    """A number nobody else has: the time, and some chance."""
    return time_ns() // 1_000_000 << _RANDOM_BITS | randbits(_RANDOM_BITS)
