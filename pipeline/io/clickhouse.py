"""A ClickHouse server over its native protocol (clickhouse-driver), over a few connections, each used by one thread at
a time: partitions do not wait for each other's inserts, and what is read back waits for none of them.

The same driver serves a server of 2018 and one of today: settings are sent only where the server knows them.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from clickhouse_driver import Client
from clickhouse_driver import errors as driver
from msgspec import Struct

from pipeline.io.columns import one_row, packing
from pipeline.io.formats import render
from pipeline.io.sql import (
    INSERT_SETTINGS,
    QUERY_SETTINGS,
    bind,
    check_shape,
    failure,
    insert_into,
    is_bytes,
    rows_of,
    texts,
)
from pipeline.ports import Block, WarehouseDown, WarehouseRefused

T = TypeVar("T")

_INSERTS: Final = 3
_QUERIES: Final = 3
"""So many of each are under way at a time, at most."""

_LOST: Final = (
    driver.NetworkError,
    driver.SocketTimeoutError,
    driver.PartiallyConsumedQueryError,
    driver.UnexpectedPacketFromServerError,
    driver.UnknownPacketFromServerError,
    driver.ChecksumDoesntMatchError,
    OSError,
    EOFError,
)
_NOT_TRUSTED: Final = "CERTIFICATE_VERIFY_FAILED"
"""All that the driver keeps of a certificate that is not accepted: waiting does not mend it."""
_CLOSE_SECONDS: Final = 2.0
_WRONG_VALUES: Final = (struct.error, TypeError, ValueError, AttributeError, OverflowError, KeyError)


class Server(Struct, frozen=True):
    """Where the warehouse is and who we are there. `secure` is TLS, verified against `ca_certs` or the system's."""

    host: str = "localhost"
    port: int = 9000
    user: str = "default"
    password: str = ""
    secure: bool = False
    verify: bool = True
    ca_certs: str | None = None
    connect_timeout_s: int = 5
    answer_timeout_s: int = 60


class NativeWarehouse:
    """The port `Warehouse` over the native protocol. Connects when a call finds no connection free, and again after a
    failure. Calls that are under way together reach the server in any order: what must come later is called later.

    String columns come back as text, except columns named `state`, `value` or `..._bytes`, which stay bytes.
    """

    def __init__(self, server: Server, settings: Mapping[str, int | str] | None = None) -> None:
        self._server = server
        # What goes wrong is raised, in one sentence; the driver would tell it again, with its stack.
        logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
        # For example insert_quorum on a replicated cluster.
        self._extra = dict(settings or {})
        self._inserts = ThreadPoolExecutor(_INSERTS, thread_name_prefix="clickhouse insert")
        self._queries = ThreadPoolExecutor(_QUERIES, thread_name_prefix="clickhouse")
        self._closed = False
        self._free: list[Client] = []
        self._busy: set[Client] = set()
        """From their first word on."""
        self._known = False
        self._insert_settings: dict[str, Any] = {}
        self._query_settings: dict[str, Any] = {}

    async def insert(self, block: Block) -> None:
        """One INSERT of one block; returns when it is durable. Raises WarehouseDown or WarehouseRefused."""
        check_shape(block)
        if len(block):
            await self._run(partial(self._insert, block), self._inserts)

    async def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query; `%(name)s` are bound. Raises WarehouseDown or WarehouseRefused."""
        return (await self._run(partial(self._query, bind(sql, parameters))))[1]

    async def execute(self, sql: str) -> None:
        """A statement without rows. Raises WarehouseDown or WarehouseRefused."""
        await self._run(partial(self._query, sql))

    async def formatted(self, sql: str, format_: str) -> bytes:
        """A query's answer in one of the formats of `pipeline.io.formats`. Raises WarehouseDown or WarehouseRefused."""
        names, rows = await self._run(partial(self._query, sql))
        try:
            return render(names, rows, format_)
        except ValueError as error:
            raise WarehouseRefused(str(error)) from None

    async def close(self) -> None:
        """Finish what is under way and hang up; a server that does not answer is not waited for."""
        self._closed = True
        ending = asyncio.create_task(asyncio.to_thread(self._end))
        if not (await asyncio.wait([ending], timeout=_CLOSE_SECONDS))[0]:
            self._cut()
            await asyncio.wait([ending], timeout=_CLOSE_SECONDS)
        while self._free:
            self._free.pop().disconnect()

    def _end(self) -> None:
        for threads in (self._inserts, self._queries):
            threads.shutdown()

    def _cut(self) -> None:
        """End the worker threads' wait for answers, from outside of them."""
        for client in list(self._busy):
            wire = client.connection.socket
            if wire is not None:
                with suppress(OSError):
                    wire.shutdown(socket.SHUT_RDWR)

    async def _run(self, call: Callable[[Client], T], threads: ThreadPoolExecutor | None = None) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads or self._queries, partial(self._guarded, call))

    def _guarded(self, call: Callable[[Client], T]) -> T:
        """Give the call a connection. Library errors never leave this module."""
        server = self._server
        if self._closed:
            raise WarehouseDown("the connection to ClickHouse is closed")
        client = self._taken()
        self._busy.add(client)
        try:
            if not self._known:
                self._know(client)
            return call(client)
        except driver.ServerException as error:
            raise failure(error.code, str(error.message)) from None
        except _LOST as error:
            client.disconnect()
            self._known = False  # it may come back as another version
            said = _sentence(error)
            kind = WarehouseRefused if _NOT_TRUSTED in said else WarehouseDown
            raise kind(f"ClickHouse at {server.host}:{server.port}: {said}") from None
        except driver.Error as error:
            client.disconnect()
            raise WarehouseRefused(_sentence(error)) from None
        finally:
            self._busy.discard(client)
            self._free.append(client)

    def _taken(self) -> Client:
        """The connection that was free last, or a new one: it connects, and again if it was lost, when it is used."""
        with suppress(IndexError):
            return self._free.pop()
        server = self._server
        client = Client(
            host=server.host,
            port=server.port,
            user=server.user,
            password=server.password,
            secure=server.secure,
            verify=server.verify,
            ca_certs=server.ca_certs,
            connect_timeout=server.connect_timeout_s,
            send_receive_timeout=server.answer_timeout_s,
            client_name="touchline",
        )
        client.connection.get_block_out_stream = packing(client.connection)
        return client

    def _know(self, client: Client) -> None:
        """What settings the server knows."""
        known = {name for (name,) in client.execute("SELECT name FROM system.settings")}
        self._insert_settings = {name: value for name, value in INSERT_SETTINGS.items() if name in known} | self._extra
        self._query_settings = {name: value for name, value in QUERY_SETTINGS.items() if name in known} | self._extra
        self._known = True

    def _insert(self, block: Block, client: Client) -> None:
        columns = one_row(block.columns.values())
        try:
            client.execute(f"{insert_into(block)} VALUES", columns, columnar=True, settings=self._insert_settings)
        except driver.ServerException:
            raise
        except _LOST:
            raise
        except _WRONG_VALUES as error:
            client.disconnect()
            raise WarehouseRefused(f"{block.table} cannot hold a value: {_sentence(error)}") from None

    def _query(self, sql: str, client: Client) -> tuple[list[str], list[tuple[Any, ...]]]:
        settings = {**self._query_settings, "strings_as_bytes": True}
        columns, typed = client.execute(sql, with_column_types=True, columnar=True, settings=settings)
        columns = columns or [() for _ in typed]
        shown = [
            [texts(value) for value in column] if "String" in type_ and not is_bytes(name) else column
            for column, (name, type_) in zip(columns, typed, strict=True)
        ]
        return [name for name, _ in typed], rows_of(shown)


def _sentence(error: BaseException) -> str:
    return str(error).split("\n", 1)[0].strip() or type(error).__name__
