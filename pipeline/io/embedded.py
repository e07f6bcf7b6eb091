"""ClickHouse in the process (chDB) on a folder, in one worker thread of its own. Needs the extra `embedded`.

One process holds a folder at a time; others reach it through `pipeline/io/sharing.py`.
"""

import asyncio
import fcntl
import io
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, TypeVar

from pipeline.io.sql import (
    INSERT_SETTINGS,
    QUERY_SETTINGS,
    bind,
    check_shape,
    failure,
    full_table,
    insert_into,
    is_bytes,
    rows_of,
    texts,
    with_settings,
)
from pipeline.ports import Block, WarehouseRefused

T = TypeVar("T")

_MEMORY_MS: Final = 1_000
"""How often ClickHouse looks how much memory it uses, to give back what it can: twenty times a second by default."""
_CODE: Final = re.compile(r"Code: (\d+)\. ")


class FolderHeld(Exception):
    """Another process, or another warehouse of this one, has the folder (or this process has another folder) open."""


class EmbeddedWarehouse:
    """The port `Warehouse` on a folder. Opens at once; raises FolderHeld, or WarehouseRefused without chDB.

    String columns come back as text, except columns named `state`, `value` or `..._bytes`, which stay bytes. DateTime
    columns come back as seconds since the epoch.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chdb")
        self._types: dict[tuple[str, str], dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_held(folder)
        self._connection: Any = self._thread.submit(_opened, folder).result()

    async def insert(self, block: Block) -> None:
        """One INSERT of one block; returns when it is durable. Raises WarehouseDown or WarehouseRefused."""
        check_shape(block)
        if len(block):
            await self._run(partial(self._insert, block))

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query; `%(name)s` are bound. Raises WarehouseDown or WarehouseRefused."""
        return await self._run(partial(self._query, bind(sql, parameters)))

    async def execute(self, sql: str) -> None:
        """A statement without rows. Raises WarehouseDown or WarehouseRefused."""
        await self._run(partial(self._execute, sql))

    async def formatted(self, sql: str, format_: str) -> bytes:
        """A query's answer in any output format of ClickHouse. Raises WarehouseDown or WarehouseRefused.

        Free SQL here reads and writes files as this process may: only for whoever could do so anyway.
        """
        return await self._run(partial(self._answer, sql, format_))

    async def close(self) -> None:
        """Finish what is under way and let go of the folder."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(_guarded, call))

    def _answer(self, sql: str, format_: str) -> bytes:
        return bytes(self._connection.query(sql, format_).bytes())

    def _execute(self, sql: str) -> None:
        self._types.clear()
        self._answer(sql, "TSV")

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        import pyarrow as pa

        answer = self._answer(sql, "Arrow")
        if not answer:
            return []
        table = pa.ipc.open_file(answer).read_all()
        return rows_of([_values(name, column) for name, column in zip(table.column_names, table.columns, strict=True)])

    def _insert(self, block: Block) -> None:
        import pyarrow as pa

        types = self._column_types(*full_table(block.table))
        unknown = [name for name in block.columns if name not in types]
        if unknown:
            raise WarehouseRefused(f"{block.table} has no column {unknown[0]}")
        try:
            batch = pa.record_batch({name: pa.array(list(each), types[name]) for name, each in block.columns.items()})
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise WarehouseRefused(f"{block.table} cannot hold a value: {error}") from None
        sink = io.BytesIO()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        sql = f"{insert_into(block)} {with_settings(INSERT_SETTINGS)}"
        with self._connection.send_insert(sql, "ArrowStream") as inserter:
            inserter.append(sink.getvalue())
            inserter.finish()

    def _column_types(self, database: str, table: str) -> dict[str, Any]:
        """Arrow types of a table's columns, remembered until the next DDL."""
        known = self._types.get((database, table))
        if known is None:
            names = {"d": database, "t": table}
            rows = self._query(
                bind("SELECT name, type FROM system.columns WHERE database = %(d)s AND table = %(t)s", names)
            )
            if not rows:
                raise WarehouseRefused(f"there is no table {database}.{table}: run `touchline apply`")
            known = self._types[database, table] = {name: _arrow_type(type_) for name, type_ in rows}
        return known


def _refuse_held(folder: Path) -> None:
    """Raises FolderHeld if another process has the folder open: asked of its lock, so that chDB prints nothing."""
    status = folder / "status"
    if not status.exists():
        return
    with status.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderHeld(_held(folder)) from None
        fcntl.flock(file, fcntl.LOCK_UN)


def _held(folder: Path) -> str:
    return f"{folder} is open already, and only one process at a time can have it: stop that one, or ask it"


def _opened(folder: Path) -> Any:
    try:
        import chdb
    except ModuleNotFoundError:
        raise WarehouseRefused(
            "the embedded warehouse needs chDB: pip install 'touchline[embedded]', or name a ClickHouse server"
        ) from None
    connect: Callable[[str], Any] = chdb.connect
    try:
        connection = connect(f"{folder}?memory_worker_period_ms={_MEMORY_MS}")
    except RuntimeError as error:
        # Its lock taken in between, or this process has another folder open.
        raise FolderHeld(f"{_held(folder)} ({error})") from None
    # Strings may be no UTF-8, so they are asked for as bytes.
    for name, value in {**QUERY_SETTINGS, "output_format_arrow_string_as_string": 0}.items():
        connection.query(f"SET {name} = {value}", "TSV")
    return connection


def _guarded(call: Callable[[], T]) -> T:
    """Library errors never leave this module."""
    try:
        return call()
    except RuntimeError as error:
        text = str(error)
        code = _CODE.search(text)
        raise failure(int(code[1]) if code else None, text) from None


def _arrow_type(type_: str) -> Any:
    """The Arrow type a column is sent as. Strings go as bytes: they may be no UTF-8."""
    import pyarrow as pa

    if "(" in type_:
        outer, inner = type_[:-1].split("(", 1)
        if outer in {"Nullable", "LowCardinality"}:
            return _arrow_type(inner)
        if outer == "Array":
            return pa.list_(_arrow_type(inner))
        return pa.null()
    return {
        "String": pa.binary(),
        "UInt8": pa.uint8(),
        "UInt16": pa.uint16(),
        "UInt32": pa.uint32(),
        "UInt64": pa.uint64(),
        "Int8": pa.int8(),
        "Int16": pa.int16(),
        "Int32": pa.int32(),
        "Int64": pa.int64(),
        "Float64": pa.float64(),
        "Date": pa.date32(),
    }.get(type_, pa.null())


def _values(name: str, column: Any) -> list[Any]:
    """A column of an answer as plain values."""
    found = _fast(column, as_bytes=is_bytes(name))
    if found is not None:
        return found
    values: list[Any] = column.to_pylist(maps_as_pydicts="strict")
    if is_bytes(name) or "binary" not in str(column.type):
        return values
    return [texts(value) for value in values]


def _fast(column: Any, *, as_bytes: bool) -> list[Any] | None:
    """The same for the columns recovery reads, four times faster; None for all others. NumPy comes with chDB."""
    import pyarrow as pa

    if column.null_count:
        return None
    type_ = column.type
    if pa.types.is_integer(type_) or (pa.types.is_binary(type_) and as_bytes):
        return list(column.to_numpy().tolist())
    if pa.types.is_binary(type_):
        try:
            return list(column.cast(pa.string()).to_numpy().tolist())
        except pa.ArrowInvalid:
            return None  # Not all of it is UTF-8.
    if pa.types.is_list(type_) and pa.types.is_integer(type_.value_type):
        lists = column.combine_chunks()
        if isinstance(lists, pa.ChunkedArray) or lists.values.null_count:
            return None
        values, offsets = lists.values.to_numpy().tolist(), lists.offsets.to_numpy().tolist()
        return [values[start:end] for start, end in pairwise(offsets)]
    return None
