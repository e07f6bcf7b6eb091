"""The warehouse's disk is full: counting goes on, nothing is lost, and it is written when there is room again."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.app.command import get
from tests.faults.servers.cluster import Cluster, wait_until
from tests.faults.servers.conftest import started
from tests.faults.servers.loop import catch_up, compare, drain, say_nothing
from tests.faults.servers.traffic import sender_of

pytestmark = [pytest.mark.server, pytest.mark.process, pytest.mark.timeout(600)]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 48 MB; the test is skipped where mounting is not allowed."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Write until there is no room; the file that took it."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    return ballast


def gauge(found: Cluster, name: str) -> float:
    """The sum of a gauge over partitions."""
    text = get(f"http://127.0.0.1:{found.workers[0].port}/metrics")
    return sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))


def test_a_full_disk_keeps_nothing_from_being_counted_and_is_caught_up_with_when_there_is_room(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "clickhouse" / "data") as disk,
        started(tmp_path, workers=1, partitions=2) as found,
    ):
        (worker,) = found.workers
        sender = sender_of(found.broker.bootstrap, 51, 1_500)
        found.tend()
        sender.send(300)
        catch_up(found, say_nothing, 120)
        ballast = fill(disk)
        sender.send(1_200)
        assert wait_until(lambda: "not written, trying again" in worker.said(), 60), worker.said()
        assert wait_until(lambda: gauge(found, "touchline_log_lag_records") == 0, 60)
        assert gauge(found, "touchline_dirty_rows") > 100
        assert worker.running
        ballast.unlink()
        catch_up(found, say_nothing, 120)
        assert worker.exits == [], worker.said()
        drain(found)
        differences = compare(found, sender, say_nothing, audit=False)
        assert differences.none, differences
