"""Plan and apply: what is declared gets there, a second plan is empty, and no row is lost on the way."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from pipeline.io.clickhouse import NativeWarehouse
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.schema import Declared, SchemaRefused, apply, ensure, plan, skipped
from pipeline.ports import Block
from schemas.tables import Column, MeasureColumn, Retention, Table, Ttl, measure_key, tables
from schemas.view import Setting
from schemas.views import views
from tests.warehouse.conftest import AnyWarehouse

OFFERED = MeasureColumn("offered", measure_key("offered"), "Wait began")
ANSWERED = MeasureColumn("answered", measure_key("answered"), "A person's answer")
OPEN = MeasureColumn("wait_open_ms", measure_key("wait_open_ms"), "Wait in open time, ms", nullable=True)
BUCKETS = MeasureColumn("wait_ms_buckets", measure_key("wait_ms_buckets"), "Waits by duration", histogram=True)
ALL = (OFFERED, ANSWERED, OPEN, BUCKETS)
OPENING = {19_000: [(480, 720), (780, 1_080)], 19_001: []}


def declared(measures: Sequence[MeasureColumn] = ALL, **changes: Any) -> Declared:
    retention = changes.pop("retention", Retention(contacts=400, resolutions=400, dead_letters=14, touchpoints=90))
    return Declared(
        tables(measures, retention, store_touchpoints=True),
        views(measures, Setting(zone="Europe/Berlin", opening=True, touchpoints=True)),
        changes.pop("opening", OPENING),
    )


def replaced(wanted: Declared, name: str, **changes: Any) -> Declared:
    """One table declared otherwise."""
    changed = [msgspec.structs.replace(table, **changes) if table.name == name else table for table in wanted.tables]
    return msgspec.structs.replace(wanted, tables=changed)


async def write(warehouse: AnyWarehouse, table: str = "ledger", **columns: list[Any]) -> None:
    """A row learned in 2096: no retention touches it."""
    learned = {"contacts": "revised_ms", "resolutions": "revised_ms", "touchpoints": "append_ms"}
    times = {learned[table]: [4_000_000_000_000]} if table in learned else {}
    await warehouse.insert(Block(table, {"p": ["t/0"], "version": [1], **times, **columns}))


@pytest.mark.asyncio
async def test_everything_is_created_and_a_second_plan_is_empty(warehouse: AnyWarehouse) -> None:
    steps = await ensure(warehouse, declared())
    assert any("CREATE DATABASE touchline_internal" in step.sql for step in steps)
    assert not any(step.dangerous for step in steps)
    assert await plan(warehouse, declared()) == []


@pytest.mark.asyncio
async def test_an_added_measure_is_one_alter_and_old_cells_have_it(warehouse: AnyWarehouse) -> None:
    await ensure(warehouse, declared((OFFERED,)))
    await write(warehouse, kind=[1], resolution=[2], keys=[[OFFERED.key, ANSWERED.key]], values=[[2, 1]])
    steps = await plan(warehouse, declared())
    is_old = isinstance(warehouse, NativeWarehouse)
    altered = [step.sql.partition("\n")[0] for step in steps if step.sql.startswith("ALTER TABLE")]
    assert altered[:1] == [f"ALTER TABLE touchline_internal.{'ledger' if is_old else 'rolled'}"]
    await apply(warehouse, steps)
    assert await plan(warehouse, declared()) == []
    place = "touchline_internal.ledger" if is_old else "touchline.measures_hour"
    assert await warehouse.query(f"SELECT offered, answered FROM {place}") == [(2, 1)]


@pytest.mark.asyncio
async def test_an_added_stored_column_and_a_new_comment(warehouse: AnyWarehouse) -> None:
    await ensure(warehouse, declared())
    old = next(table for table in declared().tables if table.name == "contacts")
    columns = (
        msgspec.structs.replace(old.columns[0], comment="The contact's 'id' \\ \n"),
        *old.columns[1:],
        Column("mood", "Nullable(Int64)", "New"),
    )
    wanted = replaced(declared(), "contacts", columns=columns)
    assert len(await ensure(warehouse, wanted)) in {2, 3}
    assert await plan(warehouse, wanted) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"order_by": ("contact_id",)}, r"contacts is sorted by \(contact_id, p\) instead of \(contact_id\)"),
        ({"partition_by": ""}, r"contacts is partitioned by \(p\) instead of \(\)"),
        ({"engine": "ReplacingMergeTree(revised_ms)"}, "contacts has engine ReplacingMergeTree"),
        ({"columns": None}, "contacts has column transfers as UInt32 instead of Int8"),
    ],
)
async def test_what_would_lose_rows_is_refused_and_an_empty_table_made_anew(
    warehouse: AnyWarehouse, changes: dict[str, Any], says: str
) -> None:
    await ensure(warehouse, declared())
    old = next(table for table in declared().tables if table.name == "contacts")
    if "columns" in changes:
        changed = [Column(c.name, "Int8", c.comment) if c.name == "transfers" else c for c in old.columns]
        changes = {"columns": tuple(changed)}
    wanted = replaced(declared(), "contacts", **changes)
    await write(warehouse, "contacts", contact_id=["a"])
    with pytest.raises(SchemaRefused, match=says):
        await plan(warehouse, wanted)
    assert await warehouse.query("SELECT contact_id FROM touchline_internal.contacts") == [("a",)]
    await warehouse.execute("TRUNCATE TABLE touchline_internal.contacts")
    await ensure(warehouse, wanted)
    assert await plan(warehouse, wanted) == []


@pytest.mark.server
@pytest.mark.asyncio
async def test_a_stale_alias_is_computed_anew(native: NativeWarehouse) -> None:
    await ensure(native, declared())
    await write(native, kind=[1], keys=[[OFFERED.key]], values=[[2]])
    await native.execute("ALTER TABLE touchline_internal.ledger MODIFY COLUMN offered Int64 ALIAS values[1] + 5")
    assert len(await ensure(native, declared())) == 1
    assert await native.query("SELECT offered FROM touchline_internal.ledger") == [(2,)]


@pytest.mark.asyncio
async def test_a_ledger_with_computed_columns_loses_them_where_there_are_views_and_nothing_else(
    embedded: EmbeddedWarehouse,
) -> None:
    await ensure(embedded, declared())
    await write(embedded, kind=[1], keys=[[OFFERED.key]], values=[[2]])
    before = await embedded.query("SELECT * FROM touchline_internal.ledger")
    await embedded.execute(
        "ALTER TABLE touchline_internal.ledger ADD COLUMN offered Int64 ALIAS values[1], ADD COLUMN mine Int64 ALIAS 7"
    )
    (step,) = await ensure(embedded, declared())
    assert (step.sql.split(), step.dangerous) == (
        ["ALTER", "TABLE", "touchline_internal.ledger", "DROP", "COLUMN", "`offered`"],
        False,
    )
    assert await embedded.query("SELECT mine FROM touchline_internal.ledger") == [(7,)]
    assert await embedded.query("SELECT * FROM touchline_internal.ledger") == before


@pytest.mark.asyncio
async def test_undeclared_tables_are_left_alone(warehouse: AnyWarehouse) -> None:
    await ensure(warehouse, declared())
    await write(warehouse, "touchpoints", contact_id=["a"])
    without = Declared([table for table in declared().tables if table.name != "touchpoints"])
    await ensure(warehouse, without)
    assert await warehouse.query("SELECT contact_id FROM touchline_internal.touchpoints") == [("a",)]


@pytest.mark.asyncio
async def test_an_old_server_gets_no_views_and_says_so(native: NativeWarehouse) -> None:
    await ensure(native, declared())
    assert "ClickHouse 18.16 is too old for the views" in await skipped(native, declared())
    assert await native.query("SELECT count() FROM system.tables WHERE database = 'touchline'") == [(0,)]


@pytest.mark.asyncio
async def test_shorter_retention_is_dangerous_only_where_there_are_rows(embedded: EmbeddedWarehouse) -> None:
    await ensure(embedded, declared())
    shorter = declared(retention=Retention(contacts=30, resolutions=400, dead_letters=14, touchpoints=90))
    assert [step.dangerous for step in await plan(embedded, shorter)] == [False]
    await write(embedded, "contacts", contact_id=["a"])
    with pytest.raises(SchemaRefused, match="keeps its rows 30 days"):
        await ensure(embedded, shorter)
    longer = declared(retention=Retention(contacts=500, resolutions=400, dead_letters=14))
    assert [step.dangerous for step in await plan(embedded, longer)] == [False, False]
    await ensure(embedded, longer)
    assert await plan(embedded, longer) == []
    await apply(embedded, await plan(embedded, shorter), allow_dangerous=True)
    assert [step.sql for step in await plan(embedded, shorter)] == []


@pytest.mark.asyncio
async def test_opening_hours_and_views_follow_their_declaration(embedded: EmbeddedWarehouse) -> None:
    await ensure(embedded, declared())
    assert await skipped(embedded, declared()) == ""
    later = declared(opening={**OPENING, 19_002: [(0, 1_440)]})
    (step,) = await ensure(embedded, later)
    assert "opening hours" in step.why
    assert await plan(embedded, later) == []
    other = declared((OFFERED, ANSWERED, OPEN))
    steps = await plan(embedded, msgspec.structs.replace(other, opening=later.opening))
    assert {step.why for step in steps} >= {"view touchline.measures is defined otherwise"}
    await apply(embedded, steps)
    fewer = msgspec.structs.replace(other, views=other.views[:3], opening=later.opening)
    assert {step.sql for step in await plan(embedded, fewer)} == {
        f"DROP VIEW touchline.{view.name}" for view in other.views[3:]
    }


@pytest.mark.asyncio
async def test_a_foreign_table_in_the_place_of_a_view_is_refused(embedded: EmbeddedWarehouse) -> None:
    await embedded.execute("CREATE DATABASE touchline")
    await embedded.execute("CREATE TABLE touchline.contacts (a UInt8) ENGINE = Memory")
    with pytest.raises(SchemaRefused, match=r"touchline\.contacts should be a view"):
        await ensure(embedded, declared())


@pytest.mark.asyncio
async def test_rows_past_retention_go(embedded: EmbeddedWarehouse) -> None:
    table = Table(
        "short", "Rows go", (Column("at_ms", "Int64", "When"), Column("version", "UInt64", "Version")), ("at_ms",),
        ttl=Ttl("at_ms", 1, "at_ms > 0"),
    )  # fmt: skip
    await ensure(embedded, Declared([table]))
    await embedded.insert(Block("short", {"at_ms": [0, 1, 4_000_000_000_000], "version": [1, 1, 1]}))
    await embedded.execute("OPTIMIZE TABLE touchline_internal.short FINAL")
    assert await embedded.query("SELECT at_ms FROM touchline_internal.short ORDER BY at_ms") == [
        (0,),
        (4_000_000_000_000,),
    ]
    assert await plan(embedded, Declared([table])) == []


async def mutated(warehouse: EmbeddedWarehouse) -> None:
    """What is done in the background is done: it tells nobody."""
    while await warehouse.query("SELECT command FROM system.mutations WHERE NOT is_done"):  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@pytest.mark.asyncio
async def test_contacts_of_an_older_ledger_get_what_who_waits_is_found_by(embedded: EmbeddedWarehouse) -> None:
    (contacts,) = [table for table in declared().tables if table.name == "contacts"]
    plain = tuple(column for column in contacts.columns if not column.computed)
    older = replaced(declared(), "contacts", columns=plain, indexes=())
    await ensure(embedded, msgspec.structs.replace(older, views=()))
    far_ms = 4_000_000_000_000
    for name, version, ended in (("waits", [1], [None]), ("waited", [1], [None]), ("waited", [2], [5])):
        ids: dict[str, list[Any]] = {"contact_id": [name], "version": version, "wait_ended_ms": ended}
        await write(embedded, "contacts", wait_began_ms=[0], target_ms=[far_ms], **ids)
    steps = await ensure(embedded, declared())
    whys = [step.why for step in steps if "contacts" in step.why and "view" not in step.why]
    assert whys[0] == "touchline_internal.contacts lacks waits, waits_until_ms, hashed"
    assert await embedded.query("SELECT sum(undecided) FROM touchline.sums_now") == [(1,)]
    await mutated(embedded)
    assert await plan(embedded, declared()) == []
    asked = "SELECT sum(undecided) FROM touchline.sums_now"
    assert await embedded.query(asked) == [(1,)]
    many = (
        "INSERT INTO touchline_internal.contacts (contact_id, p, wait_began_ms, target_ms, wait_ended_ms, revised_ms,"
        f" version) SELECT toString(number % 30000), 't/0', 0, {far_ms}, if(number % 1000 = 0 AND {{waits}}, NULL, 1),"
        f" {far_ms}, 10 + number FROM numbers({{since}}, {{n}})"
    )
    await embedded.execute(many.format(waits=1, since=0, n=30_000))
    who = "SELECT hashed FROM touchline_internal.contacts WHERE waits_until_ms >= 1"
    told = "\n".join(line for (line,) in await embedded.query(f"EXPLAIN {who}"))
    assert "ReadFromMergeTree (waiting)" in told
    assert await embedded.query(asked) == [(31,)]
    await embedded.execute(many.format(waits=0, since=30_000, n=15_000))
    assert await embedded.query(asked) == [(16,)]
    await embedded.execute("OPTIMIZE TABLE touchline_internal.contacts FINAL")
    assert await embedded.query(asked) == [(16,)]
    await embedded.execute(many.format(waits=1, since=0, n=15_000))  # written again, late
    assert await embedded.query(asked) == [(16,)]


@pytest.mark.asyncio
async def test_columns_that_were_packed_otherwise_are_packed_as_declared(embedded: EmbeddedWarehouse) -> None:
    (rolled,) = [table for table in declared().tables if table.name == "rolled"]
    plain = tuple(msgspec.structs.replace(column, codec="") for column in rolled.columns)
    await ensure(embedded, replaced(declared(), "rolled", columns=plain))
    (step,) = await ensure(embedded, declared())
    assert step.why.startswith("touchline_internal.rolled packs resolution, whole, window_s, ")
    assert await plan(embedded, declared()) == []
    codecs = "SELECT DISTINCT compression_codec FROM system.columns WHERE table = 'rolled' ORDER BY 1"
    assert await embedded.query(codecs) == [("CODEC(LZ4)",), ("CODEC(T64, LZ4)",)]


@pytest.mark.asyncio
async def test_tables_without_their_indexes_get_them_for_the_rows_they_have(embedded: EmbeddedWarehouse) -> None:
    before = replaced(replaced(declared(), "ledger", indexes=()), "contacts", indexes=())
    await ensure(embedded, before)
    await write(embedded, kind=[1], resolution=[2], keys=[[OFFERED.key]], values=[[2]])
    steps = await ensure(embedded, declared())
    assert [step.why for step in steps] == [
        "touchline_internal.ledger lacks index learned",
        "touchline_internal.ledger lacks index learned",
        "touchline_internal.contacts has other settings",
        "touchline_internal.contacts lacks projection waiting",
        "touchline_internal.contacts lacks projection waiting",
    ]
    await mutated(embedded)
    parts = await embedded.query(
        "SELECT secondary_indices_compressed_bytes > 0 FROM system.parts WHERE active AND table = 'ledger'"
    )
    assert parts == [(1,)]
    assert await plan(embedded, declared()) == []
    assert await embedded.query("SELECT offered FROM touchline.measures_hour") == [(2,)]
