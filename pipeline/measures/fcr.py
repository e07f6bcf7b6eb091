"""First-contact resolution: of which contacts the matter was resolved, and why not of the others."""

from pipeline.core.customer import Linked
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Linked](
        name="fcr_eligible",
        unit="contacts",
        family="resolution",
        moment="linked_closing",
        title_en="Eligible for first-contact resolution",
        title_de="Für Erstlösung zählend",
        definition=(
            "Inbound contacts handled by a person (answered or replied), closed, not discarded, with a known customer."
        ),
        value=lambda k: int(k.facts.eligible),
    ),
    Measure[Linked](
        name="fcr_resolved",
        unit="contacts",
        family="resolution",
        moment="linked_closing",
        title_en="Resolved at first contact",
        title_de="Beim Erstkontakt gelöst",
        definition=(
            "Eligible, and nothing follows within the window W [7 d] after the last closing, not reopened, not "
            "`resolved: false` (nor transferred, if the catalogue says so)."
        ),
        value=lambda k: int(k.resolved),
        count="fcr_eligible",
    ),
    Measure[Linked](
        name="fcr_followed",
        unit="contacts",
        family="resolution",
        moment="linked_closing",
        title_en="Followed by another contact",
        title_de="Gefolgt von weiterem Kontakt",
        definition=(
            "Eligible, and an inbound contact of the same customer (same topic where both have one) was requested "
            "within W after the last closing."
        ),
        value=lambda k: int(k.facts.eligible and bool(k.followed_by)),
    ),
    Measure[Linked](
        name="fcr_reopened",
        unit="contacts",
        family="resolution",
        moment="linked_closing",
        title_en="Reopened, eligible",
        title_de="Wiedereröffnet, zählend",
        definition="Eligible, and reopened.",
        value=lambda k: int(k.facts.eligible and k.facts.reopened),
    ),
    Measure[Linked](
        name="fcr_unresolved",
        unit="contacts",
        family="resolution",
        moment="linked_closing",
        title_en="Said to be unresolved",
        title_de="Als ungelöst vermerkt",
        definition="Eligible, and the latest closing that says so says `resolved: false`.",
        value=lambda k: int(k.facts.eligible and k.facts.unresolved),
    ),
    Measure[Linked](
        name="fcr_transferred",
        unit="contacts",
        family="resolution",
        moment="linked_closing",
        title_en="Transferred, eligible",
        title_de="Weitergeleitet, zählend",
        definition="Eligible, and transferred.",
        value=lambda k: int(k.facts.eligible and k.facts.transferred),
    ),
)
