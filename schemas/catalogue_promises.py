"""The dated entries of a catalogue: which calendar applies where, and targets. YAML nodes in, data and notes out."""

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct
from yaml.nodes import Node

from schemas import catalogue_text as text
from schemas.catalogue_nodes import Notes, did_you_mean, fields, items, line_of, read, word
from schemas.catalogue_types import WHATS, OpeningEntry, Target, TargetEntry, What

_PLACES: Final = ("channel", "queue", "segment")
Key = TypeVar("Key")


class Names(Struct, frozen=True):
    """What entries may name. Where no queues (segments) are listed, their names are taken as they come."""

    channels: Iterable[str]
    queues: Iterable[str]
    segments: Iterable[str]
    calendars: Iterable[str]
    zone: ZoneInfo


class _Place(Struct, frozen=True):
    """What an entry is about and from when on; `said` is how a problem names it."""

    channel: str | None
    queue: str | None
    segment: str | None
    valid_from_ms: int | None
    said: str


def opening_hours(node: Node | None, names: Names, notes: Notes) -> tuple[OpeningEntry, ...]:
    """Which calendar applies where and from when on."""
    found: list[OpeningEntry] = []
    lines: dict[_Place, int] = {}
    for item in items(node, "opening_hours", notes) if node else []:
        keys = fields(item, "opening_hours", ("channel", "queue", "valid_from", "calendar"), notes)
        place = _place(keys, "opening_hours", names, notes)
        if "calendar" not in keys:
            notes.add(item, f"{place.said}: calendar is missing; name one of calendars, or none")
            continue
        name = word(keys["calendar"], f"{place.said}: calendar", notes)
        if name is not None and name != "none":
            problem = _unlisted(name, "calendar", names.calendars)
            if problem:
                notes.add(keys["calendar"], f"{place.said}: {problem}")
        _once(lines, place, item, f"{place.said}: a calendar", notes)
        calendar = None if name == "none" else name
        found.append(OpeningEntry(calendar, place.channel, place.queue, place.valid_from_ms))
    return tuple(found)


def targets(node: Node | None, names: Names, notes: Notes) -> tuple[TargetEntry, ...]:
    """What is promised where and from when on: one entry for each kind of target."""
    found: list[TargetEntry] = []
    lines: dict[tuple[_Place, What], int] = {}
    for item in items(node, "targets", notes) if node else []:
        keys = fields(item, "targets", (*_PLACES, "valid_from", *WHATS), notes)
        place = _place(keys, "targets", names, notes)
        whats = [what for what in WHATS if what in keys]
        if not whats:
            notes.add(item, f"{place.said}: there is no target; add {', '.join(WHATS[:-1])} or {WHATS[-1]}")
        for what in whats:
            value = _target(keys[what], what, place.said, notes)
            _once(lines, (place, what), item, f"{place.said}: {what}", notes)
            found.append(TargetEntry(what, value, place.channel, place.queue, place.segment, place.valid_from_ms))
    return tuple(found)


def _target(node: Node, what: What, said: str, notes: Notes) -> Target | None:
    where = f"{said}: {what}"
    if node.value == "none":
        return None
    if what == "response":
        return read(node, where, text.duration, notes)
    amount = read(node, where, text.clock_ms, notes)
    return None if amount is None else Target("clock", amount)


def _place(keys: Mapping[str, Node], section: str, names: Names, notes: Notes) -> _Place:
    said = {key: word(keys[key], key, notes) if key in keys else None for key in _PLACES}
    where = ", ".join(f"{key} '{name}'" for key, name in said.items() if name) or f"{section} for everything"
    listed = {"channel": names.channels, "queue": names.queues, "segment": names.segments}
    for key, name in said.items():
        if name is not None and listed[key]:
            problem = _unlisted(name, key, listed[key])
            if problem:
                notes.add(keys[key], f"{section}: {problem}")
    begins = None
    if "valid_from" in keys:
        node = keys["valid_from"]
        begins = read(node, f"{where}: valid_from", lambda word: text.moment_ms(word, names.zone), notes)
        # A date that cannot be read is no other entry's date.
        begins = -line_of(node) if begins is None else begins
    return _Place(said["channel"], said["queue"], said["segment"], begins, where)


def _unlisted(name: str, what: str, known: Iterable[str]) -> str:
    if name in known:
        return ""
    return f"{what} '{name}' is not listed under {what}s{did_you_mean(name, known) or '; add it there'}"


def _once(lines: dict[Key, int], key: Key, node: Node, said: str, notes: Notes) -> None:
    if key in lines:
        notes.add(node, f"{said} is given twice from the same time on, first on line {lines[key]}; remove one of them")
    lines.setdefault(key, line_of(node))
