"""Folding: the steps of a flush in their order, and what happens where one of them does not work."""

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from agents import folding
from agents.folding import Folding, LogLost, Pace, pace_of, recover
from agents.turns import Turns
from pipeline.core import contacts, engine
from pipeline.core.contact import Contact, unpack
from pipeline.core.contacts import ContactFold
from pipeline.core.engine import Engine, NewerLog, OtherDefinitions
from pipeline.core.poison import Limits
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CONTACT, MARKER, Marker, Recovered, StateRow, version_of
from pipeline.core.told import Told
from pipeline.measures import CONTACT_COLUMNS
from schemas.catalogue import default
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.topics import CONTACT_FACTS, DEAD_LETTERS, TOUCHPOINTS
from tests.agents.fakes import NOTHING, NOW_MS, FakeClock, FakeLedger, FakeLog, Step, batch, touchpoint, until

PARTITION = "touchpoints/0"
QUICK = Pace(interval_seconds=0.001, retry_seconds=0.001, most_retry_seconds=0.01)
PATIENT = Pace(interval_seconds=1_000, quiet_seconds=1_000, flush_rows=1_000_000)
"""Flushes at the start and at the end only."""
_CATALOGUE = default()
KEEPING = msgspec.structs.replace(
    _CATALOGUE, settings=msgspec.structs.replace(_CATALOGUE.settings, store_touchpoints_ms=90 * 86_400_000)
)


class Scene:
    """One partition of touchpoints, its log and its ledger."""

    def __init__(self, pace: Pace = QUICK, *, recovered: Recovered = NOTHING, limits: Limits | None = None) -> None:
        self.journal: list[Step] = []
        self.log = FakeLog(self.journal)
        self.ledger = FakeLedger(self.journal, recovered)
        self.bugs: list[BaseException] = []
        rulebook = Rulebook(KEEPING)
        fold = ContactFold(rulebook, CONTACT_COLUMNS, rulebook.catalogue.channels.keys())
        limits = limits or Limits(1_000, 1.0)
        self.engine = Engine(PARTITION, 1, fold, rulebook.zone, lambda _: "ours", limits, 20)
        self.folding = Folding(self.engine, self.log, self.ledger, FakeClock(), pace, self.bugs.append)

    async def started(self) -> "Scene":
        """Recovered, and the first marker written."""
        await self.folding.start(1)
        await until(lambda: self.folding.flushes == 1)
        self.journal.clear()
        self.ledger.blocks.clear()
        return self

    async def recovered(self, *, accept_loss: bool = False) -> None:
        await recover(self.engine, self.log, self.ledger, FakeClock(), 1, accept_loss=accept_loss)

    def contacts(self) -> list[list[str]]:
        """The contacts of every block that was committed."""
        return [
            sorted(key for kind, key in zip(block["kind"], block["key"], strict=True) if kind == CONTACT)
            for block in self.ledger.blocks
        ]

    def up(self) -> bool:
        """What the folding says of the warehouse."""
        return self.folding.warehouse_up

    def marker(self) -> Marker:
        """The marker of the last block."""
        block = self.ledger.blocks[-1]
        return msgspec.json.decode(block["state"][list(block["kind"]).index(MARKER)], type=Marker)


NewScene = Callable[..., Scene]


@pytest.fixture
async def new() -> AsyncIterator[NewScene]:
    """Makes scenes whose folding ends with the test."""
    scenes: list[Scene] = []

    def make(pace: Pace = QUICK, **more: Recovered | Limits) -> Scene:
        scenes.append(Scene(pace, **more))  # type: ignore[arg-type]
        return scenes[-1]

    yield make
    for scene in scenes:
        scene.ledger.down.clear()
        scene.ledger.gate.set()
        await scene.folding.stop()


def at(offset: int, *, version: int | None = None, fingerprint: str = "ours") -> Recovered:
    """A ledger that stands at this offset."""
    marker = Marker(offset=offset, fingerprint=fingerprint, facts_epoch=1)
    return Recovered(marker, version_of(1, offset) if version is None else version, (), ())


# ---- the steps of a flush


async def test_letters_and_facts_are_kept_before_the_commit_and_rows_for_people_after_it(new: NewScene) -> None:
    scene = await new().started()
    told = touchpoint("k", "contact.requested", customer_id="c")
    await scene.folding.handle(batch(PARTITION, 0, told, b"{"))
    await until(lambda: scene.journal[-1:] == [("durable", PARTITION, 2)])
    assert scene.journal == [
        ("reject", 1),
        ("produce", DEAD_LETTERS, 1),
        ("publish", "touchpoints"),
        ("produce", CONTACT_FACTS, 1),
        ("commit", len(scene.ledger.blocks[0]["kind"])),
        ("publish", "contacts"),
        ("durable", PARTITION, 2),
    ]
    assert scene.contacts() == [["k"]]
    assert (scene.marker().offset, scene.marker().applied, scene.marker().rejected) == (2, 1, {"not_json": 1})
    assert scene.log.produced[CONTACT_FACTS][0].key == b"c"


async def test_many_facts_are_produced_in_chunks_each_acknowledged(
    new: NewScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folding, "_CHUNK", 2_000)
    scene = await new(PATIENT).started()
    told = [touchpoint(f"k{n}", "contact.requested", customer_id=f"c{n}") for n in range(4_500)]
    await scene.folding.handle(batch(PARTITION, 0, *told))
    await scene.folding.stop()
    assert [step[2] for step in scene.journal if step[:2] == ("produce", CONTACT_FACTS)] == [2_000, 2_000, 500]
    assert len(scene.ledger.blocks) == 1


@pytest.mark.parametrize("method", ["reject", "publish", "commit"])
async def test_what_the_warehouse_did_not_take_is_written_again_with_what_came_since(
    new: NewScene, method: str
) -> None:
    scene = await new().started()
    scene.ledger.down = {method}
    await scene.folding.handle(batch(PARTITION, 0, touchpoint("k1", "contact.requested"), b"{"))
    await until(lambda: scene.ledger.failures[method] > 1)
    assert not scene.up()
    assert not any(step[0] == "durable" for step in scene.journal)
    more = [touchpoint("k2", "contact.requested"), touchpoint("k1", "contact.closed", 5)]
    await scene.folding.handle(batch(PARTITION, 2, *more))
    scene.ledger.down.clear()
    await until(lambda: scene.journal[-1:] == [("durable", PARTITION, 4)])
    assert scene.contacts() == [["k1", "k2"]], "one commit holds all of it"
    assert (scene.marker().offset, scene.marker().applied) == (4, 3)
    assert {(each.offset, each.reason) for each in scene.ledger.letters} == {(1, "not_json")}
    assert scene.up()
    assert scene.bugs == []


async def test_a_bug_while_writing_is_told_and_nothing_counts_as_written(new: NewScene) -> None:
    scene = await new().started()
    scene.ledger.broken = ZeroDivisionError("a bug")
    await scene.folding.handle(batch(PARTITION, 0, touchpoint("k", "contact.requested")))
    await until(lambda: bool(scene.bugs))
    assert isinstance(scene.bugs[0], ZeroDivisionError)
    assert not any(step[0] == "durable" for step in scene.journal)


async def test_a_bug_while_folding_leaves_the_handler(new: NewScene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await new().started()

    class Broken(dict[str, str]):
        def __contains__(self, channel: object) -> bool:
            raise ZeroDivisionError("a bug")

    monkeypatch.setattr(scene.engine.fold_, "channels", Broken())
    with pytest.raises(ZeroDivisionError):  # the log hands it to on_bug
        await scene.folding.handle(batch(PARTITION, 0, touchpoint("k", "contact.requested")))


# ---- pace


async def test_much_that_is_unwritten_is_flushed_before_the_interval_is_over(new: NewScene) -> None:
    scene = await new(Pace(interval_seconds=1_000, flush_rows=9)).started()
    await scene.folding.handle(batch(PARTITION, 0, touchpoint("k0", "contact.requested")))
    await asyncio.sleep(0.02)
    held_back = scene.folding.flushes
    await scene.folding.handle(batch(PARTITION, 1, *(touchpoint(f"k{n}", "contact.requested", n) for n in range(1, 9))))
    await until(lambda: scene.engine.written_offset == 9)
    assert held_back == 1


def test_a_fact_weighs_as_much_as_the_touchpoints_it_tells_of_and_the_embedded_log_little() -> None:
    most = [
        pace_of(topic, 0.5, embedded_log=embedded).flush_records
        for topic in (TOUCHPOINTS, CONTACT_FACTS)
        for embedded in (False, True)
    ]
    assert most == [100_000, 8_000, 12_500, 8_000]


async def test_far_behind_the_log_much_is_gathered_and_written_at_its_end(new: NewScene) -> None:
    pace = Pace(interval_seconds=0.001, busy_records=1, quiet_seconds=0.001, behind_records=10, behind_seconds=1_000)
    scene = await new(pace).started()
    for n, left in enumerate((10, 9, 2)):
        far = batch(PARTITION, n, touchpoint(f"k{n}", "contact.requested", n))
        await scene.folding.handle(msgspec.structs.replace(far, left=left))
        await asyncio.sleep(0.02)
    held_back = scene.engine.written_offset
    end = batch(PARTITION, 3, touchpoint("k3", "contact.requested", 3))
    await scene.folding.handle(msgspec.structs.replace(end, left=1))
    await until(lambda: scene.engine.written_offset == 4)
    assert held_back < 2, "the first may be written at once, the others wait"


async def test_who_is_fed_by_one_far_behind_gathers_until_that_is_over(new: NewScene) -> None:
    pace = Pace(interval_seconds=0.001, busy_records=1, quiet_seconds=0.001, behind_records=10, behind_seconds=1_000)
    contacts = await new(pace).started()
    far = batch(PARTITION, 0, touchpoint("k", "contact.requested"))
    await contacts.folding.handle(msgspec.structs.replace(far, left=10))
    customers = new(pace)
    customers.folding = Folding(
        customers.engine, customers.log, customers.ledger, FakeClock(), pace, customers.bugs.append, None,
        lambda: [contacts.folding],
    )  # fmt: skip
    await customers.started()
    for n in range(3):
        await customers.folding.handle(batch(PARTITION, n, touchpoint(f"k{n}", "contact.requested", n)))
        await asyncio.sleep(0.02)
    held_back = customers.engine.written_offset
    await contacts.folding.handle(batch(PARTITION, 1, touchpoint("k", "contact.closed", 1)))
    await until(lambda: customers.engine.written_offset == 3)
    assert held_back < 2, "the first may be written at once, the others wait"


async def test_much_is_written_as_soon_as_nothing_more_comes(new: NewScene) -> None:
    scene = await new(Pace(interval_seconds=1_000, busy_records=2, quiet_seconds=0.01)).started()
    await scene.folding.handle(batch(PARTITION, 0, touchpoint("k0", "contact.requested", 0)))
    await asyncio.sleep(0.05)
    held_back = scene.engine.written_offset
    await scene.folding.handle(batch(PARTITION, 1, touchpoint("k1", "contact.requested", 1)))
    await until(lambda: scene.engine.written_offset == 2)
    assert held_back == 0


async def test_what_comes_while_a_flush_waits_for_its_turn_is_in_it_and_hurries_no_second_one(new: NewScene) -> None:
    turn, scene = Turns(), new()
    pace = Pace(interval_seconds=1_000, quiet_seconds=1_000, flush_records=2)
    scene.folding = Folding(scene.engine, scene.log, scene.ledger, FakeClock(), pace, scene.bugs.append, turn)
    await scene.started()
    async with turn:
        for n in range(3):
            await scene.folding.handle(batch(PARTITION, n, touchpoint(f"k{n}", "contact.requested", n)))
            await asyncio.sleep(0.01)
        scene.ledger.gate.clear()
    await until(lambda: scene.engine.dirty_rows == 1)
    await scene.folding.handle(batch(PARTITION, 3, touchpoint("k3", "contact.requested", 3)))
    scene.ledger.gate.set()
    await until(lambda: scene.engine.written_offset == 3)
    await asyncio.sleep(0.05)
    held_back = scene.engine.written_offset
    await scene.folding.handle(batch(PARTITION, 4, touchpoint("k4", "contact.requested", 4)))
    await until(lambda: scene.engine.written_offset == 5)
    assert held_back == 3


async def test_reading_waits_while_too_much_is_unwritten(new: NewScene) -> None:
    scene = await new(Pace(interval_seconds=0.001, flush_rows=2, most_rows=3)).started()
    scene.ledger.gate.clear()
    await scene.folding.handle(batch(PARTITION, 0, *(touchpoint(f"k{n}", "contact.requested", n) for n in range(5))))
    waiting = asyncio.create_task(scene.folding.handle(batch(PARTITION, 5, touchpoint("k9", "contact.requested"))))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    assert scene.engine.position == 5
    scene.ledger.gate.set()
    await asyncio.wait_for(waiting, 20)
    assert scene.engine.position == 6


async def test_stop_writes_what_is_folded(new: NewScene) -> None:
    scene = await new(PATIENT).started()
    await scene.folding.handle(batch(PARTITION, 0, touchpoint("k", "contact.requested")))
    assert scene.contacts() == []
    await scene.folding.stop()
    assert scene.contacts() == [["k"]]
    assert scene.journal[-1] == ("durable", PARTITION, 1)
    await scene.folding.handle(batch(PARTITION, 1, touchpoint("k", "contact.closed")))
    assert scene.engine.position == 1, "nothing is taken after the end"


async def test_stop_ends_though_the_warehouse_is_away(new: NewScene) -> None:
    scene = await new(PATIENT).started()
    scene.ledger.down = {"commit"}
    await scene.folding.handle(batch(PARTITION, 0, touchpoint("k", "contact.requested")))
    await asyncio.wait_for(scene.folding.stop(), 20)
    assert scene.ledger.blocks == []
    assert not any(step[0] == "durable" for step in scene.journal)


# ---- holes and lost logs


async def test_a_hole_is_sought_back_and_nothing_is_missing(new: NewScene) -> None:
    scene = await new().started()
    await scene.folding.handle(batch(PARTITION, 2, touchpoint("k", "contact.closed", 9)))
    assert scene.journal == [("seek", PARTITION, 0)]
    assert scene.engine.position == 0
    told = ["contact.requested", "contact.answered", "contact.closed"]
    await scene.folding.handle(batch(PARTITION, 0, *(touchpoint("k", type_, n) for n, type_ in enumerate(told))))
    await until(lambda: scene.engine.written_offset == 3)
    assert scene.marker().applied == 3
    assert scene.folding.stopped_because == ""


async def test_what_the_log_lost_in_between_stops_the_partition_and_is_counted(new: NewScene) -> None:
    scene = await new().started()
    scene.log.begins = 4
    await scene.folding.handle(batch(PARTITION, 6, touchpoint("k", "contact.requested")))
    assert "4 positions were lost uncounted" in scene.folding.stopped_because
    await scene.folding.handle(batch(PARTITION, 0, touchpoint("k", "contact.requested")))
    assert scene.engine.position == 0, "it goes on only when somebody says so"


async def test_too_many_rejects_stop_the_partition_and_what_was_good_is_written(new: NewScene) -> None:
    scene = await new(limits=Limits(run=2, ratio=1.0)).started()
    good = touchpoint("k", "contact.requested")
    await scene.folding.handle(batch(PARTITION, 0, good, b"1", b"2", b"3", good))
    assert "touchpoints/0 offset 3: 3 records in a row" in scene.folding.stopped_because
    await until(lambda: scene.journal[-1:] == [("durable", PARTITION, 3)])
    assert ("pause", PARTITION) in scene.journal
    assert scene.contacts() == [["k"]]
    assert [each.offset for each in scene.ledger.letters] == [1, 2]
    assert scene.marker().offset == 3


# ---- recovery


async def test_recovery_goes_on_where_the_ledger_stands() -> None:
    scene = Scene(recovered=at(12))
    await scene.recovered()
    assert scene.journal == [("seek", PARTITION, 12)]


async def test_a_ledger_beyond_the_end_of_the_log_says_that_the_topic_was_made_again() -> None:
    scene = Scene(recovered=at(12))
    scene.log.ends = 5
    with pytest.raises(LogLost, match=r"stands at offset 12, but the log ends at 5\..*was made again"):
        await scene.recovered()


async def test_records_that_are_gone_are_named_exactly_and_skipped_only_when_told_to() -> None:
    scene = Scene(recovered=at(12))
    scene.log.begins = 20
    with pytest.raises(LogLost, match=r"offsets 12 to 19 \(8 positions\) are gone .*TOUCHLINE_ACCEPT_LOSS=1"):
        await scene.recovered()

    again = Scene(recovered=at(12))
    again.log.begins = 20
    await again.recovered(accept_loss=True)
    assert again.journal == [("seek", PARTITION, 20)]
    assert (again.engine.position, again.engine.marker.lost) == (20, 8)


async def test_what_was_given_up_is_in_the_next_marker(new: NewScene) -> None:
    scene = new(recovered=at(12))
    scene.log.begins = 20
    await scene.folding.start(1, accept_loss=True)
    await until(lambda: bool(scene.ledger.blocks))
    assert (scene.marker().offset, scene.marker().lost) == (20, 8)


async def test_other_definitions_are_not_mixed() -> None:
    with pytest.raises(OtherDefinitions, match="counted under other definitions"):
        await Scene(recovered=at(12, fingerprint="theirs")).recovered()


async def test_the_start_waits_for_the_warehouse(new: NewScene) -> None:
    scene = new()
    scene.ledger.down = {"recover"}
    starting = asyncio.create_task(scene.folding.start(1))
    await until(lambda: scene.ledger.failures["recover"] > 1)
    assert (scene.folding.ready, scene.folding.warehouse_up) == (False, False)
    scene.ledger.down.clear()
    await asyncio.wait_for(starting, 20)
    assert (scene.folding.ready, scene.folding.warehouse_up) == (True, True)


# ---- memory is a cache


def stored(name: str, *told: bytes, version: int) -> StateRow:
    """A contact as the ledger holds it."""
    contact = Contact(name)
    for value in told:
        taken = decode(value, KEEPING.channels.keys())
        assert not isinstance(taken, Reject)
        contact.apply(taken, taken.time, NOW_MS)
    return StateRow(name, contact.pack(), False, contact.touches[-1].at_ms, version)


def cold(*rows: StateRow, offset: int = 9) -> Recovered:
    """A ledger that stands at this offset and holds these."""
    marker = Marker(offset=offset, fingerprint="ours", facts_epoch=1, watermark_ms=NOW_MS)
    return Recovered(marker, version_of(1, offset), rows, ())


CALL = (touchpoint("k", "contact.queued", customer_id="c"), touchpoint("k", "contact.answered", 1, customer_id="c"))


async def test_what_is_not_in_memory_is_read_back_once_a_batch_and_only_if_it_exists(new: NewScene) -> None:
    rows = [
        stored("k", *CALL, version=version_of(1, 5)),
        stored("quiet", touchpoint("quiet", "contact.queued"), version=3),
    ]
    scene = new(PATIENT, recovered=cold(*rows))
    scene.ledger.cold = {"k", "quiet"}
    await scene.folding.start(1)
    scene.journal.clear()
    told = [
        touchpoint("k", "contact.closed", 9),
        touchpoint("new", "contact.queued"),
        touchpoint("k", "feedback.asked", 9, kind="csat"),
    ]
    await scene.folding.handle(batch(PARTITION, 9, *told))
    assert [step for step in scene.journal if step[0] == "read"] == [("read", ["k"])]
    await scene.folding.stop()
    (states,) = ({row[0]: row[1] for row in zip(b["key"], b["state"], strict=True)} for b in scene.ledger.blocks[-1:])
    assert [touch.id for touch in unpack("k", states["k"]).touches] == [
        "contact.queued", "contact.answered", "contact.closed", "feedback.asked",
    ]  # fmt: skip


async def fed_by_one_far_behind(new: NewScene) -> tuple[Scene, Scene]:
    """Who is far behind, and who is fed by it, does not hold contact `k` and stands at offset 9."""
    pace = Pace(behind_records=10, behind_seconds=1_000)
    feeding = await new(pace).started()
    far = batch(PARTITION, 0, touchpoint("k", "contact.requested"))
    await feeding.folding.handle(msgspec.structs.replace(far, left=10))
    fed = new(pace, recovered=cold(stored("k", *CALL, version=version_of(1, 5))))
    fed.ledger.cold = {"k"}
    fed.folding = Folding(
        fed.engine, fed.log, fed.ledger, FakeClock(), pace, fed.bugs.append, None, lambda: [feeding.folding]
    )
    await fed.folding.start(1)
    return feeding, fed


async def test_who_reads_back_takes_no_more_until_who_feeds_it_has_caught_up_and_written(new: NewScene) -> None:
    feeding, fed = await fed_by_one_far_behind(new)
    await asyncio.wait_for(fed.folding.handle(batch(PARTITION, 9, touchpoint("new", "contact.queued"))), 20)
    waiting = asyncio.create_task(fed.folding.handle(batch(PARTITION, 10, touchpoint("k", "contact.closed", 9))))
    await until(lambda: fed.engine.position == 11)
    assert not (await asyncio.wait([waiting], timeout=0.2))[0], "folded, and no more taken"
    feeding.ledger.gate.clear()
    await feeding.folding.handle(batch(PARTITION, 1, touchpoint("k", "contact.closed", 1)))
    assert not (await asyncio.wait([waiting], timeout=0.2))[0], "the last facts are not told yet"
    feeding.ledger.gate.set()
    await asyncio.wait_for(waiting, 20)


async def test_who_reads_back_looks_once_more_when_all_is_told_since_the_last_is_on_its_way(
    new: NewScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    feeding, fed = await fed_by_one_far_behind(new)
    owed: list[bool] = []

    async def rest(_: float) -> None:
        owed.append(feeding.folding.owes)
        await asyncio.sleep(0.001)

    monkeypatch.setattr(fed.folding, "_rest", rest)
    waiting = asyncio.create_task(fed.folding.handle(batch(PARTITION, 9, touchpoint("k", "contact.closed", 9))))
    await until(lambda: len(owed) > 1)
    await feeding.folding.handle(batch(PARTITION, 1, touchpoint("k", "contact.closed", 1)))
    await asyncio.wait_for(waiting, 20)
    assert owed[:2] == [True, True]
    assert owed.count(False) == 1


async def test_the_end_does_not_wait_for_more_to_come(new: NewScene) -> None:
    _, fed = await fed_by_one_far_behind(new)
    waiting = asyncio.create_task(fed.folding.handle(batch(PARTITION, 9, touchpoint("k", "contact.closed", 9))))
    await until(lambda: fed.engine.position == 10)
    await asyncio.wait_for(fed.folding.stop(), 20)
    await asyncio.wait_for(waiting, 20)
    assert fed.engine.written_offset == 10


async def test_who_is_behind_the_ledger_begins_again_where_it_stands(new: NewScene) -> None:
    scene = new(PATIENT, recovered=cold(stored("k", *CALL, version=version_of(1, 5))))
    scene.ledger.cold = {"k"}
    await scene.folding.start(1)
    await scene.folding.handle(batch(PARTITION, 9, touchpoint("mine", "contact.queued")))
    ahead = stored("k", *CALL, touchpoint("k", "contact.closed", 9), version=version_of(1, 12))
    scene.ledger.recovered, scene.ledger.stands_at = cold(ahead, offset=12), version_of(1, 12)
    scene.journal.clear()
    await scene.folding.handle(batch(PARTITION, 10, touchpoint("k", "contact.closed", 9)))
    assert [step for step in scene.journal if step[0] in ("read", "seek")] == [("read", ["k"]), ("seek", PARTITION, 12)]
    assert (scene.folding.ready, scene.engine.position) == (True, 12)
    await scene.folding.stop()
    assert all("mine" not in block["key"] for block in scene.ledger.blocks), "what was held is of no use any more"


async def test_whoever_cannot_read_back_waits_and_loses_nothing(new: NewScene) -> None:
    scene = new(QUICK, recovered=cold(stored("k", *CALL, version=version_of(1, 5))))
    scene.ledger.cold = {"k"}
    await scene.folding.start(1)
    scene.ledger.down = {"read"}
    waiting = asyncio.create_task(scene.folding.handle(batch(PARTITION, 9, touchpoint("k", "contact.closed", 9))))
    await until(lambda: scene.ledger.failures["read"] > 2)
    assert (scene.engine.position, scene.up(), scene.folding.ready) == (9, False, True)
    scene.ledger.down.clear()
    await asyncio.wait_for(waiting, 20)
    assert (scene.engine.position, scene.up(), scene.engine.marker.applied) == (10, True, 1)


async def test_the_end_does_not_wait_for_what_cannot_be_read_back(new: NewScene) -> None:
    scene = new(QUICK, recovered=cold(stored("k", *CALL, version=version_of(1, 5))))
    scene.ledger.cold = {"k"}
    await scene.folding.start(1)
    scene.ledger.down = {"read"}
    waiting = asyncio.create_task(scene.folding.handle(batch(PARTITION, 9, touchpoint("k", "contact.closed", 9))))
    await until(lambda: scene.ledger.failures["read"] > 0)
    await asyncio.wait_for(scene.folding.stop(), 20)
    await asyncio.wait_for(waiting, 20)
    assert scene.engine.position == 9


async def test_an_older_worker_is_told_that_the_topic_was_made_again() -> None:
    newer = Recovered(Marker(offset=3, fingerprint="ours"), version_of(2, 3), (), ())
    with pytest.raises(NewerLog, match=r"incarnation 2 of its topic, and this worker has incarnation 1.*Start it anew"):
        await Scene(recovered=newer).recovered()


# ---- an outage


async def test_in_an_outage_folding_goes_on_coalesces_and_is_bounded_then_catches_up(
    new: NewScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contacts, "_MOST_UNPACKED", 20)
    monkeypatch.setattr(engine, "_UNSETTLED", 10)
    pace = msgspec.structs.replace(QUICK, flush_rows=50, most_rows=400)
    scene = await new(pace).started()
    scene.ledger.down = {"commit", "publish", "reject", "reach"}
    for n in range(200):  # long: the same few customers ring again and again
        told = [touchpoint(f"k{k}", "contact.queued", n / 100, id=f"{n}") for k in range(30)]
        await scene.folding.handle(batch(PARTITION, 30 * n, *told))
    assert scene.engine.position == 6_000
    assert (scene.engine.dirty_rows < 60, scene.folding.full) == (True, False), "of one contact there is one row"
    position, stopped = 6_000, None
    while stopped is None and position < 60_000:  # then others: it cannot go on for ever
        told = [touchpoint(f"n{position}-{k}", "contact.queued", k) for k in range(10)]
        handling = asyncio.create_task(scene.folding.handle(batch(PARTITION, position, *told)))
        await asyncio.wait([handling], timeout=0.2)
        stopped, position = (None if handling.done() else handling), position + 10
    assert stopped is not None
    assert 400 <= scene.engine.dirty_rows < 400 + 3 * 30
    assert len(scene.engine.fold_._work) < 20 + 20, "and what came since it settled"  # type: ignore[attr-defined]
    assert scene.ledger.failures["commit"] < 3, "nobody lays out a block for a warehouse that does not answer"
    scene.ledger.down.clear()
    await asyncio.wait_for(stopped, 20)
    await until(lambda: scene.engine.written_offset == position)
    written = [key for keys in scene.contacts() for key in keys]
    assert len(written) == len(set(written)) == 30 + (position - 6_000) // 10 * 10
    assert scene.marker().applied == position


async def test_few_contacts_with_very_much_to_say_are_bounded_too(new: NewScene) -> None:
    scene = await new(msgspec.structs.replace(QUICK, most_bytes=100_000)).started()
    scene.ledger.down = {"commit", "reach"}
    position = 0
    while not scene.folding.full and position < 5_000:
        told = [touchpoint("k", "contact.held", n, id=f"{position}{n}" + "x" * 90) for n in range(10)]
        await scene.folding.handle(batch(PARTITION, position, *told))
        position += 10
    assert 100 < position < 1_000
    assert scene.engine.dirty_bytes >= 100_000
    scene.ledger.down.clear()
    await until(lambda: scene.engine.written_offset == position)
    block = scene.ledger.blocks[-1]
    assert sum(map(len, block["state"])) <= 100_000 + 2_000, "it was reckoned rather too much than too little"
    await until(lambda: not scene.folding.full)


# ---- a facts topic that begins anew


def facts_of(scene: Scene) -> list[bytes]:
    return [record.key or b"" for record in scene.log.produced.get(CONTACT_FACTS, [])]


@pytest.mark.parametrize(
    ("stand", "expected"),
    [
        ({"contact-facts/0": (Marker(offset=7), version_of(1, 7))}, []),
        ({"contact-facts/0": (Marker(offset=4), version_of(1, 4))}, [b"c2"]),
        ({"contact-facts/0": (Marker(offset=3), version_of(1, 3))}, [b"c1", b"c2"]),
        ({"contact-facts/0": (Marker(before=(1, 7)), version_of(2, 0))}, []),
        ({"contact-facts/0": (Marker(before=(1, 4)), version_of(2, 0))}, [b"c2"]),
        ({"contact-facts/0": (Marker(before=(2, 9), offset=9), version_of(3, 9))}, [b"c1", b"c2"]),
        ({}, [b"c1", b"c2"]),
    ],
    ids=["all counted", "some counted", "none", "all, then anew", "some, then anew", "long ago", "nothing is known"],
)
async def test_a_new_facts_topic_is_told_what_the_customers_have_not_counted(
    stand: dict[str, tuple[Marker, int]], expected: list[bytes]
) -> None:
    rows = [
        stored(f"k{n}", touchpoint(f"k{n}", "contact.queued", customer_id=f"c{n}"), version=version_of(1, 10 * n))
        for n in (1, 2)
    ]
    told = [Told(0), Told(version_of(1, 10), (4,)), Told(version_of(1, 20), (7,))]
    marker = Marker(offset=20, fingerprint="ours", facts_epoch=1, told=told)
    scene = Scene(recovered=Recovered(marker, version_of(1, 20), rows, ()))
    scene.ledger.stand = stand
    await recover(scene.engine, scene.log, scene.ledger, FakeClock(), 2)
    assert facts_of(scene) == expected
    assert scene.engine.marker.facts_epoch == 2


async def test_every_flush_notes_up_to_where_its_facts_stand(new: NewScene) -> None:
    scene = await new().started()
    for n in range(3):
        told = touchpoint(f"k{n}", "contact.requested", customer_id="c")
        await scene.folding.handle(batch(PARTITION, n, told))
        await until(lambda n=n: scene.engine.written_offset == n + 1)  # type: ignore[misc]
    assert scene.marker().told[-2:] == [Told(version_of(1, 2), (2,)), Told(version_of(1, 3), (3,))]


# ---- retention


async def test_what_is_older_than_retention_is_let_go_once_an_hour_by_what_is_durable(new: NewScene) -> None:
    scene = await new().started()
    scene.ledger.down = {"forget"}
    for n in range(3):
        await scene.folding.handle(batch(PARTITION, n, touchpoint(f"k{n}", "contact.queued")))
        await until(lambda n=n: scene.engine.written_offset == n + 1)  # type: ignore[misc]
    assert scene.ledger.failures["forget"] == 1, "it is no reason to stop, nor to ask again at once"
    another = await new().started()
    await another.folding.handle(batch(PARTITION, 0, touchpoint("k", "contact.queued")))
    await until(lambda: bool(another.ledger.forgotten))
    assert another.ledger.forgotten == [NOW_MS - 3_600_000 - 400 * 86_400_000]
