"""The data dictionary: every measure with its unit, definition and place, rendered from the declarations.

`python -m dashboards.dictionary` writes `docs/measures.md`; a test says when that has been forgotten.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pipeline.core.measure import Family, Measure
from pipeline.measures import ALL

PATH: Final = Path(__file__).resolve().parent.parent / "docs" / "measures.md"

_HEAD: Final = """\
# Measures

Every column of the views `measures`, `measures_hour` and `measures_day`. Written by `python -m dashboards.dictionary`
from `pipeline/measures/`: change the definition there, not here. Where a definition leaves a choice,
`docs/measures-settled.md` says which reading holds.

- **Additive.** Every measure is a whole number that may be summed over minutes, channels, queues and segments. A mean
  or a ratio is made from the sums: `sum(wait_ms) / nullIf(sum(answered), 0)`, never a mean of means.
- **Booked at.** The minute that is counted in, under the contact's channel, entry queue and segment. So a number of an
  earlier minute may still change: an answer is booked when the wait began (`wait_began`: the first `contact.queued`,
  without one the answer).
- **Per.** The measure that a mean or a share divides by.
- **In opening hours.** `*_open_ms` is absent (NULL), not 0, where no calendar applies. What it is per includes contacts
  without a calendar, so a mean is right where a calendar applies to all that is summed.
- **Histogram.** `<name>_buckets` counts durations in buckets that are at most 1/16 of their value wide; view
  `histograms` has one row per bucket. Percentiles come from there.
- Square brackets hold defaults, which the catalogue may change.
"""
_FAMILIES: Final[dict[Family, str]] = {
    "waiting": "Waiting",
    "response": "Response",
    "resolution": "Resolution",
    "effort": "Effort, dead ends, self-service",
    "promises": "Promises",
    "voice": "Voice of the customer",
}
_COLUMNS: Final = ("Measure", "Title", "Titel", "Unit", "Definition", "Booked at", "Per", "Histogram")


def markdown() -> str:
    """The dictionary as Markdown: a table per family, in the order of the measures' files."""
    return _HEAD + "".join(
        f"\n## {title}\n\n{_table(m for m in ALL if m.family == family)}" for family, title in _FAMILIES.items()
    )


def _table(measures: Iterable[Measure[Any]]) -> str:
    rows = [_COLUMNS, tuple("---" for _ in _COLUMNS), *map(_row, measures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(measure: Measure[Any]) -> tuple[str, ...]:
    return (
        f"`{measure.name}`",
        measure.title_en,
        measure.title_de,
        measure.unit,
        measure.definition.replace("|", r"\|"),
        measure.booked_at,
        f"`{measure.count}`" if measure.count else "",
        f"`{measure.buckets_name}`" if measure.histogram else "",
    )


if __name__ == "__main__":
    PATH.write_text(markdown(), encoding="utf-8")
