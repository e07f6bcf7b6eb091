"""Passing on."""

from pipeline.core.measure import Measure
from pipeline.core.resolution import Closing

MEASURES = (
    Measure[Closing](
        name="contacts_transferred",
        unit="contacts",
        family="resolution",
        moment="closing",
        title_en="Contacts transferred",
        title_de="Weitergeleitete Kontakte",
        definition="Closed contacts with at least one contact.transferred.",
        value=lambda c: int(c.transfers > 0),
    ),
    Measure[Closing](
        name="transfers",
        unit="transfers",
        family="resolution",
        moment="closing",
        title_en="Transfers",
        title_de="Weiterleitungen",
        definition="Number of contact.transferred of closed contacts.",
        value=lambda c: c.transfers,
    ),
)
