"""Log lines that say the same again and again, said once in a while: in an outage every request of a client fails."""

import logging
import time
from collections.abc import Callable
from typing import Final

PERIOD_SECONDS: Final = 30.0
_MOST_CHARACTERS: Final = 400
_MOST_KINDS: Final = 1_000
_NO_DIGITS: Final = str.maketrans("", "", "0123456789")
_CHATTY: Final = ("aiokafka", "faust", "mode", "kafka", "pipeline.io", "touchline")


class Sparing(logging.Filter):
    """One line of a kind in 30 s, and how many were left out before. Of a kind are lines of one place in the code that
    differ in nothing but numbers.

    Critical ones are always let through. Long ones are cut, and stay on their line.
    """

    def __init__(self, period_seconds: float = PERIOD_SECONDS, seconds: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._period_seconds, self._seconds = period_seconds, seconds
        self._said: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be said; it may be changed for that."""
        if record.levelno >= logging.CRITICAL or not record.name.startswith(_CHATTY):
            return True
        text = " ".join(record.getMessage().split())
        kind, now = (record.pathname, record.lineno, text.translate(_NO_DIGITS)[:_MOST_CHARACTERS]), self._seconds()
        at, left_out = self._said.get(kind, (None, 0))
        if at is not None and now - at < self._period_seconds:
            self._said[kind] = at, left_out + 1
            return False
        if len(self._said) >= _MOST_KINDS:
            self._said.clear()
        self._said[kind] = now, 0
        if len(text) > _MOST_CHARACTERS:
            text = f"{text[:_MOST_CHARACTERS]} ..."
        record.msg, record.args = text + (f" ({left_out} more of this kind before)" if left_out else ""), ()
        return True
