"""What an alert is, before anybody renders it: for Prometheus (`alerts_prometheus`) and for Grafana (`alerts_grafana`).

Texts hold names in braces: a label of `by`, `value` (what the expression gave) or one of the rule's `numbers`. Nothing
in them is a template of Prometheus or Grafana: the renderers put those in, since the two differ.
"""

from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

Audience = Literal["operations", "on-call"]
"""Who is told: those who lead the people that serve customers, or those who keep touchline running."""
Severity = Literal["critical", "warning", "none"]
"""critical: now, whatever one is doing; warning: today; none: nobody is told (the watchdog)."""
Unit = Literal["share", "count", "duration", "times"]
"""How a number is written: share is given in percent (0 to 100), duration in seconds."""
Language = Literal["en", "de"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "de")


class Words(Struct, frozen=True):
    """One text in both languages."""

    en: str
    de: str

    def text(self, language: Language) -> str:
        """The text in one of them."""
        return self.de if language == "de" else self.en


class Number(Struct, frozen=True):
    """A number beside the alert's own: a metric or recorded series of the same labels, put together by `how`."""

    series: str
    unit: Unit
    by: tuple[str, ...]
    where: Mapping[str, str] = {}
    how: Literal["max", "min", "sum"] = "max"


class Recording(Struct, frozen=True):
    """A series Prometheus computes and keeps: `level:metric:operation`."""

    name: str
    expr: str
    slow: bool = False
    """Now and then is enough: it looks at days."""


class Rule(Struct, frozen=True):
    """One condition. Rules of one alert differ in `labels`. `expr` is PromQL that yields exactly what is wrong, with
    the labels of `by`; no Grafana variables in it.
    """

    expr: str
    for_seconds: int
    unit: Unit
    description: Words
    numbers: Mapping[str, Number] = {}
    labels: Mapping[str, str] = {}
    severity: Severity | None = None
    """Where it differs from the alert's."""


class Alert(Struct, frozen=True, kw_only=True):
    """One alert: who is told, how urgently, what it says in both languages, and what to do first.

    `always`: pages outside opening hours, too.
    """

    name: str
    audience: Audience
    severity: Severity
    by: tuple[str, ...]
    summary: Words
    """One sentence without numbers: the headline of everything that fires under this name."""
    first_step: Words
    rules: tuple[Rule, ...]
    always: bool = False
    keep_firing_seconds: int = 300
    """One scrape that fails does not end it."""

    @property
    def runbook(self) -> str:
        """The file in docs/runbooks."""
        return f"{self.name}.md"
