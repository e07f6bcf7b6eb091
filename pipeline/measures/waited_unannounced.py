"""Waits without a word."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Wait

MEASURES = (
    Measure[Wait](
        name="waited_unannounced",
        unit="contacts",
        family="waiting",
        moment="wait",
        title_en="Waited without a word",
        title_de="Ohne Ansage gewartet",
        definition=(
            "Offered contacts whose longest silence in waiting or on hold (since its start or the last "
            "contact.informed) was longer than the catalogue allows [60 s phone, 3 min chat]."
        ),
        value=lambda w: int(w.unannounced),
    ),
)
