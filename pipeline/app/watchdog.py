"""Ends a process that cannot end itself: a thread that sees whether the event loop still turns.

What is ended has lost nothing: it is a kill like any other, and a supervisor starts it again.
"""

import asyncio
import faulthandler
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final, NoReturn

RESTART_EXIT_CODE: Final = 75
"""What a supervisor is to start again (sysexits.h: a temporary failure)."""
BLOCKED_SECONDS: Final = 120.0
"""The event loop may stand still for so long: taking over a large partition does."""
_BEAT_SECONDS: Final = 0.25
_TICK_SECONDS: Final = 1.0
_REMEMBERED_SECONDS: Final = 60.0


def end(sentence: str) -> NoReturn:
    """End at once, with one sentence, and where every thread was for whoever mends it."""
    sys.stderr.write(f"touchline: {sentence}\n")
    sys.stderr.flush()
    faulthandler.dump_traceback(all_threads=True)
    os._exit(RESTART_EXIT_CODE)


class Watchdog:
    """A task that shows that the loop turns, and a thread that sees whether it does."""

    def __init__(
        self,
        blocked_seconds: float = BLOCKED_SECONDS,
        end: Callable[[str], object] = end,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._blocked_seconds, self._end, self._seconds = blocked_seconds, end, seconds
        self._beat_at = self._tick_at = seconds()
        self._gaps: deque[tuple[float, float]] = deque()
        self._over_at: float | None = None
        self._beating: asyncio.Future[None] | None = None
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch the running loop from now on, until the process ends."""
        self._beating = asyncio.ensure_future(self.beat())
        self._thread.start()

    async def beat(self) -> None:
        """Show that the loop turns, for ever."""
        self._beat_at = self._seconds()
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self.beaten()

    def beaten(self) -> None:
        """One beat: how late it is says how long the loop stood still."""
        now = self._seconds()
        self._gaps.append((now, max(now - self._beat_at - _BEAT_SECONDS, 0.0)))
        self._beat_at = now
        while self._gaps[0][0] < now - _REMEMBERED_SECONDS:
            self._gaps.popleft()

    def longest_blocked_seconds(self) -> float:
        """The longest the loop stood still in the last minute."""
        return max((late for _, late in self._gaps), default=0.0)

    def ending(self, within_seconds: float) -> None:
        """The process is ending in order; if it has not after so long, it is ended."""
        self._over_at = self._seconds() + within_seconds

    def _run(self) -> None:
        while True:
            threading.Event().wait(_TICK_SECONDS)
            self.tick()

    def tick(self) -> None:
        """Look. Where the thread itself stood still (a stopped process, a sleeping machine) nobody is to blame."""
        now = self._seconds()
        asleep_seconds = now - self._tick_at - _TICK_SECONDS
        self._tick_at = now
        if asleep_seconds > _TICK_SECONDS:
            self._beat_at += asleep_seconds
            if self._over_at is not None:
                self._over_at += asleep_seconds
        elif now - self._beat_at > self._blocked_seconds:
            self._end(
                f"the event loop stands still for {now - self._beat_at:.0f} s: ending the process, to be started again"
            )
        elif self._over_at is not None and now > self._over_at:
            self._end("the process does not end in order: ending it, to be started again")
