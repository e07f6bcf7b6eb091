"""Stays in queues: a caller passed on waits again."""

from pipeline.core.measure import Measure
from pipeline.core.waiting import Leg


def _wait_ms(leg: Leg) -> int | None:
    return leg.ended_ms - leg.began_ms if leg.outcome == "answered" and leg.ended_ms is not None else None


MEASURES = (
    Measure[Leg](
        name="legs_offered",
        unit="legs",
        family="waiting",
        moment="leg",
        title_en="Stays in a queue",
        title_de="Aufenthalte in Warteschlangen",
        definition="Stays in a queue, under that queue, booked when the stay began.",
        value=lambda g: 1,
    ),
    Measure[Leg](
        name="legs_answered",
        unit="legs",
        family="waiting",
        moment="leg",
        title_en="Stays answered",
        title_de="Aufenthalte angenommen",
        definition="Stays that ended with a person.",
        value=lambda g: int(g.outcome == "answered"),
    ),
    Measure[Leg](
        name="legs_abandoned",
        unit="legs",
        family="waiting",
        moment="leg",
        title_en="Stays abandoned",
        title_de="Aufenthalte aufgelegt",
        definition="Stays that ended with the customer leaving.",
        value=lambda g: int(g.outcome == "abandoned"),
    ),
    Measure[Leg](
        name="legs_wait_ms",
        unit="ms",
        family="waiting",
        moment="leg",
        title_en="Wait per stay",
        title_de="Wartezeit je Aufenthalt",
        definition="Length of the answered stays.",
        value=_wait_ms,
        count="legs_answered",
    ),
    Measure[Leg](
        name="legs_wait_open_ms",
        unit="ms",
        family="waiting",
        moment="leg",
        title_en="Wait per stay in opening hours",
        title_de="Wartezeit je Aufenthalt in der Öffnungszeit",
        definition="The part of the answered stays in opening hours; absent where no calendar applies.",
        value=lambda g: g.open_ms if g.outcome == "answered" else None,
        count="legs_answered",
        optional=True,
    ),
)
