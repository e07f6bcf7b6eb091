"""Dead letters: the table first, then the topic; nothing is done for none."""

import pytest

from agents.dead_letters import deliver
from pipeline.ports import WarehouseDown
from schemas.rejects import DeadLetter, Reject, dead_letter, decode_dead_letter
from schemas.topics import DEAD_LETTERS
from tests.agents.fakes import NOW_MS, FakeClock, FakeLedger, FakeLog, Step


def letter(offset: int) -> DeadLetter:
    return dead_letter(
        Reject("not_json", "no"),
        topic="touchpoints",
        number=1,
        epoch=1,
        offset=offset,
        step="fold",
        key=None,
        value=b"\xff",
        append_ms=7,
    )


async def test_letters_go_to_the_table_and_then_to_the_topic() -> None:
    journal: list[Step] = []
    log = FakeLog(journal)
    await deliver([letter(1), letter(2)], log, FakeLedger(journal), FakeClock())
    assert journal == [("reject", 2), ("produce", DEAD_LETTERS, 2)]
    first, second = log.produced[DEAD_LETTERS]
    assert (first.key, first.timestamp_ms) == (b"touchpoints/1", NOW_MS)
    assert [decode_dead_letter(each.value or b"") for each in (first, second)] == [letter(1), letter(2)]


async def test_no_letters_no_work() -> None:
    journal: list[Step] = []
    await deliver([], FakeLog(journal), FakeLedger(journal), FakeClock())
    assert journal == []


async def test_what_the_table_does_not_take_is_not_sent_either() -> None:
    journal: list[Step] = []
    ledger = FakeLedger(journal)
    ledger.down = {"reject"}
    with pytest.raises(WarehouseDown):
        await deliver([letter(1)], FakeLog(journal), ledger, FakeClock())
    assert journal == []
