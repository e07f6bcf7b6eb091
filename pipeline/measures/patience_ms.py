"""How long those who left had waited."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="patience_ms",
        unit="ms",
        family="waiting",
        moment="wait",
        title_en="Patience",
        title_de="Geduld",
        definition="Time from the beginning of the wait to the customer leaving.",
        value=lambda w: w.length_ms if w.outcome == "abandoned" else None,
        count="abandoned",
        histogram=True,
    ),
    Measure[Wait](
        name="patience_open_ms",
        unit="ms",
        family="waiting",
        moment="wait",
        title_en="Patience in opening hours",
        title_de="Geduld in der Öffnungszeit",
        definition="The part of the patience in opening hours; absent where no calendar applies.",
        value=lambda w: w.open_ms if w.outcome == "abandoned" else None,
        count="abandoned",
        optional=True,
    ),
)
