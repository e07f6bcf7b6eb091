"""The steps of the protocol as data: what an engine takes over, and what it gives out to be written.

Structs only, and the numbers and keys in them. They are encoded and cross the border to I/O, so this module stays plain
Python where the rest of the core is compiled.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from pipeline.core.cells import Cell, Contribution, Tally
from pipeline.core.columnar import Rows, behind_length
from pipeline.core.told import Told, noted, reached
from schemas.rejects import DeadLetter

MARKER, CELL, CONTACT, FACT = range(4)
"""Kinds of ledger rows."""
MINUTE, HOUR, DAY = 1, 2, 3
"""Resolutions of cells."""
HOUR_S: Final = 3_600
_OFFSET_BITS: Final = 48
WindowKey = tuple[Any, ...]
"""(resolution, window start in seconds, channel, queue, segment). Typed as loosely as `CellKey`, and for its reason."""
Generation = tuple[int, int]
Published = tuple[str, Mapping[str, Sequence[Any]]]
"""Rows of a table, by column."""
CellsByGeneration = dict[Generation, dict[WindowKey, Tally]]


class Marker(Struct, omit_defaults=True):
    """Where a partition stands: everything needed to go on, and cumulative counts.

    `offset` is the next one to read; `before` the incarnation of the topic before this one, and the offset reached
    there; `facts_epoch` the incarnation of topic contact-facts that has all our facts, and `told` how far; `log_id`
    what the cluster calls this incarnation of the topic, where it has a name for it;
    `lost` positions that the log gave up before they were counted.
    """

    offset: int = 0
    watermark_ms: int = 0
    append_ms: int = 0
    fingerprint: str = ""
    before: tuple[int, int] = (0, 0)
    facts_epoch: int = 0
    told: list[Told] = []
    log_id: str = ""
    applied: int = 0
    duplicate: int = 0
    late: int = 0
    lost: int = 0
    rejected: dict[str, int] = {}
    clamped: dict[str, int] = {}

    def packed(self) -> bytes:
        """As the last state of a ledger block."""
        return behind_length(msgspec.json.encode(self))


class StateRow(Struct, frozen=True, gc=False):
    """One contact (or one contact's facts) as the ledger holds it."""

    key: str
    state: bytes
    is_open: bool
    last_ms: int
    version: int


class CellRow(Struct, frozen=True):
    """One cell as the ledger holds it."""

    generation: Generation
    epoch: int
    window: WindowKey
    cell: Cell


class Recovered(Struct, frozen=True):
    """One consistent scan of a partition's ledger. `states`: the hot ones, the live ones, and those of the last flush,
    customers as a whole. `cells`: those of the marker's generation and later, and recent ones.
    """

    marker: Marker | None
    version: int
    states: Iterable[StateRow]
    cells: Iterable[CellRow]


class ReadBack(Struct, frozen=True):
    """What the ledger holds of some contacts or customers, and the version it stands at: one snapshot."""

    version: int
    states: Sequence[StateRow]


class Written(Struct):
    """What a fold writes at a flush: state rows, rows for people, and records for other topics.

    `delta`: what was settled on the way adds to the cells, and `settled` its keys. `states`: `columnar.state_rows`.
    `evidence`: rows that nothing else could bring back, written before the commit and idempotent.
    """

    delta: Contribution
    settled: list[str]
    states: Rows
    published: list[Published]
    emissions: list[tuple[str, bytes, bytes]]
    evidence: list[Published] = []


class Flush(Struct):
    """One flush as data, in the order of its steps: evidence and emissions, the atomic ledger block, rows for
    people.
    """

    partition: str
    version: int
    offset: int
    emissions: list[tuple[str, bytes, bytes]]
    dead_letters: list[DeadLetter]
    evidence: list[Published]
    ledger: dict[str, Any]
    published: list[Published]
    cells: CellsByGeneration
    keys: list[str]
    marker: Marker
    """As it stood at this flush."""

    def emitted(self, ends: Mapping[int, int]) -> None:
        """The emissions are in the log, before these offsets of their partitions: the marker notes it."""
        told = self.marker.told
        self.marker.told = noted(told, Told(self.version, reached(told, ends)))
        self.ledger["state"].pieces[-1] = self.marker.packed()

    @property
    def rows(self) -> int:
        """Rows of the ledger block."""
        return len(self.ledger["kind"])


def version_of(epoch: int, offset: int) -> int:
    """The version of what is written up to (not including) an offset of a log epoch: the higher, the later."""
    return epoch << _OFFSET_BITS | offset


SEPARATOR: Final = "\x1f"
"""Between customer and contact in the key of a state: ids carry no control characters."""


def unit_of(key: str) -> str:
    """The contact or customer a state belongs to."""
    return key.partition(SEPARATOR)[0]


def epoch_of(version: int) -> int:
    """The log epoch a version belongs to."""
    return version >> _OFFSET_BITS
