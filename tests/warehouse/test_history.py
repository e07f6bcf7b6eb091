"""What the page tells of last week is what it showed then; and the SQL it offers gives the numbers it shows."""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import pytest

from pipeline.answers.numbers import PLACE, definitions
from pipeline.app.catalogues import simulated
from pipeline.app.declared import declared
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.history import known
from pipeline.io.schema import ensure
from pipeline.io.simulator.story import story
from pipeline.live.past import past, spans
from pipeline.live.summary import Numbers
from schemas.catalogue import load
from schemas.touchpoint import Touchpoint
from tests.live.world import World
from tests.warehouse import filled
from tests.warehouse.conftest import AnyWarehouse
from tests.warehouse.filled import APPEND_MS, Filled

WEEK_MS = 7 * 86_400_000
INTO_MS = 150_000
"""How far the story has come: many wait, some have left, some were promised a call."""


def plain(touchpoints: Sequence[Touchpoint]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(msgspec.json.encode(each)) for each in touchpoints]


def shown(touchpoints: list[dict[str, Any]], now_ms: int) -> dict[str, Numbers]:
    """The live numbers at a moment, by kind of channel."""
    world = World(simulated())
    world._said = [each for each in touchpoints if each["time"] < now_ms]
    return {total.kind: total.numbers for total in world.summary(now_ms).totals}


async def test_the_past_is_what_was_shown_then(warehouse: AnyWarehouse) -> None:
    catalogue = load(simulated(), "catalogue")
    now_ms = APPEND_MS // 900_000 * 900_000 - 3_600_000  # when a quarter of an hour is over
    start_ms = now_ms - INTO_MS
    today, ago = plain(story(7, start_ms)), plain(story(3, start_ms - WEEK_MS))
    full = await Filled(warehouse, catalogue).start()
    await full.take([*ago, *[each for each in today if each["time"] < now_ms]])
    rulebook = World(simulated()).rulebook
    live, deferred = past(await known(warehouse, rulebook, spans(rulebook, now_ms)), rulebook).kinds
    then = shown(ago, now_ms - WEEK_MS)
    assert live.week_ago is not None
    assert deferred.week_ago is not None
    assert then["live"].waiting_now > 20
    for name in ("waiting_now", "longest_wait_ms", "promises_overdue_now"):
        assert getattr(live.week_ago, name) == getattr(then["live"], name), name
    assert live.week_ago.offered == then["live"].today.offered
    assert deferred.week_ago.unanswered_now == then["deferred"].unanswered_now > 0
    assert deferred.week_ago.oldest_unanswered_ms == then["deferred"].oldest_unanswered_ms
    assert deferred.week_ago.first_responses_due == then["deferred"].today.first_responses_due
    # Who waited then within target still is decided by now, and counts.
    final = shown(ago, start_ms - WEEK_MS + 180_000)["live"].today
    assert live.week_ago.service_level is not None
    assert 0 < live.week_ago.service_level <= 1
    assert final.abandon_ratio is not None

    now = shown([*ago, *today], now_ms)
    lines = {line.name: line for each in (live, deferred) for line in each.lines}
    assert lines["waiting"].values[-1] == now["live"].waiting_now
    assert lines["unanswered"].values[-1] == now["deferred"].unanswered_now
    assert sum(value or 0 for value in lines["offered"].values) == now["live"].today.offered
    assert sum(value or 0 for value in lines["messages"].values) == now["deferred"].today.first_responses_due
    minute = (start_ms - WEEK_MS - 600_000) // 60_000 * 60_000
    at = shown(ago, minute)["live"].waiting_now
    index = (minute + WEEK_MS - lines["waiting"].from_ms) // 60_000 - 1
    assert lines["waiting"].week_ago[index] == at


@pytest.mark.timeout(300)
async def test_every_sql_gives_the_number_shown(embedded: EmbeddedWarehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = load(simulated(), "catalogue")
    now_ms = time.time_ns() // 1_000_000
    monkeypatch.setattr(filled, "APPEND_MS", now_ms)
    made = [each for each in plain(story(7, now_ms - INTO_MS)) if each["time"] < now_ms]
    full = await Filled(embedded, catalogue).start()
    await ensure(embedded, declared(catalogue, 2026))  # the views, too
    await full.take(made)
    found = definitions(catalogue, "de")
    numbers = shown(made, now_ms)
    answers: dict[tuple[str, str], Any] = {}
    for name, said in found.numbers.items():
        kind = "deferred" if "respon" in name or "unanswered" in name else "live"
        names = ", ".join(f"'{channel}'" for channel in found.channels[kind])
        for period, sql in said.sql.items():
            assert PLACE in sql
            ((value, *_),) = await embedded.query(sql.replace(PLACE, f" AND channel IN ({names})"))
            answers[name, period] = value
    same_day = datetime.now(tz=None).hour > 0  # noqa: DTZ005  (the story's morning may have begun yesterday)
    live, deferred = numbers["live"], numbers["deferred"]
    assert answers["waiting_now", "now"] == live.waiting_now > 20
    assert answers["overdue_now", "now"] >= live.overdue_now > 10
    assert answers["longest_wait_ms", "now"] >= live.longest_wait_ms
    assert answers["unanswered_now", "now"] == deferred.unanswered_now > 0
    assert answers["in_conversation_now", "now"] == live.in_conversation_now
    assert answers["promises_due_soon", "now"] == live.promises_due_soon > 0
    assert answers["promises_overdue_now", "now"] >= live.promises_overdue_now
    assert answers["fcr_provisional", "days"] == live.fcr_provisional.ratio if live.fcr_provisional else True
    if same_day:
        assert answers["offered", "today"] == live.today.offered
        assert answers["service_level", "today"] == pytest.approx(live.today.service_levels["sl_net"], abs=0.03)
        assert answers["abandon_ratio", "today"] == pytest.approx(live.today.abandon_ratio)
        assert answers["asa_ms", "today"] == pytest.approx(live.today.asa_ms, abs=1)
        assert answers["first_responses_due", "today"] == deferred.today.first_responses_due
        assert answers["not_called_back_today", "today"] == live.not_called_back_today > 0  # type: ignore[operator]
