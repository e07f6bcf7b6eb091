"""Both warehouses, each test with databases of its own: dropped before it begins."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from pipeline.io.clickhouse import NativeWarehouse, Server
from pipeline.io.embedded import EmbeddedWarehouse
from tests.servers import ClickHouseServer, clickhouse_server

AnyWarehouse = NativeWarehouse | EmbeddedWarehouse


@pytest.fixture(scope="session")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with clickhouse_server(tmp_path_factory.mktemp("server")) as server:
        yield server


async def _emptied(warehouse: NativeWarehouse) -> None:
    for database in ("touchline_internal", "touchline"):
        await warehouse.execute(f"DROP DATABASE IF EXISTS {database}")


@pytest_asyncio.fixture
async def native(clickhouse: ClickHouseServer) -> AsyncIterator[NativeWarehouse]:
    warehouse = NativeWarehouse(Server(clickhouse.host, clickhouse.port))
    await _emptied(warehouse)
    yield warehouse
    await warehouse.close()


@pytest_asyncio.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[EmbeddedWarehouse]:
    warehouse = await asyncio.to_thread(EmbeddedWarehouse, tmp_path / "warehouse")
    yield warehouse
    await warehouse.close()


@pytest.fixture(params=[pytest.param("native", marks=pytest.mark.server), "embedded"])
def warehouse(request: pytest.FixtureRequest) -> AnyWarehouse:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, NativeWarehouse | EmbeddedWarehouse)
    return found
