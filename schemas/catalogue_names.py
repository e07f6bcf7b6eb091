"""The names in a catalogue: languages, zone, titles, channels, queues, segments. YAML nodes in, data and notes out."""

from zoneinfo import ZoneInfo, available_timezones

from yaml.nodes import Node

from schemas.catalogue_defaults import CHANNEL_TITLES
from schemas.catalogue_nodes import Notes, did_you_mean, fields, is_null, pairs, word, words
from schemas.catalogue_types import Catalogue, ChannelEntry, Titles
from schemas.vocabulary import CHANNELS, ChannelKind


def languages(node: Node | None, notes: Notes) -> tuple[str, ...]:
    """`[de, en]`; the first one is shown where nothing else is asked for."""
    if node is None:
        return Catalogue(zone="UTC").languages
    found = dict.fromkeys(words(node, "languages", notes))
    if node.value == []:
        notes.add(node, "languages: name at least one; write such as [de, en]")
    for one in found:
        if not (one.isascii() and one.isalpha() and one.islower() and len(one) in (2, 3)):
            notes.add(node, f"languages '{one}' is not a language code; write such as [de, en]")
    return tuple(found)


def zone(root: Node, node: Node | None, notes: Notes) -> str:
    """The IANA name of the organisation's time zone; UTC, with a note, where it is missing or wrong."""
    name = None if node is None else word(node, "zone", notes)
    if node is None:
        notes.add(root, "zone is missing; write the organisation's time zone, for example zone: Europe/Berlin")
    if node is None or name is None:
        return "UTC"
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        hint = did_you_mean(name, available_timezones()) or "; write such as Europe/Berlin or UTC"
        notes.add(node, f"zone '{name}' is not a time zone{hint}")
        return "UTC"
    return name


def titles(node: Node | None, where: str, known: tuple[str, ...], notes: Notes) -> Titles:
    """`{de: Verkauf, en: Sales}`, or one text for all languages."""
    if node is None or is_null(node):
        return {}
    if isinstance(node.value, str):
        one = word(node, f"{where}: title", notes)
        return dict.fromkeys(known, one) if one else {}
    read_titles = {key: word(value, f"{where}: title", notes) for key, value in
                   fields(node, f"{where}: title", known, notes).items()}  # fmt: skip
    return {key: value for key, value in read_titles.items() if value}


def channels(node: Node | None, known: tuple[str, ...], notes: Notes) -> dict[str, ChannelEntry]:
    """The channels of the vocabulary, and those added with a kind."""
    found = {
        name: ChannelEntry(kind, {key: title for key, title in CHANNEL_TITLES.get(name, {}).items() if key in known})
        for name, kind in CHANNELS.items()
    }
    for name, value in (pairs(node, "channels", notes) if node else {}).items():
        where = f"channel '{name}'"
        keys = fields(value, where, ("title", "kind"), notes)
        kind = _kind(name, value, keys.get("kind"), notes)
        own = titles(keys.get("title"), where, known, notes)
        found[name] = ChannelEntry(kind, {**found[name].titles, **own} if name in found else own)
    return found


def _kind(name: str, value: Node, node: Node | None, notes: Notes) -> ChannelKind:
    said = word(node, f"channel '{name}': kind", notes) if node else None
    fixed = CHANNELS.get(name)
    if fixed is not None:
        if node is not None and said is not None and said != fixed:
            notes.add(node, f"channel '{name}' is always {fixed}; leave kind out, or add a channel of another name")
        return fixed
    if said == "live":
        return "live"
    if said != "deferred" and (node is None or said is not None):
        hint = did_you_mean(name, CHANNELS) if node is None else ""
        notes.add(node or value, f"channel '{name}' needs 'kind: live' (people wait in it) or 'kind: deferred'{hint}")
    return "deferred"


def named(node: Node | None, section: str, known: tuple[str, ...], notes: Notes) -> dict[str, Titles]:
    """Queues or segments: names with titles."""
    found: dict[str, Titles] = {}
    for name, value in (pairs(node, section, notes) if node else {}).items():
        where = f"{section.removesuffix('s')} '{name}'"
        found[name] = titles(fields(value, where, ("title",), notes).get("title"), where, known, notes)
    return found
