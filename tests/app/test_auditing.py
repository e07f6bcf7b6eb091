"""The audit in the background: what it finds, of which days and partitions, and how /metrics tells it."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pipeline.app import App, auditing
from pipeline.app.auditing import BackgroundAudit
from pipeline.core.engine import Engine
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, Marker
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.ports import WarehouseDown, WarehouseRefused
from tests.core.harness import catalogue_of
from tests.strategies import BEGIN, PROMISES, generate
from tests.warehouse.filled import filled
from tests.warehouse.test_audit import spoil

OFFICE = catalogue_of(PROMISES["office"])


class Clock:
    now = 1_000_000

    def now_ms(self) -> int:
        return self.now


def app_of(warehouse: Any, engines: dict[str, Engine]) -> Any:
    """What the audit sees of an app."""

    async def ready() -> None:
        """At once."""

    foldings = {p: SimpleNamespace(engine=engine, ready=p != "touchpoints/1") for p, engine in engines.items()}
    return SimpleNamespace(
        warehouse=warehouse, rulebook=Rulebook(OFFICE), foldings=foldings, clock=Clock(), until_ready=ready
    )


async def test_it_audits_yesterday_and_today_of_partitions_that_are_ready(tmp_path: Path) -> None:
    warehouse = EmbeddedWarehouse(tmp_path)
    try:
        working = await filled(warehouse, OFFICE, generate(6, 60))
        app = app_of(warehouse, working.engines)
        for folding in app.foldings.values():
            folding.engine.marker.watermark_ms = BEGIN
        audit = BackgroundAudit(cast("App", app))
        assert audit.age_ms(5) is None
        await audit.audit()
        assert audit.outcome is not None
        assert (audit.outcome.total, audit.outcome.partitions) == (0, 3)
        app.clock.now += 7_000
        assert audit.age_ms(app.clock.now_ms()) == 7_000
        everything = audit.outcome.cells
        assert everything > 30

        # The newest touchpoint of another partition says what today is; before yesterday nothing is looked at.
        app.foldings["touchpoints/1"].engine.marker.watermark_ms += 30 * 86_400_000
        await audit.audit()
        assert audit.outcome.cells < everything / 2
        app.foldings["touchpoints/1"].engine.marker.watermark_ms -= 30 * 86_400_000

        await spoil(warehouse, DAY, "fcr_eligible", 2)
        await audit.audit()
        assert [(d.resolution, d.column, d.stored - d.recounted) for d in audit.outcome.differences] == [
            ("day", "fcr_eligible", 2)
        ]
    finally:
        await warehouse.close()


async def test_a_warehouse_that_is_away_is_asked_again_and_one_that_refuses_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    stopped = asyncio.Event()

    class Away:
        async def query(self, sql: str, parameters: Any = None) -> list[Any]:
            asked.append(sql)
            if len(asked) < 3:
                raise WarehouseDown("away")
            stopped.set()
            raise WarehouseRefused("not allowed")

    monkeypatch.setattr(auditing, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(auditing, "_FIRST_SECONDS", 0.0)
    engines: Any = {"touchpoints/0": SimpleNamespace(marker=Marker())}
    audit = BackgroundAudit(cast("App", app_of(Away(), engines)))
    running = asyncio.create_task(audit.run())
    async with asyncio.timeout(20):
        await stopped.wait()
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(asked) == 3
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert audit.outcome is None
