"""Waits that ended with a person."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="answered",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Answered",
        title_de="Angenommen",
        definition="Offered contacts that a person answered first.",
        value=lambda w: int(w.outcome == "answered"),
    ),
    Measure[Wait](
        name="answered_queued",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Answered after a queue",
        title_de="Nach Warteschlange angenommen",
        definition="Of the answered: those that had been queued.",
        value=lambda w: int(w.outcome == "answered" and w.queued),
    ),
)
