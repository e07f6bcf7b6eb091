"""Waits that the customer ended."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="abandoned",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Abandoned",
        title_de="Aufgelegt",
        definition="Offered contacts whose customer left before anything else ended the wait.",
        value=lambda w: int(w.outcome == "abandoned"),
    ),
    Measure[Wait](
        name="abandoned_short",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Abandoned at once",
        title_de="Sofort aufgelegt",
        definition="Of the abandoned: after at most the catalogue's `abandoned_short` [5 s].",
        value=lambda w: int(w.outcome == "abandoned" and w.length_ms <= w.short_ms),
    ),
)
