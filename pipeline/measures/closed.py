"""Contacts that were ever closed."""

from pipeline.core.measure import Measure
from pipeline.core.resolution import Closing

MEASURES = (
    Measure[Closing](
        name="closed",
        unit="contacts",
        family="resolution",
        moment="closing",
        title_en="Closed",
        title_de="Abgeschlossen",
        definition="Contacts that were ever closed (contact.closed; to abandon is not to close).",
        value=lambda c: 1,
    ),
    Measure[Closing](
        name="closed_unknown_customer",
        unit="contacts",
        family="resolution",
        moment="closing",
        title_en="Closed, customer unknown",
        title_de="Abgeschlossen, Kunde unbekannt",
        definition="Of the closed: those whose customer nobody named, so that no follow-up can be seen.",
        value=lambda c: int(not c.customer_known),
    ),
)
