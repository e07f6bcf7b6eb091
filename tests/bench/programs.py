"""The peers' programs: what they need, how they are made ready, and how one of them is run.

A program is a process of its own that reads a topic from its beginning, does the toy job (`tests.bench.peers.toy`) and
says in one line of JSON how it went.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from tests.bench.peers.toy import Said, Task
from tests.faults.servers.kafka import Missing

ROOT: Final = Path(__file__).parents[2]
ENVIRONMENT: Final = ROOT / ".venv-bench"
_FOLDER: Final = Path(__file__).parent / "peers"
_JAVA: Final = _FOLDER / "kafka_streams"
_SECONDS: Final = 900


class Peer(Struct, frozen=True):
    """One program. `most`: so many records at most, where it is slow."""

    command: Callable[[Task], Sequence[str]]
    ready: Callable[[], object]
    """Makes it ready, or raises Missing: one sentence that says why it cannot be run here."""
    most: int | None = None


def run(peer: Peer, task: Task) -> Said:
    """Run one that is ready, to its end. Raises RuntimeError with the last it said where it failed."""
    with tempfile.TemporaryDirectory(prefix="peer-", dir=task.scratch) as scratch:
        own = msgspec.structs.replace(task, scratch=scratch)
        try:
            done = subprocess.run(
                peer.command(own),
                cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True, text=True, check=False, timeout=_SECONDS,
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise RuntimeError(f"not done after {_SECONDS} s") from late
    try:
        return msgspec.json.decode(done.stdout.strip().rpartition("\n")[2], type=Said)
    except msgspec.DecodeError:
        said = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
        raise RuntimeError(f"exit code {done.returncode}: {said[:300]}") from None


# ---- Python


def _python(name: str, interpreter: Path, *more: str) -> Callable[[Task], Sequence[str]]:
    def command(task: Task) -> Sequence[str]:
        return [str(interpreter), "-m", f"tests.bench.peers.{name}", msgspec.json.encode(task).decode(), *more]

    return command


def own_environment() -> Path:
    """The environment of the peers and of py-spy, with the versions that are pinned; made where it is not there. Raises
    Missing.
    """
    wanted = (_FOLDER / "requirements.txt").read_text()
    stamp = ENVIRONMENT / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return ENVIRONMENT
    python = ENVIRONMENT / "bin" / "python"
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)],
        [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--requirement", "/dev/stdin"],
    ):
        done = subprocess.run(command, input=wanted, capture_output=True, text=True, check=False, timeout=_SECONDS)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
            raise Missing(f"the peers' environment {ENVIRONMENT.name} could not be made: {said[:200]}")
    stamp.write_text(wanted)
    return ENVIRONMENT


def _nothing() -> None:
    """All is there."""


# ---- Java


def _java_folder() -> Path:
    """Where the program is built: another place for every version of its source."""
    sources = sorted(path for path in _JAVA.rglob("*") if path.suffix in {".xml", ".java"})
    known = hashlib.blake2b(b"".join(path.read_bytes() for path in sources), digest_size=8).hexdigest()
    return Path.home() / ".cache" / "touchline-tests" / f"kafka-streams-peer-{known}"


def _built() -> None:
    for command, package in (("javac", "openjdk-17-jdk-headless"), ("mvn", "maven")):
        if shutil.which(command) is None:
            raise Missing(f"no {command} on this machine (Debian: apt-get install {package})")
    folder = _java_folder()
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix="kafka-streams-peer-", dir=folder.parent))
    shutil.copytree(_JAVA, part, dirs_exist_ok=True)
    done = subprocess.run(
        ["mvn", "--batch-mode", "--quiet", "package", "dependency:copy-dependencies", "-DincludeScope=runtime"],
        cwd=part, capture_output=True, text=True, check=False, timeout=_SECONDS,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(part)
        raise Missing(f"Maven did not build it: {(done.stdout + done.stderr).strip()[:200]}")
    part.rename(folder)


def _java(variant: str) -> Callable[[Task], Sequence[str]]:
    def command(task: Task) -> Sequence[str]:
        target = _java_folder() / "target"
        name = Path(task.scratch).name  # its consumer group and its topics: anew for every run
        return [
            "java", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
            "-cp", f"{target}/kafka-streams-peer-1.jar:{target}/dependency/*", "Peer",
            task.bootstrap, task.topic, str(task.records), variant, task.scratch, name,
        ]  # fmt: skip

    return command


PEERS: Final[Mapping[str, Peer]] = {
    "decode_only": Peer(_python("decode_only", Path(sys.executable)), _nothing),
    "decode_only_batched": Peer(_python("decode_only", Path(sys.executable), "500"), _nothing),
    "kafka_streams": Peer(_java("rocksdb"), _built),
    "kafka_streams_memory": Peer(_java("memory"), _built),
    "bytewax": Peer(_python("bytewax_flow", ENVIRONMENT / "bin" / "python"), own_environment),
    "quix_streams": Peer(_python("quix_streams", ENVIRONMENT / "bin" / "python"), own_environment, most=200_000),
    "faust": Peer(_python("faust_vanilla", ENVIRONMENT / "bin" / "python"), own_environment, most=10_000),
}
"""Everybody who is measured beside us, the yardstick first."""
