"""Who gave up and was reached after all."""

from pipeline.core.customer import Linked
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Linked](
        name="abandoned_returned",
        unit="contacts",
        family="waiting",
        moment="linked_wait",
        title_en="Reached after giving up",
        title_de="Nach Auflegen erreicht",
        definition=(
            "Abandoned contacts whose customer was reached (a contact.answered, message.sent or outreach.sent in "
            "any of their contacts) within the catalogue's `returned_within` [24 h]."
        ),
        value=lambda k: int(k.returned),
    ),
)
