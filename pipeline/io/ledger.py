"""The protocol's side of the warehouse: recovery in one scan, the commit in one insert, and rows for people.

Everything here is SQL that ClickHouse 18.16 and 26.9 both understand. Reads use FINAL: of equal keys the highest
version.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from pipeline.core.engine import CELL, MARKER, RECENT_MINUTES_S, CellRow, Marker, Recovered, StateRow
from pipeline.ports import Block, Warehouse
from schemas.rejects import DeadLetter

_DATABASE: Final = "touchline_internal"
_DAY_S: Final = 86_400
_MARKER_SQL: Final = "SELECT state, version FROM touchline_internal.ledger FINAL WHERE kind = 0 AND p = %(p)s"
_SCAN_SQL: Final = """
SELECT kind, resolution, window_s, channel, queue, segment, key, epoch, generation_hour, generation_block,
       keys, values, state, is_open, last_ms, version
FROM touchline_internal.ledger FINAL
WHERE p = %(p)s AND (
    kind != 1
    OR generation_hour >= %(generation_hour)s
    OR (resolution = 1 AND window_s >= %(minutes_from_s)s)
    OR (resolution = 3 AND window_s >= %(days_from_s)s)
)"""
_MARKERS_SQL: Final = "SELECT p, state, version FROM touchline_internal.ledger FINAL WHERE kind = 0 ORDER BY p"


class SqlLedger:
    """`pipeline.ports.Ledger` on a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def recover(self, partition: str, recent_days: int) -> Recovered:
        """One consistent scan. The marker is looked at before, only to know from where cells are needed.

        That holds even if somebody has gone ahead since.
        """
        hints = await self._warehouse.query(_MARKER_SQL, {"p": partition})
        hint = _marker(hints[0][0]) if hints else Marker()
        watermark_s = hint.watermark_ms // 1_000
        return await self._scan(
            partition,
            generation_hour=hint.append_ms // 3_600_000,
            minutes_from_s=max(watermark_s - RECENT_MINUTES_S, 0),
            days_from_s=max(watermark_s - recent_days * _DAY_S, 0),
        )

    async def scan(self, partition: str) -> Recovered:
        """Everything of a partition, for the audit."""
        return await self._scan(partition, generation_hour=0, minutes_from_s=0, days_from_s=0)

    async def _scan(self, partition: str, **cells_from: int) -> Recovered:
        rows = await self._warehouse.query(_SCAN_SQL, {"p": partition, **cells_from})
        marker, version = None, 0
        for row in rows:
            if row[0] == MARKER:
                marker, version = _marker(row[12]), row[15]
        return Recovered(marker, version, _states(rows), _cells(rows))

    async def commit(self, block: Mapping[str, Sequence[Any]]) -> None:
        """The one insert that is the commit: one block, into one table partition."""
        await self._warehouse.insert(Block(f"{_DATABASE}.ledger", block))

    async def publish(self, table: str, partition: str, columns: Mapping[str, Sequence[Any]]) -> None:
        """Rows of `contacts` or `resolutions`."""
        length = len(next(iter(columns.values())))
        await self._warehouse.insert(Block(f"{_DATABASE}.{table}", {**columns, "p": [partition] * length}))

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        """Dead letters, one row each; the same origin is one row however often it is written."""
        await self._warehouse.insert(
            Block(
                f"{_DATABASE}.dead_letters",
                {
                    "topic": [letter.topic for letter in letters],
                    "number": [letter.number for letter in letters],
                    "epoch": [letter.epoch for letter in letters],
                    "offset": [letter.offset for letter in letters],
                    "reason": [letter.reason for letter in letters],
                    "detail": [letter.detail for letter in letters],
                    "step": [letter.step for letter in letters],
                    "source": [letter.source for letter in letters],
                    "key": [letter.key or b"" for letter in letters],
                    "value": [letter.value or b"" for letter in letters],
                    "size": [letter.size for letter in letters],
                    "append_ms": [letter.append_ms for letter in letters],
                    "version": [letter.epoch << 48 | letter.offset for letter in letters],
                },
            )
        )

    async def markers(self) -> dict[str, tuple[Marker, int]]:
        """Where every partition stands: its marker and version."""
        return {_text(p): (_marker(state), version) for p, state, version in await self._warehouse.query(_MARKERS_SQL)}


def _marker(state: str | bytes) -> Marker:
    return msgspec.json.decode(state, type=Marker)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def _states(rows: Sequence[tuple[Any, ...]]) -> Iterator[StateRow]:
    for row in rows:
        if row[0] not in (MARKER, CELL):
            yield StateRow(_text(row[6]), _bytes(row[12]), bool(row[13]), row[14], row[15])


def _cells(rows: Sequence[tuple[Any, ...]]) -> Iterator[CellRow]:
    for row in rows:
        if row[0] == CELL:
            window = (row[1], row[2], _text(row[3]), _text(row[4]), _text(row[5]))
            yield CellRow((row[8], row[9]), row[7], window, dict(zip(row[10], row[11], strict=True)))
