"""What was known at an earlier moment: cells by their generation, rows by when they were last revised.

A generation is an hour of append time, so what cells said is exact at full hours: a moment within an hour is answered
for the hour's beginning. Of a row only its present state is kept: if it has not been revised since, it was the same.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from pipeline.io.asking import Asked, read
from pipeline.ports import WarehouseRefused

HOUR_MS: Final = 3_600_000
_INTERNAL: Final = "touchline_internal"
_WHEN: Final = ("revised_ms", "append_ms")
"""Columns that say when the log taught us the present state of a row."""
_NESTED: Final = 5


class Learned(Struct, frozen=True):
    """One column of cells: what it was then, what it is now."""

    cell_key: int
    known: int
    present: int


class Source(Struct, frozen=True):
    """A table a view reads: rows that have not been revised since, and rows that have (which cannot be shown)."""

    table: str
    same: int
    revised: int


class Answer(Struct, frozen=True):
    """A view as it was known. `sources`: the tables of rows it reads."""

    content: bytes
    sources: list[Source]
    reads_cells: bool
    reads_states: bool
    has_undecided: bool
    cut: bool


class _Name(Struct):
    name: str


class _Text(Struct):
    as_select: str


class _Column(Struct):
    table: str
    name: str


class _Count(Struct):
    same: int
    revised: int


async def learned(asked: Asked, hour: int, where: str, parameters: Mapping[str, Any]) -> list[Learned]:
    """Every column of cells summed over days: what was known before that hour of append time, and now."""
    return await read(
        asked,
        f"SELECT cell_key, sum(if(generation_hour < {hour}, cell_value, 0)) AS known, sum(cell_value) AS present"
        f" FROM {_INTERNAL}.ledger FINAL ARRAY JOIN keys AS cell_key, values AS cell_value"
        f" WHERE kind = 1 AND resolution = 3{where} GROUP BY cell_key ORDER BY cell_key",
        Learned,
        parameters,
    )


async def views(asked: Asked) -> list[str]:
    """The views there are."""
    sql = "SELECT name FROM system.tables WHERE database = 'touchline' AND engine = 'View' ORDER BY name"
    return [row.name for row in await read(asked, sql, _Name)]


async def view(asked: Asked, name: str, hour: int, where: str, limit: int, format_: str) -> Answer:
    """A view over its sources as they were known. Raises WarehouseRefused for an unknown view or a wrong condition."""
    select = await _select(asked, name)
    at_ms = hour * HOUR_MS
    dated = await _dated(asked)
    filters = {f"{_INTERNAL}.ledger": f"kind != 1 OR generation_hour < {hour}"}
    sources: list[Source] = []
    for table, column in dated.items():
        if not re.search(rf"\b{_INTERNAL}\.{table}\b", select):
            continue
        filters[f"{_INTERNAL}.{table}"] = f"{column} < {at_ms}"
        (count,) = await read(
            asked,
            f"SELECT countIf({column} < {at_ms}) AS same, countIf({column} >= {at_ms}) AS revised"
            f" FROM {_INTERNAL}.{table} FINAL",
            _Count,
        )
        sources.append(Source(table, count.same, count.revised))
    text = _then(select, at_ms)
    mapped = ", ".join(f"'{table}': '{condition}'" for table, condition in filters.items())
    condition = f" WHERE {where}" if where else ""
    settings = f"SETTINGS additional_table_filters = {{{mapped}}}"
    content = await asked.formatted(f"SELECT * FROM ({text}){condition} LIMIT {limit} {settings}", format_)
    (beyond,) = await read(
        asked, f"SELECT count() > {limit} AS same, 0 AS revised FROM ({text}){condition} {settings}", _Count
    )
    return Answer(
        content,
        sources,
        bool(re.search(r"kind = 1\b", select)),
        bool(re.search(r"kind = [23]\b", select)),
        "undecided" in select,
        bool(beyond.same),
    )


async def _select(asked: Asked, name: str) -> str:
    """A view's query, with those of the views it reads put in."""
    text = await _text(asked, name)
    for _ in range(_NESTED):
        nested = set(re.findall(r"\btouchline\.(\w+)", text))
        if not nested:
            break
        for each in nested:
            inner = f"({await _text(asked, each)})"
            text = re.sub(rf"\btouchline\.{each}\b", inner.replace("\\", "\\\\"), text)
    return text


async def _text(asked: Asked, name: str) -> str:
    rows = await read(
        asked,
        "SELECT as_select FROM system.tables WHERE database = 'touchline' AND name = %(name)s AND engine = 'View'",
        _Text,
        {"name": name},
    )
    if not rows:
        raise WarehouseRefused(f"there is no view {name!r}; there are {', '.join(await views(asked))}")
    return rows[0].as_select


async def _dated(asked: Asked) -> dict[str, str]:
    """The engine's tables of rows, each with the column that says since when a row is as it is."""
    rows: Sequence[_Column] = await read(
        asked,
        f"SELECT table, name FROM system.columns WHERE database = '{_INTERNAL}' AND table != 'ledger'"
        " AND name IN %(names)s ORDER BY table, name",
        _Column,
        {"names": _WHEN},
    )
    return {row.table: row.name for row in rows}


def _then(select: str, at_ms: int) -> str:
    """The query with that moment for now."""
    moment = f"fromUnixTimestamp64Milli(toInt64({at_ms}), 'UTC')"
    text = re.sub(r"\bnow64\([^()]*\)", moment, select)
    text = re.sub(r"\bnow\(\)", f"toDateTime({at_ms // 1000}, 'UTC')", text)
    return re.sub(r"\btoday\(\)", f"toDate({moment})", text)
