"""The past is asked of the warehouse now and then; while that is away the last answer stays."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.app import App
from pipeline.app.history import History
from pipeline.core.rules import Rulebook
from pipeline.ports import WarehouseDown, WarehouseRefused
from schemas.catalogue import load
from tests.live.world import NOON

ROW = b'{"start_s":"%d","channel":"phone","queue":"sales","measure_key":"%d","total":"3"}\n'


class Answers:
    """A warehouse that has three contacts offered, or an error."""

    def __init__(self) -> None:
        self.problem: Exception | None = None
        self.asked = 0

    async def formatted(self, sql: str, _: str) -> bytes:
        self.asked += 1
        if self.problem is not None:
            raise self.problem
        from pipeline.live.past import KEYS, spans

        offered = next(key for key, name in KEYS.items() if name == "offered")
        if "intDiv(window_s" in sql and f"window_s < {NOON // 1_000}" in sql:
            return ROW % (spans(RULES, NOON).edge_s, offered)
        return b""


RULES = Rulebook(load("zone: Europe/Berlin\n", "catalogue"))


def history(warehouse: Answers, **least: float) -> History:
    async def ready() -> None:
        return None

    app = SimpleNamespace(
        rulebook=RULES, warehouse=warehouse, until_ready=ready, clock=SimpleNamespace(now_ms=lambda: NOON)
    )
    return History(cast("App", app), **least)


async def test_the_last_answer_stays_while_the_warehouse_is_away() -> None:
    warehouse = Answers()
    found = history(warehouse)
    assert found.past() is None
    await found.ask()
    first, version = found.past(), found.past_version()
    assert first is not None
    assert first.kinds[0].lines[1].values[0] == 3
    warehouse.problem = WarehouseDown("away")
    with pytest.raises(WarehouseDown):
        await found.ask()
    assert (found.past(), found.past_version()) == (first, version)
    assert found.past({"billing"}) is not None
    assert found.definitions("de").numbers["offered"].title == "Angeboten"


async def test_it_asks_again_and_again_but_not_before_there_is_use() -> None:
    warehouse = Answers()
    found = history(warehouse, least_seconds=0.01)
    waiting = ["the morning is being counted"]
    found.not_yet = lambda: waiting[0]
    task = asyncio.create_task(found.run())
    await asyncio.sleep(0.05)
    assert warehouse.asked == 0
    waiting[0] = ""
    found.past()  # somebody looks

    async def until(least: int) -> None:
        async with asyncio.timeout(20):
            while warehouse.asked < least:  # noqa: ASYNC110  (what it does cannot wake us)
                await asyncio.sleep(0.01)

    await until(30)
    warehouse.problem = WarehouseDown("away")
    await until(warehouse.asked + 3)
    warehouse.problem = None
    version = found.past_version()
    await until(warehouse.asked + 30)
    assert found.past_version() > version
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_nothing_is_asked_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("pipeline.app.history.monotonic", lambda: now)
    warehouse = Answers()
    found = history(warehouse)
    await found.ask()
    asked = warehouse.asked
    await found.ask()
    assert warehouse.asked == asked
    assert found.past_version() == 1
    await found.ask()
    assert warehouse.asked == 2 * asked
    now += 61
    await found.ask()
    assert warehouse.asked == 2 * asked


async def test_a_refusal_is_told_once_and_the_page_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    warehouse = Answers()
    warehouse.problem = WarehouseRefused("no such table")
    found = history(warehouse, least_seconds=0.01)
    task = asyncio.create_task(found.run())
    await asyncio.sleep(0.1)
    assert not task.done()
    assert warehouse.asked == 1
    assert [record.getMessage() for record in caplog.records] == ["the page shows no past numbers: no such table"]
    assert found.past() is None
    task.cancel()
    cases: Any = await asyncio.gather(task, return_exceptions=True)
    assert isinstance(cases[0], asyncio.CancelledError)
