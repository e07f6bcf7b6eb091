"""We turned to the customer first."""

from pipeline.core.contact import Touch
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Touch](
        name="outreach",
        unit="touchpoints",
        family="voice",
        moment="outreach",
        title_en="Outreach",
        title_de="Zugehen auf Kunden",
        definition="Times we turned to a customer first, for whatever reason (outreach.sent).",
        value=lambda t: 1,
    ),
)
