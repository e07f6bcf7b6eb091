"""Which ids may be in the ledger: a filter in a few bytes per id, so that only ids that exist are asked for.

Law: never a wrong no; a wrong yes for one id in ten thousand, which costs a look into the ledger. Ids go in as hashes
that ClickHouse computes as well (`halfMD5`), so that recovery need not fetch the ids themselves.
"""

from collections.abc import Sequence
from hashlib import md5
from typing import Final

from rbloom import Bloom

_WRONG_YES: Final = 1e-4
_FEWEST: Final = 10_000
_SPREAD: Final = 0x9E3779B97F4A7C15F39CC0605CEDC835
_MASK: Final = (1 << 128) - 1


def hash_of(unit: str) -> int:
    """The first eight bytes of the MD5, as ClickHouse's halfMD5 gives them."""
    return int.from_bytes(md5(unit.encode(), usedforsecurity=False).digest()[:8])


def _spread(hashed: int) -> int:
    """The 128 bits that rbloom wants, the sign included."""
    return (hashed * _SPREAD & _MASK) - (1 << 127)


class Known:
    """Grows without end: a filter that is full is kept, and one twice as large put beside it."""

    __slots__ = ("_filters", "_room")

    def __init__(self) -> None:
        self._filters: list[Bloom] = []
        self._room = 0

    def add(self, hashes: Sequence[int]) -> None:
        """From here on they are known; those that are already take no room."""
        for each in self._filters:
            hashes = [hashed for hashed in hashes if hashed not in each]
        self.update(hashes)

    def update(self, hashes: Sequence[int]) -> None:
        """From here on they are known: best all at once, which makes one filter of their size."""
        if len(hashes) > self._room:
            self._room = max(_FEWEST << len(self._filters), 2 * len(hashes))
            self._filters.append(Bloom(self._room, _WRONG_YES, _spread))
        if hashes:
            self._filters[-1].update(hashes)
            self._room -= len(hashes)

    @property
    def nobody(self) -> bool:
        """Whether no id is known."""
        return not self._filters

    def __contains__(self, hashed: int) -> bool:
        return any(hashed in each for each in self._filters)
