"""Next responses: how many, how fast, how often in target."""

from pipeline.core.measure import Measure
from pipeline.core.response import Clock

MEASURES = (
    Measure[Clock](
        name="next_responses_due",
        unit="messages",
        family="response",
        moment="clock",
        title_en="Next responses due",
        title_de="Weitere Antworten fällig",
        definition=(
            "Response clocks started (clocks after the contact's first), answered or not; without those that were "
            "discarded or removed by a reopening."
        ),
        value=lambda c: int(not c.first),
    ),
    Measure[Clock](
        name="next_responses",
        unit="messages",
        family="response",
        moment="clock",
        title_en="Next responses",
        title_de="Weitere Antworten",
        definition="Of next_responses_due: those a person replied to.",
        value=lambda c: int(not c.first and c.replied_ms is not None),
    ),
    Measure[Clock](
        name="next_response_in_target",
        unit="messages",
        family="response",
        moment="clock",
        title_en="Next responses in target",
        title_de="Weitere Antworten im Ziel",
        definition=(
            "Of next_responses: those within the target in force when the clock started (live channels on the "
            "clock, deferred ones in open time)."
        ),
        value=lambda c: int(not c.first and c.in_target),
    ),
    Measure[Clock](
        name="next_response_ms",
        unit="ms",
        family="response",
        moment="clock",
        title_en="Next response time",
        title_de="Weitere Antwortzeit",
        definition="Time from the message that started the clock to the reply.",
        value=lambda c: c.length_ms if not c.first and c.replied_ms is not None else None,
        count="next_responses",
        histogram=True,
    ),
    Measure[Clock](
        name="next_response_open_ms",
        unit="ms",
        family="response",
        moment="clock",
        title_en="Next response time in opening hours",
        title_de="Weitere Antwortzeit in der Öffnungszeit",
        definition="The part of the response time in opening hours; absent where no calendar applies.",
        value=lambda c: c.open_ms if not c.first else None,
        count="next_responses",
        optional=True,
    ),
)
