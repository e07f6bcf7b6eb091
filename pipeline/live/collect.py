"""What a worker knows of its own partitions, small enough to tell all others every second. Pure.

Its size grows with the number of places, never with the number of contacts.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from pipeline.core.cells import Tally, add, tally_in, total
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, MINUTE
from pipeline.live.cases import all_cases, worst
from pipeline.live.inputs import CallBack, LiveState, PartitionState
from pipeline.live.judged import judge_day, judge_minute
from pipeline.live.now import Found, Starts, look_at
from pipeline.live.parts import ANSWERS_WINDOW_MS, Parts, Place, in_line, merged
from pipeline.live.summary import Cases, NotReady, PartitionStatus, Readiness
from pipeline.measures import ALL
from schemas.vocabulary import OTHER

RECENT_MS: Final = 30 * 60_000
REPLIES_MS: Final = 60 * 60_000
MOST_PLACES: Final = 3_000
"""So many places are told apart; what is stored is told apart always."""
_COLUMNS: Final = {measure.name: measure.key for measure in ALL}
_ELIGIBLE: Final = _COLUMNS["fcr_eligible"]
_RESOLVED: Final = _COLUMNS["fcr_resolved"]
_LEGS_ANSWERED: Final = _COLUMNS["legs_answered"]
_REQUESTED: Final = _COLUMNS["requested"]
_LEGS_OFFERED: Final = _COLUMNS["legs_offered"]
_REPLIES: Final = _COLUMNS.get("replies", -1)


class Collected(Struct, frozen=True):
    """Some partitions at `at_ms`. `contacts` and `customers` are what the partitions that are ready add, by place.

    `known_until_ms`: the smallest watermark of the contact partitions, 0 while one with records has none, None where
    none has any. `sources`: when each was last heard of (ms).
    """

    at_ms: int
    partitions: tuple[PartitionStatus, ...]
    contacts: dict[Place, Parts]
    customers: dict[Place, Parts]
    cases: Cases
    sources: dict[str, int]
    known_until_ms: int | None
    newest_ms: int
    simulated: bool = False


class Collecting:
    """Partitions, taken one after another, each as it stands then: a worker has other things to do in between. Nothing
    of a partition is held but what it adds up to.
    """

    def __init__(self, rulebook: Rulebook, now_ms: int) -> None:
        self._rulebook, self._now_ms = rulebook, now_ms
        zone = rulebook.zone
        self._starts = Starts(
            (now_ms - RECENT_MS) // 60_000 * 60_000 + 60_000,
            zone.day_start_ms(now_ms),
            zone.start_of_ms(zone.ordinal(now_ms) - 1),
        )
        self._statuses: list[PartitionStatus] = []
        self._marks: list[int] = []
        self._contacts: dict[Place, Parts] = {}
        self._customers: dict[Place, Parts] = {}
        self._found = Found()

    def take(self, partition: PartitionState) -> None:
        """One more."""
        rulebook, now_ms, starts, contacts = self._rulebook, self._now_ms, self._starts, self._contacts
        self._statuses.append(status_of(partition, now_ms))
        settled_ms = partition.settled_ms
        watermark_ms = partition.marker.watermark_ms if settled_ms is None else settled_ms
        # One without any record counts for nothing, since nothing is missing from it.
        if partition.of_contacts and (watermark_ms or _lag(partition) != 0):
            self._marks.append(watermark_ms)
        if not_shown(partition):
            return
        _count_cells(partition, rulebook, now_ms, starts, contacts if partition.of_contacts else self._customers)
        for contact_id, seen in partition.open.items():
            look_at(contact_id, seen, rulebook, now_ms, starts, lambda place: _place(contacts, place), self._found)

    def done(
        self, *, sources: Mapping[str, int], call_backs: Iterable[CallBack] = (), simulated: bool = False
    ) -> Collected:
        """What they are worth together."""
        for parts in self._contacts.values():
            parts.line = in_line(parts.line)
        today_ms = self._starts.today_ms
        return Collected(
            at_ms=self._now_ms,
            partitions=tuple(self._statuses),
            contacts=self._contacts,
            customers=self._customers,
            cases=worst([all_cases(self._found, call_backs, self._rulebook, self._now_ms, today_ms)]),
            sources=dict(sources),
            known_until_ms=min(self._marks, default=None),
            newest_ms=max(self._marks, default=0),
            simulated=simulated,
        )


def collect(state: LiveState, now_ms: int) -> Collected:
    """What these partitions are worth at `now_ms`. Law: `present` of the parts is `present` of the whole."""
    collecting = Collecting(state.rulebook, now_ms)
    for partition in state.partitions:
        collecting.take(partition)
    return collecting.done(sources=state.sources, call_backs=state.call_backs, simulated=state.simulated)


def bounded(collected: Collected, most: int) -> Collected:
    """The same with at most so many places, and one more for each channel: the least used go together as `other`.

    Law: every sum over all places is the same before and after.
    """
    return msgspec.structs.replace(
        collected, contacts=_most_used(collected.contacts, most), customers=_most_used(collected.customers, most)
    )


def _most_used(places: dict[Place, Parts], most: int) -> dict[Place, Parts]:
    if len(places) <= most:
        return places
    ranked = sorted(places, key=lambda place: (-places[place].used[0], -places[place].used[1], place))
    found = {place: places[place] for place in ranked[:most]}
    rest: dict[Place, Parts] = {}
    for channel, queue in ranked[most:]:
        _place(rest, (channel, OTHER)).merge(places[channel, queue])
    for place, parts in rest.items():
        found[place] = merged([found[place], parts]) if place in found else parts
    return found


def readiness(partitions: Sequence[PartitionState | PartitionStatus]) -> Readiness:
    """Whether every partition is read and counted; which are not, and why."""
    if not partitions:
        return Readiness(False, (NotReady("", "no partitions are assigned to this worker yet"),))
    missing = tuple(NotReady(one.partition, reason) for one in partitions if (reason := not_ready(one)))
    return Readiness(not missing, missing)


def not_ready(one: PartitionState | PartitionStatus) -> str:
    """Why a partition's numbers cannot be shown; empty where they can."""
    if one.stopped_because:
        return f"stopped: {one.stopped_because}"
    if one.ready:
        return ""
    return "recovering" if one.warehouse_up else "waiting for the warehouse to recover from"


def not_shown(one: PartitionState | PartitionStatus) -> str:
    """Why a partition adds nothing to the live values, which may be so although it is ready; empty where it adds."""
    return not_ready(one) or one.waits_for


def _place(places: dict[Place, Parts], place: Place) -> Parts:
    """The parts of a place; beyond very many places those of its channel's `other`."""
    parts = places.get(place)
    if parts is None:
        if len(places) >= MOST_PLACES and place[1] != OTHER:
            return _place(places, (place[0], OTHER))
        parts = places[place] = Parts()
    return parts


def _count_cells(
    partition: PartitionState, rulebook: Rulebook, now_ms: int, starts: Starts, places: dict[Place, Parts]
) -> None:
    """Add the cells in memory: minutes to the last 15 (and 30, and 60) minutes, days to today and to resolution."""
    recent_s, today_s, now_s = starts.recent_ms // 1_000, starts.today_ms // 1_000, now_ms // 1_000
    yesterday_s = starts.yesterday_ms // 1_000
    answers_s = (now_ms - ANSWERS_WINDOW_MS) // 1_000
    replies_s = (now_ms - REPLIES_MS) // 1_000
    of_contacts = partition.of_contacts
    oldest_s = 0 if of_contacts else replies_s
    recents: dict[Place, Tally] = {}
    todays: dict[Place, Tally] = {}
    for (resolution, start_s, channel, queue, segment), cells in partition.recent.items():
        # Promises are booked when they are due, and a clock may be ahead.
        if start_s > now_s or (start_s < oldest_s and resolution == MINUTE):
            continue
        parts = places.get((channel, queue)) or _place(places, (channel, queue))
        cell = total(cells)
        if resolution == MINUTE:
            if of_contacts:
                judge_minute(parts.outcomes, cell, start_s, (channel, queue, segment), rulebook, now_ms)
            if start_s < replies_s:
                continue
            parts.replies += cell.get(_REPLIES, 0)
            if start_s >= answers_s:
                parts.answers += cell.get(_LEGS_ANSWERED, 0)
            if start_s >= recent_s:
                tally_in(recents, (channel, queue)).add(cell)
        elif resolution == DAY:
            uses = cell.get(_REQUESTED, 0) + cell.get(_LEGS_OFFERED, 0)
            parts.used = (parts.used[0] + uses * (start_s == today_s), parts.used[1] + uses)
            if start_s >= yesterday_s and of_contacts:
                today = start_s == today_s
                judge_day(parts.outcomes, cell, start_s, (channel, queue, segment), rulebook, today=today)
            if start_s == today_s:
                tally_in(todays, (channel, queue)).add(cell)
            if _ELIGIBLE in cell or _RESOLVED in cell:
                eligible, resolved = parts.resolution.get(start_s, (0, 0))
                parts.resolution[start_s] = (eligible + cell.get(_ELIGIBLE, 0), resolved + cell.get(_RESOLVED, 0))
    for place, tally in recents.items():
        add(_place(places, place).recent.cell, tally)
    for place, tally in todays.items():
        add(_place(places, place).today.cell, tally)


def _lag(state: PartitionState) -> int | None:
    return None if state.log_end is None else max(state.log_end - state.marker.offset, 0)


def _catch_up_ms(state: PartitionState, now_ms: int) -> int | None:
    """How long catching up takes at the present pace: lag / (read - arriving); None if it does not come nearer."""
    lag, earlier = _lag(state), state.earlier
    if lag is None or state.log_end is None:
        return None
    if lag == 0:
        return 0
    if earlier is None or now_ms <= earlier.at_ms:
        return None
    nearer = (state.marker.offset - earlier.position) - (state.log_end - earlier.log_end)
    return lag * (now_ms - earlier.at_ms) // nearer if nearer > 0 else None


def _behind_ms(state: PartitionState, now_ms: int) -> int | None:
    if not _lag(state):
        return _lag(state)
    return max(now_ms - state.marker.append_ms, 0) if state.marker.append_ms else None


def status_of(state: PartitionState, now_ms: int) -> PartitionStatus:
    """What a partition says of itself: where it stands, and what it counted."""
    marker = state.marker
    known = state.ready and marker.watermark_ms > 0
    return PartitionStatus(
        partition=state.partition,
        ready=not not_ready(state),
        stopped_because=state.stopped_because,
        waits_for=state.waits_for,
        warehouse_up=state.warehouse_up,
        position=marker.offset,
        watermark_ms=marker.watermark_ms if known else None,
        data_age_ms=max(now_ms - marker.watermark_ms, 0) if known else None,
        event_lag_ms=max(marker.append_ms - marker.watermark_ms, 0) if known and marker.append_ms else None,
        log_lag=_lag(state) if state.ready else None,
        catch_up_ms=_catch_up_ms(state, now_ms) if state.ready else None,
        log_holes=state.log_holes,
        flush_seconds=state.flush_seconds,
        flush_rows=state.flush_rows,
        flushes=state.flushes,
        dirty_rows=state.dirty_rows,
        open_contacts=len(state.open) if state.ready and state.of_contacts else None,
        applied=marker.applied,
        duplicate=marker.duplicate,
        late=marker.late,
        rejected=dict(sorted(marker.rejected.items())),
        clamped=dict(sorted(marker.clamped.items())),
        behind_ms=_behind_ms(state, now_ms) if state.ready else None,
    )
