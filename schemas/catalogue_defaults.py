"""What holds for a channel where the catalogue says nothing: its title and its targets."""

from collections.abc import Mapping
from typing import Final

from schemas.catalogue_types import Target, Titles, What
from schemas.vocabulary import ChannelKind

_SECOND: Final = 1_000
_MINUTE: Final = 60_000
_HOUR: Final = 3_600_000

CHANNEL_TITLES: Final[dict[str, Titles]] = {
    "phone": {"de": "Telefon", "en": "Phone"},
    "chat": {"de": "Chat", "en": "Chat"},
    "branch": {"de": "Filiale", "en": "Branch"},
    "video": {"de": "Video", "en": "Video"},
    "email": {"de": "E-Mail", "en": "Email"},
    "form": {"de": "Formular", "en": "Form"},
    "letter": {"de": "Brief", "en": "Letter"},
    "web": {"de": "Web", "en": "Web"},
    "social": {"de": "Soziale Medien", "en": "Social media"},
    "messenger": {"de": "Messenger", "en": "Messenger"},
}

_OF_KIND: Final[dict[ChannelKind, dict[What, Target]]] = {
    "live": {"wait": Target("clock", 60 * _SECOND), "stale": Target("clock", 4 * _HOUR)},
    "deferred": {"wait": Target("clock", 4 * _HOUR), "response": Target("open", 4 * _HOUR)},
}

_OF_CHANNEL: Final[dict[str, dict[What, Target]]] = {
    "phone": {
        "wait": Target("clock", 20 * _SECOND),
        "unannounced": Target("clock", 60 * _SECOND),
        "stale": Target("clock", 60 * _MINUTE),
    },
    "chat": {
        "wait": Target("clock", 60 * _SECOND),
        "response": Target("clock", 60 * _SECOND),
        "unannounced": Target("clock", 3 * _MINUTE),
        "stale": Target("clock", 4 * _HOUR),
    },
    "branch": {"wait": Target("clock", 5 * _MINUTE), "stale": Target("clock", 4 * _HOUR)},
    "video": {"wait": Target("clock", 60 * _SECOND), "stale": Target("clock", 60 * _MINUTE)},
    "letter": {"wait": Target("clock", 4 * _HOUR), "response": Target("open_days", 2)},
}


def default_targets(channel: str, kind: ChannelKind) -> Mapping[What, Target]:
    """The targets of a channel before any entry of a catalogue; what is missing has none."""
    return _OF_CHANNEL.get(channel, _OF_KIND[kind])
