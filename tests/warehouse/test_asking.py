"""What answers are made from, read from both warehouses; and what was known at an earlier moment."""

import time
from typing import Any

import msgspec
import pytest

from pipeline.answers import morning
from pipeline.answers.sums import added, sums
from pipeline.app.answering import explained
from pipeline.app.declared import declared
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, MINUTE
from pipeline.io import asking, knowing, mornings
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import ensure
from pipeline.ports import WarehouseRefused
from schemas.catalogue import Catalogue, load
from tests.answers.stored import Stored, store
from tests.measures.scenes import MONDAY_MS, contact
from tests.warehouse.conftest import AnyWarehouse

CATALOGUE = load("zone: Europe/Berlin\n", "asking")
RULEBOOK = Rulebook(CATALOGUE)
KEEPING = load("zone: Europe/Berlin\nsettings: {store_touchpoints: 90d}\n", "keeping")
NOW_MS = time.time_ns() // 1_000_000
HOUR_MS = 3_600_000
LEARNED_FIRST = (NOW_MS // HOUR_MS - 5) * HOUR_MS + 600_000
LEARNED_LATER = (NOW_MS // HOUR_MS - 2) * HOUR_MS + 600_000
KNOWN = NOW_MS // HOUR_MS - 3
"""An hour of append time between the two."""

SALES: dict[str, Any] = {"queue": "sales"}
FIRST = [
    *contact(
        ("contact.queued", 0, SALES), ("contact.answered", 10), ("contact.closed", 90), name="a", customer_id="k'1"
    ),
    *contact(("contact.queued", 5, SALES), name="böse'\\x\"", customer_id="k'1"),
    *contact(("contact.requested", 9), name="mail", channel="email", queue="sales"),
    *contact(("promise.made", 20, {"promise_id": "p", "due": MONDAY_MS + 60_000}), name="promise", customer_id="k2"),
]
LATER = [
    *contact(("contact.abandoned", 100), name="böse'\\x\"", customer_id="k'1"),
    *contact(("contact.queued", 200, SALES), ("contact.answered", 500), name="b", customer_id="k'1"),
]
LATER[0]["id"] = "left"


async def filled(warehouse: AnyWarehouse, catalogue: Catalogue = CATALOGUE) -> Stored:
    await ensure(warehouse, declared(catalogue, 2026))
    stored = store([(LEARNED_FIRST, FIRST), (LEARNED_LATER, LATER)], Rulebook(catalogue))
    ledger = SqlLedger(warehouse)
    for flush in stored.flushes:
        await ledger.commit(flush.ledger)
        for table, columns in (*flush.evidence, *flush.published):
            await ledger.publish(table, flush.partition, columns)
    return stored


@pytest.mark.asyncio
async def test_cells_contacts_facts_and_names_come_back_as_they_were_folded(
    warehouse: AnyWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = await filled(warehouse)
    found = await asking.cells(warehouse, MINUTE, 0, 1 << 32)
    counted: dict[Any, list[dict[int, int]]] = {}
    for (_, resolution, *window, _, _, _), (_, cell) in stored.cells.rows.items():
        if resolution == MINUTE and cell:
            counted.setdefault(tuple(window), []).append(cell)
    assert {k: v for k, v in found.items() if any(v.values())} == {
        k: total for k, cells in counted.items() if any((total := added(cells)).values())
    }
    monkeypatch.setattr(asking, "_STATES_AT_ONCE", 2)
    parts = [part async for part in asking.contacts(warehouse, 0)]
    assert sorted(len(part) for part in parts if part) == [1, 2, 2]
    assert {each.contact_id for part in parts for each in part} == set(stored.contacts)
    assert [part async for part in asking.contacts(warehouse, MONDAY_MS + 10**9) if part] == []
    for name, expected in stored.contacts.items():
        one = await asking.contact(warehouse, name)
        assert one is not None
        assert one.pack() == expected.pack()
    assert await asking.contact(warehouse, "nobody") is None
    facts = await asking.facts(warehouse, "k'1")
    assert {each.contact_id: each for each in facts} == {each.contact_id: each for each in stored.facts["k'1"]}
    assert await asking.facts(warehouse, "k") == []
    names = await asking.names(warehouse)
    assert (names.channels, names.queues) == ({"phone", "email"}, {"sales", "unknown"})
    day = RULEBOOK.zone.ordinal(MONDAY_MS)
    assert await asking.days(warehouse, RULEBOOK) == (day, day)
    assert await asking.data_until_ms(warehouse) == MONDAY_MS + 500_000


@pytest.mark.asyncio
async def test_a_contact_as_it_was_known_then_from_the_touchpoints_kept(warehouse: AnyWarehouse) -> None:
    stored = await filled(warehouse, KEEPING)
    left, unchanged, new = stored.contacts["böse'\\x\""], stored.contacts["a"], stored.contacts["b"]
    known_ms = KNOWN * HOUR_MS
    then = await asking.contact_then(warehouse, left, known_ms, CATALOGUE.channels)
    assert then.contact is not None
    assert [touch.id for touch in then.contact.touches] == [left.touches[0].id]
    assert [touch.id for touch in left.touches][1:] == ["left"]
    assert (await asking.contact_then(warehouse, unchanged, known_ms, CATALOGUE.channels)).contact is unchanged
    assert (await asking.contact_then(warehouse, new, known_ms, CATALOGUE.channels)).contact is None
    whole = await asking.contact_then(warehouse, new, NOW_MS, CATALOGUE.channels)
    assert whole.contact is new
    told = await explained(warehouse, Rulebook(KEEPING), left.contact_id, NOW_MS, known_ms)
    assert told is not None
    assert (told.is_open, len(told.steps)) == (True, 1)
    assert {"told_then", "unknown_facts_then"} <= {did.what for did in told.unknown}


@pytest.mark.asyncio
async def test_where_they_are_not_kept_it_says_so(embedded: EmbeddedWarehouse) -> None:
    stored = await filled(embedded)
    with pytest.raises(WarehouseRefused, match="how it was then is not kept: store_touchpoints"):
        await asking.contact_then(embedded, stored.contacts["b"], KNOWN * HOUR_MS, CATALOGUE.channels)


@pytest.mark.asyncio
async def test_who_waits_within_the_target_is_undecided_until_it_is_over(warehouse: AnyWarehouse) -> None:
    await filled(warehouse)
    early = await asking.undecided(warehouse, 0, NOW_MS, MONDAY_MS + 60_000)
    assert early == {("email", "sales", "unknown"): {"responses_undecided": 1}}
    assert await asking.undecided(warehouse, 0, NOW_MS, NOW_MS) == {}


@pytest.mark.asyncio
async def test_the_morning_is_read_from_both_and_the_old_server_says_what_it_cannot_tell(
    warehouse: AnyWarehouse,
) -> None:
    await filled(warehouse)
    day = RULEBOOK.zone.ordinal(MONDAY_MS)
    found = await mornings.material(warehouse, RULEBOOK, day, NOW_MS)
    total = sums(added(found.cells.values()))
    assert (total["offered"], total["answered"], total["abandoned"], total["promises_due"]) == (3, 2, 1, 1)
    assert sum(sums(added(cells.values()))["offered"] for cells in found.hours.values()) == 3
    assert [each.contact_id for each in found.waits] == ["b", "böse'\\x\""]
    assert [(each.contact_id, each.outcome) for each in found.replies] == [("mail", "waiting")]
    if isinstance(warehouse, EmbeddedWarehouse):
        assert found.promises is not None
        assert [(each.kind, each.due, each.kept) for each in found.promises] == [("other", 1, 0)]
        assert found.risk is not None
    else:
        assert (found.promises, found.risk) == (None, None)
    assert morning.build(found, RULEBOOK, "de").sections


@pytest.mark.asyncio
async def test_what_each_measure_was_before_an_hour_and_is_now(warehouse: AnyWarehouse) -> None:
    await filled(warehouse)
    from pipeline.measures import ALL

    names = {measure.key: measure.name for measure in ALL}

    async def learned(hour: int) -> dict[str, tuple[int, int]]:
        rows = await knowing.learned(warehouse, hour, " AND queue = %(queue)s", {"queue": "sales"})
        return {names[row.cell_key]: (row.known, row.present) for row in rows if row.cell_key in names}

    between = await learned(KNOWN)
    assert between["offered"] == (2, 3)
    assert between["abandoned"] == (0, 1)
    assert between["wait_ms"] == (10_000, 310_000)
    assert (await learned(0))["offered"] == (0, 3)
    assert all(known == present for known, present in (await learned(NOW_MS // HOUR_MS + 1)).values())


@pytest.mark.asyncio
async def test_every_view_can_be_asked_as_of_then_and_says_what_it_left_out(embedded: EmbeddedWarehouse) -> None:
    await filled(embedded)
    for name in await knowing.views(embedded):
        await knowing.view(embedded, name, KNOWN, "", 10, "JSONEachRow")

    async def rows(name: str, where: str = "", limit: int = 100, hour: int = KNOWN) -> list[dict[str, Any]]:
        answer = await knowing.view(embedded, name, hour, where, limit, "JSONEachRow")
        return [msgspec.json.decode(line) for line in answer.content.splitlines()]

    (day,) = await rows("measures_day", "queue = 'sales' AND channel = 'phone'")
    assert (int(day["offered"]), int(day["answered"]), int(day["abandoned"])) == (2, 1, 0)
    answer = await knowing.view(embedded, "contacts", KNOWN, "", 2, "JSONEachRow")
    (source,) = [each for each in answer.sources if each.table == "contacts"]
    assert (source.same, source.revised) == (3, 2), "revised since, or come since: how they were is not kept"
    assert answer.cut
    assert {row["contact_id"] for row in await rows("contacts")} == {"a", "mail", "promise"}
    assert len(await rows("contacts", hour=NOW_MS // HOUR_MS + 1)) == 5
    with pytest.raises(WarehouseRefused, match="there is no view 'nothing'; there are"):
        await rows("nothing")
    with pytest.raises(WarehouseRefused):
        await rows("contacts", "no such column = 1")


@pytest.mark.asyncio
@pytest.mark.server
async def test_an_old_server_has_no_views_to_ask(native: AnyWarehouse) -> None:
    await filled(native)
    assert await knowing.views(native) == []
    assert await asking.cells(native, DAY, 0, 1 << 32, before_hour=0) == {}
