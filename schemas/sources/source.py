"""What a source is: a pure function from the lines of a file to what each line means. It opens and keeps nothing."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from msgspec import Struct

from schemas.rejects import Reject


class Item(Struct, frozen=True, gc=False):
    """A touchpoint as JSON, ready for the raw topic. Lines count from 1; one line may yield several items."""

    line: int
    value: bytes


class BadLine(Struct, frozen=True, gc=False):
    """A line that cannot be read: why, and its text, for the dead letters."""

    line: int
    reject: Reject
    value: bytes


class Skipped(Struct, frozen=True, gc=False):
    """A line left out on purpose, to be counted under `why` (one or two words)."""

    line: int
    why: str


Output = Item | BadLine | Skipped


class Read(Protocol):
    """A source's function."""

    def __call__(self, lines: Iterable[bytes], /) -> Iterator[Output]:
        """Lines without their line ends in, outputs in the order of the lines out. Never raises for bad lines."""


class Source(Struct, frozen=True):
    """A source system by its name on the command line, with one line about it."""

    name: str
    about: str
    read: Read
