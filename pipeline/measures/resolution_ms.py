"""From request to last closing."""

from pipeline.core.measure import Measure
from pipeline.core.resolution import Closing

MEASURES = (
    Measure[Closing](
        name="resolution_ms",
        unit="ms",
        family="resolution",
        moment="closing",
        title_en="Resolution time",
        title_de="Lösungszeit",
        definition="Time from the request to the last closing.",
        value=lambda c: c.resolution_ms,
        count="closed",
        histogram=True,
    ),
    Measure[Closing](
        name="resolution_open_ms",
        unit="ms",
        family="resolution",
        moment="closing",
        title_en="Resolution time in opening hours",
        title_de="Lösungszeit in der Öffnungszeit",
        definition="The part of the resolution time in opening hours; absent where no calendar applies.",
        value=lambda c: c.resolution_open_ms,
        count="closed",
        optional=True,
    ),
)
