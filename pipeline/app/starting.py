"""Starting while Kafka or ClickHouse are away: what may pass is waited for, what will not is raised."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from pipeline.ports import LogError, LogRefused, WarehouseDown

_FIRST_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 5.0
log_ = logging.getLogger("touchline.starting")


async def patiently(work: Callable[[], Awaitable[None]], waits: Callable[[Exception | None], None]) -> None:
    """Do the work, again and again while it raises WarehouseDown or LogError; `waits` is told for what, and at the end
    None. Raises what trying again does not mend: LogRefused, WarehouseRefused and all else.
    """
    wait_seconds = _FIRST_SECONDS
    while True:
        try:
            await work()
        except LogRefused:
            raise
        except (LogError, WarehouseDown) as error:
            waits(error)
            log_.warning("not started, trying again in %.0f s: %s", wait_seconds, error)
            await asyncio.sleep(wait_seconds)
            wait_seconds = min(2 * wait_seconds, _MOST_SECONDS)
        else:
            waits(None)
            return
