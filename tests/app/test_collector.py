"""Every command runs with a garbage collector that looks seldom."""

import gc
from collections.abc import Iterator

import pytest

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
