"""One suite for both warehouses: what the port promises, on a real server of 2018 and on chDB."""

import asyncio
import io
import random
import time
from collections.abc import Sequence
from typing import Any

import pytest

from pipeline.io.clickhouse import NativeWarehouse
from pipeline.ports import Block, WarehouseRefused
from schemas.tables import MeasureColumn, create_sql, measure_key, server_of, tables
from tests.warehouse.conftest import AnyWarehouse

OFFERED = MeasureColumn("offered", measure_key("offered"), "Wait began")
OPEN = MeasureColumn("wait_open_ms", measure_key("wait_open_ms"), "Wait in open time, ms", nullable=True)
BUCKETS = MeasureColumn("wait_ms_buckets", measure_key("wait_ms_buckets"), "Waits by duration", histogram=True)
MEASURES = (OFFERED, OPEN, BUCKETS)


async def create(warehouse: AnyWarehouse, measures: Sequence[MeasureColumn] = MEASURES) -> None:
    server = server_of((await warehouse.query("SELECT version()"))[0][0])
    await warehouse.execute("CREATE DATABASE touchline_internal")
    for table in tables(measures, store_touchpoints=True):
        if server.views or not table.for_views:
            await warehouse.execute(create_sql(table, server))


def ledger_block(rows: int, seed: int = 1, *, version: int = 1, p: str = "touchpoints/3") -> Block:
    """A flush: half of it cells with a dozen measures, half contacts with 150 bytes of state."""
    chance = random.Random(seed)
    cells = rows // 2
    contacts = rows - cells
    number = [measure_key(f"m{n}") for n in range(90)]
    keys = [sorted(chance.sample(number, 12)) for _ in range(cells)]
    columns: dict[str, list[Any]] = {
        "kind": [1] * cells + [2] * contacts,
        "p": [p] * rows,
        "resolution": [1] * cells + [0] * contacts,
        "window_s": [n // 10 * 60 for n in range(cells)] + [0] * contacts,
        "channel": ["phone"] * cells + [""] * contacts,
        "queue": [f"queue {n % 10}" for n in range(cells)] + [""] * contacts,
        "segment": ["unknown"] * cells + [""] * contacts,
        "key": [""] * cells + [f"contact {n}" for n in range(contacts)],
        "epoch": [1] * rows,
        "generation_hour": [473_000] * cells + [0] * contacts,
        "generation_block": [0] * rows,
        "keys": [*keys, *[[] for _ in range(contacts)]],
        "values": [[5] * 12 for _ in range(cells)] + [[] for _ in range(contacts)],
        "state": [b""] * cells + [chance.randbytes(150) for _ in range(contacts)],
        "is_open": [0] * rows,
        "last_ms": [1_700_000_000_000] * rows,
        "version": [version] * rows,
    }
    return Block("ledger", columns)


async def parts(warehouse: AnyWarehouse, table: str = "ledger") -> list[tuple[Any, ...]]:
    return await warehouse.query(
        "SELECT partition, rows FROM system.parts WHERE active AND database = 'touchline_internal' AND table = %(t)s",
        {"t": table},
    )


@pytest.mark.asyncio
async def test_a_block_of_60_001_rows_lands_as_one_part(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    await warehouse.insert(ledger_block(60_001))
    assert [rows for _, rows in await parts(warehouse)] == [60_001]


@pytest.mark.asyncio
async def test_the_largest_flush_lands_as_one_part(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    rows = 500_000
    block = Block("dead_letters", {"topic": ["t"] * rows, "offset": list(range(rows)), "version": [1] * rows})
    await warehouse.insert(block)
    assert [found for _, found in await parts(warehouse, "dead_letters")] == [rows]


@pytest.mark.asyncio
async def test_bytes_that_are_no_text_survive(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    chance = random.Random(7)
    states = [
        b"",
        b"\x00",
        b"\xff\xfe",
        "ä€😀".encode(),
        b"'\\\n",
        bytes(range(256)),
        *map(chance.randbytes, range(300)),
    ]
    keys = [f"contact {n} 'ü\\" for n in range(len(states))]
    block: dict[str, list[Any]] = {"kind": [2] * len(states), "p": ["t/0"] * len(states), "key": keys, "state": states}
    await warehouse.insert(Block("ledger", {**block, "version": [1] * len(states)}))
    found = await warehouse.query("SELECT key, state, state AS s_bytes, hex(state) FROM ledger_ ORDER BY key".replace(
        "ledger_", "touchline_internal.ledger"))  # fmt: skip
    assert {(key, state, again, hexed) for key, state, again, hexed in found} == {
        (key, state, state, state.hex().upper()) for key, state in zip(keys, states, strict=True)
    }


@pytest.mark.asyncio
async def test_raw_keys_and_values_of_dead_letters_survive(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    await warehouse.insert(
        Block(
            "dead_letters",
            {
                "topic": ["t"],
                "offset": [-1],
                "key": [b"\xff\x00"],
                "value": [b"{\xfe"],
                "size": [2**40],
                "version": [2**63],
            },
        )
    )
    sql = "SELECT key AS key_bytes, value, size, version, `offset`, topic FROM touchline_internal.dead_letters"
    assert await warehouse.query(sql) == [(b"\xff\x00", b"{\xfe", 2**40, 2**63, -1, "t")]


@pytest.mark.asyncio
async def test_text_comes_back_as_text_and_null_as_none(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    block: dict[str, list[Any]] = {
        "contact_id": ["a", "b"],
        "wait_ms": [None, 5],
        "queue": ["Grüße", ""],
        "in_target": [None, 1],
    }
    await warehouse.insert(Block("contacts", {**block, "p": ["t/0"] * 2, "version": [1, 2]}))
    rows = await warehouse.query(
        "SELECT contact_id, wait_ms, queue, in_target, [queue] FROM touchline_internal.contacts ORDER BY contact_id"
    )
    assert rows == [("a", None, "Grüße", None, ["Grüße"]), ("b", 5, "", 1, [""])]


@pytest.mark.asyncio
async def test_parameters_are_values_and_never_sql(warehouse: AnyWarehouse) -> None:
    nasty = "'; DROP TABLE x -- \\ %(other)s \x00 \n\t ü"
    rows = await warehouse.query(
        "SELECT %(text)s, %(number)s, 'b' IN %(some)s, 'b' IN %(none)s, 5 % 3, %(raw)s AS raw_bytes",
        {"text": nasty, "number": -(2**62), "some": ["a", "b"], "none": (), "raw": b"\xff'", "other": "never"},
    )
    assert rows == [(nasty, -(2**62), 1, 0, 2, b"\xff'")]


@pytest.mark.asyncio
async def test_a_missing_parameter_is_refused(warehouse: AnyWarehouse) -> None:
    with pytest.raises(WarehouseRefused, match="parameter 'name'"):
        await warehouse.query("SELECT %(name)s", {"nam": 1})


@pytest.mark.asyncio
async def test_a_whole_batch_of_ids_fits_into_one_query(warehouse: AnyWarehouse) -> None:
    ids = [f"contact {n:08}" for n in range(50_000)]
    known = "SELECT concat('contact ', toString(number + 10000000)) AS id FROM numbers(9)"
    sql = f"SELECT count() FROM ({known}) WHERE id IN %(ids)s"
    assert await warehouse.query(sql, {"ids": ["contact 10000003", *ids]}) == [(1,)]


@pytest.mark.asyncio
async def test_what_the_server_refuses_is_one_line(warehouse: AnyWarehouse) -> None:
    for call in (
        warehouse.query("SELECT nonsense FROM system.one"),
        warehouse.execute("CREATE TABLE nowhere.x (a UInt8) ENGINE = Memory"),
        warehouse.insert(Block("nowhere.x", {"a": [1]})),
    ):
        with pytest.raises(WarehouseRefused) as refused:
            await call
        assert "\n" not in str(refused.value)
        assert "Stack trace" not in str(refused.value)
    assert await warehouse.query("SELECT 1") == [(1,)]


@pytest.mark.asyncio
async def test_a_value_that_does_not_fit_is_refused_and_nothing_is_written(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    for wrong in (
        {"epoch": [1, 70_000]},
        {"epoch": ["x", "y"]},
        {"no_such_column": [1, 2]},
        {"epoch": [1]},
        {"keys": [[1], [-1]]},
        {"values": [[1], [1 << 63]]},
        {"values": [[1], ["x"]]},
    ):
        with pytest.raises(WarehouseRefused):
            await warehouse.insert(Block("ledger", {"kind": [2, 2], "p": ["t/0", "t/0"], **wrong}))
    assert await parts(warehouse) == []
    await warehouse.insert(ledger_block(10))
    assert [rows for _, rows in await parts(warehouse)] == [10]


@pytest.mark.asyncio
async def test_parquet_is_read_by_others(warehouse: AnyWarehouse) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    answer = await warehouse.formatted("SELECT number AS n, 'ü' AS t FROM numbers(3)", "Parquet")
    assert parquet.read_table(io.BytesIO(answer)).to_pydict() == {"n": [0, 1, 2], "t": ["ü"] * 3}


@pytest.mark.asyncio
async def test_an_empty_block_is_nothing(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    await warehouse.insert(Block("ledger", {"kind": [], "p": []}))
    assert await parts(warehouse) == []


@pytest.mark.asyncio
async def test_the_loop_goes_on_during_an_insert(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    block = ledger_block(60_000)
    insert = asyncio.create_task(warehouse.insert(block))
    longest, before = 0.0, time.perf_counter()
    while not insert.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    await insert
    assert longest < 0.5


@pytest.mark.server
@pytest.mark.asyncio
async def test_without_views_measures_are_read_from_the_sparse_vector(native: NativeWarehouse) -> None:
    warehouse = native
    await create(warehouse, (OFFERED,))
    cell: dict[str, list[Any]] = {"kind": [1], "p": ["t/0"], "resolution": [1], "queue": ["a"]}
    await warehouse.insert(
        Block("ledger", {**cell, "keys": [[OFFERED.key, OPEN.key, OPEN.key + 1]], "values": [[3, 0, 1]]})
    )
    # A measure that is added later reads what was written before.
    for column in tables(MEASURES)[0].columns:
        if column.name in {OPEN.name, f"{OPEN.name}__given"}:
            await warehouse.execute(
                f"ALTER TABLE touchline_internal.ledger ADD COLUMN {column.name} {column.type} ALIAS {column.alias}"
            )
    await warehouse.insert(
        Block("ledger", {**cell, "queue": ["b"], "keys": [[OFFERED.key]], "values": [[-4]], "version": [2]})
    )
    sql = "SELECT queue, offered, wait_open_ms, wait_open_ms__given FROM touchline_internal.ledger FINAL ORDER BY queue"
    expected = [("a", 3, 0, 1), ("b", -4, 0, 0)]
    assert await warehouse.query(sql) == expected
    await warehouse.execute("OPTIMIZE TABLE touchline_internal.ledger FINAL")
    assert await warehouse.query(sql) == expected


@pytest.mark.asyncio
async def test_of_one_key_the_highest_version_counts_and_of_equal_ones_the_last(warehouse: AnyWarehouse) -> None:
    await create(warehouse)
    for version, value in ((5, 50), (4, 40), (5, 51)):
        cell: dict[str, list[Any]] = {
            "kind": [1],
            "p": ["t/0"],
            "keys": [[OFFERED.key]],
            "values": [[value]],
            "version": [version],
        }
        await warehouse.insert(Block("ledger", cell))
    assert await warehouse.query("SELECT values[1] FROM touchline_internal.ledger FINAL") == [(51,)]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        ("JSONEachRow", b'{"a":1,"b":"x\\ty","c":null}\n'),
        ("TSV", b"1\tx\\ty\t\\N\n"),
        ("TSVWithNames", b"a\tb\tc\n1\tx\\ty\t\\N\n"),
        ("CSV", b'1,"x\ty",\\N\n'),
        ("CSVWithNames", b'"a","b","c"\n1,"x\ty",\\N\n'),
    ],
)
async def test_formats(warehouse: AnyWarehouse, format_: str, expected: bytes) -> None:
    assert (await warehouse.formatted("SELECT 1 AS a, 'x\\ty' AS b, NULL AS c", format_)).replace(
        b'"\\N"', b"\\N"
    ) == expected
    with pytest.raises(WarehouseRefused, match=r"(?i)format"):
        await warehouse.formatted("SELECT 1", "Nonsense")
