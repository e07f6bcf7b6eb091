"""The catalogue: the organisation's promises, read from YAML. No I/O but for the package's own default.

Which target holds, most specific first: queue and segment > queue > segment > channel > the channel's default. An entry
that names a channel besides counts for that channel only and goes before the same entry without it. Which calendar
applies: queue > channel > default. Each kind of target (`wait`, `response`, `unannounced`, `stale`) is looked up by
itself. Of entries for one place the one that began last holds; `valid_from` is local to the catalogue's zone,
absent = always.
"""

from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from schemas.catalogue_changes import Change, changes, fingerprint
from schemas.catalogue_defaults import default_targets
from schemas.catalogue_hours import calendars
from schemas.catalogue_names import channels, languages, named, titles, zone
from schemas.catalogue_nodes import Notes, compose, fields
from schemas.catalogue_promises import Names, opening_hours, targets
from schemas.catalogue_settings import settings
from schemas.catalogue_types import (
    SERVICE_LEVELS,
    CalendarEntry,
    CalendarHours,
    Catalogue,
    CatalogueError,
    ChannelEntry,
    HolidaySet,
    Intervals,
    OpeningEntry,
    Problem,
    ServiceLevel,
    Settings,
    Target,
    TargetEntry,
    Titles,
    Unit,
    What,
)

__all__ = [
    "DEFAULT_NAME",
    "SERVICE_LEVELS",
    "CalendarEntry",
    "CalendarHours",
    "Catalogue",
    "CatalogueError",
    "Change",
    "ChannelEntry",
    "HolidaySet",
    "Intervals",
    "OpeningEntry",
    "Problem",
    "ServiceLevel",
    "Settings",
    "Target",
    "TargetEntry",
    "Titles",
    "Unit",
    "What",
    "changes",
    "default",
    "default_targets",
    "default_text",
    "fingerprint",
    "load",
    "reload",
    "title",
]

DEFAULT_NAME: Final = "default_catalogue.yaml"
_SECTIONS: Final = (
    "title", "zone", "languages", "channels", "queues", "segments", "calendars", "opening_hours", "targets", "settings",
)  # fmt: skip


def load(text: str, name: str) -> Catalogue:
    """The catalogue a YAML text says; `name` is how problems call the file. Raises CatalogueError with all problems."""
    root = compose(text, name)
    if root is None:
        raise CatalogueError(name, [Problem(1, "the catalogue is empty; write at least zone: Europe/Berlin")])
    notes = Notes()
    keys = fields(root, "catalogue", _SECTIONS, notes)
    spoken = languages(keys.get("languages"), notes)
    zone_name = zone(root, keys.get("zone"), notes)
    known_channels = channels(keys.get("channels"), spoken, notes)
    queues = named(keys.get("queues"), "queues", spoken, notes)
    segments = named(keys.get("segments"), "segments", spoken, notes)
    hours = calendars(keys.get("calendars"), spoken, notes)
    names = Names(known_channels, queues, segments, hours, ZoneInfo(zone_name))
    catalogue = Catalogue(
        zone=zone_name,
        titles=titles(keys.get("title"), "catalogue", spoken, notes),
        languages=spoken,
        channels=known_channels,
        queues=queues,
        segments=segments,
        calendars=hours,
        opening_hours=opening_hours(keys.get("opening_hours"), names, notes),
        targets=targets(keys.get("targets"), names, notes),
        settings=settings(keys.get("settings"), notes),
    )
    if notes.problems:
        raise CatalogueError(name, sorted(set(notes.problems)))
    return catalogue


def default_text() -> str:
    """The commented default as YAML: what a newcomer copies and edits."""
    return files("schemas").joinpath(DEFAULT_NAME).read_text(encoding="utf-8")


def default() -> Catalogue:
    """The catalogue that holds where nobody gave one."""
    return load(default_text(), DEFAULT_NAME)


def reload(old: Catalogue, text: str, name: str) -> Catalogue:
    """The catalogue of an edited text; `old` itself where nothing differs. Raises CatalogueError: then `old` stays."""
    new = load(text, name)
    return old if new == old else new


def title(titles_of: Titles, name: str, language: str) -> str:
    """The title in a language, else in the first there is, else the name.

    >>> title({"de": "Verkauf"}, "sales", "en")
    'Verkauf'
    """
    return titles_of.get(language) or next(iter(titles_of.values()), name)
