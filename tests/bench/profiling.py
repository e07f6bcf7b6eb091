"""What py-spy saw while a thread held the GIL, as a table: the functions that most samples were in, and those of ours
that most were below.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from rich.table import Table

_SHOWN: Final = 40
_OURS: Final = ("(agents/", "(pipeline/", "(schemas/")


def stacks(text: str) -> Iterator[tuple[list[str], int]]:
    """Frames from the outermost to the innermost, and how often: py-spy's raw format."""
    for line in text.splitlines():
        frames, _, count = line.rpartition(" ")
        yield frames.split(";"), int(count)


def shares(found: Iterable[tuple[list[str], int]]) -> tuple[Counter[str], Counter[str], int]:
    """Samples in each function itself, in it and what it calls, and all there are."""
    own: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    total = 0
    for frames, count in found:
        own[frames[-1]] += count
        for name in set(frames):
            whole[name] += count
        total += count
    return own, whole, total


def table(text: str) -> Table:
    """The most frequent of both, beside each other."""
    own, whole, total = shares(stacks(text))
    made = Table("itself", "function", "with what it calls", "function", title=f"{total:,} samples")
    made.columns[0].justify = made.columns[2].justify = "right"
    for (inner, inner_count), (outer, outer_count) in zip(
        own.most_common(_SHOWN),
        [each for each in whole.most_common() if any(room in each[0] for room in _OURS)],
        strict=False,
    ):
        made.add_row(f"{inner_count / total:.1%}", inner, f"{outer_count / total:.1%}", outer)
    return made
