"""Was your question answered?"""

from pipeline.core.measure import Measure
from pipeline.core.voice import Feedback

MEASURES = (
    Measure[Feedback](
        name="solved_n",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Question answered: answers",
        title_de="Anliegen geklärt: Antworten",
        definition=(
            "Answers of customers on whether their question was answered (feedback.given, kind solved, "
            "from customer) with a score from 0 to scale_max (not said: 1)."
        ),
        value=lambda f: int(f.is_valid("solved")),
    ),
    Measure[Feedback](
        name="solved_yes",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Question answered: yes",
        title_de="Anliegen geklärt: ja",
        definition="Customers who said that their question was answered (a score of 1 or above).",
        value=lambda f: int(f.is_valid("solved") and f.score >= 1),
        count="solved_n",
    ),
)
