"""Several workers' statements: who is heard is put together once, who is not is named."""

import logging
from typing import Any

import msgspec
import pytest

from pipeline.app.together import SILENT_SECONDS, Together
from pipeline.live import Collected, Summary, collect, present
from pipeline.live.collect import bounded
from tests.live.test_several import EXPECTED, of, partitions, three
from tests.live.world import NOON, M, World


class Now:
    """A clock that a test sets."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Room:
    """Workers that hear each other."""

    def __init__(self) -> None:
        self.now = Now()
        self.world, self.states = three()
        self.workers: dict[str, Together] = {}

    def worker(self, name: str, definitions: str = "d") -> Together:
        found = Together(name, f"{name}/1", lambda _: definitions, self.now)
        found.expected = EXPECTED
        self.workers[name] = found
        return found

    def says(self, name: str, numbers: list[int], generation: int = 3) -> None:
        said = self.workers[name].statement(self.collected(numbers), generation)
        for worker in self.workers.values():
            worker.take(name.encode(), said)

    def collected(self, numbers: list[int]) -> Collected:
        return of(self.world, [self.states[number] for number in numbers])

    def page(self, name: str, numbers: list[int], generation: int = 3) -> Summary:
        merged, others = self.workers[name].others(self.collected(numbers), generation)
        return present(merged, self.world.rulebook, NOON, others)


def missing(summary: Summary) -> dict[str, str]:
    return {one.partition: one.reason for one in summary.missing}


def workers(summary: Summary) -> dict[str, str]:
    return {one.name: one.missing_because for one in summary.workers}


@pytest.fixture
def room() -> Room:
    found = Room()
    for name in "abc":
        found.worker(name)
    found.says("a", [0, 1])
    found.says("b", [2])
    found.says("c", [3])
    return found


def test_the_page_of_any_worker_shows_the_partitions_of_all(room: Room) -> None:
    pages = [room.page("a", [0, 1]), room.page("b", [2]), room.page("c", [3])]
    for page in pages:
        assert (page.live, page.missing, len(page.partitions)) == (True, (), 4)
        assert page.totals == pages[0].totals
        assert [row.numbers for row in page.queues] == [row.numbers for row in pages[0].queues]
    assert workers(pages[0]) == {"a": "", "b": "", "c": ""}


def test_who_is_silent_is_missing_until_it_speaks_or_another_has_its_partitions(room: Room) -> None:
    room.now.seconds += SILENT_SECONDS + 1
    room.says("c", [3])
    page = room.page("a", [0, 1])
    assert (page.live, missing(page)) == (False, {"touchpoints/2": "worker b: silent for 6 s"})
    assert all(row.incomplete for row in page.queues)
    room.says("c", [2, 3])
    page = room.page("a", [0, 1])
    assert (page.live, workers(page)) == (True, {"a": "", "c": ""})


def test_statements_of_two_divisions_are_never_put_together(room: Room) -> None:
    room.says("c", [2, 3], generation=4)
    page = room.page("a", [0, 1], generation=4)
    assert (page.live, len(page.partitions)) == (True, 4)
    assert "b" not in workers(page)
    behind = room.page("a", [0, 1], generation=3)
    assert {"touchpoints/0", "touchpoints/1"} <= set(missing(behind))
    assert "not in the newest division" in workers(behind)["a"]


def test_other_definitions_are_said_and_not_merged(room: Room) -> None:
    other = room.worker("d", "other")
    said = other.statement(room.collected([3]), 3)
    for worker in room.workers.values():
        worker.take(b"d", said)
        worker.take(b"c", None)
    page = room.page("a", [0, 1])
    assert workers(page)["d"] == "counts by other definitions"
    assert missing(page) == {"contact-facts/0": "worker d: counts by other definitions"}


def test_goodbye_is_believed_at_once_and_one_does_not_hear_oneself(room: Room) -> None:
    room.workers["a"].take(b"b", None)
    page = room.page("a", [0, 1])
    assert missing(page) == {"touchpoints/2": "no worker has it at the moment"}
    room.says("a", [0, 1])
    assert list(workers(room.page("a", [0, 1]))) == ["a", "c"]


def test_who_starts_again_under_its_name_replaces_what_it_was(room: Room) -> None:
    room.says("c", [3], generation=4)
    again = Together("b", "b/2", lambda _: "d", room.now)
    room.workers["a"].take(b"b", again.statement(room.collected([]), 4))
    page = room.page("a", [0, 1], generation=4)
    assert missing(page) == {"touchpoints/2": "no worker has it at the moment"}


def test_what_is_not_understood_harms_nobody(room: Room, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, logger="touchline.together")  # other tests turn it down
    room.workers["a"].take(b"z", b"\x00 something else")
    assert "not understood" in caplog.text
    assert room.page("a", [0, 1]).live


def test_endless_names_are_told_within_what_a_broker_takes() -> None:
    world = World()
    for n in range(3_000):
        world.call(f"c{n}", NOON - M, queue=f"made-up-{n:06}")
    whole = collect(world.state(partitions(world)), NOON)
    said = Together("a", "a/1", lambda _: "d").statement(whole, 1)
    told: Any = msgspec.msgpack.decode(said)
    assert len(said) <= 900_000
    assert len(told["collected"]["contacts"]) <= 2_001
    few = bounded(whole, 10)
    assert len(few.contacts) in (10, 11)
    assert present([few], world.rulebook, NOON).totals == present([whole], world.rulebook, NOON).totals
