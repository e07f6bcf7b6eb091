"""Contacts that went on after closing."""

from pipeline.core.measure import Measure
from pipeline.core.resolution import Closing

MEASURES = (
    Measure[Closing](
        name="contacts_reopened",
        unit="contacts",
        family="resolution",
        moment="closing",
        title_en="Reopened",
        title_de="Wiedereröffnet",
        definition="Closed contacts with at least one contact.reopened.",
        value=lambda c: int(c.reopened),
    ),
)
