"""Turns: whatever keeps the event loop for some ten milliseconds does so one at a time, after all else is done.

What comes from the log takes several turns of the loop, and word from another thread, until it is counted. Between two
flushes laid out right after one another there would be one turn of the loop; so it would wait for many of them.
"""

import asyncio
from time import perf_counter, process_time
from typing import Final

_MOST_SECONDS: Final = 0.005
"""So long the loop may be kept without anything being let through."""
_BREATH_SECONDS: Final = 0.005
_BREATHS: Final = 4
"""So many at most, while the process is at work for more than half of the time."""


class Turns:
    """`async with turns:` around what keeps the loop, and `await turns.breath()` where it can be cut in two."""

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._kept_seconds = 0.0
        self._since = 0.0

    async def __aenter__(self) -> None:
        await self._one.acquire()
        try:
            await self._let_through()
        except BaseException:
            self._one.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._kept_seconds += perf_counter() - self._since
        self._one.release()

    async def breath(self) -> None:
        """Let all else be done that is to be done by now; the turn stays ours."""
        self._kept_seconds += perf_counter() - self._since
        await self._let_through()

    async def _let_through(self) -> None:
        await asyncio.sleep(0)
        for _ in range(_BREATHS if self._kept_seconds >= _MOST_SECONDS else 0):
            begun, used = perf_counter(), process_time()
            await asyncio.sleep(_BREATH_SECONDS)
            self._kept_seconds = 0.0
            if 2 * (process_time() - used) < perf_counter() - begun:
                break
        self._since = perf_counter()
