"""Promises: due, kept in time, late or broken."""

from pipeline.core.measure import Measure
from pipeline.core.promises import Promise

MEASURES = (
    Measure[Promise](
        name="promises_due",
        unit="promises",
        family="promises",
        moment="promise",
        title_en="Promises due",
        title_de="Fällige Zusagen",
        definition=(
            "Promises due then, whatever became of them (promise.made; of several with one promise_id in "
            "a contact the first counts)."
        ),
        value=lambda p: 1,
    ),
    Measure[Promise](
        name="promises_kept",
        unit="promises",
        family="promises",
        moment="promise",
        title_en="Promises kept",
        title_de="Gehaltene Zusagen",
        definition=(
            "Promises kept at or before they were due, and not broken before they were kept (the first "
            "promise.kept; one from before the promise was made counts at the making)."
        ),
        value=lambda p: int(p.fate == "kept"),
        count="promises_due",
    ),
    Measure[Promise](
        name="promises_late",
        unit="promises",
        family="promises",
        moment="promise",
        title_en="Promises kept late",
        title_de="Verspätet gehaltene Zusagen",
        definition="Promises kept after they were due, and not broken before they were kept.",
        value=lambda p: int(p.fate == "late"),
        count="promises_due",
    ),
    Measure[Promise](
        name="promises_broken",
        unit="promises",
        family="promises",
        moment="promise",
        title_en="Promises broken",
        title_de="Gebrochene Zusagen",
        definition=(
            "Promises broken, and not kept before or at that time (the first promise.broken); kept "
            "afterwards, they stay broken. Promises that are overdue, and of which nothing was heard, are "
            "not among them."
        ),
        value=lambda p: int(p.fate == "broken"),
        count="promises_due",
    ),
)
