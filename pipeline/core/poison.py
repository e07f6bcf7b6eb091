"""When so much is rejected that a wrong deployment is likelier than wrong records: stop before the topic is drained."""

from typing import Final


class Limits:
    """So many rejects in a row, or more than this share of the last `ratio_of` records, stop a partition."""

    __slots__ = ("ratio", "ratio_of", "run")

    def __init__(self, run: int, ratio: float, ratio_of: int = 1_000) -> None:
        self.run: Final = run
        self.ratio: Final = ratio
        self.ratio_of: Final = ratio_of


class TooManyRejects(Exception):
    """A limit is passed. Nothing from the record on that passed it was taken in."""


class Poison:
    """Counts rejects of one partition against the limits."""

    __slots__ = ("_limits", "_run", "_seen", "_wrong")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._run = self._seen = self._wrong = 0

    def good(self, records: int = 1) -> None:
        """Records that were fine."""
        self._run = 0
        self._seen += records
        self._fade()

    def bad(self, place: str, reason: str, detail: str) -> None:
        """A record that was rejected. Raises TooManyRejects when it passes a limit."""
        limits = self._limits
        self._run += 1
        self._seen += 1
        self._wrong += 1
        often = self._seen >= limits.ratio_of // 2 and self._wrong > self._seen * limits.ratio
        if self._run > limits.run or often:
            raise TooManyRejects(
                f"{place}: {self._run} records in a row, and {self._wrong} of the last {self._seen}, were rejected"
                f" (this one: {reason}: {detail}); nothing from it on was taken in. Look at the dead letters; raise the"
                " limits in the catalogue if they are what you expect."
            )
        self._fade()

    def _fade(self) -> None:
        """Let the past count less: the ratio is that of about the last `ratio_of` records."""
        if self._seen > self._limits.ratio_of:
            self._seen, self._wrong = self._seen // 2, self._wrong // 2
