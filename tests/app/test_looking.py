"""What the live values of our own partitions are looked at as, and how long they rest then."""

from itertools import count
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from agents.folding import Folding, Pace
from pipeline.app import App, looking
from pipeline.app.looking import REST, Looking
from pipeline.core.contacts import ContactFold
from pipeline.core.engine import Engine
from pipeline.core.poison import Limits
from pipeline.core.rules import Rulebook
from pipeline.io.held import Progress
from pipeline.live import collect
from pipeline.measures import CONTACT_COLUMNS
from pipeline.ports import WarehouseDown
from schemas.catalogue import default
from tests.agents.fakes import FakeClock, FakeLedger, FakeLog, batch, touchpoint, until

NOW_MS = 1_800_000_000_000
PARTITION = "touchpoints/0"


def looks(monkeypatch: pytest.MonkeyPatch, folding: Any, *, lag: int = 0) -> Looking:
    """At this folding alone; every look takes a second."""
    monkeypatch.setattr(looking, "perf_counter", lambda: 100.0)
    monkeypatch.setattr(looking, "thread_time", count(1.0).__next__)
    app: Any = SimpleNamespace(
        rulebook=Rulebook(default()),
        foldings={PARTITION: folding},
        log=SimpleNamespace(generation=1, progress=lambda: [Progress(PARTITION, 10, 10 + lag, 0, 0, False)]),
    )
    return Looking(cast("App", app), simulated=False, not_yet=str, heard=dict, call_backs=tuple)


def rests(monkeypatch: pytest.MonkeyPatch, *, lag: int = 0, behind: bool = False) -> float:
    """For how many seconds, after a look that took one."""
    found = looks(monkeypatch, SimpleNamespace(behind=behind), lag=lag)
    monkeypatch.setattr(found, "partitions", lambda _: ())
    monkeypatch.setattr(found, "_sources", dict)
    found.own(NOW_MS)
    return found.rests_until - 100.0


async def far_behind(left: int) -> tuple[Folding, FakeLedger]:
    """After a first flush, a touchpoint is folded that is later than all before, and the log has so much more."""
    journal: list[Any] = []
    rulebook, ledger = Rulebook(default()), FakeLedger(journal)
    fold = ContactFold(rulebook, CONTACT_COLUMNS, rulebook.catalogue.channels.keys())
    engine = Engine(PARTITION, 1, fold, rulebook.zone, lambda _: "ours", Limits(1_000, 1.0), 20)
    pace = Pace(interval_seconds=1_000, quiet_seconds=1_000, behind_records=10)
    found = Folding(engine, FakeLog(journal, ends=0), ledger, FakeClock(), pace, journal.append)
    await found.start(1)
    await until(lambda: found.flushes == 1)
    await found.handle(batch(PARTITION, 0, touchpoint("a", "contact.requested", 0)))
    await found.flush()
    more = batch(PARTITION, 1, touchpoint("b", "contact.requested", 5))
    await found.handle(msgspec.structs.replace(more, left=left))
    return found, ledger


@pytest.mark.parametrize(("left", "shown", "until_minutes"), [(0, ["a", "b"], 5), (10, ["a"], 0)])
async def test_far_behind_what_was_written_last_is_shown_and_says_until_when_it_goes(
    monkeypatch: pytest.MonkeyPatch, left: int, shown: list[str], until_minutes: int
) -> None:
    folding, _ = await far_behind(left)
    found = looks(monkeypatch, folding, lag=0)
    (state,) = found.partitions(NOW_MS)
    collected = collect(found.state(NOW_MS), NOW_MS)
    assert (sorted(state.open), state.marker.offset) == (shown, 2)
    assert collected.known_until_ms == NOW_MS - 3_600_000 + until_minutes * 60_000
    await folding.stop()


async def test_far_behind_while_the_warehouse_is_away_all_that_is_counted_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folding, ledger = await far_behind(10)
    ledger.down = {"reach", "commit"}
    with pytest.raises(WarehouseDown):
        await folding.flush()
    folding.warehouse_up = False
    (state,) = looks(monkeypatch, folding).partitions(NOW_MS)
    assert (sorted(state.open), state.settled_ms) == (["a", "b"], None)
    ledger.down.clear()
    await folding.stop()


def test_three_times_as_long_as_a_look_took(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rests(monkeypatch, lag=9_999) == REST


def test_much_longer_while_much_is_to_be_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rests(monkeypatch, lag=10_000) == 49


def test_much_longer_while_a_partition_knows_that_it_is_far_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rests(monkeypatch, behind=True) == 49, "where the log ends is asked for every few seconds only"
