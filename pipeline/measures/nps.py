"""Net promoter score: who would recommend us. The score itself is (promoters - detractors) / n."""

from typing import Final

from pipeline.core.measure import Measure
from pipeline.core.voice import Feedback

_PROMOTER: Final = 9
_DETRACTOR: Final = 6

MEASURES = (
    Measure[Feedback](
        name="nps_n",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Recommendation: answers",
        title_de="Weiterempfehlung: Antworten",
        definition=(
            "Answers of customers on whether they would recommend us (feedback.given, kind nps, from "
            "customer) with a score from 0 to scale_max (not said: 10)."
        ),
        value=lambda f: int(f.is_valid("nps")),
    ),
    Measure[Feedback](
        name="nps_promoters",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Promoters",
        title_de="Promotoren",
        definition=(
            "Recommendation answers with 9 or 10 out of 10 (of other scales: 10 x score / scale_max, rounded down)."
        ),
        value=lambda f: int(f.is_valid("nps") and f.out_of_ten >= _PROMOTER),
        count="nps_n",
    ),
    Measure[Feedback](
        name="nps_detractors",
        unit="scores",
        family="voice",
        moment="feedback",
        title_en="Detractors",
        title_de="Detraktoren",
        definition=(
            "Recommendation answers with 0 to 6 out of 10 (of other scales: 10 x score / scale_max, rounded down)."
        ),
        value=lambda f: int(f.is_valid("nps") and f.out_of_ten <= _DETRACTOR),
        count="nps_n",
    ),
)
