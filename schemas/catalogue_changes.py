"""Two catalogues compared, and the fingerprint of what one has in force.

Both are about what stored numbers depend on. An exception begins with its day, a dated entry with its date, and the
hours of a calendar not before the first use of that calendar.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct, to_builtins

from schemas.catalogue_defaults import default_targets
from schemas.catalogue_holidays import closed_dates
from schemas.catalogue_types import CalendarEntry, Catalogue, HolidaySet

_ALWAYS: Final = -(1 << 62)
_NEVER: Final = 1 << 62
_NOTICE_MS: Final = 60_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN_ONLY: Final = (
    "headline_service_level",
    "store_touchpoints_ms",
    "agent_figures",
    "dead_letter_max_ratio",
    "dead_letter_max_run",
    "wait_objective_percent",
    "stay_objective_percent",
    "response_objective_percent",
)


class Change(Struct, frozen=True, order=True):
    """One entry that differs. `begins_ms` None = it has no date. `rebuild`: may not be taken over while running."""

    entry: str
    begins_ms: int | None
    rebuild: bool


def changes(old: Catalogue, new: Catalogue, at_ms: int) -> tuple[Change, ...]:
    """Every entry that was added, removed or altered, by name. If none says rebuild, `new` may be taken over at once.

    It may for entries that begin at least a minute after `at_ms`, and for those no stored number depends on (titles).
    """
    was, now = dict(_entries(old)), dict(_entries(new))
    found: list[Change] = []
    for key in was.keys() | now.keys():
        before, after = was.get(key), now.get(key)
        if before != after:
            begins = min(entry[0] for entry in (before, after) if entry is not None)
            known = None if begins in (_ALWAYS, _NEVER) else begins
            found.append(Change(key, known, rebuild=begins < at_ms + _NOTICE_MS))
    shown_before, shown_after = _shown(old), _shown(new)
    found += [Change(key, None, rebuild=False) for key in shown_before if shown_before[key] != shown_after[key]]
    return tuple(sorted(found, key=lambda change: change.entry))


def fingerprint(catalogue: Catalogue, at_ms: int) -> str:
    """A hex digest of what is in force up to `at_ms`. What begins later, titles, comments and order do not change it.

    Entries come into force as time passes, so only fingerprints of one and the same `at_ms` can be compared.
    """
    entries = {key: value for key, (begins, value) in _entries(catalogue) if begins <= at_ms}
    entries["holidays"] = _holidays_until(catalogue, at_ms)
    text = json.dumps(entries, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _entries(catalogue: Catalogue) -> Iterator[tuple[str, tuple[int, object]]]:
    """(name, (when it begins, what it says)) of everything a stored number depends on."""
    yield "zone", (_ALWAYS, catalogue.zone)
    for name, value in to_builtins(catalogue.settings).items():
        if name not in _SHOWN_ONLY:
            yield f"settings: {name}", (_ALWAYS, value)
    for name, channel in catalogue.channels.items():
        yield f"channel {name!r}", (_ALWAYS, [channel.kind, to_builtins(default_targets(name, channel.kind))])
    for opening in catalogue.opening_hours:
        where = place(opening.channel, opening.queue, None, opening.valid_from_ms)
        yield f"opening hours{where}", (_begins(opening.valid_from_ms), opening.calendar)
    for target in catalogue.targets:
        where = place(target.channel, target.queue, target.segment, target.valid_from_ms)
        yield f"target {target.what}{where}", (_begins(target.valid_from_ms), to_builtins(target.value))
    for name, calendar in catalogue.calendars.items():
        yield from _calendar_entries(name, calendar, _first_use(catalogue, name), ZoneInfo(catalogue.zone))


def _calendar_entries(
    name: str, calendar: CalendarEntry, used: int, zone: ZoneInfo
) -> Iterator[tuple[str, tuple[int, object]]]:
    for hours in calendar.hours:
        begins = _ALWAYS if hours.valid_from is None else _day_start(hours.valid_from, zone)
        since = "" if hours.valid_from is None else f" from {date.fromordinal(hours.valid_from)}"
        yield f"calendar {name!r}{since}", (max(begins, used), to_builtins([hours.weekly, hours.holidays]))
    for day, intervals in calendar.exceptions.items():
        begins = max(_day_start(day, zone), used)
        yield f"calendar {name!r} on {date.fromordinal(day)}", (begins, to_builtins(intervals))


def _holidays_until(catalogue: Catalogue, at_ms: int) -> list[list[object]]:
    """The dates the library names, for the years that can still be corrected: two versions of it may differ."""
    retention = timedelta(milliseconds=catalogue.settings.retention_ms)
    today = (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(ZoneInfo(catalogue.zone)).date()
    first = max(today.toordinal() - retention.days, 1)
    sets = {
        one
        for name, calendar in catalogue.calendars.items()
        if _first_use(catalogue, name) <= at_ms
        for hours in calendar.hours
        for one in hours.holidays
        if hours.valid_from is None or hours.valid_from <= today.toordinal()
    }
    years = range(date.fromordinal(first).year, today.year + 1)
    return [[one.country, one.subdivision, *_dates(one, years, today.toordinal())] for one in sorted(sets)]


def _dates(one: HolidaySet, years: range, last: int) -> list[int]:
    return [day for year in years for day in sorted(closed_dates(one, year)) if day <= last]


def _shown(catalogue: Catalogue) -> dict[str, object]:
    """What is shown or stored besides, and no stored number depends on."""
    said: dict[str, object] = {"title": catalogue.titles, "languages": catalogue.languages}
    said["titles of channels"] = {name: entry.titles for name, entry in catalogue.channels.items()}
    said["queues"], said["segments"] = catalogue.queues, catalogue.segments
    said["titles of calendars"] = {name: entry.titles for name, entry in catalogue.calendars.items()}
    settings = to_builtins(catalogue.settings)
    return said | {f"settings: {name}": settings[name] for name in _SHOWN_ONLY}


def _first_use(catalogue: Catalogue, calendar: str) -> int:
    begins = [_begins(entry.valid_from_ms) for entry in catalogue.opening_hours if entry.calendar == calendar]
    return min(begins, default=_NEVER)


def _begins(valid_from_ms: int | None) -> int:
    return _ALWAYS if valid_from_ms is None else valid_from_ms


def _day_start(ordinal: int, zone: ZoneInfo) -> int:
    midnight = datetime.combine(date.fromordinal(ordinal), datetime.min.time(), zone)
    return (midnight - _EPOCH) // timedelta(milliseconds=1)


def place(channel: str | None, queue: str | None, segment: str | None, valid_from_ms: int | None) -> str:
    """An entry's place and date, as the names of entries say it."""
    places = {"channel": channel, "queue": queue, "segment": segment}
    said = "".join(f" of {what} {name!r}" for what, name in places.items() if name is not None)
    if valid_from_ms is None:
        return said
    return f"{said} from {(_EPOCH + timedelta(milliseconds=valid_from_ms)).isoformat()}"
