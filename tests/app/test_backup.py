"""Backup while it counts, restore into an empty warehouse, go on from the log: the numbers of an unbroken run."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.app import backups
from pipeline.app.backups import back_up, restore
from pipeline.app.catalogues import KEPT, Chosen, refuse_others
from pipeline.app.stack import CannotStart
from pipeline.core.rules import Rulebook
from pipeline.io import backup, swap
from pipeline.io.audit import audit_days
from pipeline.io.clickhouse import NativeWarehouse, Server
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.ports import Block, Warehouse, WarehouseDown
from pipeline.settings import Settings
from schemas.catalogue import load
from schemas.rejects import DeadLetter
from tests.app.command import replay, rows, running, touchline, write
from tests.servers import clickhouse_server
from tests.strategies import generate
from tests.warehouse.filled import APPEND_MS, Filled, content, filled

TEXT = "zone: Europe/Berlin\nsettings: {follow_up_window: 1d, store_touchpoints: 90d}\n"
CHOSEN = Chosen(load(TEXT, "own.yaml"), TEXT, "own.yaml")
STREAM = generate(21, 50)
THIRD = len(STREAM) // 3


class Still:
    """A clock that stands still."""

    def now_ms(self) -> int:
        return 1_800_000_000_000


@pytest.fixture
async def warehouse(tmp_path: Path) -> AsyncIterator[EmbeddedWarehouse]:
    found = EmbeddedWarehouse(tmp_path / "data")
    yield found
    await found.close()


async def letters(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    names = "topic, number, epoch, offset, reason, hex(key), value, size"
    return await warehouse.query(
        f"SELECT {names} FROM touchline_internal.dead_letters FINAL ORDER BY topic, number, offset"
    )


def letter(offset: int) -> DeadLetter:
    return DeadLetter(
        topic="raw", number=0, epoch=1, offset=offset, reason="not_json", detail="ü", step="intake", source="",
        key=b"\xff\x00", value=b"\xfe{", size=2, append_ms=APPEND_MS,
    )  # fmt: skip


async def erase(warehouse: Warehouse) -> None:
    """A note of somebody who was erased."""
    row = {"receipt": "r1", "subject": "s1", "erased_ms": 5, "contacts": 1, "version": 2}
    await warehouse.insert(Block("erasures", {name: [value] for name, value in row.items()}))


async def all_of(warehouse: Warehouse) -> dict[str, Any]:
    kept = "SELECT contact_id, id, revision, type, body, p FROM touchline_internal.touchpoints FINAL"
    return {
        **await content(warehouse),
        "letters": await letters(warehouse),
        "erased": await warehouse.query("SELECT receipt, subject, erased_ms FROM touchline_internal.erasures FINAL"),
        "touchpoints": set(await warehouse.query(kept)),
    }


async def test_a_backup_made_while_it_counts_is_restored_and_goes_on_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "STATES_AT_ONCE", 9)
    monkeypatch.setattr(backup, "_CELLS_AT_ONCE", 100)
    monkeypatch.setattr(backup, "_LETTERS_AT_ONCE", 2)
    folder = tmp_path / "backup"
    first = EmbeddedWarehouse(tmp_path / "first")
    working = await Filled(first, CHOSEN.catalogue).start()
    await working.take(STREAM[:THIRD])
    await working.ledger.reject([letter(offset) for offset in (3, 5, 9)])
    await erase(first)
    shares: list[float] = []
    begun = asyncio.Event()

    def told(share: float) -> None:
        shares.append(share)
        begun.set()

    making = asyncio.create_task(back_up(first, folder, CHOSEN, Still(), told))
    await begun.wait()
    await working.take(STREAM[THIRD : 2 * THIRD])  # while it is made
    manifest = await making
    await working.take(STREAM[2 * THIRD :])
    whole = await all_of(first)
    await first.close()  # and is lost

    assert shares[-1] == 1
    assert len({entry.name for entry in manifest.entries}) == len(manifest.entries) > 15
    assert set(manifest.markers) == set(working.engines)
    counted = manifest.markers["touchpoints/0"][0].offset
    assert 0 < counted < working.engines["touchpoints/0"].position

    settings = Settings(data=tmp_path / "second")
    second = EmbeddedWarehouse(settings.data)
    try:
        steps: list[str] = []
        done = await restore(settings, second, folder, lambda step, _: steps.append(step))
        assert (done.outcome.total, done.outcome.partitions) == (0, 4)
        assert done.outcome.cells > 100
        assert done.manifest == manifest
        assert list(dict.fromkeys(steps)) == ["comparing checksums", "reading", "rows for people", "auditing"]
        assert (settings.data / KEPT).read_text() == TEXT
        await refuse_others(second, CHOSEN.catalogue)
        assert {name for name in await swap.there(second) if "_" in name} == {"dead_letters", "rolled_until"}
        # Every worker reads on where it stood then.
        again = await Filled(second, CHOSEN.catalogue).start()
        assert again.engines["touchpoints/0"].position == counted
        await again.replay(STREAM)
        assert await all_of(second) == whole
        assert (await audit_days(second, Rulebook(CHOSEN.catalogue), settle_seconds=0.0)).total == 0
    finally:
        await second.close()


@pytest.mark.server
async def test_a_backup_of_one_server_goes_into_another(tmp_path: Path, warehouse: EmbeddedWarehouse) -> None:
    await filled(warehouse, CHOSEN.catalogue, STREAM)
    await Filled(warehouse, CHOSEN.catalogue).ledger.reject([letter(4)])
    await erase(warehouse)
    held = await all_of(warehouse)
    assert all(held.values()), "there is some of everything"
    await back_up(warehouse, tmp_path / "backup", CHOSEN, Still())
    with clickhouse_server(tmp_path) as server:
        native = NativeWarehouse(Server(server.host, server.port))
        settings = Settings(data=tmp_path / "unused", clickhouse=f"{server.host}:{server.port}")
        done = await restore(settings, native, tmp_path / "backup")
        assert (done.contacts, done.outcome.contacts, done.outcome.total) == (50, 50, 0)
        assert await all_of(native) == held
        await back_up(native, tmp_path / "again", CHOSEN, Still())
        first, second = (backup.read_manifest(tmp_path / name) for name in ("backup", "again"))
        assert (first.markers, first.rows) == (second.markers, second.rows)
        await native.close()


async def test_what_is_no_whole_backup_is_refused_and_nothing_is_changed(
    tmp_path: Path, warehouse: EmbeddedWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, folder = Settings(data=tmp_path / "data"), tmp_path / "backup"
    await Filled(warehouse, CHOSEN.catalogue).start()
    with pytest.raises(CannotStart, match="nothing to back up"):
        await back_up(warehouse, folder, CHOSEN, Still())
    await filled(warehouse, CHOSEN.catalogue, STREAM[:200])
    manifest = await back_up(warehouse, folder, CHOSEN, Still())
    with pytest.raises(CannotStart, match="not empty: a backup needs a folder of its own"):
        await back_up(warehouse, folder, CHOSEN, Still())
    with pytest.raises(CannotStart, match="rows already: a backup is restored into an empty"):
        await restore(settings, warehouse, folder)
    for table in swap.NAMES:
        await warehouse.execute(f"TRUNCATE TABLE touchline_internal.{table}")

    damaged = folder / manifest.entries[1].name
    good = damaged.read_bytes()
    damaged.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(CannotStart, match="is not the file that was backed up"):
        await restore(settings, warehouse, folder)
    damaged.unlink()
    with pytest.raises(CannotStart, match="cannot be read"):
        await restore(settings, warehouse, folder)
    damaged.write_bytes(good)

    async def down(*_: Any) -> None:
        raise WarehouseDown("gone")

    with monkeypatch.context() as broken:
        broken.setattr(backups, "audited", down)
        with pytest.raises(WarehouseDown):
            await restore(settings, warehouse, folder)
    assert (await warehouse.query("SELECT count() FROM touchline_internal.ledger"))[0][0] == 0
    assert (await restore(settings, warehouse, folder)).outcome.total == 0

    written = (folder / backup.MANIFEST).read_bytes()
    newer = msgspec.structs.replace(msgspec.json.decode(written, type=backup.Manifest), format=2, touchline="9.9")
    (folder / backup.MANIFEST).write_bytes(msgspec.json.encode(newer))
    with pytest.raises(CannotStart, match=r"format 2 \(of touchline 9\.9\)"):
        await restore(settings, warehouse, folder)
    (folder / backup.MANIFEST).unlink()
    with pytest.raises(CannotStart, match="which is written last"):
        await restore(settings, warehouse, folder)


@pytest.mark.process
def test_a_running_pipeline_is_backed_up_by_its_command_and_restored_by_another(tmp_path: Path) -> None:
    file = write(tmp_path / "stream.jsonl", STREAM[:500])
    data, other, folder = tmp_path / "data", tmp_path / "other", tmp_path / "backup"
    with running("run", data=data):
        counted = replay(file, data=data)
        requested = sum(row["requested"] for row in counted["numbers"])
        made = touchline("backup", str(folder), "--data", str(data))
        assert made.returncode == 0, made.stderr
        assert "touchline restore" in made.stdout
    restored = touchline("restore", str(folder), "--data", str(other))
    assert restored.returncode == 0, restored.stderr
    assert "0 differences" in restored.stdout
    assert "touchpoints/0 goes on at offset" in restored.stdout
    held = rows("SELECT toUInt32(sum(requested)) AS requested FROM touchline.measures", other)
    assert held == [{"requested": requested}]
