"""Runs the command as a user does: another process, its exit code and what it prints."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

_SECONDS = 400
"""A replay of January takes a minute; two slow cores that others use as well, many."""


def touchline(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One command, run to its end."""
    return subprocess.run(
        _command(arguments),
        cwd=cwd,
        env=_environment(env),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )


def rows(sql: str, data: Path, env: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """A query's rows."""
    done = touchline("query", sql, "--data", str(data), "--format", "JSONEachRow", env=env)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def replay(
    *files: Path,
    data: Path,
    source: str = "canonical",
    env: Mapping[str, str] | None = None,
    more: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A replay's report."""
    names = [str(file) for file in files]
    done = touchline("replay", *names, "--source", source, "--data", str(data), "--json", *more, env=env)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def write(path: Path, touchpoints: list[dict[str, Any]]) -> Path:
    """A file of touchpoints as JSON lines."""
    path.write_bytes(b"\n".join(json.dumps(each).encode() for each in touchpoints) + b"\n")
    return path


def sentence(done: "subprocess.CompletedProcess[str]") -> str:
    """The one sentence a command ended with that could not be done: exit code 2, no stack, after what it logged. Line
    breaks are the terminal's.
    """
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    *_, last = f"\n{done.stderr}".split("\ntouchline: ")
    assert done.stderr.endswith(last), done.stderr
    assert f"\n{done.stderr}".count("\ntouchline: ") == 1, done.stderr
    return " ".join(last.split())


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running(Struct, frozen=True):
    """A process that goes on until it is told to end; `output` is the file it prints to."""

    base: str
    data: Path
    process: "subprocess.Popen[bytes]"
    output: Path

    def said(self) -> str:
        """Everything it has printed."""
        return self.output.read_text(errors="replace")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit code after this signal."""
        self.process.send_signal(number)
        return self.process.wait(timeout=60)

    def get(self, path: str) -> str:
        """The text of a page."""
        return get(self.base + path)


@contextmanager
def running(
    *arguments: str, data: Path, env: Mapping[str, str] | None = None, ready_seconds: float = 120
) -> Iterator[Running]:
    """`touchline run` (or demo ...) in the background, yielded once it is ready. What the block has not ended is ended
    by SIGTERM, which has to be in order.
    """
    port = free_port()
    output = data.with_name(f"{data.name}-{port}.log")
    with output.open("wb") as file:
        process = subprocess.Popen(
            _command((*arguments, "--data", str(data), "--port", str(port))),
            env=_environment(env),
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    found = Running(f"http://127.0.0.1:{port}", data, process, output)

    def is_ready() -> bool:
        assert process.poll() is None, found.said()
        return status(f"{found.base}/health/ready") == 200

    try:
        until(is_ready, "it is ready", seconds=ready_seconds)
        yield found
        if process.poll() is None:
            assert found.end() == 0, found.said()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def until(condition: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s until {what}"
        time.sleep(0.1)


def status(url: str) -> int:
    """The status of a page; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (loopback)
            found: int = answer.status
            return found
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0


def get(url: str) -> str:
    """The text of a page."""
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310  (loopback)
        text: str = answer.read().decode()
        return text


def background(*arguments: str, output: Path) -> "subprocess.Popen[bytes]":
    """A command that is left alone; what it prints goes to a file."""
    with output.open("wb") as file:
        return subprocess.Popen(_command(arguments), env=_environment(None), stdout=file, stderr=subprocess.STDOUT)


def _command(arguments: tuple[str, ...]) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", *arguments]


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    """This process's, without settings of touchline's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
    root = str(Path(__file__).parents[2])
    return {**kept, "PYTHONPATH": root, **(extra or {})}
