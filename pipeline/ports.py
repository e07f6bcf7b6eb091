"""What the pipeline needs of the world, as protocols: a log, a warehouse, a clock. Fakes and real clients satisfy the
same ones.

A partition is written `topic/number`, for example `touchpoints/3`, everywhere: in tables, logs, metrics and here.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from pipeline.core.record import Record
from pipeline.core.steps import Marker, ReadBack, Recovered, StateRow
from schemas.rejects import DeadLetter

__all__ = [
    "Batch",
    "Block",
    "Clock",
    "Ledger",
    "Log",
    "LogError",
    "LogRefused",
    "OutRecord",
    "Overtaken",
    "Record",
    "Warehouse",
    "WarehouseDown",
    "WarehouseRefused",
]


class Batch(Struct, frozen=True):
    """Consecutive fetched records of one partition: positions [`from_offset`, `to_offset`), gaps inside are the
    broker's (compaction, transaction markers). `from_offset` is the consumer's position before the fetch, `left` how
    much the log had after it then.
    """

    partition: str
    from_offset: int
    to_offset: int
    records: Sequence[Record]
    left: int = 0


class OutRecord(Struct, frozen=True, gc=False):
    """One record to produce. Without `partition` the key decides (murmur2, as every Kafka client does)."""

    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    partition: int | None = None
    headers: Sequence[tuple[str, bytes]] = ()


class Block(Struct, frozen=True):
    """Rows for one table, by column, all of one length. One insert, one block, atomic within one table partition."""

    table: str
    columns: Mapping[str, Sequence[Any]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))


class LogError(Exception):
    """The log refused or could not be reached; nothing is known to be written."""


class LogRefused(LogError):
    """The log understood and refused (user, password, certificate): no use in trying again."""


class Overtaken(Exception):
    """Somebody else has, or had, what this process takes for its own: it is to end, and to be started again."""


class WarehouseDown(Exception):
    """The warehouse cannot be reached now, or the answer got lost: the insert may or may not have landed."""


class WarehouseRefused(Exception):
    """The warehouse understood and refused: a bug or a wrong schema, no use in trying again."""


class Log(Protocol):
    """The Kafka wire as the agents use it."""

    async def produce(self, topic: str, records: Sequence[OutRecord]) -> Mapping[int, int]:
        """Write all records; return when every one is acknowledged by all in-sync replicas: of each partition written
        to the offset after the last of them. Raises LogError.
        """

    async def seek(self, partition: str, offset: int) -> None:
        """Let the next batch of this partition start at `offset`."""

    async def bounds(self, partition: str) -> tuple[int, int]:
        """(first offset the log still has, offset of the next record to come)."""

    def durable(self, partition: str, next_offset: int) -> None:
        """Everything before `next_offset` is in the warehouse: what may be committed to Kafka (for lag tools)."""

    def pause(self, partition: str) -> None:
        """Fetch nothing more of this partition until `resume`."""

    def resume(self, partition: str) -> None:
        """Fetch again."""


class Warehouse(Protocol):
    """A ClickHouse that speaks SQL. Two small implementations: native protocol and embedded."""

    async def insert(self, block: Block) -> None:
        """One INSERT of one block; returns when it is durable. Raises WarehouseDown or WarehouseRefused."""

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query. Parameters are bound as `%(name)s`. Raises WarehouseDown or WarehouseRefused."""

    async def formatted(self, sql: str, format_: str) -> bytes:
        """A query's answer in an output format of ClickHouse. Raises WarehouseDown or WarehouseRefused."""

    async def execute(self, sql: str) -> None:
        """A statement without rows (DDL). Raises WarehouseDown or WarehouseRefused."""


class Ledger(Protocol):
    """The protocol's side of the warehouse: design, section 4. Raises WarehouseDown or WarehouseRefused."""

    async def recover(self, partition: str, recent_days: int) -> Recovered:
        """Of one moment: marker; states that are live or of the last flush, customers as a whole; cells of the
        marker's generation and later, and recent cells.
        """

    def known(self, partition: str) -> AsyncIterator[Sequence[int]]:
        """The hash (`pipeline.core.known`) of every contact or customer there is a state of, in pieces."""

    async def read(self, partition: str, units: Sequence[str]) -> ReadBack:
        """All states of these contacts or customers, and the version the ledger stands at, in one snapshot."""

    def states(self, partition: str, above: int) -> AsyncIterator[Sequence[StateRow]]:
        """Every state whose version is above this one, in pieces."""

    async def forget(self, partition: str, before_ms: int) -> None:
        """Let states go of contacts or customers (these as a whole) of whom nothing is known since this time."""

    async def markers(self) -> dict[str, tuple[Marker, int]]:
        """Where every partition stands: its marker and version."""

    async def reach(self) -> None:
        """Returns if the warehouse answers."""

    async def commit(self, block: Mapping[str, Sequence[Any]]) -> None:
        """The one atomic insert that is the commit."""

    async def publish(self, table: str, partition: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Rows for people; idempotent by version."""

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters; idempotent by origin."""


class Clock(Protocol):
    """The wall clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch, UTC."""
