"""A small installation on this machine: Kafka, ClickHouse and worker processes, and what can be done to them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Final

from clickhouse_driver import Client
from clickhouse_driver import errors as clickhouse_errors
from confluent_kafka import Consumer, TopicPartition

from pipeline.core.steps import Marker
from pipeline.io.clickhouse import NativeWarehouse, Server
from pipeline.io.ledger import SqlLedger
from schemas.topics import CONTACT_FACTS, RAW, TOUCHPOINTS
from tests.app.command import status
from tests.faults.servers.kafka import Kafka, kafka
from tests.faults.servers.wire import Wire
from tests.servers import ClickHouseServer, clickhouse_server, free_ports, start_clickhouse, stop_clickhouse

GROUP: Final = "touchline"
BUG: Final = 70
"""The exit code of a worker that found a bug in itself."""
_ROOT: Final = Path(__file__).parents[3]


class Worker:
    """One worker process, started again and again on the same port; everything it ever said is in `log`."""

    def __init__(self, number: int, port: int, log: Path, env: dict[str, str]) -> None:
        self.number, self.port, self.log = number, port, log
        self.exits: list[int] = []
        """Exit codes of processes that nobody killed."""
        self.stopped_until = 0.0
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether there is a process (that may be stopped)."""
        return self._process is not None and self._process.poll() is None

    def ready(self) -> bool:
        """Whether it says that all its partitions are recovered."""
        return not self.stopped_until and status(f"http://127.0.0.1:{self.port}/health/ready") == 200

    def start(self, failpoint: str = "") -> None:
        """Start a process, with a failpoint (`agents.failpoints`) if one is named."""
        env = self._env | ({"FAILPOINT": failpoint} if failpoint else {})
        with self.log.open("ab") as log:
            log.write(f"---- start {time.strftime('%H:%M:%S')} {failpoint}\n".encode())
            log.flush()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.cli", "worker", "--port", str(self.port)],
                stdout=log, stderr=log, env=env, cwd=self.log.parent,
            )  # fmt: skip

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process, self.stopped_until = None, 0.0

    def ask_to_end(self) -> None:
        """SIGTERM."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def ended(self, seconds: float) -> int:
        """The exit code of a process that was asked to end, or is about to; it is not one of `exits`."""
        assert self._process is not None
        code = self._process.wait(seconds)
        self._process = None
        return code

    def said(self) -> str:
        """What the present or last process said."""
        return self.log.read_text(errors="replace").rpartition("---- start")[2]

    def pause(self, until: float) -> None:
        """SIGSTOP: it does nothing, and does not know it."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGSTOP)
            self.stopped_until = until

    def wake(self) -> None:
        """SIGCONT: it goes on as if nothing had been."""
        if self._process is not None and self.stopped_until:
            self._process.send_signal(signal.SIGCONT)
        self.stopped_until = 0.0

    def tend(self) -> None:
        """What a supervisor does: start it again where it ended by itself, and here also wake it when it is time."""
        if self.stopped_until and time.monotonic() >= self.stopped_until:
            self.wake()
        if not self.running:
            if self._process is not None:
                self.exits.append(self._process.wait())
            self.start()


class Cluster:
    """Everything that runs."""

    def __init__(
        self,
        home: Path,
        broker: Kafka,
        clickhouse: ClickHouseServer,
        workers: int,
        partitions: int,
        *,
        session_seconds: float = 12.0,
        clickhouse_wire: Wire | None = None,
    ) -> None:
        self.home, self.broker, self.clickhouse, self.partitions = home, broker, clickhouse, partitions
        self.session_seconds, self.clickhouse_wire = session_seconds, clickhouse_wire
        port = clickhouse.port if clickhouse_wire is None else clickhouse_wire.port
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
        self.env = kept | {
            "PYTHONPATH": str(_ROOT),
            "TOUCHLINE_KAFKA": broker.bootstrap,
            "TOUCHLINE_CLICKHOUSE": f"127.0.0.1:{port}",
            "TOUCHLINE_PARTITIONS": str(partitions),
            "TOUCHLINE_SESSION_SECONDS": str(session_seconds),
        }
        self.workers = [
            Worker(number, port, home / f"worker-{number}.log", self.env)
            for number, port in enumerate(free_ports(workers))
        ]
        self._reader = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": GROUP, "log_level": 2})

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of touchline's, run to its end."""
        return subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments],
            env=self.env, cwd=self.home, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip

    def warehouse(self) -> NativeWarehouse:
        """A client of ClickHouse."""
        return NativeWarehouse(Server("127.0.0.1", self.clickhouse.port))

    async def markers(self) -> dict[str, Marker]:
        """Where every partition stands."""
        warehouse = self.warehouse()
        try:
            return {partition: marker for partition, (marker, _) in (await SqlLedger(warehouse).markers()).items()}
        finally:
            await warehouse.close()

    def versions(self) -> dict[str, int]:
        """The version of every partition's marker, which moves with every commit; none while ClickHouse is away."""
        sql = "SELECT p, max(version) FROM touchline_internal.ledger WHERE kind = 0 GROUP BY p"
        try:
            with Client("127.0.0.1", self.clickhouse.port, connect_timeout=2, send_receive_timeout=10) as client:
                return {partition: int(version) for partition, version in client.execute(sql)}
        except (clickhouse_errors.Error, OSError, EOFError):
            return {}

    def unread(self) -> dict[str, int]:
        """Of the raw topic: partition -> how many records the group has not committed."""
        ends = {f"{RAW}/{number}": self._end(RAW, number) for number in range(self.partitions)}
        done = self.committed(RAW)
        return {p: end - done.get(p, 0) for p, end in ends.items() if end != done.get(p, 0)}

    def committed(self, topic: str) -> dict[str, int]:
        """The group's committed offsets of a topic, of the partitions that have one."""
        wanted = [TopicPartition(topic, number) for number in range(self.partitions)]
        found = self._reader.committed(wanted, timeout=20)
        return {f"{topic}/{one.partition}": one.offset for one in found if one.offset >= 0}

    def unstored(self, markers: dict[str, Marker]) -> dict[str, int]:
        """Of the folded topics: partition -> how many positions its marker is behind the log's end."""
        left: dict[str, int] = {}
        for topic in (TOUCHPOINTS, CONTACT_FACTS):
            for number in range(self.partitions):
                partition, end = f"{topic}/{number}", self._end(topic, number)
                at = markers[partition].offset if partition in markers else 0
                if at != end:
                    left[partition] = end - at
        return left

    def _end(self, topic: str, number: int) -> int:
        return int(self._reader.get_watermark_offsets(TopicPartition(topic, number), timeout=20)[1])

    def lag(self, markers: dict[str, Marker]) -> dict[str, int]:
        """All that is not stored yet, in the order it flows; an empty one is the end. Raises KafkaException."""
        return self.unread() or self.unstored(markers)

    def kill_clickhouse(self, away_seconds: float) -> None:
        """Kill -9, and start it again after a while."""
        self.clickhouse.process.kill()
        self.clickhouse.process.wait()
        time.sleep(away_seconds)
        old = self.clickhouse
        self.clickhouse = start_clickhouse(old.home, old.port, old.http_port)

    def kill_kafka(self, away_seconds: float) -> None:
        """Kill -9, and start it again after a while."""
        self.broker.kill()
        time.sleep(away_seconds)
        self.broker.start()

    def tend(self) -> None:
        """Keep every worker running."""
        for worker in self.workers:
            worker.tend()

    def close(self) -> None:
        """End what runs."""
        for worker in self.workers:
            worker.kill()
        self._reader.close()
        stop_clickhouse(self.clickhouse.process)


@contextmanager
def cluster(
    home: Path,
    *,
    workers: int,
    partitions: int,
    session_seconds: float = 12.0,
    wired: bool = False,
    secured: bool = False,
) -> Iterator[Cluster]:
    """Started servers with topics and tables; workers are started by `tend`. With `wired` both servers are reached by
    wires that can be held and cut, with `secured` Kafka listens with TLS, too. Raises Missing.
    """
    with (
        kafka(home, wired=wired, secured=secured) as broker,
        clickhouse_server(home) as clickhouse,
        closing(Wire(free_ports(1)[0], clickhouse.port)) if wired else nullcontext() as wire,
    ):
        found = Cluster(
            home, broker, clickhouse, workers, partitions, session_seconds=session_seconds, clickhouse_wire=wire
        )
        with applied(found):
            yield found


@contextmanager
def applied(found: Cluster) -> Iterator[None]:
    """With its tables, and closed at the end. Raises RuntimeError."""
    try:
        done = found.command("apply")
        if done.returncode:
            raise RuntimeError(f"touchline apply failed: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        yield
    finally:
        found.close()


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.2) -> bool:
    """Whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True
