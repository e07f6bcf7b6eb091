"""How long complaints took."""

from pipeline.core.measure import Measure
from pipeline.core.voice import Complaint

MEASURES = (
    Measure[Complaint](
        name="settle_ms",
        unit="ms",
        family="voice",
        moment="complaint",
        title_en="Time to settle",
        title_de="Zeit bis zur Beilegung",
        definition="Time from a complaint to its settling, of complaints settled.",
        value=lambda c: c.settle_ms,
        count="complaints_settled",
        histogram=True,
    ),
)
