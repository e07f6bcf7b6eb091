"""What complaints cost us."""

from pipeline.core.measure import Measure
from pipeline.core.voice import Complaint

MEASURES = (
    Measure[Complaint](
        name="goodwill_minor",
        unit="minor units",
        family="voice",
        moment="complaint",
        title_en="Goodwill",
        title_de="Kulanz",
        definition=(
            "Goodwill granted with the settling of complaints, in minor units of the currency (cents); of "
            "a settling that settled nothing it does not count."
        ),
        value=lambda c: c.goodwill_minor,
        count="complaints_settled",
    ),
)
