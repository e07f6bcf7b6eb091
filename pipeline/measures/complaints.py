"""Complaints, and how many of them were settled."""

from pipeline.core.measure import Measure
from pipeline.core.voice import Complaint

MEASURES = (
    Measure[Complaint](
        name="complaints",
        unit="complaints",
        family="voice",
        moment="complaint",
        title_en="Complaints",
        title_de="Beschwerden",
        definition="Complaints that customers raised (complaint.raised).",
        value=lambda c: 1,
    ),
    Measure[Complaint](
        name="complaints_settled",
        unit="complaints",
        family="voice",
        moment="complaint",
        title_en="Complaints settled",
        title_de="Beigelegte Beschwerden",
        definition=(
            "Complaints settled since: each complaint.settled settles the oldest complaint of its contact "
            "that was raised before it and is not settled yet."
        ),
        value=lambda c: int(c.settled_ms is not None),
        count="complaints",
    ),
)
