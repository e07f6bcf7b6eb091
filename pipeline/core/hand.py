"""The hand that goes round what is held in memory, a few at a time: so eviction costs little in any one batch."""

from collections.abc import Iterator, Mapping
from itertools import islice


class Hand:
    """Goes round the keys of a mapping that changes meanwhile; a key may be gone when it is named."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest: Iterator[str] = iter(())

    def some(self, held: Mapping[str, object], most: int) -> list[str]:
        """The next keys, at most so many, and none twice."""
        found = list(islice(self._rest, most))
        if not found and held:
            self._rest = iter(list(held))
            found = list(islice(self._rest, most))
        return found
