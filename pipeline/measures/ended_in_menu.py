"""Contacts that ended in the menu."""

from pipeline.core.measure import Measure
from pipeline.core.timeline import ABANDONED, ANSWERED, QUEUED, Timeline


def _ended_in_menu(timeline: Timeline) -> int:
    if not (timeline.inbound and timeline.live) or timeline.has(QUEUED) or timeline.has(ANSWERED):
        return 0
    return int(timeline.has(ABANDONED) or timeline.contained_ms is not None)


MEASURES = (
    Measure[Timeline](
        name="ended_in_menu",
        unit="contacts",
        family="waiting",
        moment="request",
        title_en="Ended in the menu",
        title_de="Im Menü geendet",
        definition=(
            "Inbound contacts on a live channel whose customer left (abandoned, or contained in self-service) "
            "without a queue or an answer: not offered."
        ),
        value=_ended_in_menu,
    ),
)
