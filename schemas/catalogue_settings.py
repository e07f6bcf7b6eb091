"""The settings of a catalogue: what holds everywhere and is never dated. YAML nodes in, data and notes out."""

from collections.abc import Callable
from typing import Any, Final

from yaml.nodes import Node

from schemas import catalogue_text as text
from schemas.catalogue_nodes import Notes, did_you_mean, fields, read
from schemas.catalogue_types import SERVICE_LEVELS, ServiceLevel, Settings

LEAST_OBJECTIVE: Final = 61
MOST_OBJECTIVE: Final = 99
"""Percent. See `pipeline.core.objectives`: a burn is a multiple of what may be missed, and nothing exceeds 100 %."""


def settings(node: Node | None, notes: Notes) -> Settings:
    """The settings, those not written at their defaults."""
    if node is None:
        return Settings()
    values: dict[str, Any] = {}
    for key, value in fields(node, "settings", tuple(_READERS), notes).items():
        field, parse = _READERS[key]
        if value.value != "none" or key != "store_touchpoints":
            found = read(value, f"settings: {key}", parse, notes)
            if found is not None:
                values[field] = found
    found = Settings(**values)
    if found.retention_ms < found.follow_up_window_ms + found.lateness_ms:
        notes.add(node, "settings: retention must be at least follow_up_window plus lateness, or follow-ups get lost")
    return found


def _positive_ms(word: str) -> int:
    amount = text.clock_ms(word)
    if amount == 0:
        raise ValueError(f"'{word}' is too short; it must be more than nothing")
    return amount


def _flag(word: str) -> bool:
    if word not in ("true", "false"):
        raise ValueError(f"'{word}' is neither true nor false; write one of them")
    return word == "true"


def _service_level(word: str) -> ServiceLevel:
    for level in SERVICE_LEVELS:
        if word == level:
            return level
    hint = did_you_mean(word, SERVICE_LEVELS)
    raise ValueError(f"'{word}' is not a service level; write one of {', '.join(SERVICE_LEVELS)}{hint}")


def _ratio(word: str) -> float:
    number, percent = (word[:-1].rstrip(), True) if word.endswith("%") else (word, False)
    try:
        ratio = float(number) / (100 if percent else 1)
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ValueError(f"'{word}' is not a share; write such as 10% or 0.1, at most 100%")
    return ratio


def _objective(word: str) -> int:
    number = word[:-1].rstrip() if word.endswith("%") else word
    if not (number.isascii() and number.isdigit() and LEAST_OBJECTIVE <= int(number) <= MOST_OBJECTIVE):
        raise ValueError(
            f"'{word}' is not an objective; write a whole percentage from {LEAST_OBJECTIVE}% to {MOST_OBJECTIVE}%"
            " (below, no alert could fire)"
        )
    return int(number)


def _count(word: str) -> int:
    if not (word.isascii() and word.isdigit() and 1 <= int(word) <= 10**9):
        raise ValueError(f"'{word}' is not a count; write a whole number from 1 to 1000000000")
    return int(word)


_READERS: Final[dict[str, tuple[str, Callable[[str], object]]]] = {
    "follow_up_window": ("follow_up_window_ms", _positive_ms),
    "lateness": ("lateness_ms", text.clock_ms),
    "retention": ("retention_ms", _positive_ms),
    "abandoned_short": ("abandoned_short_ms", text.clock_ms),
    "returned_within": ("returned_within_ms", _positive_ms),
    "transfer_breaks_fcr": ("transfer_breaks_fcr", _flag),
    "headline_service_level": ("headline_service_level", _service_level),
    "store_touchpoints": ("store_touchpoints_ms", _positive_ms),
    "agent_figures": ("agent_figures", _flag),
    "dead_letter_max_ratio": ("dead_letter_max_ratio", _ratio),
    "dead_letter_max_run": ("dead_letter_max_run", _count),
    "wait_objective": ("wait_objective_percent", _objective),
    "stay_objective": ("stay_objective_percent", _objective),
    "response_objective": ("response_objective_percent", _objective),
}
