"""Sums that boards read are those of the ledger, whatever was added up before, by whom, and what came afterwards."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from pipeline.app.declared import declared, measure_columns
from pipeline.core.steps import Marker
from pipeline.io import swap
from pipeline.io.clickhouse import NativeWarehouse
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.rolling import roll
from pipeline.io.schema import ensure
from pipeline.measures import ALL
from pipeline.ports import Block
from schemas.catalogue import Catalogue, default
from schemas.sums import BY_ALL, BY_CHANNEL, BY_QUEUE, TOGETHER, rolling_sql
from schemas.tables import GIVEN_SUFFIX, keys_of
from schemas.windows import BUCKETS
from tests.warehouse.filled import Filled, stream

MEASURES = measure_columns()
LEDGER = "touchline_internal.ledger"
VIEWS = {2: "sums_hour", 3: "sums_day"}
HOUR_MS = 3_600_000
DIMENSIONS = {
    BY_ALL: ("channel", "queue", "segment"),
    TOGETHER: (),
    BY_QUEUE: ("channel", "queue"),
    BY_CHANNEL: ("channel",),
}

Sums = dict[tuple[Any, ...], dict[int, int]]
"""(Resolution, window start, dimensions) -> key of a cell -> total, zeros left out."""


def catalogue() -> Catalogue:
    return default()


async def ready(warehouse: EmbeddedWarehouse, epoch: int = 1) -> Filled:
    found = await Filled(warehouse, catalogue()).start(epoch)  # it takes views away
    await ensure(warehouse, declared(catalogue(), 2026))
    return found


def _settled(found: dict[tuple[Any, ...], Counter[int]]) -> Sums:
    kept = {window: {key: n for key, n in total.items() if n} for window, total in found.items()}
    return {window: total for window, total in kept.items() if total}


async def of_ledger(warehouse: EmbeddedWarehouse, whole: int = BY_ALL) -> Sums:
    found: dict[tuple[Any, ...], Counter[int]] = {}
    for *window, keys, values in await warehouse.query(
        f"SELECT resolution, window_s, channel, queue, segment, keys, values FROM {LEDGER} FINAL"
        " WHERE kind = 1 AND resolution > 1"
    ):
        total = found.setdefault((*window[:2], *window[2 : 2 + len(DIMENSIONS[whole])]), Counter())
        for key, value in zip(keys, values, strict=True):
            total[key] += value
    return _settled(found)


async def of_boards(warehouse: EmbeddedWarehouse, whole: int = BY_ALL) -> Sums:
    plain = keys_of(MEASURES)
    histograms = [each for each in MEASURES if each.histogram]
    shown = [
        f"{name.removesuffix(GIVEN_SUFFIX).removesuffix('_ms')}_n" if name.endswith(GIVEN_SUFFIX) else name
        for name in plain
    ]
    sums = [f"sum({name})" for name in shown]
    maps = [f"sumMap(mapKeys({each.name}), mapValues({each.name}))" for each in histograms]
    dimensions = "".join(f", {each}" for each in DIMENSIONS[whole])
    width = 1 + len(DIMENSIONS[whole])
    found: dict[tuple[Any, ...], Counter[int]] = {}

    async def asked(view: str, columns: list[str]) -> list[tuple[Any, ...]]:
        return await warehouse.query(
            f"SELECT toUnixTimestamp(window_start) AS w{dimensions}, {', '.join(columns)} FROM touchline.{view}"
            f" WHERE whole = {whole} GROUP BY w{dimensions}"
        )

    for resolution, view in VIEWS.items():
        for row in await asked(view, sums):
            total = found.setdefault((resolution, *row[:width]), Counter())
            for key, value in zip(plain.values(), row[width:], strict=True):
                total[key] += value
        for row in await asked(view + BUCKETS, maps):
            total = found.setdefault((resolution, *row[:width]), Counter())
            for each, pairs in zip(histograms, row[width:], strict=True):
                buckets, counts = pairs.values() if isinstance(pairs, dict) else pairs
                for bucket, n in zip(buckets, counts, strict=True):
                    total[each.key + bucket] += n
    return _settled(found)


async def same(warehouse: EmbeddedWarehouse) -> int:
    """Boards and ledger say the same; how many numbers that are."""
    for whole in DIMENSIONS:
        assert await of_boards(warehouse, whole) == await of_ledger(warehouse, whole)
    return sum(map(len, (await of_ledger(warehouse)).values()))


async def rows(warehouse: EmbeddedWarehouse, condition: str = "1") -> int:
    return int((await warehouse.query(f"SELECT count() FROM touchline_internal.rolled WHERE {condition}"))[0][0])


@pytest.mark.asyncio
async def test_what_comes_after_a_run_is_read_from_the_ledger_and_added_up_by_the_next(
    embedded: EmbeddedWarehouse,
) -> None:
    found, told = await ready(embedded), stream(7, 120)
    run = 0
    for start in range(0, len(told), len(told) // 4 + 1):
        await found.take(told[start : start + len(told) // 4 + 1])
        before = await same(embedded)
        run += 1 << 30
        assert await roll(embedded, MEASURES, run) > 0
        assert await same(embedded) == before > 300
    assert await roll(embedded, MEASURES, run + 1) == 0, "nothing is over that was not before"
    assert len(set(await embedded.query("SELECT run FROM touchline_internal.rolled"))) == 4


@pytest.mark.asyncio
async def test_rows_that_are_linked_hold_what_the_customer_fold_counts_and_nothing_else(
    embedded: EmbeddedWarehouse,
) -> None:
    found = await ready(embedded)
    await found.take(stream(8, 60))
    for view in ("sums", *VIEWS.values()):
        whole = "1" if view == "sums" else "whole = 0"
        for linked in (0, 1):
            names = [f"sum(abs({each.name}))" for each in ALL if each.linked == bool(linked)]
            (row,) = await embedded.query(
                f"SELECT {', '.join(names)} FROM touchline.{view} WHERE {whole} AND linked = 0"
            )
            (rest,) = await embedded.query(
                f"SELECT {', '.join(names)} FROM touchline.{view} WHERE {whole} AND linked = 1"
            )
            assert any((row, rest)[linked])
            assert not any((rest, row)[linked]), view


@pytest.mark.asyncio
async def test_most_cells_are_read_from_the_sums(embedded: EmbeddedWarehouse) -> None:
    """That they count is not seen from numbers alone: they would be the same without."""
    found = await ready(embedded)
    await found.take(stream(8, 60))
    await roll(embedded, MEASURES, 1)
    before = await of_boards(embedded)
    await embedded.execute("TRUNCATE TABLE touchline_internal.rolled")
    assert len(await of_boards(embedded)) < len(before) / 2


@pytest.mark.asyncio
async def test_a_stale_owner_and_a_repeated_flush_change_nothing(embedded: EmbeddedWarehouse) -> None:
    found = await ready(embedded)
    await found.take(stream(9, 60))
    await roll(embedded, MEASURES, 1)
    before = await same(embedded)
    await embedded.execute(f"INSERT INTO {LEDGER} SELECT * FROM {LEDGER}")
    await embedded.execute(
        f"INSERT INTO {LEDGER} SELECT * REPLACE (version - 1 AS version, [keys[1]] AS keys, [77] AS values)"
        f" FROM {LEDGER} WHERE kind = 1 AND notEmpty(keys)"
    )
    assert await same(embedded) == before
    await roll(embedded, MEASURES, 2, least_hours=0)
    assert await same(embedded) == before


@pytest.mark.asyncio
async def test_a_run_that_was_killed_or_overtaken_is_not_read(embedded: EmbeddedWarehouse) -> None:
    found, told = await ready(embedded), stream(10, 80)
    await found.take(told[:200])
    for sql in rolling_sql(5, MEASURES, "1", "1"):  # all, the present generation too, and nobody says that it counts
        await embedded.execute(sql)
    killed = await rows(embedded)
    assert killed > 0
    before = await same(embedded)
    await roll(embedded, MEASURES, 100)
    assert await same(embedded) == before
    of_first = await embedded.query("SELECT * FROM touchline_internal.rolled_until")
    await found.take(told[200:])
    await roll(embedded, MEASURES, 200)
    await embedded.execute(
        "ALTER TABLE touchline_internal.rolled_until DELETE WHERE run = 200 SETTINGS mutations_sync=2"
    )
    assert len(of_first) == 1
    await roll(embedded, MEASURES, 150)  # from where the first had ended, as if it had not seen the second
    await embedded.execute(
        "INSERT INTO touchline_internal.rolled_until SELECT * REPLACE (200 AS run, [100, 200] AS runs)"
        " FROM touchline_internal.rolled_until WHERE run = 150"
    )
    assert await same(embedded) > before


@pytest.mark.asyncio
async def test_a_topic_made_anew_counts_beside_what_was_added_up_of_the_old_one(embedded: EmbeddedWarehouse) -> None:
    found, told = await ready(embedded), stream(11, 80)
    await found.take(told)
    await roll(embedded, MEASURES, 1 << 30)
    before = await same(embedded)
    anew = await ready(embedded, epoch=2)
    await anew.take(stream(12, 80))
    assert await same(embedded) > before
    await roll(embedded, MEASURES, 2 << 30)
    now = await same(embedded)
    assert now > before
    places = await embedded.query("SELECT max(length(places)) FROM touchline_internal.rolled_until")
    assert places == [(8,)], "four partitions, of two incarnations"


@pytest.mark.asyncio
async def test_other_columns_are_added_up_from_the_beginning(embedded: EmbeddedWarehouse) -> None:
    found = await ready(embedded)
    await found.take(stream(13, 60))
    await roll(embedded, MEASURES, 1)
    await embedded.execute("ALTER TABLE touchline_internal.rolled_until UPDATE definition = 'other' WHERE 1"
                           " SETTINGS mutations_sync = 2")  # fmt: skip
    before = await same(embedded)
    assert await roll(embedded, MEASURES, 2) > 0
    assert await same(embedded) == before
    assert await rows(embedded, "run = 2") > await rows(embedded, "run = 1") - 1


@pytest.mark.asyncio
async def test_a_new_ledger_has_nothing_added_up(embedded: EmbeddedWarehouse) -> None:
    found = await ready(embedded)
    await found.take(stream(14, 40))
    await roll(embedded, MEASURES, 1)
    await swap.make(embedded)
    await embedded.execute(f"INSERT INTO {LEDGER}_rebuilt SELECT * FROM {LEDGER} WHERE window_s % 7200 = 0")
    await swap.put_in_place(embedded)
    assert await rows(embedded) == 0
    assert await same(embedded) > 0


@pytest.mark.asyncio
async def test_nothing_is_added_up_before_it_is_worth_it_or_of_an_hour_that_goes_on(
    embedded: EmbeddedWarehouse,
) -> None:
    await ready(embedded)
    for hour, n in ((1, 5), (2, 7)):
        await embedded.insert(
            Block(
                "ledger",
                {
                    "kind": [1], "p": ["touchpoints/0"], "resolution": [2], "window_s": [3_600], "epoch": [1],
                    "generation_hour": [hour], "keys": [[MEASURES[0].key]], "values": [[n]], "version": [1 << 48],
                },
            )
        )  # fmt: skip
    state = msgspec.json.encode(Marker(append_ms=2 * HOUR_MS + 1))
    await embedded.insert(
        Block("ledger", {"kind": [0], "p": ["touchpoints/0"], "state": [state], "version": [1 << 48]})
    )
    assert await roll(embedded, MEASURES, 1, least_hours=3) == 0
    assert await roll(embedded, MEASURES, 1, least_hours=2) == 1
    name = MEASURES[0].name
    assert await embedded.query(f"SELECT whole, {name} FROM touchline_internal.rolled ORDER BY whole") == [
        (0, 5),
        (1, 5),
        (2, 5),
        (3, 5),
    ]
    assert await embedded.query(f"SELECT sum({name}) FROM touchline.sums_hour WHERE whole = 0") == [(12,)]
    assert await embedded.query(f"SELECT sum({name}) FROM touchline.measures_hour") == [(12,)]


@pytest.mark.server
@pytest.mark.asyncio
async def test_an_old_server_has_no_views_and_nothing_is_added_up(native: NativeWarehouse) -> None:
    await ensure(native, declared(catalogue(), 2026))
    assert await roll(native, MEASURES, 1) == 0
    assert await native.query("SELECT name FROM system.tables WHERE name LIKE 'rolled%%'", {"a": 1}) == []


@pytest.mark.asyncio
async def test_cells_that_are_left_are_found_by_an_index(embedded: EmbeddedWarehouse) -> None:
    """What they are is not seen from it: numbers would be the same without, and slower."""
    found = await ready(embedded)
    await found.take(stream(15, 40))
    await roll(embedded, MEASURES, 1)
    told = await embedded.query("EXPLAIN indexes = 1 SELECT sum(offered) FROM touchline.sums_hour WHERE whole = 1")
    text = "\n".join(line for (line,) in told)
    assert "Name: learned" in text
    assert "PrimaryKeyExpand" not in text, "columns of the sorting key need no second look"
