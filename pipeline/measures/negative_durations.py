"""Durations that would have been below zero."""

from pipeline.core.measure import Measure

MEASURES = (
    Measure[int](
        name="negative_durations",
        unit="contacts",
        family="waiting",
        moment="negative",
        title_en="Negative durations",
        title_de="Negative Dauern",
        definition=(
            "Waits, patiences, handling and resolution times that would be negative because clocks disagree: "
            "counted as 0, and here, where the duration is booked."
        ),
        value=lambda n: n,
    ),
)
