"""The hand that goes round what is held in memory, a few at a time: so eviction costs little in any one batch."""

from collections.abc import Mapping


class Hand:
    """Goes round the keys of a mapping that changes meanwhile; a key may be gone when it is named."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest: list[str] = []
        """Those of this round that were not named yet, the next one last: who is named and gone is not held by it."""

    def some(self, held: Mapping[str, object], most: int) -> list[str]:
        """The next keys, at most so many, and none twice."""
        if not self._rest:
            self._rest = list(held)
            self._rest.reverse()
        first = max(len(self._rest) - most, 0)
        found = self._rest[first:]
        del self._rest[first:]
        found.reverse()
        return found
