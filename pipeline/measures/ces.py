"""Customer effort: how easy we made it."""

from pipeline.core.measure import Measure
from pipeline.core.voice import Feedback

MEASURES = (
    Measure[Feedback](
        name="ces_n",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Ease: answers",
        title_de="Leichtigkeit: Antworten",
        definition=(
            "Answers of customers on how easy it was (feedback.given, kind ces, from customer) with a "
            "score from 1 to scale_max (not said: 7). High is easy: a survey that asks the other way "
            "round is turned where it is mapped."
        ),
        value=lambda f: int(f.is_valid("ces")),
    ),
    Measure[Feedback](
        name="ces_points",
        unit="points",
        family="voice",
        moment="feedback",
        title_en="Ease: points",
        title_de="Leichtigkeit: Punkte",
        definition="Scores for ease brought to 0 (score 1) to 10,000 (scale_max) points, each rounded down.",
        value=lambda f: f.points if f.is_valid("ces") else None,
        count="ces_n",
    ),
)
