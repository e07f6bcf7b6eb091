"""Changed definitions: refused, then counted anew beside the old numbers, audited, and put in their place."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.app import rebuilding
from pipeline.app.catalogues import KEPT, Chosen, refuse_interrupted, refuse_others
from pipeline.app.rebuilding import rebuild_all
from pipeline.app.stack import CannotStart
from pipeline.core.cells import add, settled
from pipeline.core.contact import unpack
from pipeline.core.engine import OtherDefinitions
from pipeline.core.measure import Columns
from pipeline.core.rules import Rulebook
from pipeline.io import positions, rebuild, swap
from pipeline.io import topics as kafka_topics
from pipeline.io.audit import audit_days
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.measures import ALL
from pipeline.ports import WarehouseDown
from pipeline.settings import Settings
from schemas.catalogue import Catalogue
from tests.app.command import replay, sentence, touchline, write
from tests.core.harness import catalogue_of
from tests.strategies import PROMISES, generate
from tests.warehouse import filled as filled_warehouse
from tests.warehouse.filled import Filled, content, filled

OLD = catalogue_of(PROMISES["defaults"])
NEW = catalogue_of(replace(PROMISES["office"], window_ms=600_000, abandoned_short_ms=0, transfer_breaks_fcr=True))
NEW_CHOSEN = Chosen(NEW, "zone: UTC\n", "new.yaml")
STREAM = generate(11, 50)
LATER = generate(12, 60)
"""Others, and more of the same contacts."""


@pytest.fixture
async def warehouse(tmp_path: Path) -> AsyncIterator[EmbeddedWarehouse]:
    found = EmbeddedWarehouse(tmp_path / "data")
    yield found
    await found.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data")


async def audited(warehouse: EmbeddedWarehouse, catalogue: Catalogue) -> int:
    return (await audit_days(warehouse, Rulebook(catalogue), settle_seconds=0.0)).total


async def test_a_rebuild_gives_what_counting_everything_by_the_new_definitions_gives(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = EmbeddedWarehouse(settings.data)
    # Small pieces, so that there are many of everything.
    monkeypatch.setattr(rebuild, "_STATES_AT_ONCE", 7)
    monkeypatch.setattr(rebuild, "_MOST_CELLS", 50)
    monkeypatch.setattr(rebuild, "_MOST_FACTS", 20)
    await filled(warehouse, OLD, STREAM)
    old = await content(warehouse)
    with pytest.raises(OtherDefinitions, match="touchline rebuild"):
        await refuse_others(warehouse, NEW)
    steps: list[str] = []
    done = await rebuild_all(settings, warehouse, NEW_CHOSEN, on_progress=lambda step, _: steps.append(step))
    assert (done.contacts, done.note) == (50, "")
    assert done.outcome is not None
    assert (done.outcome.contacts, done.outcome.partitions, done.outcome.total) == (50, 4, 0)
    assert list(dict.fromkeys(steps)) == ["counting anew", "auditing"]
    await refuse_others(warehouse, NEW)
    assert (settings.data / KEPT).read_text() == NEW_CHOSEN.text
    rebuilt = await content(warehouse)
    # Workers go on from it, with the same contacts and others.
    working = await Filled(warehouse, NEW).start()
    await working.take(LATER)
    assert await audited(warehouse, NEW) == 0
    gone_on = await content(warehouse)
    assert len(done.kept) == 3
    kept = await warehouse.query(f"SELECT count() FROM touchline_internal.{done.kept[1]}")
    assert kept[0][0] > 0
    assert (await rebuild_all(settings, warehouse, NEW_CHOSEN)).outcome is None
    assert await swap.drop_kept(warehouse) == done.kept
    assert not [name for name in await swap.there(warehouse) if "_before_" in name or "_rebuilt" in name]
    await warehouse.close()

    other = EmbeddedWarehouse(tmp_path / "fresh")
    try:
        fresh = await filled(other, NEW, STREAM)
        for what, held in (await content(other)).items():
            assert rebuilt[what] == held, what
            assert what in ("facts", "contact states") or old[what] != held, f"{what} do not show a change"
        await fresh.take(LATER)
        for what, held in (await content(other)).items():
            assert gone_on[what] == held, what
    finally:
        await other.close()


async def test_what_fails_on_the_way_changes_nothing_and_can_be_done_again(
    warehouse: EmbeddedWarehouse, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    working = await filled(warehouse, OLD, STREAM)
    old = await content(warehouse)

    async def down(*_: Any, **__: Any) -> None:
        raise WarehouseDown("gone")

    with monkeypatch.context() as broken:
        broken.setattr(rebuild._Facts, "write", down)
        with pytest.raises(WarehouseDown):
            await rebuild_all(settings, warehouse, NEW_CHOSEN)
    assert "ledger_rebuilt" in await swap.there(warehouse)
    assert await content(warehouse) == old
    await refuse_others(warehouse, OLD)

    # Somebody who counts meanwhile is noticed.
    async def and_a_worker_writes(*args: Any) -> Any:
        await working.take(LATER[:30])
        return await audited_well(*args)

    audited_well = rebuilding.audited
    with monkeypatch.context() as disturbed:
        disturbed.setattr(rebuilding, "audited", and_a_worker_writes)
        with pytest.raises(CannotStart, match="stop every worker"):
            await rebuild_all(settings, warehouse, NEW_CHOSEN)
    assert await audited(warehouse, OLD) == 0
    assert (await rebuild_all(settings, warehouse, NEW_CHOSEN)).contacts > 50
    assert await audited(warehouse, NEW) == 0


async def test_a_rebuild_killed_between_two_tables_is_refused_by_others_and_ended_by_the_next(
    warehouse: EmbeddedWarehouse, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(warehouse, OLD, STREAM)

    async def killed(_: Any) -> None:
        await warehouse.execute("RENAME TABLE touchline_internal.ledger TO touchline_internal.ledger_before_1")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(swap, "put_in_place", killed)
        with pytest.raises(KeyboardInterrupt):
            await rebuild_all(settings, warehouse, NEW_CHOSEN)
    for refuse in (refuse_others(warehouse, OLD), refuse_interrupted(warehouse)):
        with pytest.raises(CannotStart, match="run `touchline rebuild` again"):
            await refuse
    done = await rebuild_all(settings, warehouse, NEW_CHOSEN)
    assert done.outcome is None  # it had been counted and audited
    await refuse_others(warehouse, NEW)
    assert await audited(warehouse, NEW) == 0
    assert {name.partition("_before_")[0] for name in done.kept} == set(swap.NAMES)


async def test_a_catalogue_without_a_channel_that_was_counted_is_refused(
    warehouse: EmbeddedWarehouse, settings: Settings
) -> None:
    await filled(warehouse, OLD, STREAM)
    lacking = Catalogue(zone="UTC", channels={"phone": OLD.channels["phone"]})
    with pytest.raises(CannotStart, match=r"lacks the channel .* Nothing was changed"):
        await rebuild_all(settings, warehouse, Chosen(lacking, "", "lacking.yaml"))
    assert await audited(warehouse, OLD) == 0
    assert not [name for name in await swap.there(warehouse) if "_rebuilt" in name]


async def test_numbers_beyond_retention_stay_as_they_were_and_are_not_audited(
    warehouse: EmbeddedWarehouse, settings: Settings
) -> None:
    ago_ms = 730 * 86_400_000
    early = [
        {
            **t,
            "contact_id": f"early {t['contact_id']}",
            **{name: t[name] - ago_ms for name in ("time", "due") if name in t},
        }
        for t in generate(13, 20)
    ]
    working = await filled(warehouse, OLD, early)
    old = (await content(warehouse))["cells"]
    # Two years later only new contacts are known.
    await working.take(STREAM)
    await warehouse.execute(
        "ALTER TABLE touchline_internal.ledger DELETE WHERE kind IN (2, 3) AND position(key, 'early') > 0"
        " SETTINGS mutations_sync = 1"
    )
    outcome = await audit_days(warehouse, Rulebook(OLD), settle_seconds=0.0, by_sql=False)
    assert (outcome.total, outcome.contacts) == (0, 50)
    assert outcome.since_s > max(window[2] for window in old)

    await rebuild_all(settings, warehouse, NEW_CHOSEN)
    rebuilt = (await content(warehouse))["cells"]
    assert {window: cell for window, cell in rebuilt.items() if window[2] < outcome.since_s} == old
    assert len(rebuilt) > len(old)
    assert (await audit_days(warehouse, Rulebook(NEW), settle_seconds=0.0, by_sql=False)).total == 0


async def test_topics_made_anew_with_more_partitions_are_new_logs_and_contacts_move_to_where_they_belong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data=tmp_path / "data", kafka="cluster:9092")
    topics = ("touchpoints", "contact-facts")
    monkeypatch.setattr(positions, "members", lambda *_: [])
    monkeypatch.setattr(positions, "bounds", lambda *_: {f"{t}/{n}": (0, 0) for t in topics for n in range(3)})
    warehouse = EmbeddedWarehouse(settings.data)
    old = await filled(warehouse, NEW, STREAM)
    applied = sum(engine.marker.applied for p, engine in old.engines.items() if p.startswith("touchpoints/"))
    monkeypatch.setattr(kafka_topics, "ids", lambda _: dict.fromkeys(topics, ""))
    with pytest.raises(CannotStart, match="counted with 2 partitions and has 3 now"):
        await rebuild_all(settings, warehouse, NEW_CHOSEN)

    monkeypatch.setattr(kafka_topics, "ids", lambda _: dict.fromkeys(topics, "another"))
    done = await rebuild_all(settings, warehouse, NEW_CHOSEN)
    assert done.outcome is not None
    assert (done.contacts, done.outcome.partitions, done.outcome.total) == (50, 6, 0)
    monkeypatch.setattr(filled_warehouse, "PARTITIONS", 3)
    working = await Filled(warehouse, NEW).start(epoch=2)
    contacts = [engine.marker for p, engine in working.engines.items() if p.startswith("touchpoints/")]
    assert [(marker.offset, marker.log_id, marker.facts_epoch) for marker in contacts] == [(0, "another", 2)] * 3
    assert sum(marker.applied for marker in contacts) == applied
    await working.take(LATER)
    assert await audited(warehouse, NEW) == 0
    found = anywhere(await content(warehouse))
    await warehouse.close()

    other = EmbeddedWarehouse(tmp_path / "fresh")
    try:
        fresh = await filled(other, NEW, STREAM)
        await fresh.take(LATER)
        assert found == anywhere(await content(other))
    finally:
        await other.close()


def anywhere(held: dict[str, Any]) -> dict[str, Any]:
    """The same whatever partitions it is in, and without when it was taken in."""
    columns = Columns(ALL)
    sums: dict[Any, dict[int, int]] = {}
    for (_, *window), cell in held["cells"].items():
        add(sums.setdefault(tuple(window), {}), cell)
    return {
        "cells": {window: kept for window, cell in sums.items() if (kept := settled(cell, columns))},
        "contacts": sorted((key, len(unpack(key, state).touches)) for _, key, state, *_ in held["contact states"]),
        "facts": {tuple(row[1:]) for row in held["facts"]},
        "resolutions": {row.partition(", ")[2] for row in held["resolutions"]},
    }


@pytest.mark.process
def test_changed_definitions_are_refused_and_a_rebuild_swaps_them_in(tmp_path: Path) -> None:
    """Line 32 of the fault matrix, as a user meets it."""
    file = write(tmp_path / "stream.jsonl", STREAM)
    data, other = tmp_path / "data", tmp_path / "new.yaml"
    other.write_text("zone: Europe/Berlin\nsettings:\n  follow_up_window: 1h\n")
    before = replay(file, data=data)
    refused = sentence(touchline("replay", str(file), "--data", str(data), "--catalogue", str(other)))
    assert "counted under other definitions" in refused
    assert "touchline rebuild --catalogue" in refused

    done = touchline("rebuild", "--data", str(data), "--catalogue", str(other))
    assert done.returncode == 0, done.stderr
    assert "50 contacts counted anew" in done.stdout
    assert "audited: 0 differences" in done.stdout

    again = replay(file, data=data)  # the folder knows its new catalogue
    assert (again["applied"], again["duplicate"]) == (0, before["applied"] + before["duplicate"])
    assert again["numbers"] != before["numbers"]
