"""Runs the command as a user does: another process, its exit code and what it prints."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_SECONDS = 240


def touchline(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One command, run to its end."""
    command = [sys.executable, "-m", "pipeline.cli", *arguments]
    return subprocess.run(
        command, cwd=cwd, env=_environment(env), capture_output=True, text=True, timeout=_SECONDS, check=False
    )


def rows(sql: str, data: Path, env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """A query's rows."""
    done = touchline("query", sql, "--data", str(data), "--format", "JSONEachRow", env=env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def replay(*files: Path, data: Path, source: str = "canonical", env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A replay's report."""
    names = [str(file) for file in files]
    done = touchline("replay", *names, "--source", source, "--data", str(data), "--json", env=env)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(*arguments: str, data: Path, ready_seconds: float = 60) -> Iterator[str]:
    """`touchline run` (or demo ...) in the background until it is ready; ended by SIGTERM, which has to be in order."""
    port = free_port()
    command = [sys.executable, "-m", "pipeline.cli", *arguments, "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(
        command, env=_environment(None), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    base = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + ready_seconds
        while _status(f"{base}/health/ready") != 200:
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline, "not ready in time"
            time.sleep(0.2)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=30)
    assert process.returncode == 0, printed


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (loopback)
            status: int = answer.status
            return status
    except OSError:
        return 0


def get(url: str) -> str:
    """The text of a page."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  (loopback)
        text: str = answer.read().decode()
        return text


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
    return {**kept, **(extra or {})}
