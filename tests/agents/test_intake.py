"""Intake: what is a touchpoint goes on under its contact's key, everything else is kept, before the batch is done."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from agents import intake
from agents.intake import Intake
from pipeline.core.poison import Limits
from pipeline.core.privacy import Privacy
from pipeline.ports import OutRecord
from schemas.rejects import DeadLetter, decode_dead_letter
from schemas.sources.mapping import load, source_of
from schemas.topics import DEAD_LETTERS, RAW, TOUCHPOINTS
from schemas.vocabulary import CHANNELS
from tests.agents.fakes import NOW_MS, FakeClock, FakeLedger, FakeLog, Step, batch, touchpoint, until

PARTITION = f"{RAW}/2"
SHOP = source_of(
    load(
        "format: csv\nheader: [order, came, paid]\ncommon: {contact_id: '{order}', channel: web}\n"
        "rows: [{when: {order: test}, leave_out: tests}]\n"
        "touchpoints:\n"
        "  - {type: contact.requested, id: came, time: {column: came, form: milliseconds}}\n"
        "  - {type: contact.closed, id: paid, time: {column: paid, form: milliseconds}}\n",
        "shop.yaml",
    )
)
GENEROUS = Limits(run=1_000, ratio=1.0)


class Scene:
    def __init__(self, limits: Limits = GENEROUS) -> None:
        self.journal: list[Step] = []
        self.log = FakeLog(self.journal)
        self.ledger = FakeLedger(self.journal)
        self.intake = Intake(
            self.log, self.ledger, FakeClock(), CHANNELS, limits, {RAW: 3, "shop": 5}, Privacy(), readers={"shop": SHOP}
        )


async def test_dead_letters_and_touchpoints_are_acknowledged_before_the_batch_is_done() -> None:
    scene = Scene()
    await scene.intake.handle(batch(PARTITION, 10, touchpoint("k", "contact.requested"), b"{", None))
    assert scene.journal == [
        ("produce", TOUCHPOINTS, 1),
        ("reject", 2),
        ("produce", DEAD_LETTERS, 2),
        ("durable", PARTITION, 13),
    ]
    assert (scene.intake.accepted, scene.intake.rejected) == (1, {"not_json": 1, "null_value": 1})


async def test_a_touchpoint_gets_its_contact_as_key_our_clock_and_a_source() -> None:
    scene = Scene()
    named = touchpoint("k1", "contact.requested", source="crm")
    await scene.intake.handle(batch(PARTITION, 0, named, touchpoint("k2", "contact.requested")))
    first, second = scene.log.produced[TOUCHPOINTS]
    assert first == OutRecord(b"k1", named, NOW_MS)
    assert (second.key, second.timestamp_ms) == (b"k2", NOW_MS)
    assert msgspec.json.decode(second.value or b"")["source"] == "kafka"


async def test_a_dead_letter_says_where_the_record_stood_and_why_it_was_rejected() -> None:
    scene = Scene()
    await scene.intake.handle(batch(PARTITION, 41, touchpoint("k", "contact.danced")))
    (letter,) = scene.ledger.letters
    assert (letter.topic, letter.number, letter.epoch, letter.offset) == (RAW, 2, 3, 41)
    assert (letter.reason, letter.step) == ("unknown_type", "intake")
    assert "contact.danced" in letter.detail
    (record,) = scene.log.produced[DEAD_LETTERS]
    assert record.key == PARTITION.encode()
    assert decode_dead_letter(record.value or b"") == letter


async def test_too_many_rejects_stop_the_partition_at_the_record_that_passed_the_limit_and_no_other() -> None:
    scene = Scene(Limits(run=2, ratio=1.0))
    good = touchpoint("k", "contact.requested")
    await scene.intake.handle(batch(PARTITION, 0, good, b"1", b"2", b"3", good))
    assert scene.journal == [
        ("pause", PARTITION),
        ("produce", TOUCHPOINTS, 1),
        ("reject", 2),
        ("produce", DEAD_LETTERS, 2),
        ("durable", PARTITION, 3),
    ]
    assert [letter.offset for letter in scene.ledger.letters] == [1, 2]
    assert f"{PARTITION} offset 3: 3 records in a row" in scene.intake.stopped[PARTITION]

    scene.journal.clear()
    await scene.intake.handle(batch(PARTITION, 5, good))
    assert scene.journal == [], "it stays stopped"
    await scene.intake.handle(batch(f"{RAW}/0", 0, b"1", good))
    assert scene.journal[-1] == ("durable", f"{RAW}/0", 2), "the others go on"


async def test_a_run_of_rejects_ends_with_a_good_record() -> None:
    scene = Scene(Limits(run=2, ratio=1.0))
    good = touchpoint("k", "contact.requested")
    await scene.intake.handle(batch(PARTITION, 0, b"1", b"2", good, b"3", b"4"))
    assert scene.intake.stopped == {}
    assert scene.intake.rejected == {"not_an_object": 4}


async def test_while_the_log_is_away_the_batch_waits_and_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "_RETRY_SECONDS", 0.001)
    scene = Scene()
    scene.log.refuses = True
    told = batch(PARTITION, 0, b"{", touchpoint("k", "contact.requested"))
    handling = asyncio.create_task(scene.intake.handle(told))
    await until(lambda: scene.log.refused > 2)
    assert scene.journal == []
    assert (scene.intake.accepted, scene.intake.rejected) == (0, {})
    scene.log.refuses = False
    await asyncio.wait_for(handling, 20)
    assert scene.journal == [
        ("produce", TOUCHPOINTS, 1),
        ("reject", 1),
        ("produce", DEAD_LETTERS, 1),
        ("durable", PARTITION, 2),
    ]
    assert (scene.intake.accepted, scene.intake.rejected) == (1, {"not_json": 1})


async def test_while_the_warehouse_is_away_touchpoints_go_on_and_letters_are_kept_before_their_place_is_durable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "_RETRY_SECONDS", 0.001)
    scene = Scene()
    scene.ledger.down = {"reject"}
    good = touchpoint("k", "contact.requested")
    await scene.intake.handle(batch(PARTITION, 0, good, b"{", good))
    await scene.intake.handle(batch(PARTITION, 3, good, b"}"))
    assert len(scene.log.produced[TOUCHPOINTS]) == 3
    assert DEAD_LETTERS not in scene.log.produced
    durable = [step[2] for step in scene.journal if step[0] == "durable"]
    assert set(durable) == {1}, "whoever takes over reads from the first letter again"
    scene.ledger.down = set()
    await until(lambda: ("durable", PARTITION, 5) in scene.journal)
    assert {letter.offset for letter in scene.ledger.letters} == {1, 4}
    assert scene.journal[-1] == ("durable", PARTITION, 5)


async def test_very_many_letters_are_waited_for_and_those_of_a_partition_that_goes_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intake, "_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(intake, "_MOST_KEPT", 3)
    scene = Scene()
    scene.ledger.down = {"reject"}
    handling = asyncio.create_task(scene.intake.handle(batch(PARTITION, 0, b"1", b"2", b"3")))
    await until(lambda: scene.ledger.failures["reject"] > 5)
    assert not handling.done()
    scene.intake.forget([PARTITION])
    with pytest.raises(asyncio.CancelledError):
        await handling
    scene.ledger.down = set()
    scene.journal.clear()
    await scene.intake.handle(batch(PARTITION, 3, touchpoint("k", "contact.requested")))
    assert scene.journal == [("produce", TOUCHPOINTS, 1), ("durable", PARTITION, 4)]


async def test_a_topic_of_ones_own_format_is_read_by_its_mapping() -> None:
    scene = Scene()
    good, late = f"7,{NOW_MS},{NOW_MS + 1}".encode(), f"8,soon,{NOW_MS}".encode()
    await scene.intake.handle(batch("shop/0", 20, good, late, b"test,1,1", None))
    assert [each.key for each in scene.log.produced[TOUCHPOINTS]] == [b"7", b"7"]
    assert [(letter.topic, letter.epoch, letter.offset, letter.reason) for letter in scene.ledger.letters] == [
        ("shop", 5, 21, "bad_row"),
        ("shop", 5, 23, "null_value"),
    ]
    assert scene.journal[-1] == ("durable", "shop/0", 24)


async def test_dead_letters_of_a_partition_that_a_limit_stopped_can_be_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(Limits(run=3, ratio=1.0))
    keep, gate = scene.ledger.reject, asyncio.Event()

    async def slowly(letters: Sequence[DeadLetter]) -> None:
        await gate.wait()
        await keep(letters)

    monkeypatch.setattr(scene.ledger, "reject", slowly)
    await scene.intake.handle(batch(PARTITION, 0, *[b"{"] * 9))
    assert scene.intake.stopped
    assert scene.ledger.letters == []
    waiting = asyncio.create_task(scene.intake.kept())
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    await waiting
    assert len(scene.ledger.letters) == 3
