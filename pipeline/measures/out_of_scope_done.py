"""Done although it was none of our matters."""

from pipeline.core.measure import Measure
from pipeline.core.timeline import Timeline

MEASURES = (
    Measure[Timeline](
        name="out_of_scope_done",
        unit="contacts",
        family="effort",
        moment="out_of_scope",
        title_en="Out of scope, and done",
        title_de="Nicht zuständig, und erledigt",
        definition=(
            "Contacts closed as none of our matters, at the first contact.closed that says so (scope "
            "out), also where an earlier one does not."
        ),
        value=lambda t: 1,
    ),
)
