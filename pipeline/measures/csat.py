"""Customer satisfaction."""

from pipeline.core.measure import Measure
from pipeline.core.voice import Feedback

MEASURES = (
    Measure[Feedback](
        name="csat_n",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Satisfaction: answers",
        title_de="Zufriedenheit: Antworten",
        definition=(
            "Answers of customers about their satisfaction (feedback.given, kind csat, from customer) "
            "with a score from 1 to scale_max (not said: 5)."
        ),
        value=lambda f: int(f.is_valid("csat")),
    ),
    Measure[Feedback](
        name="csat_top1",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Satisfaction: best score",
        title_de="Zufriedenheit: beste Note",
        definition="Satisfaction answers with the best score of their scale.",
        value=lambda f: int(f.is_valid("csat") and f.score == f.scale_max),
        count="csat_n",
    ),
    Measure[Feedback](
        name="csat_top2",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Satisfaction: best two scores",
        title_de="Zufriedenheit: beste zwei Noten",
        definition="Satisfaction answers with the best or second best score of their scale.",
        value=lambda f: int(f.is_valid("csat") and f.score >= f.scale_max - 1),
        count="csat_n",
    ),
    Measure[Feedback](
        name="csat_points",
        unit="points",
        family="voice",
        moment="feedback",
        title_en="Satisfaction: points",
        title_de="Zufriedenheit: Punkte",
        definition="Satisfaction scores brought to 0 (score 1) to 10,000 (scale_max) points, each rounded down.",
        value=lambda f: f.points if f.is_valid("csat") else None,
        count="csat_n",
    ),
)
