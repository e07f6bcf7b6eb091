"""What the process asks of the warehouse for the alerts, and for how long an answer holds."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from pipeline.app import App
from pipeline.app.cohorts import Cohorts
from pipeline.app.declared import declared
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.held import Progress
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import ensure
from pipeline.live.around import Aged, CalendarNow, IntakeNow
from pipeline.ports import WarehouseDown
from tests.live.world import NOON, D, H, M, World, berlin
from tests.warehouse.test_aged import cell


class Clock:
    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


class Away:
    """A warehouse that does not answer."""

    async def formatted(self, sql: str, format_: str) -> bytes:
        raise WarehouseDown("away")


def app_of(world: World, warehouse: Any, clock: Clock) -> App:
    progress = [
        Progress("touchline.raw/0", position=5, end_offset=9, batches_total=1, records_total=5, paused=True),
        Progress("touchpoints/0", position=5, end_offset=5, batches_total=1, records_total=5, paused=False),
    ]
    found = SimpleNamespace(
        rulebook=world.rulebook,
        warehouse=warehouse,
        clock=clock,
        log=SimpleNamespace(progress=lambda: progress),
        intake=SimpleNamespace(stopped={"touchline.raw/0": "too much was wrong"}, rejected={"not_json": 3}),
    )
    return cast("App", found)


async def test_an_answer_holds_for_its_day_and_while_the_warehouse_is_away(tmp_path: Path) -> None:
    world = World()
    world.call("c", NOON - M)
    clock = Clock(NOON)
    warehouse = EmbeddedWarehouse(tmp_path / "warehouse")
    app = app_of(world, warehouse, clock)
    cohorts = Cohorts(app)
    try:
        await ensure(warehouse, declared(world.rulebook.catalogue, 2026))
        yesterday_s = berlin(2026, 3, 17) // 1_000
        await SqlLedger(warehouse).commit(cell(NOON - 20 * H, yesterday_s, 40, 30, 1))
        await cohorts.ask()
    finally:
        await warehouse.close()
    resolution = {("phone", "sales"): Aged((40, 30), ((0, 0),) * 4)}
    assert cohorts.around(world.summary(NOON)).resolution == resolution
    cast("Any", app).warehouse = Away()
    clock.at_ms = NOON + 5 * H
    with pytest.raises(WarehouseDown):
        await cohorts.ask()
    assert cohorts.around(world.summary(clock.at_ms)).resolution == resolution
    tomorrow = world.summary(NOON + D)
    assert cohorts.around(tomorrow).resolution == {}, "it is another yesterday"


def test_beside_the_live_values_are_hours_promises_and_the_intake() -> None:
    world = World("zone: Europe/Berlin\nsettings: {wait_objective: 90%}\n")
    world.call("c", NOON - M)
    summary = msgspec.structs.replace(world.summary(NOON), source_silence_ms={"asterisk": H})
    around = Cohorts(app_of(world, Away(), Clock(NOON))).around(summary)
    assert around.calendars == (CalendarNow("none", open=True, opens_ms=None),)
    assert around.objectives == {"wait": 90, "stay": 95, "response": 90}
    assert around.silence_open_ms == {"asterisk": H}
    assert around.intake == [IntakeNow("touchline.raw/0", stopped=True, log_lag=4)]
    assert around.intake_rejected == {"not_json": 3}
