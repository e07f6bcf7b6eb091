"""Self-service: dealt with, or not."""

from pipeline.core.contact import Touch
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Touch](
        name="self_service_contained",
        unit="touchpoints",
        family="effort",
        moment="self_service",
        title_en="Contained in self-service",
        title_de="Im Self-Service erledigt",
        definition="Self-service that dealt with the matter (contact.self_service, outcome contained).",
        value=lambda t: int(t.details is not None and t.details["outcome"] == "contained"),
    ),
    Measure[Touch](
        name="self_service_failed",
        unit="touchpoints",
        family="effort",
        moment="self_service",
        title_en="Failed in self-service",
        title_de="Im Self-Service gescheitert",
        definition="Self-service that did not (contact.self_service, outcome failed).",
        value=lambda t: int(t.details is not None and t.details["outcome"] == "failed"),
    ),
)
