"""What mystery shoppers score."""

from pipeline.core.contact import Touch
from pipeline.core.measure import Measure
from pipeline.core.voice import audit_points

MEASURES = (
    Measure[Touch](
        name="audits",
        unit="scores",
        family="voice",
        moment="audit",
        title_en="Audit scores",
        title_de="Testkauf-Noten",
        definition="Criteria scored by mystery shoppers (audit.scored with a scale_max of 1 or above).",
        value=lambda t: int(audit_points(t) is not None),
    ),
    Measure[Touch](
        name="audit_points",
        unit="points",
        family="voice",
        moment="audit",
        title_en="Audit points",
        title_de="Testkauf-Punkte",
        definition=(
            "Scores of mystery shoppers brought to 0 to 10,000 (scale_max) points, each rounded down; "
            "scores off the scale count as its end."
        ),
        value=audit_points,
        count="audits",
    ),
)
