"""Yesterday's matters against four weeks at the same age: what was known then, not what is known now."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.app.declared import declared
from pipeline.core.measure import column_key
from pipeline.core.zone import Zone
from pipeline.io.aged import aged, cuts, last_heard
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import ensure
from pipeline.live.around import Aged
from schemas.catalogue import load
from tests.warehouse.conftest import AnyWarehouse
from tests.warehouse.filled import APPEND_MS, filled

BERLIN = ZoneInfo("Europe/Berlin")
ZONE = Zone("Europe/Berlin")
S, H = 1_000, 3_600_000


def berlin(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=BERLIN).timestamp() * 1_000)  # type: ignore[arg-type, misc]


NOON = berlin(2026, 4, 1, 12, 30)
"""A Wednesday. The clocks went forward three days ago."""


def test_the_same_local_hour_of_the_day_after() -> None:
    looked_at = cuts(ZONE, NOON)
    days = [datetime.fromtimestamp(cut.day_s, BERLIN).isoformat() for cut in looked_at]
    assert days == [
        "2026-03-31T00:00:00+02:00",
        "2026-03-24T00:00:00+01:00",
        "2026-03-17T00:00:00+01:00",
        "2026-03-10T00:00:00+01:00",
        "2026-03-03T00:00:00+01:00",
    ]
    learned = [datetime.fromtimestamp(cut.before_hour * 3_600, BERLIN) for cut in looked_at]
    assert [(at.day, at.hour) for at in learned] == [(1, 12), (25, 12), (18, 12), (11, 12), (4, 12)]


async def test_only_what_was_known_at_that_age_counts(warehouse: AnyWarehouse) -> None:
    await ensure(warehouse, declared(load("zone: Europe/Berlin\n", "c"), 2026))
    ledger = SqlLedger(warehouse)
    yesterday, _, _, _, week_four = (cut.day_s for cut in cuts(ZONE, NOON))

    async def learn(at_ms: int, day_s: int, eligible: int, resolved: int, version: int) -> None:
        await ledger.commit(cell(at_ms, day_s, eligible, resolved, version))

    await learn(yesterday * S + 20 * H, yesterday, 40, 40, 1)
    await learn(NOON - H, yesterday, 0, -4, 2)
    await learn(NOON, yesterday, 0, -30, 3)
    await learn(week_four * S + 20 * H, week_four, 50, 45, 4)
    await learn(week_four * S + 48 * H, week_four, 0, -20, 5)
    found = await aged(warehouse, ZONE, NOON)
    assert found == {("phone", "sales"): Aged((40, 36), ((0, 0), (0, 0), (0, 0), (50, 45)))}
    assert found["phone", "sales"].ratio == 0.9
    assert found["phone", "sales"].usual is None, "one week is not what is usual"


def cell(at_ms: int, day_s: int, eligible: int, resolved: int, version: int) -> dict[str, list[Any]]:
    values = {column_key("fcr_eligible"): eligible, column_key("fcr_resolved"): resolved}
    kept = {key: value for key, value in sorted(values.items()) if value}
    return {
        "kind": [1],
        "p": ["contact-facts/0"],
        "resolution": [3],
        "window_s": [day_s],
        "channel": ["phone"],
        "queue": ["sales"],
        "segment": ["unknown"],
        "key": [""],
        "epoch": [1],
        "generation_hour": [at_ms // H],
        "generation_block": [0],
        "keys": [list(kept)],
        "values": [list(kept.values())],
        "state": [b""],
        "is_open": [0],
        "last_ms": [0],
        "version": [version],
    }


async def test_a_source_is_remembered_over_a_restart(warehouse: AnyWarehouse) -> None:
    rang = {"id": "1", "type": "contact.requested", "time": APPEND_MS, "contact_id": "c", "channel": "phone"}
    await filled(warehouse, load("zone: UTC\n", "c"), [{**rang, "source": "asterisk"}])
    assert await last_heard(warehouse, APPEND_MS + H) == {"asterisk": pytest.approx(APPEND_MS, abs=600 * S)}
    assert await last_heard(warehouse, APPEND_MS + 9 * 24 * H) == {}
