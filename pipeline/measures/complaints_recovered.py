"""Complaints made good: whose customers praised us afterwards."""

from pipeline.core.customer import Settled
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Settled](
        name="complaints_recovered",
        unit="complaints",
        family="voice",
        moment="linked_complaint",
        title_en="Complaints made good",
        title_de="Wiedergutgemachte Beschwerden",
        definition=(
            "Settled complaints whose customer, in any of their contacts, was a promoter or gave the best satisfaction "
            "score after the settling and within 30 days of it."
        ),
        value=lambda s: int(s.recovered),
    ),
)
