"""Starting: the process is made ready, and while Kafka or ClickHouse are away, what may pass is waited for and what
will not is raised.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from pipeline.ports import LogError, LogRefused, WarehouseDown

_FIRST_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 5.0
_COLLECTOR: Final = (1_000_000, 50, 1_000)
log_ = logging.getLogger("touchline.starting")


def spare_the_collector() -> None:
    """Let the cyclic garbage collector look seldom, and not at what was imported.

    State is freed by reference counts, cycles come of exceptions and connections only; yet by its defaults the
    collector walks over all open contacts again and again: a sixth of the CPU of a catch-up. With a million more
    containers than before it looks at the young ones, and at everything only after very many more.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECTOR)


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
