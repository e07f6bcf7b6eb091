"""The row `rest`: what an embedded process uses while 1,000 contacts are open and nothing happens: nobody looks at the
page, /metrics is read every 15 seconds.
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.bench.catch_up import cpu_seconds
from tests.bench.programs import ROOT
from tests.bench.rows import Options, Report, Result, Stack, median_of
from tests.faults.servers.cluster import wait_until
from tests.servers import free_ports

OPEN: Final = 1_000
_SETTLE_SECONDS: Final = 45.0
"""The first audit in the background is over by then; the next comes five minutes later."""
_LOOK_SECONDS: Final = 30.0
_SCRAPE_SECONDS: Final = 15.0


def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """One process, looked at as often as asked for."""
    home = stack.folder("rest")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
    environment["PYTHONPATH"] = str(ROOT)
    _replay(home, environment)
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "run", "--data", str(home / "data"), "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        report.begin("at rest", options.repeat)
        if not wait_until(lambda: bool(_read(port, "/health/ready")), 60):
            raise RuntimeError("touchline run did not become ready")
        is_open = sum(
            float(line.rpartition(" ")[2])
            for line in _read(port, "/metrics").splitlines()
            if line.startswith("touchline_open_contacts{")
        )
        if is_open != OPEN:
            raise RuntimeError(f"{is_open:.0f} contacts are open, not {OPEN}")
        time.sleep(_SETTLE_SECONDS)
        shares = []
        for number in range(options.repeat):
            report.at(number)
            shares.append(100 * _share(process.pid, port))
    finally:
        process.terminate()
        process.wait(60)
    return [
        median_of("cpu_at_rest", shares, "% of a core", 2, at_least=False, note=f"{OPEN:,} open contacts, embedded")
    ]


def _replay(home: Path, environment: Mapping[str, str]) -> None:
    began_ms = time.time_ns() // 1_000_000 - 600_000
    with (home / "open.jsonl").open("w") as file:
        for number in range(OPEN):
            contact, at_ms = f"open-{number:06}", began_ms + number * 500
            told = [("contact.requested", {}), ("contact.queued", {"queue": f"queue-{number % 50:02}"})]
            told += [("contact.answered", {"agent_id": "agent-1"})] if number % 2 else []
            for step, (type_, more) in enumerate(told):
                one = {"type": type_, "id": f"{contact}-{step}", "time": at_ms + step * 1_000, "contact_id": contact}
                file.write(json.dumps({**one, "channel": "phone", "source": "bench", **more}) + "\n")
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "replay", str(home / "open.jsonl"), "--data", str(home / "data")],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"touchline replay failed: {(done.stdout + done.stderr)[-500:]}")


def _share(pid: int, port: int) -> float:
    begun, before, scraped = time.monotonic(), cpu_seconds(pid), 0
    while (passed := time.monotonic() - begun) < _LOOK_SECONDS:
        if passed >= (scraped + 0.5) * _SCRAPE_SECONDS:
            _read(port, "/metrics")
            scraped += 1
        time.sleep(0.5)
    return (cpu_seconds(pid) - before) / (time.monotonic() - begun)


def _read(port: int, path: str) -> str:
    """Empty where it does not answer, or not with 200."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return str(answer.read().decode())
    except (urllib.error.HTTPError, OSError):
        return ""
