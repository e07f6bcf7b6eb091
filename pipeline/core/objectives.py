"""What share of the customers is to be served as promised, and when missing that is an alarm. Declarations only.

Law of every burn: 1 < factor < 1 / (1 - objective), so that it can fire and does not fire while the objective is met.
A share cannot exceed 1: with 80 % promised, the usual factor 14.4 would ask for 288 % missed and never fire.
"""

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct

from schemas.catalogue import Settings
from schemas.vocabulary import ChannelKind

ObjectiveName = Literal["wait", "stay", "response"]
Window = Literal["5m", "1h", "today", "2d"]
WINDOWS: Final[tuple[Window, ...]] = ("5m", "1h", "today", "2d")
"""5m and 1h: contacts that came so long ago that every one is decided. today, 2d (today and yesterday): since midnight
in the catalogue's zone, without those still waiting within target."""

OPEN_HOURS: Final = 50
"""What is managed is a week of five days of ten open hours: the budget of missed promises is for that long."""
OPEN_HOURS_OF: Final[dict[Window, int]] = {"1h": 1, "today": 10, "2d": 20}
LEAST_MISSED: Final = 5
"""So many customers have to feel it: in a quiet queue one of two is half, and no alarm."""


class Burn(Struct, frozen=True):
    """Missed promises use up `budget_percent` of the week's budget within the long window, and go on in the short."""

    long: Window
    short: Window
    budget_percent: int
    urgent: bool

    @property
    def factor(self) -> float:
        """How many times faster than allowed the budget is used up.

        >>> Burn("1h", "5m", 5, urgent=True).factor
        2.5
        """
        return self.budget_percent * OPEN_HOURS / OPEN_HOURS_OF[self.long] / 100


class Objective(Struct, frozen=True):
    """A promise about a share. `due` and `missed` say in words which measures are compared.

    `promised` reads the share from the catalogue's settings, in percent; `least_percent` is the smallest one with which
    every burn can fire.
    """

    name: ObjectiveName
    kind: ChannelKind
    promised: Callable[[Settings], int]
    title_en: str
    title_de: str
    due: str
    missed: str
    burns: tuple[Burn, ...]

    @property
    def least_percent(self) -> int:
        """Below it `factor * (1 - objective)` reaches 1 and nothing can fire."""
        return 101 - int(100 / max(burn.factor for burn in self.burns))


OBJECTIVES: Final = (
    Objective(
        "wait",
        "live",
        lambda settings: settings.wait_objective_percent,
        "Answered within the promised wait",
        "In der versprochenen Wartezeit angenommen",
        "the denominator of the catalogue's headline service level",
        "those of them who were not answered within the target in force when they came",
        (Burn("1h", "5m", 5, urgent=True), Burn("today", "1h", 25, urgent=False)),
    ),
    Objective(
        "stay",
        "live",
        lambda settings: settings.stay_objective_percent,
        "Did not give up waiting",
        "Nicht aufgelegt",
        "offered - abandoned_short",
        "abandoned - abandoned_short",
        (Burn("1h", "5m", 5, urgent=True), Burn("today", "1h", 25, urgent=False)),
    ),
    Objective(
        "response",
        "deferred",
        lambda settings: settings.response_objective_percent,
        "First reply within the promised time",
        "Erste Antwort in der versprochenen Zeit",
        "first_responses_due, without those within target still",
        "first_responses_due - first_response_in_target",
        (Burn("2d", "today", 50, urgent=False),),
    ),
)
"""Every objective there is."""
