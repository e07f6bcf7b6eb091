"""The call-back list: who gave up and was not reached since, on both warehouses."""

import pytest

from pipeline.app.declared import declared
from pipeline.core.rules import Rulebook
from pipeline.io.missed import missed
from pipeline.io.schema import ensure
from pipeline.live.inputs import CallBack
from pipeline.ports import Block
from schemas.catalogue import load
from tests.core.harness import contact_engine, record_of
from tests.measures.scenes import HOUR, MONDAY_MS, contact
from tests.oracle import Arrival
from tests.warehouse.conftest import AnyWarehouse


@pytest.mark.asyncio
async def test_who_gave_up_and_was_not_reached_since(warehouse: AnyWarehouse) -> None:
    catalogue = load("zone: UTC", "test")
    await ensure(warehouse, declared(catalogue, 2026))
    gave_up = (("contact.queued", 0), ("contact.abandoned", 90))
    contacts = [
        contact(*gave_up, name="ann's", customer_id="ann", queue="sales"),
        contact(("contact.answered", 90), name="before", customer_id="ann"),
        contact(*gave_up, name="bob's", customer_id="bob", queue="sales"),
        contact(("outreach.sent", HOUR), name="after", customer_id="bob", direction="outbound"),
        contact(*gave_up, name="stranger's", queue="claims"),
        contact(*gave_up, ("message.sent", HOUR), name="answered stranger's", queue="claims"),
        contact(("contact.queued", -HOUR), ("contact.abandoned", -1), name="yesterday's", customer_id="cyd"),
        contact(("contact.requested", 0), ("contact.abandoned", 90), name="in the menu", customer_id="dan"),
    ]
    engine = contact_engine(Rulebook(catalogue))
    told = [touchpoint for each in contacts for touchpoint in each]
    records = [record_of(Arrival("touchpoints/0", n, MONDAY_MS + 10**8, t)) for n, t in enumerate(told)]
    engine.fold(0, len(records), records)
    flush = engine.flush()
    assert flush is not None
    for table, columns in flush.published:
        await warehouse.insert(Block(table, columns))
    assert sorted(await missed(warehouse, MONDAY_MS), key=lambda back: back.contact_id) == [
        CallBack("ann's", "phone", "sales", MONDAY_MS + 90_000),
        CallBack("stranger's", "phone", "claims", MONDAY_MS + 90_000),
    ]
    assert len(await missed(warehouse, MONDAY_MS - 10**7)) == 3
    assert await missed(warehouse, MONDAY_MS + 90_001) == []
