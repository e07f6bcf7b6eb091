"""Issues: chains of contacts about one matter."""

from pipeline.core.customer import Linked
from pipeline.core.measure import Measure

MEASURES = (
    Measure[Linked](
        name="issues",
        unit="issues",
        family="resolution",
        moment="linked_closing",
        title_en="Issues",
        title_de="Anliegen",
        definition="Eligible contacts that follow nothing: each begins an issue.",
        value=lambda k: int(k.facts.eligible and not k.follows),
    ),
    Measure[Linked](
        name="issues_resolved_first",
        unit="issues",
        family="resolution",
        moment="linked_closing",
        title_en="Issues resolved at first contact",
        title_de="Beim Erstkontakt gelöste Anliegen",
        definition="Of the issues: those whose first contact resolved them (the stricter view, the customer's).",
        value=lambda k: int(k.facts.eligible and not k.follows and k.resolved),
        count="issues",
    ),
)
