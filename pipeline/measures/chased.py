"""Customers who asked again before anyone had answered."""

from pipeline.core.customer import Linked
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Linked](
        name="chased",
        unit="contacts",
        family="resolution",
        moment="linked_closing",
        title_en="Chased",
        title_de="Nachgefragt",
        definition=(
            "Closed inbound contacts during which, open and unanswered, the customer asked again (same topic "
            "where both have one)."
        ),
        value=lambda k: int(k.chased),
    ),
)
