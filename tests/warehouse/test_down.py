"""A warehouse that is away: told apart from one that refuses, and there again when it is back."""

import asyncio
import signal
import socket
from pathlib import Path

import pytest

from pipeline.io.clickhouse import NativeWarehouse, Server
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.sql import failure
from pipeline.ports import Block, WarehouseDown, WarehouseRefused
from tests.servers import ClickHouseServer, free_ports, start_clickhouse, stop_clickhouse


@pytest.mark.asyncio
async def test_nobody_there_is_down_and_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    (port,) = free_ports(1)
    warehouse = NativeWarehouse(Server("127.0.0.1", port))
    with pytest.raises(WarehouseDown, match=f"127.0.0.1:{port}"):
        await warehouse.query("SELECT 1")
    await warehouse.close()
    assert capfd.readouterr() == ("", "")


@pytest.mark.asyncio
async def test_somebody_who_never_answers_is_down() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    warehouse = NativeWarehouse(Server("127.0.0.1", port, connect_timeout_s=1, answer_timeout_s=1))
    with pytest.raises(WarehouseDown):
        await warehouse.query("SELECT 1")
    await warehouse.close()
    server.close()
    await server.wait_closed()


@pytest.mark.asyncio
@pytest.mark.server
async def test_a_wrong_password_is_refused(clickhouse: ClickHouseServer) -> None:
    warehouse = NativeWarehouse(Server(clickhouse.host, clickhouse.port, password="wrong"))
    with pytest.raises(WarehouseRefused, match=r"(?i)password"):
        await warehouse.query("SELECT 1")
    await warehouse.close()


@pytest.mark.asyncio
@pytest.mark.server
async def test_a_killed_server_is_down_and_back_with_what_was_acknowledged(tmp_path: Path) -> None:
    native, http = free_ports(2)
    server = await asyncio.to_thread(start_clickhouse, tmp_path, native, http)
    warehouse = NativeWarehouse(Server("127.0.0.1", native))
    try:
        await warehouse.execute("CREATE DATABASE touchline_internal")
        await warehouse.execute("CREATE TABLE touchline_internal.t (n UInt32) ENGINE = MergeTree ORDER BY n")
        await warehouse.insert(Block("t", {"n": list(range(1_000))}))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait(timeout=10)
        for call in (warehouse.query("SELECT 1"), warehouse.insert(Block("t", {"n": [1]}))):
            with pytest.raises(WarehouseDown):
                await call
        server = await asyncio.to_thread(start_clickhouse, tmp_path, native, http)
        assert await warehouse.query("SELECT count() FROM touchline_internal.t") == [(1_000,)]
    finally:
        await warehouse.close()
        stop_clickhouse(server.process)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (252, WarehouseDown),
        (241, WarehouseDown),
        (210, WarehouseDown),
        (60, WarehouseRefused),
        (None, WarehouseRefused),
    ],
)
def test_what_may_pass_is_down_and_what_will_not_is_refused(code: int | None, error: type[Exception]) -> None:
    told = failure(code, "Code: 252. DB::Exception: Too many parts (300). Stack trace:\n0. somewhere")
    assert type(told) is error
    assert str(told).endswith("Too many parts (300).")


@pytest.mark.asyncio
async def test_the_folder_remembers_what_was_acknowledged(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path)
    await warehouse.execute("CREATE DATABASE touchline_internal")
    await warehouse.execute("CREATE TABLE touchline_internal.t (n UInt32) ENGINE = MergeTree ORDER BY n")
    await warehouse.insert(Block("t", {"n": [1, 2, 3]}))
    await warehouse.close()
    again = EmbeddedWarehouse(tmp_path)
    assert await again.query("SELECT sum(n) FROM touchline_internal.t") == [(6,)]
    await again.close()


@pytest.mark.asyncio
async def test_its_memory_is_looked_at_once_a_second(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path)
    found = await warehouse.query(
        "SELECT toUInt32(value) AS period_ms FROM system.server_settings WHERE name = 'memory_worker_period_ms'"
    )
    await warehouse.close()
    assert found == [(1_000,)]


@pytest.mark.asyncio
async def test_opening_the_folder_leaves_signals_as_they_are(tmp_path: Path) -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
    before = [signal.getsignal(number) for number in numbers]
    heard = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, heard.set)
    warehouse = EmbeddedWarehouse(tmp_path)
    await warehouse.query("SELECT 1")
    signal.raise_signal(signal.SIGTERM)
    await asyncio.wait_for(heard.wait(), 5)
    asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
    await warehouse.close()
    assert [signal.getsignal(number) for number in numbers] == before


@pytest.mark.asyncio
async def test_somebody_who_never_answers_does_not_keep_us_from_closing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        warehouse = NativeWarehouse(Server("127.0.0.1", silent.getsockname()[1], answer_timeout_s=300))
        calls = [asyncio.create_task(warehouse.query("SELECT 1")) for _ in range(3)]
        await asyncio.sleep(0.2)
        async with asyncio.timeout(30):
            await warehouse.close()
            answers = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(answer) for answer in answers] == [WarehouseDown] * 3
