"""How long the answered waited."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="wait_ms",
        unit="ms",
        family="waiting",
        moment="wait",
        title_en="Wait",
        title_de="Wartezeit",
        definition="Time from the beginning of the wait to the answer; 0 where nobody had to wait.",
        value=lambda w: w.length_ms if w.outcome == "answered" else None,
        count="answered",
        histogram=True,
    ),
    Measure[Wait](
        name="wait_open_ms",
        unit="ms",
        family="waiting",
        moment="wait",
        title_en="Wait in opening hours",
        title_de="Wartezeit in der Öffnungszeit",
        definition="The part of the wait in opening hours; absent where no calendar applies.",
        value=lambda w: w.open_ms if w.outcome == "answered" else None,
        count="answered",
        optional=True,
    ),
)
