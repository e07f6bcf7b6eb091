"""What both warehouses share: bound parameters, telling a server that is down from one that refuses, text and bytes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.ports import Block, WarehouseDown, WarehouseRefused
from schemas.tables import INTERNAL, literal, quoted

INSERT_SETTINGS: Final[Mapping[str, int]] = {
    # The answer means it is stored, not that it was queued.
    "async_insert": 0,
    # One block stays one block, so that it is one part, so that it is atomic.
    "max_insert_threads": 1,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 0,
    "max_insert_block_size": 100_000_000,
    # What would not be atomic is refused.
    "max_partitions_per_insert_block": 1,
    # The keys of one flush are distinct: nothing to replace within a block.
    "optimize_on_insert": 0,
}

QUERY_SETTINGS: Final[Mapping[str, int]] = {
    # Contacts are read back by their ids, a whole batch in one query.
    "max_query_size": 1 << 28,
    "max_ast_elements": 10_000_000,
    "max_expanded_ast_elements": 10_000_000,
}

# Error codes of ClickHouse after which the same statement may succeed later: network, timeouts, memory, disk, too many
# parts, replicas. https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
_DOWN_CODES: Final = frozenset({
    32, 74, 75, 76, 95, 96, 101, 102, 159, 160, 173, 198, 202, 203, 204, 209, 210, 225, 236, 241, 242, 243, 252, 254,
    279, 285, 286, 289, 319, 373, 394, 415, 425, 439, 473, 499, 574, 745, 999, 1000, 1001,
})  # fmt: skip

_IN_SCOPE: Final = re.compile(r"\.? In scope SELECT .*?(?=\. Maybe you meant|$)")
_PARAMETER: Final = re.compile(r"%\((\w+)\)s")

BYTES_COLUMNS: Final = frozenset({"state", "value"})
BYTES_SUFFIX: Final = "_bytes"


def failure(code: int | None, message: str) -> WarehouseDown | WarehouseRefused:
    """The exception for what a server said: its first line, without stack traces and the whole query."""
    said = message.rsplit("DB::Exception: ", 1)[-1].split(" Stack trace", 1)[0].strip().split("\n", 1)[0]
    said = _IN_SCOPE.sub("", said)
    text = f"ClickHouse says ({code}): {said}" if code is not None else said
    return WarehouseDown(text) if code in _DOWN_CODES else WarehouseRefused(text)


def bound(value: Any) -> str:
    """A value as SQL. Lists and tuples are for IN: (a, b); an empty one is (NULL), in which nothing is.

    Raises TypeError for what SQL has no word for.
    """
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, bytes):
        return f"unhex('{value.hex()}')"
    if isinstance(value, list | tuple):
        return f"({', '.join(map(bound, value)) or 'NULL'})"
    raise TypeError(f"cannot bind {type(value).__name__} in SQL")


def bind(sql: str, parameters: Mapping[str, Any] | None) -> str:
    """The query with `%(name)s` replaced, in one pass. Raises WarehouseRefused for one that is missing."""
    if parameters is None:
        return sql
    try:
        return _PARAMETER.sub(lambda found: bound(parameters[found[1]]), sql)
    except KeyError as missing:
        raise WarehouseRefused(f"the query asks for parameter {missing}, which was not given") from None


def full_table(name: str) -> tuple[str, str]:
    """(database, table); a bare name is one of the engine's."""
    database, _, table = name.rpartition(".")
    return database or INTERNAL, table


def insert_into(block: Block) -> str:
    """INSERT INTO ... (columns)."""
    database, table = full_table(block.table)
    return f"INSERT INTO {quoted(database)}.{quoted(table)} ({', '.join(quoted(name) for name in block.columns)})"


def is_bytes(name: str) -> bool:
    """Whether a result's String column of this name stays bytes: `state`, `value`, and whatever ends with `_bytes`."""
    return name in BYTES_COLUMNS or name.endswith(BYTES_SUFFIX)


def texts(value: Any) -> Any:
    """bytes inside a value as text; what is no UTF-8 survives as surrogates (and goes back as it was)."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list | tuple):
        return type(value)(map(texts, value))
    if isinstance(value, dict):
        return {texts(key): texts(each) for key, each in value.items()}
    return value


def check_shape(block: Block) -> None:
    """Raises WarehouseRefused unless all columns have one length."""
    lengths = {len(column) for column in block.columns.values()}
    if len(lengths) > 1:
        raise WarehouseRefused(f"columns of different lengths for {block.table}: {sorted(lengths)}")


def with_settings(settings: Mapping[str, int | str]) -> str:
    """SETTINGS a = 1, b = 2."""
    return "SETTINGS " + ", ".join(f"{name} = {bound(value)}" for name, value in settings.items())


def rows_of(columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """Columns as rows."""
    return list(zip(*columns, strict=True))
