"""We told customers before they had to ask; and who asked all the same."""

from pipeline.core.customer import Outreach
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Outreach](
        name="outreach_first",
        unit="touchpoints",
        family="voice",
        moment="linked_outreach",
        title_en="Told before they asked",
        title_de="Vor der Anfrage informiert",
        definition=(
            "Times we turned to a known customer because of a problem, a delay or an appointment, and no inbound "
            "contact of theirs (same topic where both have one) had been requested within the window W [7 d] before."
        ),
        value=lambda o: int(o.first),
    ),
    Measure[Outreach](
        name="outreach_followed",
        unit="touchpoints",
        family="voice",
        moment="linked_outreach",
        title_en="Asked though we had told them",
        title_de="Anfrage trotz Information",
        definition=(
            "Times we turned to a known customer, for whatever reason, who then requested another inbound contact "
            "(same topic where both have one) within the window W [7 d]."
        ),
        value=lambda o: int(o.followed),
    ),
)
