"""How far the customers have what the contacts told them: which facts a facts topic that begins anew lacks.

A contact partition notes, with a flush, up to where its facts stand in the facts topic. Once the customer folds have
counted past such a place, everything up to that flush is in the ledger, and need not be told to another topic again.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Final

from msgspec import Struct

_SPARSER: Final = 16


class Told(Struct, frozen=True, array_like=True):
    """The facts of everything up to `version` lie before `ends` (by number of partition) in the facts topic."""

    version: int
    ends: tuple[int, ...] = ()


def reached(told: Sequence[Told], ends: Mapping[int, int]) -> tuple[int, ...]:
    """The last note's ends, or further where more was told since. They never go back."""
    last = told[-1].ends if told else ()
    new = [ends.get(number, 0) for number in range(max(ends, default=-1) + 1)]
    return tuple(max(pair) for pair in zip_longest(last, new, fillvalue=0))


def noted(told: Sequence[Told], note: Told) -> list[Told]:
    """The notes and one more. The first one stays, of the others the fewer the older they are."""
    kept = [*(each for each in told if each.version < note.version), note]
    place = 1
    while place < len(kept) - 1:
        before, after = note.version - kept[place - 1].version, note.version - kept[place + 1].version
        if before <= _SPARSER * after:
            del kept[place]
        else:
            place += 1
    return kept


def delivered(told: Sequence[Told], positions: Mapping[int, int]) -> int:
    """The version up to which customers at these positions have all facts; 0 if that is not known of any."""
    return max(
        (each.version for each in told if all(end <= positions.get(number, 0) for number, end in enumerate(each.ends))),
        default=0,
    )
