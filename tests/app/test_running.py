"""The pipeline as a process: what it serves, who can ask it, how it ends, and what is left when it is killed."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.app.command import (
    Running,
    background,
    free_port,
    replay,
    rows,
    running,
    sentence,
    status,
    touchline,
    until,
    write,
)
from tests.oracle import Arrival, Promises, recount
from tests.strategies import generate, shuffled

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]

CATALOGUE = "zone: UTC\n"
SUMMED = ("requested", "offered", "answered", "abandoned", "wait_ms", "closed", "fcr_eligible", "fcr_resolved")
OF_CUSTOMERS = ("fcr_eligible", "fcr_resolved")


class Live(Struct, frozen=True):
    """A running pipeline and the catalogue it was started with."""

    run: Running
    catalogue: Path


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    with running("run", "--catalogue", str(catalogue), data=folder / "data") as run:
        yield Live(run, catalogue)


def metric(run: Running, name: str, **labels: str) -> float:
    """The sum of a metric's samples with these labels."""
    total = 0.0
    for line in run.get("/metrics").splitlines():
        if line.startswith((f"{name}{{", f"{name} ")) and all(f'{k}="{v}"' in line for k, v in labels.items()):
            total += float(line.rsplit(" ", 1)[1])
    return total


def ringing(contact_id: str, queue: str) -> list[dict[str, Any]]:
    """A customer who waits since a moment ago."""
    now_ms = time.time_ns() // 1_000_000
    common = {"contact_id": contact_id, "channel": "phone", "source": "test"}
    return [
        {"id": "1", "type": "contact.requested", "time": now_ms - 3_000, **common},
        {"id": "2", "type": "contact.queued", "time": now_ms - 2_000, "queue": queue, **common},
    ]


def totals(data: Path) -> dict[str, int]:
    """Sums over all windows."""
    columns = ", ".join(f"sum(m.{name}) AS {name}" for name in SUMMED)
    (row,) = rows(f"SELECT {columns} FROM touchline.measures AS m", data)
    return {name: int(value) for name, value in row.items()}


def expected(stream: list[dict[str, Any]]) -> dict[str, int]:
    """The same by the oracle. The touchpoints are old when they are replayed: no clock is ahead."""
    newest = max(each["time"] for each in stream)
    cells = recount((Arrival("touchpoints/0", n, newest, each) for n, each in enumerate(stream)), Promises()).cells
    return {name: sum(cell.get(name, 0) for cell in cells.values()) for name in SUMMED}


@contextmanager
def half_read(file: Path, data: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A replay that has read most of a file, and waits for the rest of it until the block ends."""
    content = file.read_bytes()
    assert len(content) > 1.1 * 1024 * 1024, "files are read by the megabyte"
    pipe = file.with_suffix(".pipe")
    os.mkfifo(pipe)
    replaying = background("replay", str(pipe), "--data", str(data), output=file.with_suffix(".log"))
    descriptors: list[int] = []

    def is_opened() -> bool:
        assert replaying.poll() is None, file.with_suffix(".log").read_text()
        with suppress(OSError):  # nobody reads yet
            descriptors.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(descriptors)

    try:
        until(is_opened, "the replay reads")
        os.set_blocking(descriptors[0], True)
        with os.fdopen(descriptors[0], "wb") as writer:
            writer.write(content[:-1_000])
            writer.flush()
            yield replaying
            with suppress(BrokenPipeError):
                writer.close()
        replaying.wait(timeout=60)
    finally:
        if replaying.poll() is None:
            replaying.kill()
            replaying.wait()


# ---- while it runs


def test_page_metrics_and_health_are_served_on_one_port(live: Live) -> None:
    assert "<title>" in live.run.get("/")
    assert json.loads(live.run.get("/health/live")) == {"live": True}
    assert json.loads(live.run.get("/health/ready"))["ready"] is True
    samples = [line for line in live.run.get("/metrics").splitlines() if line and not line.startswith("#")]
    assert len(samples) > 20
    assert [line for line in samples if not line.startswith("touchline_")] == []
    assert json.loads(live.run.get("/live.json"))["simulated"] is False
    said = live.run.said()
    for shown in (f"{live.run.base}/", f"{live.run.base}/metrics", "touchline query", str(live.run.data)):
        assert shown in said


def test_query_audit_and_replay_reach_the_process_through_its_socket(live: Live, tmp_path: Path) -> None:
    assert stat.S_IMODE((live.run.data / "touchline.sock").stat().st_mode) == 0o600
    file = write(tmp_path / "ringing.jsonl", ringing("waits", "front"))
    waiting = metric(live.run, "touchline_waiting_now", channel="phone", queue="front")
    report = replay(file, data=live.run.data)
    assert (report["applied"], report["rejected"]) == (2, 0)
    assert waiting == 0
    until(lambda: metric(live.run, "touchline_waiting_now", channel="phone", queue="front") == 1, "one waits")

    (row,) = rows("SELECT queue, is_open FROM touchline.contacts WHERE contact_id = 'waits'", live.run.data)
    assert row == {"queue": "front", "is_open": 1}
    audit = touchline("audit", "--data", str(live.run.data))
    assert audit.returncode == 0, audit.stdout
    assert " 0 differences" in audit.stdout
    planned = touchline("plan", "--data", str(live.run.data))
    assert planned.returncode == 0
    assert "a running process holds" in planned.stdout


def test_wrong_sql_over_the_socket_is_one_sentence(live: Live) -> None:
    said = sentence(touchline("query", "SELECT nothing FROM nowhere", "--data", str(live.run.data)))
    assert "nowhere" in said
    assert status(f"{live.run.base}/health/live") == 200


def test_a_replay_into_a_running_process_goes_by_its_catalogue(live: Live, tmp_path: Path) -> None:
    file = write(tmp_path / "ringing.jsonl", ringing("other", "back"))
    arguments = ("--data", str(live.run.data), "--catalogue", str(live.catalogue))
    assert "leave --catalogue out" in sentence(touchline("replay", str(file), *arguments))


def test_a_second_process_does_not_get_the_folder_and_a_second_program_not_the_port(live: Live, tmp_path: Path) -> None:
    said = sentence(touchline("run", "--data", str(live.run.data), "--port", str(free_port())))
    assert str(live.run.data) in said
    assert "only one process at a time can have it" in said
    port = live.run.base.rpartition(":")[2]
    said = sentence(touchline("run", "--data", str(tmp_path / "data"), "--port", port))
    assert f"cannot listen on 127.0.0.1:{port}" in said
    assert "--port" in said
    assert status(f"{live.run.base}/health/ready") == 200


def test_a_saved_catalogue_is_refused_with_its_line_or_taken_over_if_it_begins_in_the_future(live: Live) -> None:
    def saved(text: str, said: str) -> None:
        before = live.run.said().count(said)
        live.catalogue.write_text(CATALOGUE + text)
        until(lambda: live.run.said().count(said) > before, f"it says {said!r}")

    target = "targets:\n  - channel: phone\n    wait: {}\n    valid_from: {}\n"
    saved(target.format("20 parsecs", "2099-01-01"), "line 4")
    assert "the old one stays in force" in live.run.said()
    saved(target.format("45s", "2001-01-01"), "changes of what is counted already")
    assert "valid_from" in live.run.said()
    saved(target.format("45s", "2099-01-01"), "was taken over")
    assert status(f"{live.run.base}/health/ready") == 200
    assert "Traceback" not in live.run.said()


# ---- the end, and after it


def test_whatever_ends_it_nothing_is_lost_and_nothing_counted_twice(tmp_path: Path) -> None:
    data = tmp_path / "data"
    stream = generate(9, 1_500)
    file = write(tmp_path / "all.jsonl", stream)
    mixed = write(tmp_path / "mixed.jsonl", shuffled(stream, 9))

    with running("run", data=data) as run:
        with half_read(file, data) as replaying:
            until(lambda: metric(run, "touchline_touchpoints_total") > 200, "some are folded")
            assert run.end(signal.SIGTERM) == 0, run.said()
        assert replaying.returncode == 2
        assert "Ending" in run.said()
        assert not (data / "touchline.sock").exists()
        assert "Traceback" not in run.said() + file.with_suffix(".log").read_text()
    after_sigterm = totals(data)
    assert after_sigterm["requested"] > 0
    audit = touchline("audit", "--data", str(data))
    assert audit.returncode == 0, audit.stdout + audit.stderr

    with running("run", data=data, env={"TOUCHLINE_FLUSH_SECONDS": "0.05"}) as run:
        # Facts that were told but not read by their customers at the end are told again at the start.
        assert {k: v for k, v in totals(data).items() if k not in OF_CUSTOMERS} == {
            k: v for k, v in after_sigterm.items() if k not in OF_CUSTOMERS
        }
        before = metric(run, "touchline_touchpoints_total")
        with half_read(mixed, data) as replaying:
            until(lambda: metric(run, "touchline_touchpoints_total") > before + 200, "some are folded")
            run.process.kill()
            run.process.wait()
        said = mixed.with_suffix(".log").read_text()
        assert replaying.returncode == 2, said
        assert "Traceback" not in said
        assert "touchline.sock" in said
        assert (data / "touchline.sock").exists(), "nobody could take it away"

    with running("run", data=data) as run:
        assert stat.S_IMODE((data / "touchline.sock").stat().st_mode) == 0o600, "the stale socket was taken over"
        report = replay(file, data=data)
        assert report["applied"] + report["duplicate"] == len(stream)
        assert report["duplicate"] > 200
        counted = totals(data)
        assert counted == expected(stream)
        audit = touchline("audit", "--data", str(data))
        assert audit.returncode == 0, audit.stdout + audit.stderr
        assert run.end(signal.SIGINT) == 0, run.said()
    assert totals(data) == counted


def test_the_demo_moves_within_twenty_seconds_and_says_that_it_is_one(tmp_path: Path) -> None:
    begun = time.monotonic()
    with running("demo", data=tmp_path / "data") as run:

        def moves() -> bool:
            return metric(run, "touchline_touchpoints_total", result="applied") > 100

        until(moves, "touchpoints are applied")
        seconds = time.monotonic() - begun
        assert json.loads(run.get("/live.json"))["simulated"] is True
        assert "DEMO" in run.said()
        until(lambda: json.loads(run.get("/live.json"))["live"], "what was before the demo is counted", seconds=200)
        assert metric(run, "touchline_waiting_now") >= 0
        before = metric(run, "touchline_touchpoints_total", result="applied")
        until(lambda: metric(run, "touchline_touchpoints_total", result="applied") > before, "they go on")
    audit = touchline("audit", "--data", str(tmp_path / "data"))
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert seconds < 20 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), "20 s on a machine that is free"
