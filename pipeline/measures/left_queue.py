"""Waits that something else ended."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="left_queue",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Left the queue",
        title_de="Warteschlange verlassen",
        definition=(
            "Offered contacts whose wait ended neither with a person nor with the customer leaving: refused, "
            "callback asked for, closed, contained in self-service."
        ),
        value=lambda w: int(w.outcome not in ("answered", "abandoned", "waiting")),
    ),
)
