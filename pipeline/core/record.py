"""One record of the log, as the folds see it."""

from msgspec import Struct


class Record(Struct, frozen=True, gc=False):
    """One record of the log. `timestamp_ms` is Kafka's; key and value may be null."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
