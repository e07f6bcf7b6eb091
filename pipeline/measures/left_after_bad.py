"""Customers who left after something bad."""

from pipeline.core.customer import Leaving
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Leaving](
        name="left_after_bad",
        unit="touchpoints",
        family="voice",
        moment="linked_leaving",
        title_en="Left after something bad",
        title_de="Nach Schlechtem gegangen",
        definition=(
            "Times a known customer left us within 30 days after something bad in any of their contacts: gave up "
            "waiting, refused, closed unresolved or unanswered, a promise broken or not kept by its due, a complaint, "
            "a detractor's score."
        ),
        value=lambda k: int(k.after_bad),
    ),
)
