"""Holds."""

from pipeline.core.measure import Measure
from pipeline.core.resolution import Closing

MEASURES = (
    Measure[Closing](
        name="held",
        unit="contacts",
        family="resolution",
        moment="closing",
        title_en="Held",
        title_de="Gehalten",
        definition="Closed contacts with at least one hold.",
        value=lambda c: int(c.held),
    ),
    Measure[Closing](
        name="hold_ms",
        unit="ms",
        family="resolution",
        moment="closing",
        title_en="Time on hold",
        title_de="Haltezeit",
        definition="Sum of the holds of a contact, from contact.held to contact.resumed or closing.",
        value=lambda c: c.hold_ms,
        count="held",
        histogram=True,
    ),
    Measure[Closing](
        name="hold_open_ms",
        unit="ms",
        family="resolution",
        moment="closing",
        title_en="Time on hold in opening hours",
        title_de="Haltezeit in der Öffnungszeit",
        definition="The part of the holds in opening hours; absent where no calendar applies.",
        value=lambda c: c.hold_open_ms,
        count="held",
        optional=True,
    ),
)
