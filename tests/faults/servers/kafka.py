"""A real Kafka for tests: one broker in KRaft mode on free loopback ports, always stopped.

Its jars are fetched once with Maven, into a cache outside the tree; Maven's own settings say from where.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.certificates import certificate
from tests.faults.servers.wire import Wire
from tests.servers import free_ports

VERSION: Final = "4.0.0"
_CACHE: Final = Path.home() / ".cache" / "touchline-tests" / f"kafka-{VERSION}"
_POM: Final = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>touchline.tests</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""
_CLUSTER: Final = "touchlineTestsAAAAAAAA"
_JVM: Final = (
    "-Xmx512m",
    "-XX:TieredStopAtLevel=1",  # two cores are shared with what is tested
    "-XX:+UseSerialGC",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
)
_PROPERTIES: Final = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{listens},CONTROLLER://127.0.0.1:{controller}{more_listeners}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}{more_advertised}
log.dirs={home}/data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=500
group.min.session.timeout.ms=1000
"""
_SECURED: Final = """
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL,EXPIRED:SSL
listener.name.secured.ssl.keystore.type=PEM
listener.name.secured.ssl.keystore.location={valid}
listener.name.secured.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.secured.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_touchline="right";
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={expired}
"""

_SCRAM: Final = "SCRAM-SHA-512=[name=touchline,password=right]"


class Missing(Exception):
    """What this machine lacks to run the servers: one sentence."""


def classpath() -> str:
    """Kafka's jars, fetched if they are not there. Raises Missing."""
    for command, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(command) is None:
            raise Missing(f"no {command} on this machine (Debian: apt-get install {package})")
    jars = _CACHE / "jars"
    if not jars.exists():
        _fetch(jars)
    return f"{jars}/*"


def _fetch(jars: Path) -> None:
    """All or nothing: another process may fetch at the same time, and any may be interrupted."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    (_CACHE / "pom.xml").write_text(_POM)
    part = _CACHE / f"jars-{os.getpid()}"
    done = subprocess.run(
        [
            "mvn", "--batch-mode", "--quiet", "--file", str(_CACHE / "pom.xml"), "dependency:copy-dependencies",
            "-DincludeScope=runtime", f"-DoutputDirectory={part}",
        ],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    if done.returncode:
        shutil.rmtree(part, ignore_errors=True)
        raise RuntimeError(f"Maven did not fetch Kafka {VERSION}: {(done.stdout + done.stderr)[-2000:]}")
    try:
        part.rename(jars)
    except OSError:  # somebody was faster
        shutil.rmtree(part)


class Kafka:
    """A broker: `start`, `stop`, `kill` (-9), `start` again on the same data and ports.

    With `wired` it is reached by a wire (`wire`), which can be held and cut. With `secured` it also listens with TLS
    and password (user `touchline`, password `right`, by PLAIN or SCRAM-SHA-512), and with TLS whose certificate has
    expired.
    """

    def __init__(self, home: Path, *, wired: bool = False, secured: bool = False) -> None:
        self.home = home
        self.port, listens, controller, self.secured_port, self.expired_port = free_ports(5)
        self.listens = listens if wired else self.port
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.wire = Wire(self.port, listens) if wired else None
        ports = f",SECURED://127.0.0.1:{self.secured_port},EXPIRED://127.0.0.1:{self.expired_port}" if secured else ""
        self._classpath = classpath()
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)
        properties = _PROPERTIES.format(
            home=home,
            port=self.port,
            listens=self.listens,
            controller=controller,
            more_listeners=ports,
            more_advertised=ports,
        )
        if secured:
            self.valid, self.expired = certificate(home, "valid"), certificate(home, "expired", expired=True)
            properties += _SECURED.format(valid=self.valid.both, expired=self.expired.both)
        (home / "server.properties").write_text(properties)
        scram = ("--add-scram", _SCRAM) if secured else ()
        self._run("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", f"{home}/server.properties", *scram)

    def start(self) -> None:
        """Start and wait until it listens."""
        with (self.home / "kafka.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java(), "kafka.Kafka", f"{self.home}/server.properties"],
                stdout=log,
                stderr=log,
                cwd=self.home,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.listens), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        self.kill()
        said = (self.home / "kafka.log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"Kafka did not start: {said}")

    def stop(self) -> None:
        """Ask it to end, then insist."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)

    def _java(self) -> list[str]:
        return ["java", *_JVM, f"-Dkafka.logs.dir={self.home}", "-cp", self._classpath]

    def _run(self, *arguments: str) -> None:
        done = subprocess.run([*self._java(), *arguments], capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{arguments[0]} failed: {done.stdout[-1000:]}{done.stderr[-1000:]}")


@contextmanager
def kafka(tmp: Path, *, wired: bool = False, secured: bool = False) -> Iterator[Kafka]:
    """A running broker with its data under `tmp`. Raises Missing where Java or Maven are not installed."""
    server = Kafka(tmp / "kafka", wired=wired, secured=secured)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        if server.wire is not None:
            server.wire.close()
