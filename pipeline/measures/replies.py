"""Replies, when they were given."""

from pipeline.core.measure import Measure
from pipeline.core.response import Clock

MEASURES = (
    Measure[Clock](
        name="replies",
        unit="messages",
        family="effort",
        moment="reply",
        title_en="Replies",
        title_de="Antworten",
        definition=(
            "Replies by a person that ended a response clock, in the minute they were given (the responses of the "
            "Response family are booked where the clock began)."
        ),
        value=lambda c: int(c.replied_ms is not None),
    ),
)
