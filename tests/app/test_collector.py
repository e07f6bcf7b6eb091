"""Every command runs with a garbage collector that looks seldom, by the clock."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from pipeline.app import starting
from pipeline.cli.base import run_async


@pytest.fixture
def _collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_collector")
def test_a_command_runs_with_a_spared_collector() -> None:
    async def seen() -> tuple[bool, int, int]:
        return gc.isenabled(), gc.get_freeze_count(), gc.get_threshold()[0]

    enabled, frozen, young = run_async(seen())
    assert enabled, "cycles are still found"
    assert frozen > 0
    assert young >= 10_000


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


async def gone(knot: "weakref.ref[Knot]") -> bool:
    """Whether it is found within five seconds."""
    for _ in range(500):
        await asyncio.sleep(0.01)
        if knot() is None:
            return True
    return False


@pytest.mark.usefixtures("_collector")
def test_cycles_are_collected_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(starting, "_LOOK_REST", 0)

    async def knotted() -> bool:
        await asyncio.sleep(0)  # what it starts with
        knot = weakref.ref(Knot())
        assert knot() is not None
        return await gone(knot)

    assert run_async(knotted())


@pytest.mark.usefixtures("_collector")
def test_what_becomes_garbage_long_after_it_was_made_is_collected_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(starting, "_LOOK_REST", 0)
    monkeypatch.setattr(starting, "_YOUNG_LOOKS", 5)

    async def knotted() -> bool:
        alive = Knot()
        gc.collect(1)  # it is as old as anything now
        knot = weakref.ref(alive)
        del alive
        return await gone(knot)

    assert run_async(knotted())
