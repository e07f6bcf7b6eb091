"""Opens what a command runs on: embedded in this process, or real servers."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from pipeline.app.declared import declared
from pipeline.io import topics
from pipeline.io.schema import ensure, plan
from pipeline.ports import Warehouse
from pipeline.settings import Settings
from schemas.catalogue import Catalogue


class CannotStart(Exception):
    """Why the pipeline does not run: one sentence for the user."""


class MustRestart(Exception):
    """Why the process ends, and is to be started again: one sentence for the user. Nothing is lost by it."""


async def open_warehouse(settings: Settings, stack: AsyncExitStack) -> Any:
    """The warehouse, closed when the stack ends. Raises FolderHeld, WarehouseRefused."""
    warehouse: Any
    if settings.embedded_warehouse:
        from pipeline.io.embedded import EmbeddedWarehouse

        warehouse = EmbeddedWarehouse(settings.data)
    else:
        from pipeline.io.clickhouse import NativeWarehouse, Server

        host, _, port = settings.clickhouse.partition(":")
        warehouse = NativeWarehouse(
            Server(
                host=host,
                port=int(port or (9440 if settings.clickhouse_tls else 9000)),
                user=settings.clickhouse_user,
                password=settings.clickhouse_password,
                secure=settings.clickhouse_tls,
                ca_certs=settings.clickhouse_ca or None,
            )
        )
    stack.push_async_callback(warehouse.close)
    return warehouse


def open_broker(settings: Settings, stack: AsyncExitStack) -> str:
    """Bootstrap servers: the real cluster's, or those of a broker that lives in this process until the stack ends."""
    if not settings.embedded_log:
        return settings.kafka
    from pipeline.io.broker import EmbeddedBroker

    broker = EmbeddedBroker()
    bootstrap = broker.start()
    stack.callback(broker.stop)
    return bootstrap


async def prepare(warehouse: Warehouse, settings: Settings, catalogue: Catalogue) -> None:
    """See that the tables are there: made where the warehouse is embedded, asked for where it is a real one.

    Raises SchemaRefused, CannotStart.
    """
    if not settings.embedded_log and (lacking := await asyncio.to_thread(topics.plan, settings)):
        raise CannotStart(
            f"the cluster lacks {len(lacking)} changes (the first: {lacking[0].why}): see `touchline plan`,"
            " and make them with `touchline apply`"
        )
    wanted = declared(catalogue, datetime.now(UTC).year)
    if settings.embedded_warehouse:
        await ensure(warehouse, wanted)
    elif steps := await plan(warehouse, wanted):
        raise CannotStart(
            f"the warehouse lacks {len(steps)} changes (the first: {steps[0].why}): look at them with `touchline plan`"
            " and make them with `touchline apply`"
        )
