"""Feedback: asked for, and given with a score that is not on its scale."""

from pipeline.core.contact import Touch
from pipeline.core.measure import Measure
from pipeline.core.voice import Feedback

MEASURES = (
    Measure[Touch](
        name="feedback_asked",
        unit="touchpoints",
        family="voice",
        moment="feedback_asked",
        title_en="Feedback asked for",
        title_de="Um Feedback gebeten",
        definition="Requests for feedback of any kind (feedback.asked).",
        value=lambda t: 1,
    ),
    Measure[Feedback](
        name="feedback_invalid",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Invalid feedback",
        title_de="Ungültiges Feedback",
        definition=(
            "Feedback from customers that counts for nothing else, since its score is not on its scale: "
            "below the bottom (1 for csat and ces, 0 for nps and solved), above scale_max (not said: csat "
            "5, nps 10, ces 7, solved 1), or of a scale_max below 1."
        ),
        value=lambda f: int(not f.valid),
    ),
)
