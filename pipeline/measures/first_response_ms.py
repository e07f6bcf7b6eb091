"""First responses: how many, how fast, how often in target."""

from pipeline.core.measure import Measure
from pipeline.core.response import Clock

MEASURES = (
    Measure[Clock](
        name="first_responses_due",
        unit="messages",
        family="response",
        moment="clock",
        title_en="First responses due",
        title_de="Erste Antworten fällig",
        definition=(
            "Response clocks started (the contact's first clock), answered or not; without those that were "
            "discarded or removed by a reopening."
        ),
        value=lambda c: int(c.first),
    ),
    Measure[Clock](
        name="first_responses",
        unit="messages",
        family="response",
        moment="clock",
        title_en="First responses",
        title_de="Erste Antworten",
        definition="Of first_responses_due: those a person replied to.",
        value=lambda c: int(c.first and c.replied_ms is not None),
    ),
    Measure[Clock](
        name="first_response_in_target",
        unit="messages",
        family="response",
        moment="clock",
        title_en="First responses in target",
        title_de="Erste Antworten im Ziel",
        definition=(
            "Of first_responses: those within the target in force when the clock started (live channels on the "
            "clock, deferred ones in open time)."
        ),
        value=lambda c: int(c.first and c.in_target),
    ),
    Measure[Clock](
        name="first_response_ms",
        unit="ms",
        family="response",
        moment="clock",
        title_en="First response time",
        title_de="Erste Antwortzeit",
        definition="Time from the message that started the clock to the reply.",
        value=lambda c: c.length_ms if c.first and c.replied_ms is not None else None,
        count="first_responses",
        histogram=True,
    ),
    Measure[Clock](
        name="first_response_open_ms",
        unit="ms",
        family="response",
        moment="clock",
        title_en="First response time in opening hours",
        title_de="Erste Antwortzeit in der Öffnungszeit",
        definition="The part of the response time in opening hours; absent where no calendar applies.",
        value=lambda c: c.open_ms if c.first else None,
        count="first_responses",
        optional=True,
    ),
)
