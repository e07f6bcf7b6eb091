"""What a catalogue is once it is read: frozen data, every default filled in. Nothing here reads text or computes.

Instants are ms UTC, dates are proleptic ordinals (`date.toordinal`), times of day are minutes from local midnight.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from schemas.vocabulary import ChannelKind

Unit = Literal["clock", "open", "open_days"]
What = Literal["wait", "response", "unannounced", "stale"]
ServiceLevel = Literal["sl_offered", "sl_net", "sl_without_quick", "sl_answered", "sl_connect"]
Titles = Mapping[str, str]
"""Language -> title. Empty where nobody gave one."""
Intervals = tuple[tuple[int, int], ...]
"""Open from-to within one local date, in minutes from midnight up to 1440; sorted and disjoint."""

SERVICE_LEVELS: Final[tuple[ServiceLevel, ...]] = (
    "sl_offered",
    "sl_net",
    "sl_without_quick",
    "sl_answered",
    "sl_connect",
)
WHATS: Final[tuple[What, ...]] = ("wait", "response", "unannounced", "stale")


class Target(Struct, frozen=True):
    """A promised duration: ms on the clock, ms of open time, or a number of open days."""

    unit: Unit
    amount: int


class ChannelEntry(Struct, frozen=True):
    """A channel: people wait in live ones, and are replied to in deferred ones."""

    kind: ChannelKind
    titles: Titles = {}


class TargetEntry(Struct, frozen=True):
    """One promise of one kind for one place: `value` None = none is promised. Undated, it always holds."""

    what: What
    value: Target | None
    channel: str | None = None
    queue: str | None = None
    segment: str | None = None
    valid_from_ms: int | None = None


class OpeningEntry(Struct, frozen=True):
    """Which calendar applies where; None = none, durations are on the clock only."""

    calendar: str | None
    channel: str | None = None
    queue: str | None = None
    valid_from_ms: int | None = None


class HolidaySet(Struct, frozen=True, order=True):
    """Public holidays of a country (and a part of it), as the `holidays` library knows them."""

    country: str
    subdivision: str = ""


class CalendarHours(Struct, frozen=True):
    """Weekly hours (Monday to Sunday) and holidays from a local date on; None = from the beginning."""

    weekly: tuple[Intervals, ...]
    holidays: tuple[HolidaySet, ...] = ()
    valid_from: int | None = None


class CalendarEntry(Struct, frozen=True):
    """Opening hours under a name. `hours` by date, the first undated. `exceptions`: date -> intervals, () = closed."""

    hours: tuple[CalendarHours, ...]
    exceptions: Mapping[int, Intervals] = {}
    titles: Titles = {}


class Settings(Struct, frozen=True):
    """What holds everywhere and is never dated. The bracketed defaults of the measures' contract."""

    follow_up_window_ms: int = 7 * 86_400_000
    lateness_ms: int = 86_400_000
    retention_ms: int = 400 * 86_400_000
    abandoned_short_ms: int = 5_000
    returned_within_ms: int = 86_400_000
    transfer_breaks_fcr: bool = False
    headline_service_level: ServiceLevel = "sl_net"
    store_touchpoints_ms: int | None = None
    dead_letter_max_ratio: float = 0.1
    dead_letter_max_run: int = 1_000
    wait_objective_percent: int = 80
    stay_objective_percent: int = 95
    response_objective_percent: int = 90
    agent_figures: bool = False


class Catalogue(Struct, frozen=True):
    """The organisation's promises. `channels` always holds those of the vocabulary; names of queues and segments
    that are not listed are taken as they come.
    """

    zone: str
    titles: Titles = {}
    languages: tuple[str, ...] = ("de", "en")
    channels: Mapping[str, ChannelEntry] = {}
    queues: Mapping[str, Titles] = {}
    segments: Mapping[str, Titles] = {}
    calendars: Mapping[str, CalendarEntry] = {}
    opening_hours: tuple[OpeningEntry, ...] = ()
    targets: tuple[TargetEntry, ...] = ()
    settings: Settings = Settings()


class Problem(Struct, frozen=True, order=True):
    """One thing wrong in a catalogue: the line, and a sentence that says what would be right."""

    line: int
    message: str


class CatalogueError(Exception):
    """A catalogue that is not taken. `problems` are all of them, by line; `str()` is one line of text for each."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name: Final = name
        self.problems: Final = problems
        super().__init__("\n".join(f"{name} line {problem.line}: {problem.message}" for problem in problems))
