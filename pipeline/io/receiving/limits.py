"""How much one sender may send, how much may be under way at once, and which deliveries were seen already."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pipeline.io.receiving.senders import Sender

UNDER_WAY: Final = 64
BURST_SECONDS: Final = 2.0
REMEMBERED: Final = 100_000
REMEMBERED_SECONDS: Final = 600.0


class Busy(Exception):
    """Not now: the status (429 or 503), and when to come back."""

    def __init__(self, status: int, sentence: str, retry_seconds: int) -> None:
        super().__init__(sentence)
        self.status = status
        self.retry_seconds = retry_seconds


class Limits:
    """A token bucket per sender, and a cap on what is under way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._under_way = 0
        self._left: dict[str, tuple[float, float]] = {}

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Around a request. Raises Busy (503)."""
        if self._under_way >= UNDER_WAY:
            raise Busy(503, "too many requests are under way; send it again", 1)
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    def admit(self, sender: Sender) -> None:
        """Count one request. Raises Busy (429). Without a proof there is nobody to tell apart, and no rate."""
        if sender.proof is None:
            return
        rate, now = sender.requests_per_second, self._clock()
        most = max(rate * BURST_SECONDS, 1.0)
        left, at = self._left.get(sender.name, (most, now))
        left = min(left + (now - at) * rate, most)
        if left < 1:
            self._left[sender.name] = left, now
            raise Busy(429, "too many requests; send more touchpoints in each", max(int((1 - left) / rate), 1))
        self._left[sender.name] = left - 1, now


class Repeats:
    """Deliveries taken in the last ten minutes, at most 100,000: repeated, they are answered and not read again.

    It saves work and refuses replays; that nothing counts twice does not depend on it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def seen(self, sender: str, delivery: str) -> bool:
        """Whether it was remembered and is not too long ago."""
        self._forget()
        return (sender, delivery) in self._at

    def remember(self, sender: str, delivery: str) -> None:
        """It was taken, durably."""
        self._at[sender, delivery] = self._clock()
        self._forget()

    def _forget(self) -> None:
        oldest = self._clock() - REMEMBERED_SECONDS
        while self._at and (len(self._at) > REMEMBERED or next(iter(self._at.values())) < oldest):
            self._at.popitem(last=False)
