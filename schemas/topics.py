"""The topics as data: how they are cut, how long they keep, who says when a record was written. Runs nothing."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

RAW: Final = "touchline.raw"
TOUCHPOINTS: Final = "touchpoints"
CONTACT_FACTS: Final = "contact-facts"
DEAD_LETTERS: Final = "dead-letters"
LIVE: Final = "touchline.live"

_DAY_MS: Final = 86_400_000


class Topic(Struct, frozen=True):
    """A topic. Of a folded one every partition has its state in the ledger: the number of partitions is for ever."""

    name: str
    what: str
    partitions: int
    configs: Mapping[str, str]
    folded: bool = False


def topics(partitions: int, *, retention_days: int = 400) -> tuple[Topic, ...]:
    """All topics. `retention_days`: how long touchpoints stay, which is how far back `touchline rebuild` can read."""
    return (
        Topic(RAW, "What sources send, before it is checked", partitions, _kept(7)),
        Topic(TOUCHPOINTS, "Touchpoints, keyed by contact", partitions, _kept(retention_days), folded=True),
        Topic(CONTACT_FACTS, "Facts of contacts, keyed by customer", partitions, _kept(30), folded=True),
        Topic(DEAD_LETTERS, "Records that could not be applied", 1, _kept(14)),
        Topic(LIVE, "What every worker sees now, for all others", 1, _LATEST),
    )


def _kept(days: int) -> dict[str, str]:
    """Records by time. The broker stamps them: by CreateTime a replay of old history would be deleted as it arrives."""
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(days * _DAY_MS),
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        # Retention deletes whole segments: one a day at the least.
        "segment.ms": str(_DAY_MS),
    }


_LATEST: Final[Mapping[str, str]] = {
    # A statement a second and worker, worth nothing the next: old ones go soon, those of workers that are gone as well.
    "cleanup.policy": "compact,delete",
    "retention.ms": str(_DAY_MS),
    "message.timestamp.type": "LogAppendTime",
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.1",
}
