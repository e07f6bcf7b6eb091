"""Announced waits, and how wrong they were."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="estimates",
        unit="estimates",
        family="waiting",
        moment="wait",
        title_en="Announced waits",
        title_de="Angesagte Wartezeiten",
        definition="Waits announced while waiting (contact.informed with an estimate).",
        value=lambda w: w.estimates,
    ),
    Measure[Wait](
        name="estimates_judged",
        unit="estimates",
        family="waiting",
        moment="wait",
        title_en="Announced waits judged",
        title_de="Überprüfte Ansagen",
        definition="Of the estimates: those whose wait ended with an answer, so that the true wait is known.",
        value=lambda w: w.estimates_judged,
    ),
    Measure[Wait](
        name="estimate_error_ms",
        unit="ms",
        family="waiting",
        moment="wait",
        title_en="Error of announced waits",
        title_de="Fehler der Ansagen",
        definition="Sum of the differences between announced and true wait, without sign.",
        value=lambda w: w.estimate_error_ms,
        count="estimates_judged",
    ),
)
