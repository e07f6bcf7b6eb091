"""What was not a matter at all."""

from pipeline.core.measure import Measure
from pipeline.core.timeline import Timeline

MEASURES = (
    Measure[Timeline](
        name="discarded",
        unit="contacts",
        family="effort",
        moment="discarded",
        title_en="Discarded",
        title_de="Verworfen",
        definition=(
            "Inbound contacts discarded as spam, thanks, test, duplicate or wrong address, at the first "
            "contact.discarded. They leave denominators."
        ),
        value=lambda t: int(t.inbound),
    ),
)
