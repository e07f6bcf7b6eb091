"""One file per measure (or per few that belong together): name, unit, definition, where it is booked, what one adds.

To find a measure, open the file of its name. To add one, add a file with `MEASURES`, and its test: columns, metrics,
views and documentation follow from the declaration. Definitions that leave a choice: docs/measures-settled.md.
"""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Final

from pipeline.compiled import with_extensions
from pipeline.core.measure import Columns, Measure

__path__ = with_extensions(__path__, "measures")

ALL: Final[tuple[Measure[Any], ...]] = tuple(
    measure
    for module in sorted(iter_modules(__path__), key=lambda module: module.name)
    for measure in import_module(f"{__name__}.{module.name}").MEASURES
)
"""Every measure, by file name."""

CONTACT_COLUMNS: Final = Columns(m for m in ALL if not m.linked)
"""What the contact fold counts."""

CUSTOMER_COLUMNS: Final = Columns(m for m in ALL if m.linked)
"""What the customer fold counts: all that depends on the customer's other contacts."""
