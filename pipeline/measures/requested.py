"""Contacts asked for."""

from pipeline.core.measure import Measure
from pipeline.core.timeline import Timeline


def _outside_hours(timeline: Timeline) -> int:
    if not timeline.inbound:
        return 0
    calendar = timeline.rules(timeline.requested_ms).calendar
    return int(calendar is not None and not calendar.is_open(timeline.requested_ms))


MEASURES = (
    Measure[Timeline](
        name="requested",
        unit="contacts",
        family="waiting",
        moment="request",
        title_en="Requested",
        title_de="Angefragt",
        definition="Inbound contacts, of any channel, at their contact.requested (else their first touchpoint).",
        value=lambda t: int(t.inbound),
    ),
    Measure[Timeline](
        name="requested_closed",
        unit="contacts",
        family="waiting",
        moment="request",
        title_en="Requested while closed",
        title_de="Angefragt außerhalb der Öffnungszeit",
        definition="Of the requested: those that came outside opening hours (none where no calendar applies).",
        value=_outside_hours,
    ),
)
