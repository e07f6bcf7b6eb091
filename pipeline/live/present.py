"""The live values of what one worker, or all of them, collected. Pure.

Law: present([collect(a), collect(b)]) == present([collect(a + b)]) for disjoint partitions a and b.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from pipeline.core.rules import Rulebook, Rules
from pipeline.core.zone import DAY_MS
from pipeline.live.cases import worst
from pipeline.live.collect import Collected, not_shown, readiness
from pipeline.live.foresight import foresee
from pipeline.live.labels import labelled
from pipeline.live.parts import Cohorts, Parts, Place, merged, numbers
from pipeline.live.summary import Cases, Names, NotReady, PartitionStatus, QueueRow, Summary, Total, WorkerStatus
from schemas.topics import CONTACT_FACTS
from schemas.vocabulary import UNKNOWN, ChannelKind

_KINDS: Final[tuple[ChannelKind, ...]] = ("live", "deferred")


class Others(Struct, frozen=True):
    """What is known of the other workers. `expected`: all partitions of the folded topics; `silent`: what was last
    heard of workers that are heard no more, or that count otherwise: never merged, only named.
    """

    expected: Sequence[str] = ()
    workers: Sequence[WorkerStatus] = ()
    silent: Sequence[Collected] = ()


def present(collected: Sequence[Collected], rulebook: Rulebook, now_ms: int, others: Others | None = None) -> Summary:
    """The live values at `now_ms`. The first of `collected` is this worker's own: readiness is its own.

    While partitions of contacts are missing there are no values: absent, not zero. With `others` what the rest knows
    is there, every row and total of it marked as incomplete.
    """
    catalogue = rulebook.catalogue
    partitions = tuple(
        sorted((status for one in collected for status in one.partitions), key=lambda status: _order(status.partition))
    )
    missing = _missing(partitions, others)
    contacts = [status for status in partitions if _of_contacts(status.partition)]
    live = bool(contacts) and not any(_of_contacts(one.partition) for one in missing)
    shown = live or (others is not None and any(status.ready for status in contacts))
    resolved = (
        shown
        and any(not _of_contacts(status.partition) for status in partitions)
        and all(_of_contacts(one.partition) for one in missing)
    )
    until_ms = min((one.known_until_ms for one in collected if one.known_until_ms is not None), default=0) or None
    cohorts = cohorts_of(rulebook, now_ms, min(now_ms, until_ms or 0))
    places: dict[Place, Parts] = {}
    if shown:
        _put_together(places, (one.contacts for one in collected))
        if resolved:
            _put_together(places, (one.customers for one in collected))
        for one in others.silent if others is not None else ():
            for place in one.contacts:
                places.setdefault(place, Parts())
    foreseen = Cases(will_miss=tuple(foresee(places, now_ms, rulebook.kind)))
    told = _Told(rulebook, now_ms, cohorts if resolved else None, incomplete=shown and not live)
    rows = told.rows(places)
    folded, dropped = labelled(places, catalogue)
    newest_ms = max((one.newest_ms for one in collected), default=0)
    return Summary(
        now_ms=now_ms,
        zone=catalogue.zone,
        simulated=any(one.simulated for one in collected),
        live=live,
        readiness=readiness(collected[0].partitions if collected else ()),
        warehouse_up=all(status.warehouse_up for status in partitions),
        data_until_ms=until_ms,
        newest_ms=newest_ms or None,
        headline_service_level=catalogue.settings.headline_service_level,
        cohort_days=_days(catalogue.settings.follow_up_window_ms),
        confirmed_until_ms=cohorts.confirmed[1] * 1_000 if until_ms else None,
        titles=Names(
            catalogue.titles, {name: entry.titles for name, entry in catalogue.channels.items()}, catalogue.queues
        ),
        totals=tuple(told.totals(places)),
        queues=rows,
        by_queue=tuple(told.by_queue(places, rows)),
        cases=worst([foreseen, *(one.cases for one in collected)]) if shown else Cases(),
        partitions=partitions,
        source_silence_ms=_silence_ms(collected, now_ms),
        labelled=rows if not dropped else told.rows(folded),
        labels_dropped=dropped,
        partitions_total=len(others.expected) if others is not None else len(partitions),
        missing=missing,
        workers=tuple(others.workers) if others is not None else (),
    )


def _of_contacts(partition: str) -> bool:
    return not partition.startswith(f"{CONTACT_FACTS}/")


def _order(partition: str) -> tuple[bool, str, int]:
    """Contacts first, then by number."""
    topic, _, number = partition.rpartition("/")
    return not _of_contacts(partition), topic, int(number)


def _missing(partitions: Sequence[PartitionStatus], others: Others | None) -> tuple[NotReady, ...]:
    """Partitions that are not in the values, and why."""
    found = {status.partition: reason for status in partitions if (reason := not_shown(status))}
    if others is not None:
        heard = {status.partition for status in partitions}
        why = {
            partition: f"worker {worker.name}: {worker.missing_because}"
            # Whoever was heard last may have had it last.
            for worker in sorted(others.workers, key=lambda worker: -worker.heard_ms_ago)
            if worker.missing_because
            for partition in worker.partitions
        }
        found |= {p: why.get(p, "no worker has it at the moment") for p in others.expected if p not in heard}
    return tuple(NotReady(partition, found[partition]) for partition in sorted(found, key=_order))


def _put_together(places: dict[Place, Parts], several: Iterable[Mapping[Place, Parts]]) -> None:
    for one in several:
        for place, parts in one.items():
            into = places.get(place)
            if into is None:
                into = places[place] = Parts()
            into.merge(parts)


def _silence_ms(collected: Sequence[Collected], now_ms: int) -> dict[str, int]:
    heard: dict[str, int] = {}
    for one in collected:
        for source, at_ms in one.sources.items():
            heard[source] = max(heard.get(source, 0), at_ms)
    return {source: max(now_ms - at_ms, 0) for source, at_ms in sorted(heard.items())}


def cohorts_of(rulebook: Rulebook, now_ms: int, known_ms: int) -> Cohorts:
    """Provisional: the last W, today included. Confirmed: the newest W that are old enough: the end of the day + W +
    lateness lies at or before min(now, data_until), so that nothing that is still to come can change them.
    """
    zone, settings = rulebook.zone, rulebook.settings
    days = _days(settings.follow_up_window_ms)
    today = zone.ordinal(now_ms)
    settled_ms = known_ms - settings.follow_up_window_ms - settings.lateness_ms
    past = min(zone.ordinal(settled_ms), today)
    return Cohorts(
        (zone.start_of_ms(today - days + 1) // 1_000, zone.start_of_ms(today + 1) // 1_000),
        (zone.start_of_ms(past - days) // 1_000, zone.start_of_ms(past) // 1_000),
    )


def _days(length_ms: int) -> int:
    return -(-length_ms // DAY_MS)


class _Told(Struct, frozen=True):
    """How parts become rows and totals."""

    rulebook: Rulebook
    now_ms: int
    cohorts: Cohorts | None
    incomplete: bool

    def rows(self, places: Mapping[Place, Parts]) -> tuple[QueueRow, ...]:
        """One row per place, in the order of the catalogue's channels, then by name."""
        order = {channel: index for index, channel in enumerate(self.rulebook.catalogue.channels)}
        return tuple(
            self._row(place, places[place])
            for place in sorted(places, key=lambda place: (order.get(place[0], len(order)), place))
        )

    def _row(self, place: Place, parts: Parts) -> QueueRow:
        channel, queue = place
        rules = self._rules(place)
        return QueueRow(
            channel,
            queue,
            self.rulebook.kind(channel) or "deferred",
            None if rules is None else rules.wait_target_ms,
            None if rules is None else rules.response_target,
            numbers(parts, self.cohorts),
            self.incomplete,
            self._is_open(place),
        )

    def _rules(self, place: Place) -> Rules | None:
        known = self.rulebook.kind(place[0]) is not None
        return self.rulebook.rules(*place, UNKNOWN, self.now_ms) if known else None

    def _is_open(self, place: Place) -> bool:
        rules = self._rules(place)
        return rules is None or rules.calendar is None or rules.calendar.is_open(self.now_ms)

    def totals(self, places: Mapping[Place, Parts]) -> Iterable[Total]:
        """One for each kind of channel that occurs."""
        for kind in _KINDS:
            own = [
                parts for (channel, _), parts in places.items() if (self.rulebook.kind(channel) or "deferred") == kind
            ]
            if own:
                yield Total(kind, numbers(merged(own), self.cohorts), self.incomplete)

    def by_queue(self, places: Mapping[Place, Parts], rows: Sequence[QueueRow]) -> Iterable[QueueRow]:
        """One for each queue and kind of channel, in the order of the names."""
        of_place = {(row.channel, row.queue): row.numbers for row in rows}
        for kind in _KINDS:
            queues: dict[str, list[Place]] = {}
            for place in places:
                if (self.rulebook.kind(place[0]) or "deferred") == kind:
                    queues.setdefault(place[1], []).append(place)
            for queue, own in sorted(queues.items()):
                alone = of_place[own[0]] if len(own) == 1 else None
                together = alone or numbers(merged([places[place] for place in own]), self.cohorts)
                is_open = any(map(self._is_open, own))
                yield QueueRow("", queue, kind, None, None, together, self.incomplete, is_open)
