"""What the warehouse should hold: tables and views rendered from the measures and the catalogue."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from pipeline.core.measure import column_key
from pipeline.core.rules import Rulebook
from pipeline.io.schema import Declared
from pipeline.measures import ALL
from schemas.catalogue import Catalogue
from schemas.tables import MeasureColumn, Retention, tables
from schemas.view import Intervals, Setting
from schemas.views import views

_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()
_FIRST_YEAR: Final = 1998
_YEARS_AHEAD: Final = 3
_DEAD_LETTER_DAYS: Final = 14
"""Dead letters hold what somebody sent by mistake: long enough to mend it, no longer."""


def measure_columns() -> list[MeasureColumn]:
    """Every measure as a column of cells, and its histogram as another."""
    columns: list[MeasureColumn] = []
    for measure in ALL:
        columns.append(MeasureColumn(measure.name, measure.key, measure.definition, nullable=measure.optional))
        if measure.histogram:
            name = measure.buckets_name
            text = f"Histogram of {measure.name}: bucket -> how many. {measure.definition}"
            columns.append(MeasureColumn(name, column_key(name), text, histogram=True))
    return columns


def declared(catalogue: Catalogue, this_year: int) -> Declared:
    """Tables and views for this catalogue. `this_year`: opening hours are laid out until some years after it."""
    settings = catalogue.settings
    keep_ms = settings.store_touchpoints_ms
    days = settings.retention_ms // _DAY_MS
    retention = Retention(
        contacts=days,
        resolutions=days,
        dead_letters=_DEAD_LETTER_DAYS,
        touchpoints=None if keep_ms is None else max(keep_ms // _DAY_MS, 1),
    )
    columns = measure_columns()
    opening = _opening(catalogue, this_year)
    setting = Setting(
        zone=catalogue.zone,
        follow_up_window_ms=settings.follow_up_window_ms,
        lateness_ms=settings.lateness_ms,
        opening=opening is not None,
        touchpoints=keep_ms is not None,
        agent_figures=settings.agent_figures,
    )
    return Declared(tables(columns, retention, store_touchpoints=keep_ms is not None), views(columns, setting), opening)


def _opening(catalogue: Catalogue, this_year: int) -> Mapping[int, Intervals] | None:
    """The days and hours of the calendar that applies where nothing else is said; None without one."""
    everywhere = [e for e in catalogue.opening_hours if e.channel is None and e.queue is None]
    if not everywhere:
        return None
    newest = max(everywhere, key=lambda entry: entry.valid_from_ms or 0)
    if newest.calendar is None:
        return None
    calendar = Rulebook(catalogue).calendar(newest.calendar)
    if calendar is None:
        return None
    first, last = date(_FIRST_YEAR, 1, 1).toordinal(), date(this_year + _YEARS_AHEAD, 1, 1).toordinal()
    return {ordinal - _EPOCH: calendar.intervals(ordinal) for ordinal in range(first, last)}
