"""Where in a catalogue's text an entry stands: the names of `schemas.catalogue_changes`, each with its line."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from yaml.nodes import MappingNode, Node, SequenceNode

from schemas.catalogue_changes import place
from schemas.catalogue_nodes import compose, line_of
from schemas.catalogue_text import day
from schemas.catalogue_types import WHATS, Catalogue

Lines = dict[str, int]


_BESIDES: Final = {"titles of channels": "channels", "titles of calendars": "calendars"}


def lines(text: str, name: str, catalogue: Catalogue) -> Lines:
    """Entry -> line, for a text that is known to say this catalogue. What only the defaults say has none."""
    root = compose(text, name)
    found: Lines = {}
    for section, (line, node) in (_keys(root) if root is not None else {}).items():
        found[section] = line
        if section in ("channels", "queues", "segments"):
            found.update((f"{section.removesuffix('s')} {key!r}", at) for key, (at, _) in _keys(node).items())
        elif section == "settings":
            for key, (at, _) in _keys(node).items():
                found.update((f"settings: {known}", at) for known in (key, f"{key}_ms", f"{key}_percent"))
        elif section == "calendars":
            found.update(_calendars(node))
        elif section == "opening_hours":
            for item, opening in zip(_items(node), catalogue.opening_hours, strict=True):
                where = place(opening.channel, opening.queue, None, opening.valid_from_ms)
                found[f"opening hours{where}"] = line_of(item)
        elif section == "targets":
            found.update(_targets(node, catalogue))
    found.update((entry, found[section]) for entry, section in _BESIDES.items() if section in found)
    return found


def _targets(node: Node, catalogue: Catalogue) -> Iterator[tuple[str, int]]:
    """One item of the list is one entry for each kind of target it names."""
    entries = iter(catalogue.targets)
    for item in _items(node):
        keys = _keys(item)
        for what in WHATS:
            if what in keys:
                entry = next(entries)
                where = place(entry.channel, entry.queue, entry.segment, entry.valid_from_ms)
                yield f"target {what}{where}", keys[what][0]


def _calendars(node: Node) -> Iterator[tuple[str, int]]:
    for name, (line, value) in _keys(node).items():
        yield f"calendar {name!r}", line
        for part in _items(value) if isinstance(value, SequenceNode) else [value]:
            keys = _keys(part)
            if "valid_from" in keys:
                begins = date.fromordinal(day(keys["valid_from"][1].value))
                yield f"calendar {name!r} from {begins}", line_of(part)
            for key, (at, _) in _keys(keys["exceptions"][1]).items() if "exceptions" in keys else ():
                yield f"calendar {name!r} on {date.fromordinal(day(key))}", at


def _keys(node: Node) -> dict[str, tuple[int, Node]]:
    """The values of a mapping, each with the line of its key."""
    return {key.value: (line_of(key), value) for key, value in node.value} if isinstance(node, MappingNode) else {}


def _items(node: Node) -> list[Node]:
    return list(node.value) if isinstance(node, SequenceNode) else []
