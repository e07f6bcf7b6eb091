"""Prometheus and Alertmanager as they are, with the files of deploy/, hurried up; and who receives what they send."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from msgspec import Struct

from dashboards.alerts_prometheus import groups
from tests.servers import free_ports

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


TOKEN = "a-token-of-the-test"
"""What the worker asks for."""
_PATIENCE_SECONDS = 90


class Received(Struct, frozen=True):
    """One notification: for whom, what, and when it came (monotonic seconds)."""

    receiver: str
    body: dict[str, Any]
    at: float

    def alerts(self, name: str, status: str = "firing", **labels: str) -> list[dict[str, Any]]:
        """Its alerts of this name and with these labels."""
        wanted = {"alertname": name, **labels}
        return [a for a in self.body["alerts"] if a["status"] == status and wanted.items() <= a["labels"].items()]


class Inbox:
    """Everything Alertmanager has sent. `until` waits for what a test expects."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self._came = asyncio.Event()

    def take(self, received: Received) -> None:
        self.received.append(received)
        self._came.set()

    def find(self, receiver: str, name: str, status: str, **labels: str) -> Received | None:
        return next((o for o in self.received if o.receiver == receiver and o.alerts(name, status, **labels)), None)

    async def until(self, receiver: str, name: str, status: str = "firing", **labels: str) -> Received:
        """The first notification of this alert to this receiver."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (found := self.find(receiver, name, status, **labels)) is None:
            left = deadline - time.monotonic()
            came = [(one.receiver, one.body["groupLabels"]) for one in self.received]
            assert left > 0, f"no {name} ({status}) for {receiver} in {_PATIENCE_SECONDS} s; came: {came}"
            self._came.clear()
            try:
                await asyncio.wait_for(self._came.wait(), min(left, 1))
            except TimeoutError:
                continue
        return found


@asynccontextmanager
async def inbox() -> AsyncIterator[tuple[Inbox, int]]:
    """A web server that takes notifications: the last part of the path is the receiver."""
    found = Inbox()

    async def take(request: web.Request) -> web.Response:
        found.take(Received(request.match_info["receiver"], await request.json(), time.monotonic()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/{receiver}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield found, port
    finally:
        await runner.cleanup()


@contextmanager
def alertmanager(home: Path, inbox_port: int) -> Iterator[str]:
    """Alertmanager with our example: the same tree and inhibitions, every receiver the inbox, nothing waited for."""
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text())
    config["templates"] = [str(DEPLOY / "alertmanager" / "touchline.tmpl")]
    config["receivers"] = [
        {"name": each["name"], "webhook_configs": [{"url": f"http://127.0.0.1:{inbox_port}/{each['name']}"}]}
        for each in config["receivers"]
    ]
    config["time_intervals"][0]["time_intervals"] = [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}]
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "0s", "group_interval": "1s"}
    (port,) = free_ports(1)
    home.mkdir()
    (home / "alertmanager.yml").write_text(yaml.safe_dump(config))
    with _program(
        "prometheus-alertmanager",
        [
            f"--config.file={home / 'alertmanager.yml'}",
            f"--storage.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
        ],
        home,
        f"http://127.0.0.1:{port}/-/ready",
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def prometheus(home: Path, worker: str, alertmanager: str, *, for_seconds: int) -> Iterator[str]:
    """Prometheus with our example and our rules: it looks every second, and nothing has to last longer than this."""
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    (manager,) = config["alerting"]["alertmanagers"]
    manager["static_configs"][0]["targets"] = [alertmanager.removeprefix("http://")]
    (job,) = config["scrape_configs"]
    del job["dns_sd_configs"]
    job["static_configs"] = [{"targets": [worker.removeprefix("http://")]}]
    home.mkdir()
    (home / "prometheus.yml").write_text(yaml.safe_dump(config))
    (home / job["authorization"]["credentials_file"]).write_text(TOKEN)
    rules = groups(interval_seconds=1)
    for rule in (rule for group in rules for rule in group["rules"] if "for" in rule):
        rule["for"] = rule["keep_firing_for"] = f"{for_seconds}s"
    (home / config["rule_files"][0]).write_text(yaml.safe_dump({"groups": rules}))
    (port,) = free_ports(1)
    with _program(
        "prometheus",
        [
            f"--config.file={home / 'prometheus.yml'}",
            f"--storage.tsdb.path={home / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--rules.alert.resend-delay=1s",
        ],
        home,
        f"http://127.0.0.1:{port}/-/ready",
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _program(name: str, arguments: Sequence[str], home: Path, ready: str) -> Iterator[None]:
    binary = shutil.which(name)
    if binary is None:
        pytest.skip(f"no {name} on this machine (Debian: apt-get install prometheus prometheus-alertmanager)")
    log = home / "log"
    with log.open("wb") as out:
        process = subprocess.Popen([binary, *arguments], stdout=out, stderr=out, cwd=home)
    try:
        _until(lambda: process.poll() is None and answers(ready), name, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until(condition: Callable[[], bool], name: str, log: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def answers(url: str) -> bool:
    """Whether somebody answers there, and well."""
    from tests.app.command import status

    return status(url) == 200
