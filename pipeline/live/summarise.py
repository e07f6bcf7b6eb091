"""The live values: who waits now, what the last 15 minutes and today were like, what is resolved for good. Pure.

`now_ms` is an argument; nothing stored depends on it. What began in a window is read from the cells in memory, who is
there now from the open contacts.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from typing import Final

from pipeline.core.cells import add
from pipeline.core.engine import DAY, MINUTE
from pipeline.core.rules import Rulebook
from pipeline.core.zone import DAY_MS
from pipeline.live.inputs import CallBack, LiveState, PartitionState
from pipeline.live.labels import labelled
from pipeline.live.now import Found, Starts, look_at
from pipeline.live.parts import ANSWERS_WINDOW_MS, Parts, Place, merged, numbers
from pipeline.live.summary import (
    Case,
    Cases,
    Names,
    NotReady,
    PartitionStatus,
    QueueRow,
    Readiness,
    Summary,
    Total,
)
from pipeline.measures import ALL
from schemas.catalogue import Settings
from schemas.vocabulary import UNKNOWN, ChannelKind

RECENT_MS: Final = 15 * 60_000
REPLIES_MS: Final = 60 * 60_000
MOST_CASES: Final = 10
_KINDS: Final[tuple[ChannelKind, ...]] = ("live", "deferred")
_COLUMNS: Final = {measure.name: measure.key for measure in ALL}
_ELIGIBLE: Final = _COLUMNS["fcr_eligible"]
_RESOLVED: Final = _COLUMNS["fcr_resolved"]
_LEGS_ANSWERED: Final = _COLUMNS["legs_answered"]
_REQUESTED: Final = _COLUMNS["requested"]
_LEGS_OFFERED: Final = _COLUMNS["legs_offered"]
_REPLIES: Final = _COLUMNS.get("replies", -1)


def recent_days(settings: Settings) -> int:
    """Days of day cells the engine has to keep (`Engine.recent_days`) for both cohorts of resolution."""
    return 2 * _days(settings.follow_up_window_ms) + _days(settings.lateness_ms) + 2


def readiness(partitions: Sequence[PartitionState]) -> Readiness:
    """Whether every partition is read and counted; which are not, and why."""
    if not partitions:
        return Readiness(False, (NotReady("", "no partitions are assigned to this worker yet"),))
    missing = tuple(NotReady(state.partition, reason) for state in partitions if (reason := _not_ready(state)))
    return Readiness(not missing, missing)


def _not_ready(state: PartitionState) -> str:
    if state.stopped_because:
        return f"stopped: {state.stopped_because}"
    if state.ready:
        return ""
    return "recovering" if state.warehouse_up else "waiting for the warehouse to recover from"


def data_until_ms(partitions: Iterable[PartitionState]) -> int | None:
    """How far everything is known: the smallest watermark of the contact partitions. One without any record counts
    for nothing, since nothing is missing from it. None without data.
    """
    marks = [
        state.marker.watermark_ms
        for state in partitions
        if state.of_contacts and not (state.marker.watermark_ms == 0 and not _lag(state))
    ]
    return min(marks, default=0) or None


def summarise(state: LiveState, now_ms: int) -> Summary:
    """The live values at `now_ms`. While partitions of contacts are missing there are none: absent, not zero."""
    rulebook, catalogue = state.rulebook, state.rulebook.catalogue
    contacts = [partition for partition in state.partitions if partition.of_contacts]
    customers = [partition for partition in state.partitions if not partition.of_contacts]
    live = bool(contacts) and not any(_not_ready(partition) for partition in contacts)
    resolved = live and bool(customers) and not any(_not_ready(partition) for partition in customers)
    until_ms = data_until_ms(contacts)
    places: dict[Place, Parts] = {}
    cases = Cases()
    if live:
        found = Found([], [], [])
        starts = Starts((now_ms - RECENT_MS) // 60_000 * 60_000 + 60_000, rulebook.zone.day_start_ms(now_ms))
        _count_cells(
            contacts + customers if resolved else contacts, rulebook, now_ms, min(now_ms, until_ms or 0), starts, places
        )
        for partition in contacts:
            for contact_id, view in partition.open.items():
                look_at(contact_id, view, rulebook, now_ms, starts, lambda place: _place(places, place), found)
        cases = _cases(found, state.call_backs, rulebook, now_ms, starts.today_ms)
    rows = _rows(places, rulebook, now_ms, customers=resolved)
    folded, dropped = labelled(places, catalogue)
    _, (_, confirmed_s) = cohorts(rulebook, now_ms, min(now_ms, until_ms or 0))
    newest_ms = max((partition.marker.watermark_ms for partition in contacts), default=0)
    return Summary(
        now_ms=now_ms,
        zone=catalogue.zone,
        simulated=state.simulated,
        live=live,
        readiness=readiness(state.partitions),
        warehouse_up=all(partition.warehouse_up for partition in state.partitions),
        data_until_ms=until_ms,
        newest_ms=newest_ms or None,
        headline_service_level=catalogue.settings.headline_service_level,
        cohort_days=_days(catalogue.settings.follow_up_window_ms),
        confirmed_until_ms=confirmed_s * 1_000 if until_ms else None,
        titles=Names(
            catalogue.titles, {name: entry.titles for name, entry in catalogue.channels.items()}, catalogue.queues
        ),
        totals=tuple(_totals(places, rulebook, customers=resolved)),
        queues=rows,
        cases=cases,
        partitions=tuple(_status(partition, now_ms) for partition in state.partitions),
        source_silence_ms={name: max(now_ms - seen, 0) for name, seen in sorted(state.sources.items())},
        labelled=rows if not dropped else _rows(folded, rulebook, now_ms, customers=resolved),
        labels_dropped=dropped,
    )


def _place(places: dict[Place, Parts], place: Place) -> Parts:
    parts = places.get(place)
    if parts is None:
        parts = places[place] = Parts()
    return parts


def _count_cells(
    partitions: Iterable[PartitionState],
    rulebook: Rulebook,
    now_ms: int,
    known_ms: int,
    starts: Starts,
    places: dict[Place, Parts],
) -> None:
    """Add the cells in memory: minutes to the last 15 (and 30, and 60) minutes, days to today and the cohorts."""
    recent_s, today_s = starts.recent_ms // 1_000, starts.today_ms // 1_000
    answers_s = (now_ms - ANSWERS_WINDOW_MS) // 1_000
    replies_s = (now_ms - REPLIES_MS) // 1_000
    (first_s, past_s), (confirmed_s, confirmed_past_s) = cohorts(rulebook, now_ms, known_ms)
    for partition in partitions:
        for (resolution, start_s, channel, queue, _), cell in partition.recent.items():
            if resolution == MINUTE:
                if start_s < replies_s:
                    continue
                parts = _place(places, (channel, queue))
                parts.replies += cell.get(_REPLIES, 0)
                if start_s >= answers_s:
                    parts.answers += cell.get(_LEGS_ANSWERED, 0)
                if start_s >= recent_s:
                    add(parts.recent.cell, cell)
            elif resolution == DAY:
                parts = _place(places, (channel, queue))
                uses = cell.get(_REQUESTED, 0) + cell.get(_LEGS_OFFERED, 0)
                parts.used = (parts.used[0] + uses * (start_s == today_s), parts.used[1] + uses)
                if start_s == today_s:
                    add(parts.today.cell, cell)
                pair = (cell.get(_ELIGIBLE, 0), cell.get(_RESOLVED, 0))
                if first_s <= start_s < past_s:
                    parts.provisional = (parts.provisional[0] + pair[0], parts.provisional[1] + pair[1])
                if confirmed_s <= start_s < confirmed_past_s:
                    parts.confirmed = (parts.confirmed[0] + pair[0], parts.confirmed[1] + pair[1])


def cohorts(rulebook: Rulebook, now_ms: int, known_ms: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The local days (by first closing) of the two resolution figures, as [from, to) in seconds.

    Provisional: the last W, today included. Confirmed: the newest W that are old enough: the end of the day + W +
    lateness lies at or before min(now, data_until), so that nothing that is still to come can change them.
    """
    zone, settings = rulebook.zone, rulebook.settings
    days = _days(settings.follow_up_window_ms)
    today = zone.ordinal(now_ms)
    settled_ms = known_ms - settings.follow_up_window_ms - settings.lateness_ms
    past = min(zone.ordinal(settled_ms), today)
    return (
        (zone.start_of_ms(today - days + 1) // 1_000, zone.start_of_ms(today + 1) // 1_000),
        (zone.start_of_ms(past - days) // 1_000, zone.start_of_ms(past) // 1_000),
    )


def _days(length_ms: int) -> int:
    return -(-length_ms // DAY_MS)


def _rows(places: Mapping[Place, Parts], rulebook: Rulebook, now_ms: int, *, customers: bool) -> tuple[QueueRow, ...]:
    """One row per place, in the order of the catalogue's channels, then by name."""
    order = {channel: index for index, channel in enumerate(rulebook.catalogue.channels)}
    rows: list[QueueRow] = []
    for channel, queue in sorted(places, key=lambda place: (order.get(place[0], len(order)), place)):
        kind = rulebook.kind(channel)
        rules = None if kind is None else rulebook.rules(channel, queue, UNKNOWN, now_ms)
        rows.append(
            QueueRow(
                channel,
                queue,
                kind or "deferred",
                None if rules is None else rules.wait_target_ms,
                None if rules is None else rules.response_target,
                numbers(places[channel, queue], customers=customers),
            )
        )
    return tuple(rows)


def _totals(places: Mapping[Place, Parts], rulebook: Rulebook, *, customers: bool) -> Iterable[Total]:
    for kind in _KINDS:
        own = [parts for (channel, _), parts in places.items() if (rulebook.kind(channel) or "deferred") == kind]
        if own:
            yield Total(kind, numbers(merged(own), customers=customers))


def _cases(found: Found, call_backs: Iterable[CallBack], rulebook: Rulebook, now_ms: int, today_ms: int) -> Cases:
    calls = [
        Case(
            back.contact_id,
            back.channel,
            back.queue,
            rulebook.kind(back.channel) or "deferred",
            back.abandoned_ms,
            max(now_ms - back.abandoned_ms, 0),
        )
        for back in call_backs
        if back.abandoned_ms >= today_ms
    ]
    return Cases(
        beyond_target=tuple(nsmallest(MOST_CASES, found.beyond_target, key=_over)),
        unanswered=tuple(nsmallest(MOST_CASES, found.unanswered, key=_overdue_first)),
        call_back=tuple(nsmallest(MOST_CASES, calls, key=_oldest)),
        stale=tuple(nsmallest(MOST_CASES, found.stale, key=_oldest)),
    )


def _over(case: Case) -> tuple[int, str]:
    return -(case.over_ms or 0), case.contact_id


def _overdue_first(case: Case) -> tuple[bool, int, str]:
    return not case.overdue, case.since_ms, case.contact_id


def _oldest(case: Case) -> tuple[int, str]:
    return case.since_ms, case.contact_id


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


def _status(state: PartitionState, now_ms: int) -> PartitionStatus:
    marker = state.marker
    known = state.ready and marker.watermark_ms > 0
    return PartitionStatus(
        partition=state.partition,
        ready=not _not_ready(state),
        stopped_because=state.stopped_because,
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
    )
