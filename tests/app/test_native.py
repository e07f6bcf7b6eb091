"""The same stream into chDB and into a real clickhouse-server over the native protocol: the same cells, rows, state."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.contact import Touch, unpack
from pipeline.core.facts import unpack as unpack_facts
from pipeline.core.steps import CONTACT, FACT
from pipeline.io.clickhouse import NativeWarehouse, Server
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.ports import Warehouse
from tests.app.command import replay, sentence, touchline, write
from tests.core.harness import said
from tests.servers import ClickHouseServer, clickhouse_server
from tests.strategies import generate

CELLS = """SELECT resolution, window_s, channel, queue, segment, cell_key, toInt64(sum(cell_value)) AS total
FROM touchline_internal.ledger FINAL ARRAY JOIN keys AS cell_key, values AS cell_value
WHERE kind = 1 GROUP BY resolution, window_s, channel, queue, segment, cell_key HAVING total != 0"""
OF_THE_REPLAY = {"p", "revised_ms", "version"}
"""Columns that say when and by which way a row came."""

pytestmark = [pytest.mark.process, pytest.mark.server]
Env = dict[str, str]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with clickhouse_server(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def env(server: ClickHouseServer) -> Env:
    return {"TOUCHLINE_CLICKHOUSE": f"127.0.0.1:{server.port}"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("stream") / "stream.jsonl", generate(18, 150))


def values(touch: Touch) -> tuple[Any, ...]:
    own = ("at_ms", "id", "type", "customer_id", "agent_id", "details", "revision", "raw_ms")
    common = ("channel", "direction", "queue", "segment", "topic", "source")
    return (*(getattr(touch.common, name) for name in common), *(getattr(touch, name) for name in own))


async def table(warehouse: Warehouse, name: str) -> set[str]:
    """Rows of one of the tables for people, without the columns that differ, as text: values may be null."""
    columns = await warehouse.query(
        "SELECT name FROM system.columns WHERE database = 'touchline_internal' AND table = %(name)s"
        " AND default_kind = ''",
        {"name": name},
    )
    names = ", ".join(sorted(column for (column,) in columns if column not in OF_THE_REPLAY))
    return {repr(row) for row in await warehouse.query(f"SELECT {names} FROM touchline_internal.{name} FINAL")}


async def content(warehouse: Warehouse) -> dict[str, Any]:
    """Everything that has to be the same in both, unpacked; without append times and positions."""
    found: dict[str, Any] = {
        "cells": set(await warehouse.query(CELLS)),
        "contacts": await table(warehouse, "contacts"),
        "resolutions": await table(warehouse, "resolutions"),
    }
    states = "SELECT key, state, is_open, last_ms FROM touchline_internal.ledger FINAL WHERE kind = {}"
    found["contact states"] = {
        key: ([values(touch) for touch in contact.touches], sorted(contact.named), is_open, last_ms)
        for key, state, is_open, last_ms in await warehouse.query(states.format(CONTACT))
        for contact in [unpack(key, state)]
    }
    found["facts"] = {
        key: (said(unpack_facts(state)), last_ms)
        for key, state, _, last_ms in await warehouse.query(states.format(FACT))
    }
    await warehouse.close()  # type: ignore[attr-defined]
    return found


def taken_in(report: dict[str, Any]) -> int:
    """How many touchpoints were no rejects."""
    assert report["rejected"] == 0
    total: int = report["applied"] + report["duplicate"]
    return total


def test_a_real_server_holds_what_the_embedded_one_holds(
    server: ClickHouseServer, env: Env, file: Path, tmp_path: Path
) -> None:
    refused = sentence(touchline("replay", str(file), cwd=tmp_path, env=env))
    assert "the warehouse lacks" in refused
    assert "touchline apply" in refused

    applied = touchline("apply", cwd=tmp_path, env=env)
    assert applied.returncode == 0, applied.stderr
    assert applied.stdout.splitlines()[-1] == "applied"
    assert "CREATE TABLE touchline_internal.ledger" in applied.stdout
    planned = touchline("plan", cwd=tmp_path, env=env)
    assert planned.returncode == 0, planned.stderr
    assert "The plan is empty" in planned.stdout
    assert "18.16 is too old for the views of database touchline" in planned.stdout

    embedded = replay(file, data=tmp_path / "data")
    native = replay(file, data=tmp_path / "unused", env=env)
    assert native["numbers"] == embedded["numbers"]
    # Which of two versions of one touchpoint comes first, and so is applied, is up to the raw topic's partitions.
    assert taken_in(native) == taken_in(embedded)
    assert not (tmp_path / "unused").exists()
    assert native["applied"] > 500

    of_native = asyncio.run(content(NativeWarehouse(Server(server.host, server.port))))
    of_embedded = asyncio.run(content(EmbeddedWarehouse(tmp_path / "data")))
    assert len(of_native["cells"]) > 1_000
    assert len(of_native["contact states"]) == len(of_native["contacts"]) == 150
    for what, held in of_embedded.items():
        assert of_native[what] == held, what

    for where in (["--data", str(tmp_path / "data")], []):
        audit = touchline("audit", *where, cwd=tmp_path, env={} if where else env)
        assert audit.returncode == 0, audit.stdout + audit.stderr
        assert "150 contacts" in audit.stdout
        assert " 0 differences" in audit.stdout

    again = replay(file, data=tmp_path / "unused", env=env)
    assert (again["applied"], again["duplicate"]) == (0, taken_in(embedded))
    assert again["numbers"] == native["numbers"]
