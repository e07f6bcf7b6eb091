"""What is odd about a catalogue that is written correctly: it may be meant so, and more often it is not."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from difflib import get_close_matches

import msgspec
from msgspec import Struct

from pipeline.core.rules import Rulebook, Rules
from schemas.catalogue import Catalogue, TargetEntry
from schemas.catalogue_changes import place
from schemas.catalogue_types import CalendarEntry
from schemas.vocabulary import UNKNOWN


class Seen(Struct, frozen=True):
    """The names that what is counted holds."""

    channels: AbstractSet[str]
    queues: AbstractSet[str]
    segments: AbstractSet[str]


class Warned(Struct, frozen=True, order=True):
    """Something odd: the line it is about (0: none of the file's), and a sentence."""

    line: int
    message: str


def warnings(catalogue: Catalogue, lines: Mapping[str, int], seen: Seen | None, now_ms: int) -> list[Warned]:
    """Everything odd, by line. `seen` None: nothing is counted yet, or nobody asked."""
    rulebook = Rulebook(catalogue)
    found = [
        *_open_time(rulebook, lines, seen, now_ms),
        *_calendars(catalogue, rulebook, lines, now_ms),
        *_limits(rulebook, lines, now_ms),
        *_targets(catalogue, lines, now_ms),
    ]
    if seen is not None:
        found += _names(catalogue, lines, seen)
    return sorted(set(found))


def _open_time(rulebook: Rulebook, lines: Mapping[str, int], seen: Seen | None, now_ms: int) -> Iterator[Warned]:
    """Targets in open time where no calendar says what is open."""
    channels = (
        rulebook.catalogue.channels if seen is None else [c for c in rulebook.catalogue.channels if c in seen.channels]
    )
    without = [
        channel
        for channel in channels
        if (rules := _everywhere(rulebook, channel, now_ms)).response_target is not None
        and rules.response_target.unit != "clock"
        and rules.calendar is None
    ]
    if without:
        yield Warned(
            lines.get("opening_hours", 0),
            f"no calendar applies to {', '.join(without)}: response targets in open hours run round the clock there,"
            " nights and Sundays included; name a calendar under opening_hours, or write the targets without open",
        )
    for entry in rulebook.catalogue.targets:
        if entry.what != "response" or entry.value is None or entry.value.unit == "clock":
            continue
        at_ms = max(now_ms, entry.valid_from_ms or now_ms)
        channels = [entry.channel] if entry.channel else list(rulebook.catalogue.channels)
        there = [rulebook.rules(name, entry.queue or UNKNOWN, entry.segment or UNKNOWN, at_ms) for name in channels]
        line = lines.get(f"target response{_place(entry)}", 0)
        calendars = [one.calendar for one in there if one.calendar is not None]
        if not calendars and (entry.queue or entry.channel) and not set(channels) <= set(without):
            yield Warned(line, f"response{_place(entry)}: no calendar applies there, so it runs round the clock")


def _calendars(catalogue: Catalogue, rulebook: Rulebook, lines: Mapping[str, int], now_ms: int) -> Iterator[Warned]:
    used = {entry.calendar for entry in catalogue.opening_hours}
    today = rulebook.zone.ordinal(now_ms)
    for name, calendar in catalogue.calendars.items():
        line = lines.get(f"calendar {name!r}", 0)
        if name not in used:
            yield Warned(line, f"calendar '{name}' is used nowhere: name it under opening_hours, or leave it out")
            continue
        if not any(any(hours.weekly) for hours in calendar.hours):
            yield Warned(line, f"calendar '{name}' is never open on any weekday: every open hour is 0 there")
        elif not any(hours.holidays for hours in calendar.hours) and not _always(calendar):
            yield Warned(
                line,
                f"calendar '{name}' names no holidays: Christmas is a working day there unless excepted",
            )
        newest = max(calendar.exceptions, default=None)
        if newest is not None and newest < today - 366:
            last = date.fromordinal(newest)
            yield Warned(line, f"calendar '{name}': its newest exception is of {last}; are those since then missing?")


def _always(calendar: CalendarEntry) -> bool:
    return all(day == ((0, 1440),) for hours in calendar.hours for day in hours.weekly)


def _limits(rulebook: Rulebook, lines: Mapping[str, int], now_ms: int) -> Iterator[Warned]:
    short_ms = rulebook.settings.abandoned_short_ms
    for channel, entry in rulebook.catalogue.channels.items():
        rules = _everywhere(rulebook, channel, now_ms)
        if entry.kind != "live" or rules.wait_target_ms is None:
            continue
        if short_ms >= rules.wait_target_ms:
            yield Warned(
                lines.get("settings: abandoned_short", 0),
                f"abandoned_short is not below the wait target of {channel}: sl_net leaves out everyone who gave up"
                " within the target",
            )
        if rules.stale_ms is not None and rules.stale_ms <= rules.wait_target_ms:
            yield Warned(
                lines.get(f"target stale of channel {channel!r}", 0),
                f"{channel}: whoever waits is called stale before the wait target is missed",
            )


def _targets(catalogue: Catalogue, lines: Mapping[str, int], now_ms: int) -> Iterator[Warned]:
    for entry in catalogue.targets:
        line = lines.get(f"target {entry.what}{_place(entry)}", 0)
        kind = catalogue.channels[entry.channel].kind if entry.channel else None
        if entry.what == "wait" and kind == "deferred":
            yield Warned(line, f"wait{_place(entry)}: nobody waits there but what is queued; was response meant?")
        without = msgspec.structs.replace(
            catalogue, targets=tuple(other for other in catalogue.targets if other is not entry)
        )
        if _same(entry, Rulebook(catalogue), Rulebook(without), now_ms):
            yield Warned(line, f"{entry.what}{_place(entry)} changes nothing: without this entry the same holds")


def _same(entry: TargetEntry, one: Rulebook, other: Rulebook, now_ms: int) -> bool:
    """Whether an entry makes no difference where it is meant to hold."""
    at_ms = now_ms if entry.valid_from_ms is None else entry.valid_from_ms
    channels = [entry.channel] if entry.channel else list(one.catalogue.channels)
    return all(
        _promised(one.rules(channel, entry.queue or UNKNOWN, entry.segment or UNKNOWN, at_ms))
        == _promised(other.rules(channel, entry.queue or UNKNOWN, entry.segment or UNKNOWN, at_ms))
        for channel in channels
    )


def _promised(rules: Rules) -> tuple[object, ...]:
    return rules.wait_target_ms, rules.response_target, rules.unannounced_ms, rules.stale_ms


def _names(catalogue: Catalogue, lines: Mapping[str, int], seen: Seen) -> Iterator[Warned]:
    """Names that stand in only one of both: the catalogue, what is counted."""
    for what, listed, known in (
        ("queue", catalogue.queues, seen.queues),
        ("segment", catalogue.segments, seen.segments),
    ):
        named = {
            name: f"{kind}{_place(entry) if isinstance(entry, TargetEntry) else ''}"
            for kind, entry, name in _naming(catalogue, what)
        }
        for name in sorted(set(listed) | set(named)):
            if name not in known:
                line = lines.get(f"{what} {name!r}", lines.get(f"target {named.get(name, '')}", 0))
                yield Warned(line, f"{what} '{name}': nothing that is counted has this name{_near(name, known)}")
        if listed:
            for name in sorted(known - set(listed) - {UNKNOWN, ""}):
                yield Warned(
                    lines.get(f"{what}s", 0), f"{what} '{name}' is in what is counted and is not listed under {what}s"
                )


def _naming(catalogue: Catalogue, what: str) -> Iterator[tuple[str, object, str]]:
    for entry in catalogue.targets:
        name = entry.queue if what == "queue" else entry.segment
        if name is not None:
            yield entry.what, entry, name
    for opening in catalogue.opening_hours if what == "queue" else ():
        if opening.queue is not None:
            yield "opening hours", opening, opening.queue


def _near(name: str, known: AbstractSet[str]) -> str:
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""


def _everywhere(rulebook: Rulebook, channel: str, at_ms: int) -> Rules:
    return rulebook.rules(channel, UNKNOWN, UNKNOWN, at_ms)


def _place(entry: TargetEntry) -> str:
    return place(entry.channel, entry.queue, entry.segment, entry.valid_from_ms)
