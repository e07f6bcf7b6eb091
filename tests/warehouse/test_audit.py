"""The audit on both warehouses: nothing to find where nothing is wrong, and every kind of wrong found and named."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.core import audit as core
from pipeline.core.audit import Difference, Span, span_of, weight
from pipeline.core.measure import column_key
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CELL, CONTACT, DAY, HOUR, MINUTE
from pipeline.core.zone import Zone
from pipeline.io import audit
from pipeline.io.audit import AuditOutcome, audit_days
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.ports import Block, Warehouse
from schemas.catalogue import Catalogue
from tests.core.harness import catalogue_of
from tests.strategies import BEGIN, PROMISES
from tests.warehouse.filled import Filled, filled, stream

OFFICE = catalogue_of(PROMISES["office"])
LEDGER = "touchline_internal.ledger"
NEVER_WRITTEN = 1 << 62
"""A version that goes before all others."""


def touch(contact_id: str, type_: str, time_ms: int, **more: Any) -> dict[str, Any]:
    return {"id": f"{contact_id} {type_}", "type": type_, "time": time_ms, "contact_id": contact_id, **more}


async def audited(warehouse: Warehouse, catalogue: Catalogue = OFFICE, span: Span | None = None) -> AuditOutcome:
    return await audit_days(warehouse, Rulebook(catalogue), span, at_once=40, settle_seconds=0.05)


async def test_what_workers_wrote_is_exact_and_every_contact_was_looked_at(warehouse: Any) -> None:
    await filled(warehouse, OFFICE, stream(5, 80))
    shares: list[float] = []
    outcome = await audit_days(warehouse, Rulebook(OFFICE), at_once=40, settle_seconds=0.05, on_progress=shares.append)
    assert (outcome.differences, outcome.unnamed, outcome.lagging) == ([], 0, [])
    assert (outcome.partitions, outcome.contacts) == (4, 80)
    cells = await warehouse.query(
        f"SELECT uniqExact(p, resolution, window_s, channel, queue, segment) FROM {LEDGER} WHERE kind = 1"
    )
    assert outcome.cells == cells[0][0] > 500
    assert shares == sorted(shares)
    assert len(shares) > 5
    assert shares[-1] == 1
    # What the audit has to find is found on either server.
    await spoil(warehouse, MINUTE, "offered", 1)
    assert [(d.resolution, d.column, d.stored - d.recounted) for d in (await audited(warehouse)).differences] == [
        ("minute", "offered", 1),
        ("minute, by SQL", "offered", 1),
    ]
    assert not [name for (name,) in await warehouse.query("SHOW TABLES FROM touchline_internal") if "_seen_" in name]


def test_weights_are_what_clickhouse_computes(tmp_path: Any) -> None:
    async def asked() -> list[int]:
        warehouse = EmbeddedWarehouse(tmp_path)
        try:
            row = (await warehouse.query("SELECT intHash64(0), intHash64(60), intHash64(281474976710655)"))[0]
            return list(row)
        finally:
            await warehouse.close()

    assert asyncio.run(asked()) == [weight(0), weight(60), weight(281474976710655)]


async def a_cell(warehouse: Warehouse, resolution: int, measure: str) -> dict[str, Any]:
    names = (
        "kind", "p", "resolution", "window_s", "channel", "queue", "segment", "key", "epoch", "generation_hour",
        "generation_block", "keys", "values",
    )  # fmt: skip
    rows = await warehouse.query(
        f"SELECT {', '.join(names)} FROM {LEDGER} FINAL WHERE kind = 1 AND resolution = {resolution}"
        f" AND has(keys, {column_key(measure)}) ORDER BY p DESC, window_s, channel, queue, segment LIMIT 1"
    )
    return dict(zip(names, rows[0], strict=True))


async def spoil(warehouse: Warehouse, resolution: int, measure: str, by: int, later_s: int = 0) -> dict[str, Any]:
    """Add something to a cell, or to the same a little later."""
    cell = await a_cell(warehouse, resolution, measure)
    key = column_key(measure)
    total = dict(zip(cell["keys"], cell["values"], strict=True))
    if later_s:
        cell["window_s"] += later_s
        cell["generation_block"] += 7
        total = {key: 0}
    total[key] += by
    cell |= {"keys": list(total), "values": list(total.values()), "version": NEVER_WRITTEN}
    await warehouse.insert(Block(LEDGER, {name: [value] for name, value in cell.items()}))
    return cell


async def test_a_cell_that_is_off_is_named(embedded: EmbeddedWarehouse) -> None:
    await filled(embedded, OFFICE, stream(6, 40))
    names = {MINUTE: "minute", HOUR: "hour", DAY: "day"}
    off = {name: await spoil(embedded, resolution, "requested", 2 + resolution) for resolution, name in names.items()}
    outcome = await audited(embedded)
    by_fold = [each for each in outcome.differences if each.resolution in off]
    assert [each.resolution for each in by_fold] == list(off)
    for resolution, found in enumerate(by_fold, MINUTE):
        cell = off[found.resolution]
        assert found == Difference(
            cell["p"], names[resolution], cell["window_s"], cell["channel"], cell["queue"], cell["segment"],
            "requested", found.recounted + 2 + resolution, found.recounted,
        )  # fmt: skip
    # By SQL minutes are compared, and with them nothing else is wrong.
    assert len(outcome.differences) == 4


async def test_what_moved_from_one_minute_to_the_next_is_named_though_the_day_adds_up(
    embedded: EmbeddedWarehouse,
) -> None:
    await filled(embedded, OFFICE, stream(6, 40))
    await spoil(embedded, MINUTE, "fcr_eligible", -1)
    await spoil(embedded, MINUTE, "fcr_eligible", 1, later_s=60)
    found = [d for d in (await audited(embedded)).differences if d.resolution == "minute"]
    assert [(d.column, d.stored - d.recounted) for d in found] == [("fcr_eligible", -1), ("fcr_eligible", 1)]
    assert found[1].window_s - found[0].window_s == 60


async def test_a_contact_that_is_gone_leaves_its_cells_unexplained(embedded: EmbeddedWarehouse) -> None:
    await filled(embedded, OFFICE, stream(6, 40))
    await embedded.execute(
        f"ALTER TABLE {LEDGER} DELETE WHERE kind = {CONTACT} AND key = (SELECT min(key) FROM {LEDGER} WHERE kind = 2)"
        " SETTINGS mutations_sync = 1"
    )
    outcome = await audited(embedded)
    assert outcome.contacts == 39
    assert {each.resolution for each in outcome.differences} == {"minute", "hour", "day"}


async def test_a_row_for_people_that_is_wrong_is_found_by_sql_alone(embedded: EmbeddedWarehouse) -> None:
    await filled(embedded, OFFICE, stream(6, 60))
    names = [n for n, _ in await columns(embedded, "contacts")]
    rows = await embedded.query(
        f"SELECT {', '.join(names)} FROM touchline_internal.contacts FINAL"
        " WHERE isNotNull(first_response_ms) AND isNotNull(first_closed_ms) ORDER BY contact_id LIMIT 1"
    )
    row = dict(zip(names, rows[0], strict=True))
    row |= {"first_response_ms": row["first_response_ms"] + 1, "transfers": row["transfers"] + 2}
    row["version"] = NEVER_WRITTEN
    await embedded.insert(Block("touchline_internal.contacts", {name: [value] for name, value in row.items()}))
    found = (await audited(embedded)).differences
    assert {(d.resolution, d.column, d.recounted - d.stored) for d in found} >= {
        ("minute, by SQL", "first_response_ms", 1),
        ("minute, by SQL", "transfers", 2),
    }
    assert {d.resolution for d in found} == {"minute, by SQL"}


async def columns(warehouse: Warehouse, table: str) -> list[tuple[str, str]]:
    rows = await warehouse.query(
        "SELECT name, type FROM system.columns WHERE database = 'touchline_internal' AND table = %(t)s"
        " AND default_kind = ''",
        {"t": table},
    )
    return [(name, type_) for name, type_ in rows]


async def test_one_day_is_looked_at_alone_with_promises_that_were_made_long_before(
    embedded: EmbeddedWarehouse,
) -> None:
    zone = Zone(OFFICE.zone)
    due = datetime(2026, 7, 14, 0, 30, tzinfo=UTC)  # of a contact that was last heard of in March
    promise = [
        touch("p1", "contact.requested", BEGIN, channel="phone"),
        touch("p1", "promise.made", BEGIN + 1, channel="phone", promise_id="x", due=int(due.timestamp()) * 1_000),
    ]
    await filled(embedded, OFFICE, [*stream(6, 60), *promise])
    day = span_of(zone, due.date(), due.date())
    assert (await audited(embedded, span=day)).total == 0
    counted = await audited(embedded, span=day)
    assert counted.cells == 3  # its minute, hour and day
    assert 0 < counted.contacts < 60

    of_march = span_of(zone, datetime(2026, 3, 27, tzinfo=UTC).date(), datetime(2026, 3, 28, tzinfo=UTC).date())
    before = await audited(embedded, span=of_march)
    assert before.total == 0
    await spoil(embedded, MINUTE, "requested", 1)
    assert (await audited(embedded, span=of_march)).total == 2
    assert (await audited(embedded, span=day)).total == 0


async def test_it_may_be_asked_while_workers_write(embedded: EmbeddedWarehouse) -> None:
    touchpoints = stream(8, 60)
    running = await Filled(embedded, OFFICE).start()
    await running.take(touchpoints[:100])

    async def work() -> None:
        for start in range(100, len(touchpoints), 100):
            await running.take(touchpoints[start : start + 100])

    working = asyncio.create_task(work())
    audits = 0
    while not working.done():
        outcome = await audit_days(
            embedded, Rulebook(OFFICE), at_once=20, pause_seconds=0.005, settle_seconds=0.3, partitions=running.engines
        )
        assert outcome.differences == []
        audits += 1
    await working
    assert audits
    assert (await audited(embedded)).total == 0


async def test_a_worker_killed_before_the_rows_for_people_is_no_difference(embedded: EmbeddedWarehouse) -> None:
    running = await Filled(embedded, OFFICE).start()
    touchpoints = stream(6, 60)
    await running.take(touchpoints[:-20])
    engine = running.engines["touchpoints/0"]
    commit, publish = running.ledger.commit, running.ledger.publish

    async def nothing(*_: Any) -> None:
        """Killed here."""

    running.ledger.publish = nothing  # type: ignore[method-assign,assignment]
    await running.take(touchpoints[-20:], customers=False)
    outcome = await audited(embedded)
    assert outcome.total == 0
    assert "touchpoints/0" in outcome.lagging

    running.ledger.commit, running.ledger.publish = commit, publish  # type: ignore[method-assign]
    again = await Filled(embedded, OFFICE).start()
    assert again.engines["touchpoints/0"].position == engine.position
    await again.take([])
    assert "touchpoints/0" not in (await audited(embedded)).lagging


async def test_so_many_wrong_days_are_counted_and_only_some_are_named(
    embedded: EmbeddedWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(embedded, OFFICE, stream(6, 60))
    monkeypatch.setattr(audit, "_MOST_DAYS", 1)
    await embedded.execute(
        f"ALTER TABLE {LEDGER} DELETE WHERE kind = {CELL} AND p = 'touchpoints/1' SETTINGS mutations_sync = 1"
    )
    outcome = await audit_days(embedded, Rulebook(OFFICE), by_sql=False, partitions=["touchpoints/1"])
    assert outcome.unnamed >= 1
    assert len({d.window_s // core.DAY_S for d in outcome.differences}) == 1
    assert outcome.total == len(outcome.differences) + outcome.unnamed
