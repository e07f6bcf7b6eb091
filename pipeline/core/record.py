"""One record of the log, as the folds see it."""

from collections.abc import Iterable
from typing import Any

from mypy_extensions import mypyc_attr


@mypyc_attr(acyclic=True)
class Record:  # noqa: PLW1641 - nobody's key
    """One record of the log, never changed. `timestamp_ms` is Kafka's; key and value may be null."""

    __slots__ = ("key", "offset", "timestamp_ms", "value")

    def __init__(self, offset: int, timestamp_ms: int, key: bytes | None, value: bytes | None) -> None:
        self.offset = offset
        self.timestamp_ms = timestamp_ms
        self.key = key
        self.value = value

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Record)
            and self.offset == other.offset
            and self.timestamp_ms == other.timestamp_ms
            and self.key == other.key
            and self.value == other.value
        )

    def __repr__(self) -> str:
        return f"Record({self.offset}, {self.timestamp_ms}, {self.key!r}, {self.value!r})"


def records_of(batch: Iterable[Any]) -> list[Record]:
    """Of a client's records (`offset`, `timestamp`, `key`, `value`), ours."""
    return [Record(one.offset, one.timestamp, one.key, one.value) for one in batch]
