"""Refusals: what customers came for and were sent away with, by reason."""

from pipeline.core.contact import Touch
from pipeline.core.measure import Measure


def _reason(touch: Touch) -> str:
    return "other" if touch.details is None else str(touch.details["reason"])


MEASURES = (
    Measure[Touch](
        name="refused_out_of_scope",
        unit="touchpoints",
        family="effort",
        moment="refused",
        title_en="Refused: out of scope",
        title_de="Abgelehnt: nicht zuständig",
        definition="Refusals of what is none of our matters (contact.refused, reason out_of_scope).",
        value=lambda t: int(_reason(t) == "out_of_scope"),
    ),
    Measure[Touch](
        name="refused_out_of_hours",
        unit="touchpoints",
        family="effort",
        moment="refused",
        title_en="Refused: out of hours",
        title_de="Abgelehnt: außerhalb der Zeiten",
        definition="Refusals because it was too early or too late (contact.refused, reason out_of_hours).",
        value=lambda t: int(_reason(t) == "out_of_hours"),
    ),
    Measure[Touch](
        name="refused_no_authority",
        unit="touchpoints",
        family="effort",
        moment="refused",
        title_en="Refused: no authority",
        title_de="Abgelehnt: nicht befugt",
        definition="Refusals because nobody there was allowed to do it (contact.refused, reason no_authority).",
        value=lambda t: int(_reason(t) == "no_authority"),
    ),
    Measure[Touch](
        name="refused_other",
        unit="touchpoints",
        family="effort",
        moment="refused",
        title_en="Refused: other reasons",
        title_de="Abgelehnt: andere Gründe",
        definition="Refusals for any other reason, or for none that was said (contact.refused, reason other).",
        value=lambda t: int(_reason(t) == "other"),
    ),
)
