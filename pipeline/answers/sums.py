"""Cells as named sums, and the named ratios of them: the same formulas as the SQL views, computed here."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pipeline.core.cells import Cell, add
from pipeline.core.measure import column_key
from pipeline.measures import ALL
from schemas.ratios import RATIOS, Ratio
from schemas.tables import BUCKET_BITS

Sums = Mapping[str, int]
"""Measure -> total; besides `undecided` and `responses_undecided`, which depend on the moment."""

_TERM: Final = re.compile(r"([+-]?)\s*([a-z_0-9]+)")
_RATIOS: Final = {ratio.name: ratio for ratio in RATIOS}
_KEYS: Final = {measure.name: measure.key for measure in ALL}
_BUCKETS: Final = {measure.name: column_key(measure.buckets_name) for measure in ALL if measure.histogram}


def added(cells: Iterable[Cell]) -> Cell:
    """Cells summed into one."""
    total: Cell = {}
    for cell in cells:
        add(total, cell)
    return total


def sums(cell: Cell, more: Sums | None = None) -> dict[str, int]:
    """Every measure of a cell, 0 where it has none; `more` (what depends on the moment) beside them."""
    found = {name: cell.get(key, 0) for name, key in _KEYS.items()}
    return {**found, "undecided": 0, "responses_undecided": 0, **(more or {})}


def given(cell: Cell, name: str) -> int:
    """How many contacts have an optional measure, which is absent where no calendar applies."""
    return cell.get(_KEYS[name] + 1, 0)


def histogram(cell: Cell, name: str) -> dict[int, int]:
    """Bucket -> how many, of a duration."""
    low = _BUCKETS[name]
    return {key - low: n for key, n in cell.items() if low <= key < low + (1 << BUCKET_BITS)}


def formula(name: str) -> Ratio:
    """A named ratio. Raises KeyError."""
    return _RATIOS[name]


def terms(expression: str) -> list[tuple[int, str]]:
    """The signed names of a sum.

    >>> terms("offered - abandoned_short")
    [(1, 'offered'), (-1, 'abandoned_short')]
    """
    return [(-1 if sign == "-" else 1, name) for sign, name in _TERM.findall(expression)]


def value(expression: str, of: Sums) -> int:
    """A sum of measures."""
    return sum(sign * of.get(name, 0) for sign, name in terms(expression))


def ratio(name: str, of: Sums) -> float | None:
    """A named ratio; None where its denominator is not above 0."""
    found = _RATIOS[name]
    below = value(found.below, of)
    return value(found.above, of) / below if below > 0 else None
