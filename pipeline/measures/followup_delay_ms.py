"""How long after closing the customer came back."""

from pipeline.core.customer import Linked
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Linked](
        name="followup_delay_ms",
        unit="ms",
        family="resolution",
        moment="linked_closing",
        title_en="Delay of the follow-up",
        title_de="Abstand bis zum Folgekontakt",
        definition=(
            "Time from the last closing of a fcr_followed contact to the request of the first that follows it: "
            "how resolution matures."
        ),
        value=lambda k: k.followup_delay_ms,
        count="fcr_followed",
        histogram=True,
    ),
)
