"""Where every partition is to stand in a rebuilt ledger, also where the topics were made anew with other partitions."""

import asyncio
from typing import Final

import msgspec
from msgspec import Struct

from pipeline.app.stack import CannotStart
from pipeline.core.murmur import partition_of
from pipeline.core.steps import Marker, epoch_of, version_of
from pipeline.io import positions, topics
from pipeline.ports import Warehouse
from pipeline.settings import Settings
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS

Marks = dict[str, tuple[Marker, int]]
_FOLDED: Final = (TOUCHPOINTS, CONTACT_FACTS)
_LOOKED_AT: Final = 200


class Planned(Struct, frozen=True):
    """`marks` for the new ledger. `contact_partitions`: None if contacts stay in the partitions they are in. `moved`:
    whether a topic was made anew with another number of partitions.
    """

    marks: Marks
    contact_partitions: int | None
    customer_partitions: int
    moved: bool


async def planned(found: Settings, warehouse: Warehouse, marks: Marks) -> Planned:
    """The markers the new ledger is to have. Raises CannotStart, LogError.

    Customers are counted anew from their contacts, so facts that are still in the log, under the old definitions, are
    passed over: on a real cluster the customer fold goes on at the log's end. A topic that was made anew with another
    number of partitions is a new log, of which nothing is counted yet.
    """
    before = {topic: {p: mark for p, mark in marks.items() if p.startswith(f"{topic}/")} for topic in _FOLDED}
    counts = {topic: max((_number(p) for p in old), default=-1) + 1 for topic, old in before.items()}
    counts[CONTACT_FACTS] = counts[CONTACT_FACTS] or counts[TOUCHPOINTS]
    now, ends, ids = counts, dict[str, int](), dict[str, str]()
    if not found.embedded_log:
        bounds = await asyncio.to_thread(positions.bounds, found, _FOLDED)
        ids = await asyncio.to_thread(topics.ids, found)
        ends = {partition: end for partition, (_, end) in bounds.items()}
        now = {topic: sum(p.startswith(f"{topic}/") for p in bounds) or counts[topic] for topic in _FOLDED}
    moved = {topic for topic in _FOLDED if now[topic] != counts[topic]}
    for topic in moved:
        _refuse_grown(topic, before[topic], ids.get(topic, ""), now[topic])
    new: Marks = {}
    for topic in _FOLDED:
        new |= _anew(topic, before[topic], now[topic], ids.get(topic, "")) if topic in moved else before[topic]
    new |= _customers({p: mark for p, mark in new.items() if p.startswith(f"{CONTACT_FACTS}/")}, now, ends)
    if CONTACT_FACTS in moved:
        # They are told everything here, so the new topic has nothing to tell again.
        epoch = max(epoch_of(version) for p, (_, version) in new.items() if p.startswith(f"{CONTACT_FACTS}/"))
        new |= {
            p: (msgspec.structs.replace(marker, facts_epoch=epoch, told=[]), version)
            for p, (marker, version) in new.items()
            if p.startswith(f"{TOUCHPOINTS}/")
        }
    else:
        await _refuse_other_partitions(warehouse, now[CONTACT_FACTS])
    stay = None if TOUCHPOINTS not in moved else now[TOUCHPOINTS]
    return Planned(new, stay, now[CONTACT_FACTS], bool(moved))


def _number(partition: str) -> int:
    return int(partition.rpartition("/")[2])


def _customers(marks: Marks, now: dict[str, int], ends: dict[str, int]) -> Marks:
    """Every partition of the customers, at its log's end."""
    epoch = max((epoch_of(version) for _, version in marks.values()), default=1)
    found: Marks = {}
    for number in range(now[CONTACT_FACTS]):
        partition = f"{CONTACT_FACTS}/{number}"
        marker, version = marks.get(partition, (Marker(), version_of(epoch, 0)))
        end = max(ends.get(partition, 0), marker.offset)
        found[partition] = (msgspec.structs.replace(marker, offset=end), version_of(epoch_of(version), end))
    return found


def _anew(topic: str, old: Marks, partitions: int, log_id: str) -> Marks:
    """Markers at the beginning of a new log; what was counted so far is told by its first partition."""
    epoch = max(epoch_of(version) for _, version in old.values()) + 1
    markers = [marker for marker, _ in old.values()]
    fresh = Marker(
        watermark_ms=max(marker.watermark_ms for marker in markers),
        append_ms=max(marker.append_ms for marker in markers),
        log_id=log_id,
    )
    first = msgspec.structs.replace(fresh, rejected={}, clamped={})
    for marker in markers:
        for name in ("applied", "duplicate", "late", "lost"):
            setattr(first, name, getattr(first, name) + getattr(marker, name))
        for kinds, more in ((first.rejected, marker.rejected), (first.clamped, marker.clamped)):
            for name, n in more.items():
                kinds[name] = kinds.get(name, 0) + n
    version = version_of(epoch, 0)
    return {f"{topic}/{n}": (first if n == 0 else msgspec.structs.replace(fresh), version) for n in range(partitions)}


def _refuse_grown(topic: str, old: Marks, log_id: str, partitions: int) -> None:
    """A topic that got partitions while it lived holds records of one contact in two of them."""
    if not log_id or log_id in {marker.log_id for marker, _ in old.values()}:
        raise CannotStart(
            f"topic {topic} was counted with {len(old)} partitions and has {partitions} now: its keys go elsewhere than"
            " before. Make it anew (delete it, then touchline apply), and run `touchline rebuild` then"
        )


async def _refuse_other_partitions(warehouse: Warehouse, partitions: int) -> None:
    """Customers have to stay where the log brings their facts."""
    rows = await warehouse.query(
        "SELECT p, key FROM touchline_internal.ledger WHERE kind = 3 ORDER BY key LIMIT %(n)s BY p",
        {"n": _LOOKED_AT},
    )
    for partition, key in rows:
        customer_id = key.partition("\x1f")[0]
        here = f"{CONTACT_FACTS}/{partition_of(customer_id.encode(), partitions)}"
        if here != partition:
            raise CannotStart(
                f"topic {CONTACT_FACTS} has {partitions} partitions, but its customers were counted when it had another"
                f" number ({partition} holds what belongs to {here}): name the cluster they were counted on"
            )
