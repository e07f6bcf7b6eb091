"""One catch-up of a real worker: everything is in the topic already, and it begins with nothing."""

import asyncio
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from clickhouse_driver import Client
from msgspec import Struct

from pipeline.core.measure import column_key
from pipeline.core.steps import CELL, CONTACT, DAY, FACT, SEPARATOR
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS
from tests.bench.programs import own_environment
from tests.bench.rows import kept_on_one_core
from tests.bench.workload import Known
from tests.faults.servers.cluster import Cluster, Worker, wait_until

_START_SECONDS: Final = 120.0
_SECONDS: Final = 1_800.0
_OFFSET: Final = (1 << 48) - 1
_QUIET: Final = 0.1
"""Of a core: less than this, and a server's merges or compactions disturb nobody."""
_QUIET_SECONDS: Final = 20.0
_TICKS: Final = os.sysconf("SC_CLK_TCK")


class CaughtUp(Struct, frozen=True):
    """How it went. `seconds`: from the last moment at which no partition was recovered until every partition's marker
    of both folds stood at the end of its log. `start_seconds`: before that, from the start of the workers.
    """

    touchpoints: int
    start_seconds: float
    seconds: float
    cpu_seconds: tuple[float, float, float]
    """Of all workers, Kafka and ClickHouse."""
    differences: list[str]

    @property
    def rate(self) -> float:
        """Touchpoints a second."""
        return self.touchpoints / self.seconds


def catch_up(
    found: Cluster,
    known: Known,
    at: Callable[[float], None],
    audit: bool,
    profile: Path | None = None,
    *,
    one_core: bool = False,
) -> CaughtUp:
    """Let the workers of `found` do it, and compare what they stored with what is known. `at` hears how many
    touchpoints are stored; `profile` is of the first worker. Raises RuntimeError where it does not come to an end.
    """
    started = time.monotonic()
    with kept_on_one_core(one_core):
        for worker in found.workers:
            worker.start()
    try:
        begun = _first_recovered(found)
        before = used(found)
        spy = None if profile is None else _spied(found.workers[0], profile)
        with Client("127.0.0.1", found.clickhouse.port) as client:
            ended = until_stored(found, client, at)
            after = used(found)
            if spy is not None:
                spy.send_signal(signal.SIGINT)
                spy.wait(120)
            for worker in found.workers:
                worker.ask_to_end()
            differences = [
                f"a worker ended with {code}: {worker.said()[-300:]}"
                for worker in found.workers
                if (code := worker.ended(90))
            ]
            differences += compare(client, found, known)
    finally:
        for worker in found.workers:
            worker.kill()
    if audit:
        done = found.command("audit")
        if done.returncode:
            differences.append(f"touchline audit: {(done.stdout + done.stderr).strip()[-300:]}")
    worker_s, kafka_s, clickhouse_s = (late - early for early, late in zip(before, after, strict=True))
    return CaughtUp(known.records, begun - started, ended - begun, (worker_s, kafka_s, clickhouse_s), differences)


def used(found: Cluster) -> tuple[float, float, float]:
    """CPU seconds so far of the workers that run, Kafka and ClickHouse."""

    def of(*programs: Any) -> float:
        return sum(cpu_seconds(program._process.pid) for program in programs if program._process is not None)

    return of(*found.workers), of(found.broker), cpu_seconds(found.clickhouse.process.pid)


def quiet(found: Cluster) -> None:
    """Wait until worker and servers have done what they do behind one's back."""

    def is_quiet() -> bool:
        before = used(found)
        time.sleep(0.5)
        return all(late - early < _QUIET / 2 for early, late in zip(before, used(found), strict=True))

    wait_until(is_quiet, _QUIET_SECONDS)


def _spied(worker: Worker, to: Path) -> "subprocess.Popen[bytes]":
    assert worker._process is not None
    return subprocess.Popen(
        [str(own_environment() / "bin" / "py-spy"), "record", "--pid", str(worker._process.pid), "--format", "raw",
         "--function", "--gil", "--rate", "200", "--duration", "3600", "--output", str(to)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _first_recovered(found: Cluster) -> float:
    """The last moment at which no partition of a folded topic was recovered: nothing was folded before. Of several
    workers at the latest: one that hands partitions over is taken for one that has recovered them.
    """
    deadline = last = time.monotonic()
    deadline += _START_SECONDS
    most = [2 * found.partitions // len(found.workers)] * len(found.workers)
    while time.monotonic() < deadline:
        asked = time.monotonic()
        missing = [_missing(f"http://127.0.0.1:{worker.port}/health/ready") for worker in found.workers]
        if any(each is not None and each < had for each, had in zip(missing, most, strict=True)):
            return last
        most = [max(each or 0, had) for each, had in zip(missing, most, strict=True)]
        if stopped := [worker for worker in found.workers if not worker.running]:
            raise RuntimeError(f"a worker did not start: {stopped[0].said()[-500:]}")
        last = asked
        time.sleep(0.01)
    raise RuntimeError(f"nothing was recovered: {found.workers[0].said()[-500:]}")


def _missing(url: str) -> int | None:
    """How many partitions are not recovered; None before there are any."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (loopback)
            answer.read()
            return 0
    except urllib.error.HTTPError as error:
        with error:
            missing = json.load(error)["missing"]
        return len(missing) if missing and missing[0]["partition"] else None
    except OSError:
        return None


def until_stored(found: Cluster, client: Any, at: Callable[[float], None]) -> float:
    """When both folds stood at the ends of their logs. Raises RuntimeError."""
    ends = {f"{TOUCHPOINTS}/{number}": found._end(TOUCHPOINTS, number) for number in range(found.partitions)}

    def stored() -> bool:
        for worker in found.workers:
            if not worker.running:
                raise RuntimeError(f"a worker ended: {worker.said()[-500:]}")
        markers = dict(
            client.execute("SELECT p, max(version) FROM touchline_internal.ledger WHERE kind = 0 GROUP BY p")
        )
        offsets = {partition: version & _OFFSET for partition, version in markers.items()}
        at(sum(offsets.get(partition, 0) for partition in ends))
        if any(offsets.get(partition) != end for partition, end in ends.items()):
            return False
        # Facts are in their log before the marker is written, so what the ends are now is all there will be.
        numbers = range(found.partitions)
        return all(offsets.get(f"{CONTACT_FACTS}/{n}") == found._end(CONTACT_FACTS, n) for n in numbers)

    if not wait_until(stored, _SECONDS, every=0.1):
        raise RuntimeError(f"not everything was stored after {_SECONDS:.0f} s: {found.workers[0].said()[-500:]}")
    return time.monotonic()


def compare(client: Any, found: Cluster, known: Known) -> list[str]:
    """What the warehouse holds beside what the workload knows of itself: a sentence for every difference."""
    markers = asyncio.run(found.markers())
    of_contacts = [marker for partition, marker in markers.items() if partition.startswith(f"{TOUCHPOINTS}/")]
    unit = f"substring(key, 1, position(key, '{SEPARATOR}') - 1)"
    ledger = "touchline_internal.ledger FINAL"

    def asked(sql: str) -> int:
        return int(client.execute(sql)[0][0])

    def sum_of(measure: str) -> int:
        key = column_key(measure)
        return asked(
            f"SELECT sum(arrayElement(values, indexOf(keys, {key}))) FROM {ledger}"
            f" WHERE kind = {CELL} AND resolution = {DAY} AND has(keys, {key})"
        )

    pairs = {
        "touchpoints applied": (sum(marker.applied for marker in of_contacts), known.records - known.duplicates),
        "duplicates": (sum(marker.duplicate for marker in of_contacts), known.duplicates),
        "rejected": (sum(sum(marker.rejected.values()) for marker in markers.values()), 0),
        "states of contacts": (asked(f"SELECT count() FROM {ledger} WHERE kind = {CONTACT}"), known.contacts),
        "states of customers": (asked(f"SELECT uniqExact({unit}) FROM {ledger} WHERE kind = {FACT}"), known.customers),
        "rows in contacts": (asked("SELECT count() FROM touchline_internal.contacts FINAL"), known.contacts),
        "cells' requested": (sum_of("requested"), known.contacts),
        "cells' closed": (sum_of("closed"), known.closed),
    }
    return [f"{what}: {stored}, not {wanted}" for what, (stored, wanted) in pairs.items() if stored != wanted]
