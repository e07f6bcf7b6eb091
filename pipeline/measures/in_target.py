"""Waits within the target in force when they began."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait


def _within(wait: Wait, share: int) -> bool:
    """Whether the wait took at most the target divided by `share`."""
    return wait.target_ms is not None and share * wait.length_ms <= wait.target_ms


MEASURES = (
    Measure[Wait](
        name="answered_in_target",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Answered within target",
        title_de="Im Ziel angenommen",
        definition="Answered after a wait of at most the target.",
        value=lambda w: int(w.outcome == "answered" and _within(w, 1)),
    ),
    Measure[Wait](
        name="abandoned_in_target",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Abandoned within target",
        title_de="Im Ziel aufgelegt",
        definition="Abandoned after at most the target.",
        value=lambda w: int(w.outcome == "abandoned" and _within(w, 1)),
    ),
    Measure[Wait](
        name="answered_in_half_target",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Answered within half the target",
        title_de="In halber Zielzeit angenommen",
        definition="Answered after at most half the target: delight, or over-service.",
        value=lambda w: int(w.outcome == "answered" and _within(w, 2)),
    ),
)
