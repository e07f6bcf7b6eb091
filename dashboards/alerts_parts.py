"""What the expressions of several alerts have in common: guards, burn rates and the series recorded for them."""

from typing import Final

from dashboards.alerts_model import Number, Recording
from pipeline.core.objectives import LEAST_MISSED, OBJECTIVES, Burn, Objective, ObjectiveName

PLACE: Final = ("job", "channel", "queue")
JOB: Final = ("job",)
_BY_PLACE: Final = "job, channel, queue"
_MISSED: Final = "queue:touchline_objective_missed:sum"
_DUE: Final = "queue:touchline_objective_due:sum"
_RATIO: Final = "queue:touchline_objective_missed:ratio"
_OPEN: Final = "job:touchline_calendar_open:last"
_OPENS: Final = "job:touchline_next_opening_timestamp_seconds:last"
_USUAL_SILENCE: Final = "source:touchline_source_silence_open_seconds:max7d"

_EACH: Final = "job, channel, queue, objective, window"
RECORDINGS: Final = (
    Recording(_DUE, f"sum by ({_EACH}) (touchline_objective_due)"),
    Recording(_MISSED, f"sum by ({_EACH}) (touchline_objective_missed)"),
    Recording(_RATIO, f"{_MISSED} / ({_DUE} > 0)"),
    # The last ones known: who is down cannot say whether it is open. Four days: over a long weekend.
    Recording(
        _OPEN,
        "max by (job) (touchline_calendar_open) or max by (job) (last_over_time(touchline_calendar_open[4d]))",
    ),
    Recording(
        _OPENS,
        "min by (job) (touchline_next_opening_timestamp_seconds)"
        " or min by (job) (last_over_time(touchline_next_opening_timestamp_seconds[4d]))",
    ),
    # Without the last day: a silence that lasts must not become what is usual while somebody should mend it.
    Recording(
        _USUAL_SILENCE,
        "max by (job, source) (max_over_time(touchline_source_silence_open_seconds[7d] offset 1d))",
        slow=True,
    ),
)
"""In this order: the later ones read the earlier ones."""


def at_place(expr: str) -> str:
    """One value per channel and queue, whatever further labels and workers there are."""
    return f"max by ({_BY_PLACE}) ({expr})"


WHILE_OPEN: Final = f"and on ({_BY_PLACE}) (max by ({_BY_PLACE}) (touchline_open) == 1)"
"""Guard of what customers feel: only where it is open now."""
CLOSED: Final = f"(({_OPEN} == 0) and on (job) ({_OPENS} > time()))"
"""Jobs of which is known that nothing is open: everything is closed, and the next opening is yet to come."""
UNLESS_CLOSED: Final = f"unless on (job) {CLOSED}"
"""Guard of what on-call is told: who cannot say whether it is open counts as open."""
KNOWN_JOBS: Final = _OPEN
"""One series per job heard of within four days."""
NEXT_OPENING: Final = _OPENS
USUAL_SILENCE: Final = _USUAL_SILENCE


def objective(name: ObjectiveName) -> Objective:
    """An objective by its name."""
    return next(each for each in OBJECTIVES if each.name == name)


def burns(name: ObjectiveName, burn: Burn) -> str:
    """More missed in the long window than the budget stands, still so in the short one, felt by several, and open.

    The value is the share missed in the long window, in percent.
    """

    def over(window: str) -> str:
        allowed = f'1 - max by (job) (touchline_objective_ratio{{objective="{name}"}})'
        series = f'{_RATIO}{{objective="{name}",window="{window}"}}'
        return at_place(f"{series} > on (job) group_left () ({burn.factor:g} * ({allowed}))")

    felt = at_place(f'{_MISSED}{{objective="{name}",window="{burn.long}"}} >= {LEAST_MISSED}')
    on_place = f"and on ({_BY_PLACE})"
    return f"100 * {over(burn.long)} {on_place} {over(burn.short)} {on_place} {felt} {WHILE_OPEN}"


def burn_numbers(name: ObjectiveName, burn: Burn) -> dict[str, Number]:
    """What the texts of a burn name: how many it was of how many, and what is promised."""
    where = {"objective": name, "window": burn.long}
    return {
        "missed": Number(_MISSED, "count", PLACE, where),
        "due": Number(_DUE, "count", PLACE, where),
        "promised": Number("touchline_objective_ratio", "share", JOB, {"objective": name}),
    }
