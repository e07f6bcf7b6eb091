"""Starting: the process is made ready, and while Kafka or ClickHouse are away, what may pass is waited for and what
will not is raised.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from time import thread_time
from typing import Any, Final, TypeVar

from pipeline.ports import LogError, LogRefused, WarehouseDown

T = TypeVar("T")

_FIRST_SECONDS: Final = 1.0
_MOST_SECONDS: Final = 5.0
_COLLECTOR: Final = (10_000_000, 50, 1_000)
"""So many containers more than before: then the collector looks at once. Nobody has so many but by a mistake."""
_LOOK_SECONDS: Final = 30.0
_LOOK_REST: Final = 200
"""How long it rests after a look, as a multiple of what that took: while very much is counted, half a percent."""
_YOUNG_LOOKS: Final = 2_880
"""A day of looks at what is new. Then one at everything, 0.1 s with 80,000 contacts: a connection may have become
garbage after the look that found it alive.
"""
log_ = logging.getLogger("touchline.starting")


async def sparing_the_collector(work: Coroutine[Any, Any, T]) -> T:
    """Do the work, while the cyclic garbage collector looks seldom, and not at what was imported.

    State is freed by reference counts, cycles come of exceptions and connections only; yet by its defaults the
    collector walks over all open contacts again and again: a sixth of the CPU of a catch-up. So it looks by the clock,
    and at what is new since it looked last, at everything once a day; by itself only where very much is new.
    """
    gc.freeze()
    gc.set_threshold(*_COLLECTOR)
    looks = asyncio.create_task(_look_for_garbage(), name="look for garbage")
    try:
        return await work
    finally:
        looks.cancel()


async def _look_for_garbage() -> None:
    for number in count(1):
        begun = thread_time()
        gc.collect(0 if number % _YOUNG_LOOKS else 2)
        await asyncio.sleep(max(_LOOK_SECONDS, _LOOK_REST * (thread_time() - begun)))


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
