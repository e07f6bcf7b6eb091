"""What waits, what gives up and what ends a process: the start's patience, the watchdog, and who does not come on."""

import asyncio
import socket
from typing import Any

import pytest

from pipeline.app.starting import patiently
from pipeline.app.watchdog import BLOCKED_SECONDS, Watchdog
from pipeline.app.watching import STUCK_SECONDS, Overtaken, Stuck
from pipeline.core.steps import Marker, version_of
from pipeline.io.held import Progress
from pipeline.io.kafka import Security
from pipeline.io.reach import reach
from pipeline.ports import LogError, LogRefused, WarehouseDown, WarehouseRefused
from tests.servers import free_ports


class Now:
    """A clock that a test sets."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


async def test_the_start_waits_for_what_may_pass_and_says_for_what(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    results: list[Exception | None] = [WarehouseDown("w"), LogError("l"), LogError("l"), LogError("l"), None]
    waited: list[str] = []
    left = iter(results)

    async def work() -> None:
        error = next(left)
        if error is not None:
            raise error

    await patiently(work, lambda error: waited.append(str(error)))
    assert waited == ["w", "l", "l", "l", "None"]
    assert slept == [1.0, 2.0, 4.0, 5.0]


@pytest.mark.parametrize("error", [LogRefused("no"), WarehouseRefused("no"), RuntimeError("no")])
async def test_the_start_does_not_wait_for_what_will_not_pass(error: Exception) -> None:
    async def work() -> None:
        raise error

    with pytest.raises(type(error)):
        await patiently(work, lambda _: None)


async def test_nobody_there_is_known_within_seconds() -> None:
    (port,) = free_ports(1)
    with pytest.raises(LogError, match=f"127.0.0.1:{port} cannot be reached: Connection refused"):
        await reach(f"127.0.0.1:{port}", Security())


async def test_somebody_who_says_nothing_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(LogError, match="no answer within 0 s"):
            await reach(f"127.0.0.1:{port}", Security(), seconds=0.3)


class Watched:
    """A watchdog by hand, and what it ended with."""

    def __init__(self) -> None:
        self.now = Now()
        self.ended: list[str] = []
        self.dog = Watchdog(end=self.ended.append, seconds=self.now)

    def tick(self, seconds: int, *, beating: bool) -> None:
        for _ in range(seconds):
            self.now.seconds += 1
            if beating:
                self.dog.beaten()
            self.dog.tick()


def test_a_loop_that_stands_still_is_ended_and_one_that_turns_is_not() -> None:
    watched = Watched()
    watched.tick(300, beating=True)
    assert not watched.ended
    watched.tick(int(BLOCKED_SECONDS), beating=False)
    assert not watched.ended
    watched.tick(1, beating=False)
    assert "the event loop stands still for 121 s" in watched.ended[0]


def test_a_stopped_process_that_goes_on_is_not_to_blame() -> None:
    watched = Watched()
    watched.tick(3, beating=True)
    watched.now.seconds += 600
    watched.dog.tick()
    watched.tick(5, beating=False)
    assert not watched.ended


def test_the_longest_standstill_of_a_minute_is_known() -> None:
    watched = Watched()
    watched.now.seconds += 20.25
    watched.dog.beaten()
    assert watched.dog.longest_blocked_seconds() == 20.0
    watched.tick(61, beating=True)
    assert watched.dog.longest_blocked_seconds() == 0.75


def test_an_end_in_order_that_does_not_come_is_helped() -> None:
    watched = Watched()
    watched.dog.ending(60)
    watched.tick(60, beating=True)
    assert not watched.ended
    watched.tick(1, beating=True)
    assert "does not end in order" in watched.ended[0]


class Part:
    """A partition at work, as far as it is looked at."""

    def __init__(self) -> None:
        self.ready = self.warehouse_up = True
        self.full = False
        self.stopped_because = ""
        self.engine: Any = type("Engine", (), {"epoch": 1, "position": 10})()


class Process:
    """An app, as far as it is looked at."""

    def __init__(self, version: int = 0) -> None:
        self.folding = Part()
        self.foldings = {"touchpoints/0": self.folding}
        self.position = 10
        self.log = self.ledger = self
        self.version = version

    def progress(self) -> list[Progress]:
        return [Progress("touchpoints/0", self.position, 99, 0, 0, paused=False, ahead=2)]

    async def markers(self) -> dict[str, tuple[Marker, int]]:
        return {"touchpoints/0": (Marker(offset=12), self.version)}


def stuck_after(process: Any, seconds: float) -> str:
    now = Now()
    stuck = Stuck(process, now)
    stuck.look()
    now.seconds += seconds
    return stuck.look()


def test_who_has_records_and_does_not_come_on_is_stuck() -> None:
    assert "touchpoints/0: nothing was counted for 121 s, at offset 10" in stuck_after(Process(), STUCK_SECONDS + 1)
    assert stuck_after(Process(), STUCK_SECONDS) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("warehouse_up", False), ("full", True), ("stopped_because", "too many rejects"), ("ready", False)],
)
def test_who_waits_for_something_known_is_not_stuck(name: str, value: object) -> None:
    process = Process()
    setattr(process.folding, name, value)
    assert stuck_after(process, 10 * STUCK_SECONDS) == ""


async def test_a_ledger_that_is_ahead_and_goes_on_means_that_somebody_else_has_the_partition() -> None:
    process: Any = Process()
    overtaken = Overtaken(process)
    for version in (version_of(1, 10), version_of(1, 7), version_of(0, 99)):
        process.version = version
        assert await overtaken.look() == ""
    process.version = version_of(1, 12)
    assert await overtaken.look() == "", "a last insert of the former owner"
    assert await overtaken.look() == "", "and nothing since"
    process.version = version_of(1, 14)
    assert "the ledger stands at offset 12 and goes on, but this worker only at 10" in await overtaken.look()


async def test_a_late_insert_of_the_former_owner_is_passed() -> None:
    process: Any = Process(version_of(1, 12))
    overtaken = Overtaken(process)
    assert await overtaken.look() == ""
    process.folding.engine.position = 20
    assert await overtaken.look() == ""
    process.version = version_of(1, 25)
    assert await overtaken.look() == ""
