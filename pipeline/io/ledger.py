"""The protocol's side of the warehouse: recovery, the commit in one insert, and rows for people.

Everything here is SQL that ClickHouse 18.16 and 26.9 both understand. Reads use FINAL: of equal keys the highest
version.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from pipeline.core.engine import RECENT_MINUTES_S
from pipeline.core.steps import CELL, CONTACT, FACT, MARKER, SEPARATOR, CellRow, Marker, ReadBack, Recovered, StateRow
from pipeline.io.sql import bind
from pipeline.ports import Block, Warehouse, WarehouseDown
from schemas.rejects import DeadLetter
from schemas.topics import CONTACT_FACTS

_DATABASE: Final = "touchline_internal"
_DAY_S: Final = 86_400
_TRIES: Final = 3
_HASHES_AT_ONCE: Final = 1_000_000
_STATES_AT_ONCE: Final = 20_000
_NO_STATES: Final = (255,)
"""No kind has this number."""
# What precedes the key in the sorting key, and states and marker have none of: so a key is found, not looked for. For
# the index only: asked of every row it would be five columns more to read, and the kind says the same.
_NO_CELL: Final = "indexHint(resolution = 0 AND window_s = 0 AND channel = '' AND queue = '' AND segment = '')"
_CUSTOMER: Final = f"substring(key, 1, position(key, '{SEPARATOR}') - 1)"
_MARKER_SQL: Final = "SELECT state, version FROM touchline_internal.ledger FINAL WHERE kind = 0 AND p = %(p)s"
_SCAN_SQL: Final = """
SELECT kind, resolution, window_s, channel, queue, segment, key, epoch, generation_hour, generation_block,
       keys, values, state, is_open, last_ms, version
FROM touchline_internal.ledger FINAL
WHERE p = %(p)s AND (
    kind = 0
    OR (kind = 1 AND (
        generation_hour >= %(generation_hour)s
        OR (resolution = 1 AND window_s >= %(minutes_from_s)s)
        OR (resolution = 3 AND window_s >= %(days_from_s)s)
    ))
    OR kind IN %(states)s
)"""
# Without FINAL, which would read every state only to leave most of them.
_LIVE_SQL: Final = """
SELECT {unit} AS name FROM touchline_internal.ledger WHERE p = %(p)s AND kind = %(kind)s
GROUP BY name HAVING argMax(is_open, version) = 1 OR max(version) >= %(version)s"""
# Without FINAL: of each key the newest row, by hand, so that only what is asked for is read. Of whose rows they are is
# asked first (PREWHERE): a server that decides for itself may read every state to find out.
_READ_SQL: Final = f"""
SELECT kind, key, argMax(state, version) AS state_bytes, argMax(is_open, version) AS was_open,
       argMax(last_ms, version) AS newest_ms, max(version) AS newest
FROM touchline_internal.ledger
PREWHERE {{unit}} IN %(units)s
WHERE p = %(p)s AND kind IN (0, %(kind)s) AND {_NO_CELL}
GROUP BY kind, key"""
_HASHES_SQL: Final = """
SELECT DISTINCT halfMD5({unit}) AS hashed FROM touchline_internal.ledger
WHERE p = %(p)s AND kind = %(kind)s AND halfMD5({unit}) % %(pieces)s = %(piece)s"""
# A unit goes when no row of it is newer: an older version must not come back because the newest one went.
_OLD_SQL: Final = (
    "SELECT 1 FROM touchline_internal.ledger WHERE p = %(p)s AND kind = %(kind)s AND last_ms < %(before_ms)s LIMIT 1"
)
_FORGOTTEN: Final = """p = %(p)s AND kind = %(kind)s AND last_ms < %(before_ms)s AND halfMD5({unit}) NOT IN (
    SELECT halfMD5({unit}) FROM touchline_internal.ledger
    WHERE p = %(p)s AND kind = %(kind)s AND last_ms >= %(before_ms)s
)"""
_STATES_SQL: Final = f"""
SELECT key, state, is_open, last_ms, version FROM touchline_internal.ledger FINAL
WHERE p = %(p)s AND kind = %(kind)s AND {_NO_CELL} AND key > %(after)s AND version > %(above)s
ORDER BY key LIMIT %(most)s"""
_MARKERS_SQL: Final = "SELECT p, state, version FROM touchline_internal.ledger FINAL WHERE kind = 0 ORDER BY p"


class SqlLedger:
    """`pipeline.ports.Ledger` on a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse

    async def recover(self, partition: str, recent_days: int) -> Recovered:
        """Marker and recent cells, and the states that cannot be read back when somebody names them. The marker is
        looked at before and after: nothing was committed in between. Raises WarehouseDown if somebody else goes on
        all the time.
        """
        for _ in range(_TRIES):
            hints = await self._warehouse.query(_MARKER_SQL, {"p": partition})
            hint, version = (_marker(hints[0][0]), hints[0][1]) if hints else (Marker(), 0)
            watermark_s = hint.watermark_ms // 1_000
            states = await self._live(partition, version)
            found = await self._scan(
                partition,
                generation_hour=hint.append_ms // 3_600_000,
                minutes_from_s=max(watermark_s - RECENT_MINUTES_S, 0),
                days_from_s=max(watermark_s - recent_days * _DAY_S, 0),
                states=_NO_STATES,
            )
            if found.version == version:
                return msgspec.structs.replace(found, states=states)
        raise WarehouseDown(f"somebody else is writing {partition}")

    async def scan(self, partition: str) -> Recovered:
        """Everything of a partition, in one scan."""
        return await self._scan(
            partition, generation_hour=0, minutes_from_s=0, days_from_s=0, states=(_kind(partition),)
        )

    async def _live(self, partition: str, version: int) -> list[StateRow]:
        """Contacts that are open, whatever their age, and contacts or customers of the last flush: these as a whole."""
        asked = {"p": partition, "kind": _kind(partition), "version": version}
        rows = await self._warehouse.query(_LIVE_SQL.format(unit=_unit(partition)), asked)
        names = [as_text(name) for (name,) in rows]
        found: list[StateRow] = []
        for start in range(0, len(names), _STATES_AT_ONCE):
            found += (await self.read(partition, names[start : start + _STATES_AT_ONCE])).states
        return found

    async def _scan(self, partition: str, **bounds: int | Sequence[int]) -> Recovered:
        rows = await self._warehouse.query(_SCAN_SQL, {"p": partition, **bounds})
        marker, version = None, 0
        for row in rows:
            if row[0] == MARKER:
                marker, version = _marker(row[12]), row[15]
        return Recovered(marker, version, _states(rows), _cells(rows))

    async def known(self, partition: str) -> AsyncIterator[Sequence[int]]:
        """The hash of every contact (customer) there is a state of, in pieces."""
        unit, named = _unit(partition), {"p": partition, "kind": _kind(partition)}
        counted = await self._warehouse.query(
            "SELECT count() FROM touchline_internal.ledger WHERE p = %(p)s AND kind = %(kind)s", named
        )
        pieces = 1 + counted[0][0] // _HASHES_AT_ONCE if counted else 1
        for piece in range(pieces):
            asked = {**named, "pieces": pieces, "piece": piece}
            yield [row[0] for row in await self._warehouse.query(_HASHES_SQL.format(unit=unit), asked)]

    async def read(self, partition: str, units: Sequence[str]) -> ReadBack:
        """All states of these contacts (customers), and the version the ledger stands at: one query, one snapshot."""
        rows = await self._warehouse.query(
            _READ_SQL.format(unit=_unit(partition)),
            {"p": partition, "kind": _kind(partition), "units": ["", *units]},
        )
        version = max((row[5] for row in rows if row[0] == MARKER), default=0)
        states = [
            StateRow(as_text(key), as_bytes(state), bool(was_open), newest_ms, newest)
            for kind, key, state, was_open, newest_ms, newest in rows
            if kind != MARKER
        ]
        return ReadBack(version, states)

    async def states(self, partition: str, above: int) -> AsyncIterator[Sequence[StateRow]]:
        """Every state with a version above this one, by key, in pieces."""
        after = ""
        while True:
            asked = {"p": partition, "kind": _kind(partition), "after": after, "above": above, "most": _STATES_AT_ONCE}
            rows = [
                StateRow(as_text(key), as_bytes(state), bool(is_open), last_ms, version)
                for key, state, is_open, last_ms, version in await self._warehouse.query(_STATES_SQL, asked)
            ]
            if rows:
                yield rows
            if len(rows) < _STATES_AT_ONCE:
                return
            after = rows[-1].key

    async def forget(self, partition: str, before_ms: int) -> None:
        """Delete the states of contacts (customers) of whom nothing is known since this time. The server does it when
        it finds the time (a mutation), a part of the table at once, so that no reader sees half of it.
        """
        named = {"p": partition, "kind": _kind(partition), "before_ms": before_ms}
        if not await self._warehouse.query(_OLD_SQL, named):
            return
        condition = bind(_FORGOTTEN.format(unit=_unit(partition)), named)
        if await self._warehouse.query(f"SELECT 1 FROM {_DATABASE}.ledger WHERE {condition} LIMIT 1"):
            await self._warehouse.execute(f"ALTER TABLE {_DATABASE}.ledger DELETE WHERE {condition}")

    async def reach(self) -> None:
        """Whether the warehouse answers."""
        await self._warehouse.query("SELECT 1")

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
        return {
            as_text(p): (_marker(state), version) for p, state, version in await self._warehouse.query(_MARKERS_SQL)
        }


def _kind(partition: str) -> int:
    return FACT if partition.startswith(f"{CONTACT_FACTS}/") else CONTACT


def _unit(partition: str) -> str:
    """Of a state's key the part that names the contact or the customer."""
    return _CUSTOMER if _kind(partition) == FACT else "key"


def _marker(state: str | bytes) -> Marker:
    return msgspec.json.decode(state, type=Marker)


def as_text(value: str | bytes) -> str:
    """A String as text: drivers give one where it is UTF-8, and bytes where it is not."""
    return value.decode() if isinstance(value, bytes) else value


def as_bytes(value: str | bytes) -> bytes:
    """A String as bytes, likewise."""
    return value.encode() if isinstance(value, str) else value


def _states(rows: Sequence[tuple[Any, ...]]) -> Iterator[StateRow]:
    for row in rows:
        if row[0] not in (MARKER, CELL):
            yield StateRow(as_text(row[6]), as_bytes(row[12]), bool(row[13]), row[14], row[15])


def _cells(rows: Sequence[tuple[Any, ...]]) -> Iterator[CellRow]:
    for row in rows:
        if row[0] == CELL:
            window = (row[1], row[2], as_text(row[3]), as_text(row[4]), as_text(row[5]))
            yield CellRow((row[8], row[9]), row[7], window, dict(zip(row[10], row[11], strict=True)))
