"""Contacts that began to wait."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="offered",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Offered",
        title_de="Angeboten",
        definition="Contacts whose wait began: queued, or on a live channel answered without a queue (wait 0).",
        value=lambda w: 1,
    ),
)
