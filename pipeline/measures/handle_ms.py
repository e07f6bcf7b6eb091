"""Handling: from the answer to the last closing."""

from pipeline.core.measure import Measure
from pipeline.core.resolution import Closing

MEASURES = (
    Measure[Closing](
        name="handled",
        unit="contacts",
        family="resolution",
        moment="closing",
        title_en="Handled",
        title_de="Bearbeitet",
        definition="Contacts answered and closed.",
        value=lambda c: int(c.handle_ms is not None),
    ),
    Measure[Closing](
        name="handle_ms",
        unit="ms",
        family="resolution",
        moment="closing",
        title_en="Handling time",
        title_de="Bearbeitungszeit",
        definition="Time from the answer to the last closing, without after-call work.",
        value=lambda c: c.handle_ms,
        count="handled",
        histogram=True,
    ),
    Measure[Closing](
        name="handle_open_ms",
        unit="ms",
        family="resolution",
        moment="closing",
        title_en="Handling time in opening hours",
        title_de="Bearbeitungszeit in der Öffnungszeit",
        definition="The part of the handling time in opening hours; absent where no calendar applies.",
        value=lambda c: c.handle_open_ms,
        count="handled",
        optional=True,
    ),
)
