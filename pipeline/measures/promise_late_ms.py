"""How late promises were kept."""

from pipeline.core.measure import Measure
from pipeline.core.promises import Promise

MEASURES = (
    Measure[Promise](
        name="promise_late_ms",
        unit="ms",
        family="promises",
        moment="promise",
        title_en="Delay of late promises",
        title_de="Verspätung von Zusagen",
        definition="Time from when a promise was due to when it was kept, of promises kept late.",
        value=lambda p: p.late_ms,
        count="promises_late",
        histogram=True,
    ),
)
