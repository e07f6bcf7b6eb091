"""Cells: the measures of one window and one set of dimensions, as sparse vectors {column number: value}.

`contribution` says what one contact adds to which cell; a live update is `new contribution - old contribution`. All is
integer addition, so the order of updates never matters.
"""

from collections.abc import Sequence
from typing import Any, Final

from pipeline.core.histogram import bucket
from pipeline.core.measure import Column, Columns

Cell = dict[Any, int]
"""By number of the column, an int. To compiled code it is an object, as is the key of a cell: it would make a new one
for every look into a dictionary.
"""
CellKey = tuple[Any, ...]
"""(window start in seconds since the epoch, channel, queue, segment)."""
Contribution = dict[CellKey, Cell]

MINUTE_MS: Final = 60_000


def book(
    into: Contribution, columns: tuple[Column, ...], at_ms: int, dimensions: tuple[str, str, str], item: Any
) -> None:
    """Add what one moment is worth to its minute; a cell to which it adds nothing is not made."""
    channel, queue, segment = dimensions
    key: CellKey = (at_ms // MINUTE_MS * 60, channel, queue, segment)
    found = into.get(key)
    cell: Cell = {} if found is None else found
    value: Any  # an int or None
    for number, value_of, optional, buckets_key in columns:
        value = value_of(item)
        if value is None:
            continue
        if optional:
            cell[number] = cell.get(number, 0) + value
            cell[number + 1] = cell.get(number + 1, 0) + 1
        elif value:
            cell[number] = cell.get(number, 0) + value
        if buckets_key is not None:
            in_bucket = buckets_key + bucket(value)
            cell[in_bucket] = cell.get(in_bucket, 0) + 1
    if found is None and cell:
        into[key] = cell


def add(into: Cell, cell: Cell) -> None:
    """into += cell."""
    for number, value in cell.items():
        into[number] = into.get(number, 0) + value


def take(into: Cell, cell: Cell) -> None:
    """into -= cell."""
    for number, value in cell.items():
        into[number] = into.get(number, 0) - value


def total(cells: Sequence[Cell]) -> Cell:
    """What several cells of one window come to; not to be changed, since of one it is that cell itself."""
    if len(cells) == 1:
        return cells[0]
    found: Cell = {}
    for cell in cells:
        add(found, cell)
    return found


def revise(into: Contribution, new: Contribution, old: Contribution) -> None:
    """into += new - old, where they differ."""
    for key, cell in new.items():
        before = old.get(key)
        if before is not None:
            if before == cell:
                continue
            take(into.setdefault(key, {}), before)
        found = into.get(key)
        if not found:
            into[key] = dict(cell)
        else:
            add(found, cell)
    for key, cell in old.items():
        if key not in new:
            take(into.setdefault(key, {}), cell)


def settled(cell: Cell, columns: Columns) -> Cell:
    """A cell without zeros, in order of the column numbers; an optional measure stays, even 0, while anything adds to
    it.
    """
    optional = columns.optional
    return {
        number: cell[number]
        for number in sorted(cell)
        if cell[number] or (number in optional and cell.get(number + 1, 0))
    }
