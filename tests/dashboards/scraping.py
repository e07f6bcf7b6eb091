"""A real Prometheus (Debian's) that scrapes a page on loopback; always stopped."""

import json
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.servers import free_ports

_CONFIG = """\
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: touchline
    static_configs: [{{targets: {targets}}}]
"""


class Prometheus(Struct, frozen=True):
    """Where it answers."""

    base: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The answer of an instant query; what is wrong with the query is an AssertionError."""
        return self._get("query", query=query)

    def ask_range(self, query: str, seconds: int = 5) -> list[dict[str, Any]]:
        """The answer over the last seconds."""
        now = time.time()
        return self._get("query_range", query=query, start=now - seconds, end=now, step=1)

    def _get(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        url = f"{self.base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  (loopback)
                found = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters['query']}: {error.read().decode()}") from None
        result: list[dict[str, Any]] = found["data"]["result"]
        return result


@contextmanager
def serving(page: bytes) -> Iterator[int]:
    """A page on a free port, the same for every path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (so it is called there)
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def prometheus(ports: Sequence[int], home: Path) -> Iterator[Prometheus]:
    """A Prometheus that has scraped each port at least three times; skips the test where none is installed."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus on this machine (Debian: apt-get install prometheus)")
    home.mkdir(exist_ok=True)
    (home / "prometheus.yml").write_text(_CONFIG.format(targets=[f"127.0.0.1:{port}" for port in ports]))
    (own,) = free_ports(1)
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'data'}",
                f"--web.listen-address=127.0.0.1:{own}",
            ],
            stdout=log,
            stderr=log,
            cwd=home,
        )
    found = Prometheus(f"http://127.0.0.1:{own}")
    try:
        _until_scraped(found, len(ports), process, home)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_scraped(found: Prometheus, targets: int, process: "subprocess.Popen[bytes]", home: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            scrapes = found.ask("count_over_time(touchline_ready[1m])")
        except (OSError, AssertionError):
            scrapes = []
        if len(scrapes) == targets and all(float(each["value"][1]) >= 3 for each in scrapes):
            return
        time.sleep(0.2)
    raise RuntimeError(f"Prometheus did not scrape: {(home / 'log').read_text()[-2000:]}")
