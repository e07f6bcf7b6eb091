"""Customers who came back another way."""

from pipeline.core.customer import Linked
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Linked](
        name="channel_switches",
        unit="contacts",
        family="resolution",
        moment="linked_request",
        title_en="Channel switches",
        title_de="Kanalwechsel",
        definition="Contacts that follow or chase another one on a different channel.",
        value=lambda k: int(k.switched),
    ),
)
