"""Where each partition stands in its log: what is behind it, what is to come, and what is gone uncounted."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from agents.folding import LogLost
from pipeline.core.steps import Marker
from pipeline.io import positions
from pipeline.settings import Settings
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS

_FOLDED: Final = (TOUCHPOINTS, CONTACT_FACTS)


class Standing(Struct, frozen=True):
    """One partition. `position`: the next offset to be counted. The log has the offsets [`first`, `end`).

    `lost`: positions given up earlier (TOUCHLINE_ACCEPT_LOSS).
    """

    partition: str
    position: int
    first: int
    end: int
    lost: int

    @property
    def gone(self) -> int:
        """Positions that the log has given up before they were counted."""
        return max(self.first - self.position, 0)

    @property
    def behind(self) -> int:
        """Positions that are still to be counted."""
        return max(self.end - max(self.position, self.first), 0)

    @property
    def trouble(self) -> str:
        """What is wrong, empty if nothing is."""
        if self.position > self.end:
            return f"{self.partition}: counted up to {self.position}, but the log ends at {self.end}: another log"
        if self.gone:
            return f"{self.partition}: offsets {self.position} to {self.first - 1} ({self.gone} positions)"
        return ""


async def standings(settings: Settings, markers: Mapping[str, Marker]) -> list[Standing]:
    """Every partition that the cluster has and that is folded. Raises LogError."""
    bounds = await asyncio.to_thread(positions.bounds, settings, _FOLDED)
    found: list[Standing] = []
    for partition, (first, end) in sorted(bounds.items(), key=lambda item: _order(item[0])):
        marker = markers.get(partition)
        position, lost = (0, 0) if marker is None else (marker.offset, marker.lost)
        found.append(Standing(partition, position, first, end, lost))
    return found


def refuse_gone(found: Iterable[Standing]) -> None:
    """Raises LogLost with every partition and how much it lacks, exactly."""
    lacking = [one for one in found if one.gone]
    if lacking:
        total = sum(one.gone for one in lacking)
        raise LogLost(
            f"{'; '.join(one.trouble for one in lacking)}: together {total} positions are gone from the log and were"
            " never counted. Start with TOUCHLINE_ACCEPT_LOSS=1 to go on without them."
        )


def _order(partition: str) -> tuple[str, int]:
    topic, _, number = partition.rpartition("/")
    return topic, int(number)
