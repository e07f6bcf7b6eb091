"""What is shown of the people who serve: head counts from five up; single persons only where it was switched on."""

from collections.abc import Sequence

import pytest

from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.schema import Declared, ensure
from pipeline.ports import Block
from schemas.codec import encode
from schemas.tables import tables
from schemas.touchpoint import Answered, MessageSent, Touchpoint
from schemas.view import Setting
from schemas.views import views

NOON = 1_772_449_200_000
"""2026-03-02 12:00 in Berlin."""


async def kept(embedded: EmbeddedWarehouse, touchpoints: Sequence[Touchpoint], *, agent_figures: bool) -> None:
    setting = Setting(zone="Europe/Berlin", touchpoints=True, agent_figures=agent_figures)
    await ensure(embedded, Declared(tables((), store_touchpoints=True), views((), setting)))
    rows = [
        {
            "contact_id": each.contact_id, "id": each.id, "p": "touchpoints/0", "time_ms": each.time, "version": n + 1,
            "type": str(type(each).__struct_config__.tag), "channel": each.channel, "queue": each.queue or "",
            "agent_id": each.agent_id or "", "body": encode(each).decode(),
        }
        for n, each in enumerate(touchpoints)
    ]  # fmt: skip
    await embedded.insert(Block("touchpoints", {name: [row[name] for row in rows] for name in rows[0]}))


def answers(people: int, queue: str = "sales", at_ms: int = NOON) -> list[Touchpoint]:
    return [
        Answered(
            id=f"{n}",
            time=at_ms,
            contact_id=f"{queue}-{n}",
            channel="phone",
            queue=queue,
            agent_id=f"agent-{n % people}",
        )
        for n in range(2 * people)
    ]


@pytest.mark.asyncio
async def test_head_counts_begin_with_five_people(embedded: EmbeddedWarehouse) -> None:
    bot = MessageSent(id="b", time=NOON, contact_id="x", channel="chat", agent_id="robot", author="bot")
    touchpoints = [*answers(4, "four"), bot, *answers(5, "five", NOON + 12 * 3_600_000)]
    await kept(embedded, touchpoints, agent_figures=False)
    found = await embedded.query("SELECT toString(day), queue, people FROM touchline.head_counts ORDER BY day, queue")
    assert {(day, queue): people for day, queue, people in found} == {
        ("2026-03-02", "four"): None,
        ("2026-03-03", "five"): 5,
    }


@pytest.mark.asyncio
async def test_single_persons_are_not_there_unless_they_were_switched_on(embedded: EmbeddedWarehouse) -> None:
    odd = Answered(id="q", time=NOON, contact_id="c", channel="phone", agent_id='Em"ma, \\ of', topic="bill")
    await kept(embedded, [*answers(5), odd], agent_figures=False)
    text = str(await embedded.query("SELECT * FROM touchline.touchpoints"))
    assert "agent-" not in text
    assert "ma, " not in text
    assert '"topic":"bill"' in text
    names = await embedded.query("SELECT name FROM system.tables WHERE database = 'touchline'")
    assert ("agents",) not in names
    assert ("head_counts",) in names


@pytest.mark.asyncio
async def test_where_they_are_switched_on_single_persons_are_counted(embedded: EmbeddedWarehouse) -> None:
    await kept(embedded, answers(5), agent_figures=True)
    found = await embedded.query("SELECT agent_id, answered, replied, contacts FROM touchline.agents ORDER BY agent_id")
    assert found == [(f"agent-{n}", 2, 0, 2) for n in range(5)]
    assert await embedded.query("SELECT count() FROM touchline.touchpoints WHERE agent_id = 'agent-1'") == [(2,)]
