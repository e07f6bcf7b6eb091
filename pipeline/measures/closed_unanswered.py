"""Messages that were closed away."""

from pipeline.core.measure import Measure
from pipeline.core.response import Clock

MEASURES = (
    Measure[Clock](
        name="closed_unanswered",
        unit="messages",
        family="response",
        moment="clock",
        title_en="Closed unanswered",
        title_de="Ohne Antwort geschlossen",
        definition="Response clocks that ended because the contact was closed. They stay in the due: a miss.",
        value=lambda c: int(c.closed),
    ),
)
