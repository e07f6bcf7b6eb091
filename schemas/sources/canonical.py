"""Touchpoints as they are: one JSON object a line. Whether a line is valid is judged by intake, not here."""

from collections.abc import Iterable, Iterator
from typing import Final

from schemas.codec import MAX_BYTES
from schemas.rejects import KEPT_BYTES, Reject
from schemas.sources.source import BadLine, Item, Output, Source


def read(lines: Iterable[bytes]) -> Iterator[Output]:
    """Every line as it is; blank lines are left out, and a line no broker would take is a bad line."""
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        if len(line) > MAX_BYTES:
            yield BadLine(number, Reject("too_large", f"the line has more than {MAX_BYTES:,} bytes"), line[:KEPT_BYTES])
        else:
            yield Item(number, line)


SOURCE: Final = Source("canonical", "touchpoints as JSON lines, in any order", read)
