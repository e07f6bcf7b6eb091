"""Every command of the compose file and the image, run outside of containers: Kafka (4.0, the image's version) with the
settings of its environment, ClickHouse (18.16) with the users of users.d, `apply` and `worker` as those users,
Prometheus and Alertmanager with their flags, and every health check against what it checks.

Not run, for want of an engine: the images themselves, their entry points, networks, limits and read-only file systems.
Grafana's health check is run against a stub of its API. Of the users' files, grants, constraints and the filter of rows
are not run: 18.16 knows none of them; what holds there is readonly, allow_ddl, limits, quotas and passwords.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException
from msgspec import Struct

from tests.app.command import free_port, touchline, until
from tests.dashboards.stub import GrafanaStub, served
from tests.deploy.test_compose import DEPLOY, SERVICES
from tests.deploy.test_image import instructions
from tests.faults.servers.kafka import Kafka, Missing
from tests.servers import ClickHouseServer, clickhouse_server, free_ports

pytestmark = [pytest.mark.server, pytest.mark.process]

USERS: Final = ("admin", "writer", "reader")
WAITING: Final = {"type": "contact.queued", "contact_id": "c", "channel": "phone", "queue": "billing"}


def health(service: str, replaced: Mapping[str, str] = {}) -> int:
    """The exit code of a service's health check, with other ports than in the container."""
    kind, *command = SERVICES[service]["healthcheck"]["test"]
    assert kind == "CMD"
    for old, new in replaced.items():
        assert any(old in word for word in command), (service, old)
        command = [word.replace(old, new) for word in command]
    if command[0] == "python":
        command[0] = sys.executable
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} on this machine")
    return subprocess.run(command, check=False, capture_output=True, timeout=60).returncode


def settled(check: Callable[[], int]) -> int:
    """The exit code of a check, given some time to become 0: programs listen before they are ready."""
    for _ in range(100):
        if (code := check()) == 0:
            return code
        time.sleep(0.2)
    return check()


@contextmanager
def program(command: Sequence[str], home: Path) -> Iterator[None]:
    """A server in the background, always stopped."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} on this machine (Debian: apt-get install prometheus prometheus-alertmanager)")
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(list(command), cwd=home, stdout=log, stderr=log)
    try:
        yield
        assert process.poll() is None, (home / "log").read_text()[-2000:]
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def nobody() -> str:
    """host:port of nobody."""
    return f"127.0.0.1:{free_ports(1)[0]}"


# ---- ClickHouse and its users


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    """18.16 with the users of the tree. Constraints came with 19, so that file stays out."""
    home = tmp_path_factory.mktemp("clickhouse")
    users = home / "clickhouse" / "users.d"
    users.mkdir(parents=True)
    for name in ("touchline.xml", "touchline-before-22.xml"):
        shutil.copy(DEPLOY / "clickhouse" / "users.d" / name, users)
    with pytest.MonkeyPatch.context() as patch:
        for name in USERS:
            patch.setenv(f"CLICKHOUSE_{name.upper()}_PASSWORD", f"{name}-secret")
        with clickhouse_server(home) as server:
            yield server


class Refused(Exception):
    """What the server has against it."""


def run(server: ClickHouseServer, user: str, sql: str, rows: Sequence[Any] | None = None, password: str = "") -> Any:
    client = Client(
        server.host, port=server.port, user=f"touchline_{user}", password=password or f"{user}-secret",
        send_receive_timeout=30,
    )  # fmt: skip
    try:
        return client.execute(sql, rows)
    except ServerException as error:
        raise Refused(str(error.message).split("Stack trace")[0]) from None
    finally:
        client.disconnect()


def test_health_of_clickhouse(clickhouse: ClickHouseServer) -> None:
    assert health("clickhouse", {"127.0.0.1:8123": f"127.0.0.1:{clickhouse.http_port}"}) == 0
    assert health("clickhouse", {"127.0.0.1:8123": nobody()}) != 0


def test_the_writer_writes_and_cannot_make_change_or_drop(clickhouse: ClickHouseServer) -> None:
    run(clickhouse, "admin", "CREATE DATABASE rights")
    run(clickhouse, "admin", "CREATE TABLE rights.t (n UInt8) ENGINE = Memory")
    run(clickhouse, "writer", "INSERT INTO rights.t VALUES", [[1], [2]])
    assert run(clickhouse, "writer", "SELECT sum(n) FROM rights.t") == [(3,)]
    for sql in (
        "DROP TABLE rights.t",
        "DROP DATABASE rights",
        "CREATE TABLE rights.other (n UInt8) ENGINE = Memory",
        "ALTER TABLE rights.t ADD COLUMN m UInt8",
        "RENAME TABLE rights.t TO rights.gone",
        "SET allow_ddl = 1",
    ):
        with pytest.raises(Refused, match="DDL"):
            run(clickhouse, "writer", sql)


def test_the_reader_reads_within_limits_and_nothing_else(clickhouse: ClickHouseServer) -> None:
    run(clickhouse, "admin", "CREATE DATABASE IF NOT EXISTS reading")
    run(clickhouse, "admin", "CREATE TABLE reading.t (n UInt64) ENGINE = Memory")
    run(clickhouse, "admin", "INSERT INTO reading.t SELECT number FROM numbers(100001)")
    assert run(clickhouse, "reader", "SELECT count() FROM reading.t") == [(100_001,)]
    with pytest.raises(Refused, match=r"[Ll]imit for result"):
        run(clickhouse, "reader", "SELECT n FROM reading.t")
    for sql, rows in (
        ("INSERT INTO reading.t VALUES", [[1]]),
        ("DROP TABLE reading.t", None),
        ("SET readonly = 0", None),
    ):
        with pytest.raises(Refused, match="readonly"):
            run(clickhouse, "reader", sql, rows)
    with pytest.raises(Refused, match="readonly"):
        run(clickhouse, "reader", "SET max_execution_time = 9999")
    with pytest.raises(Refused, match="readonly"):
        run(clickhouse, "reader", "SELECT * FROM file('/etc/passwd', 'TSV', 'a String')")


def test_nobody_comes_in_without_the_password_and_there_is_no_default_user(clickhouse: ClickHouseServer) -> None:
    for user in USERS:
        with pytest.raises(Refused, match=r"[Pp]assword"):
            run(clickhouse, user, "SELECT 1", password="wrong")
    client = Client(clickhouse.host, port=clickhouse.port)
    with pytest.raises(ServerException, match="default"):
        client.execute("SELECT 1")
    client.disconnect()


# ---- Kafka, apply, worker


class Stack(Struct, frozen=True):
    """The environment that `apply` and `worker` have, with addresses of this machine."""

    kafka: Kafka
    env: Mapping[str, Mapping[str, str]]


def properties(environment: Mapping[str, str], kafka: Kafka) -> str:
    """server.properties as the image makes it of its environment, with ports and folders of this machine."""
    lines = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name != "KAFKA_HEAP_OPTS"
    }
    controller = free_ports(1)[0]
    here = {"kafka:9093": f"127.0.0.1:{controller}", "kafka:9092": kafka.bootstrap, "/var/lib/kafka": str(kafka.home)}
    here |= {"//:9092": f"//127.0.0.1:{kafka.port}", "//:9093": f"//127.0.0.1:{controller}"}
    found = "".join(f"{name}={value}\n" for name, value in lines.items())
    for old, new in here.items():
        assert old in found, old
        found = found.replace(old, new)
    return found


@pytest.fixture(scope="module")
def stack(clickhouse: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    try:
        kafka = Kafka(tmp_path_factory.mktemp("kafka"))
    except Missing as why:
        pytest.skip(str(why))
    (kafka.home / "server.properties").write_text(properties(SERVICES["kafka"]["environment"], kafka))
    shutil.rmtree(kafka.home / "data", ignore_errors=True)
    kafka._run(
        "kafka.tools.StorageTool",
        "format",
        "-t",
        SERVICES["kafka"]["environment"]["CLUSTER_ID"],
        "-c",
        f"{kafka.home}/server.properties",
    )
    here = {
        "TOUCHLINE_KAFKA": kafka.bootstrap,
        "TOUCHLINE_CLICKHOUSE": f"127.0.0.1:{clickhouse.port}",
        "TOUCHLINE_CATALOGUE": str(DEPLOY.parent / "schemas" / "default_catalogue.yaml"),
        "TOUCHLINE_HOST": "127.0.0.1",
        "TOUCHLINE_TOKEN": "token",
    }
    env = {}
    for service, user in (("apply", "admin"), ("touchline", "writer")):
        given = SERVICES[service]["environment"]
        assert set(here) <= set(given)
        env[service] = {**given, **here, "TOUCHLINE_CLICKHOUSE_PASSWORD": f"{user}-secret"}
        del env[service]["TOUCHLINE_PORT"]
    kafka.start()
    try:
        yield Stack(kafka, env)
    finally:
        kafka.stop()


def test_health_of_kafka(stack: Stack) -> None:
    assert health("kafka", {"127.0.0.1/9092": f"127.0.0.1/{stack.kafka.port}"}) == 0
    assert health("kafka", {"127.0.0.1/9092": nobody().replace(":", "/")}) != 0


async def sent(bootstrap: str, records: Sequence[Mapping[str, Any]]) -> None:
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for record in records:
            await producer.send_and_wait(
                "touchline.raw", json.dumps(record).encode(), key=record["contact_id"].encode()
            )
    finally:
        await producer.stop()


def test_apply_as_admin_worker_as_writer_and_what_the_reader_sees(
    stack: Stack, clickhouse: ClickHouseServer, tmp_path: Path
) -> None:
    for _ in range(2):  # it runs at every start
        applied = touchline(*SERVICES["apply"]["command"], cwd=tmp_path, env=stack.env["apply"])
        assert applied.returncode == 0, applied.stdout + applied.stderr

    command = SERVICES["touchline"]["command"]
    assert command == json.loads(instructions("CMD")[-1])
    with running_worker(stack, command, tmp_path) as base:
        now = int(time.time() * 1_000)
        records = [
            {**WAITING, "id": "1", "time": now - 60_000},
            {**WAITING, "id": "2", "time": now, "type": "contact.answered"},
        ]
        asyncio.run(sent(stack.kafka.bootstrap, records))
        contacts = "SELECT contact_id, wait_ms FROM touchline_internal.contacts FINAL"
        until(lambda: run(clickhouse, "reader", contacts) == [("c", 60_000)], "the reader sees the contact")
        check = {"127.0.0.1:8090": base.removeprefix("http://")}
        assert settled(lambda: health("touchline", check)) == 0
        assert SERVICES["touchline-2"]["healthcheck"] == SERVICES["touchline"]["healthcheck"]
        (of_image,) = instructions("HEALTHCHECK")
        assert json.loads(of_image.partition("CMD ")[2]) == SERVICES["touchline"]["healthcheck"]["test"][1:]
    assert health("touchline", check) != 0


@contextmanager
def running_worker(stack: Stack, command: Sequence[str], tmp_path: Path) -> Iterator[str]:
    """A worker until the block ends; it has no folder, so it gets no --data."""
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOUCHLINE_")}
    environment |= {**stack.env["touchline"], "TOUCHLINE_PORT": str(port), "PYTHONPATH": str(DEPLOY.parent)}
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.cli", *command], env=environment, stdout=log, stderr=log, cwd=tmp_path
        )
    said = (tmp_path / "worker.log").read_text

    def listens() -> bool:
        assert process.poll() is None, said()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens, "the worker listens", seconds=120)
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        assert process.wait(timeout=60) == 0, said()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


# ---- Prometheus, Alertmanager, Grafana


def test_prometheus_starts_with_its_flags_and_its_health_check_works(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    home = tmp_path / "etc"
    shutil.copytree(DEPLOY / "prometheus", home)
    (home / "touchline.token").write_text("token")
    flags = [flag.replace("/etc/prometheus", str(home)) for flag in SERVICES["prometheus"]["command"]]
    flags = [flag.replace("=/prometheus", f"={tmp_path}/data") for flag in flags]
    here = {"127.0.0.1:9090": f"127.0.0.1:{port}"}
    assert health("prometheus", here) != 0
    with program(["prometheus", *flags, f"--web.listen-address=127.0.0.1:{port}"], tmp_path):
        assert settled(lambda: health("prometheus", here)) == 0


def test_alertmanager_starts_with_its_flags_and_its_health_check_works(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    folder = str(DEPLOY / "alertmanager")
    flags = [flag.replace("/etc/alertmanager", folder) for flag in SERVICES["alertmanager"]["command"]]
    flags = [flag.replace("=/alertmanager", f"={tmp_path}/data") for flag in flags]
    here = {"127.0.0.1:9093": f"127.0.0.1:{port}"}
    assert health("alertmanager", here) != 0
    with program(["prometheus-alertmanager", *flags, f"--web.listen-address=127.0.0.1:{port}"], tmp_path):
        assert settled(lambda: health("alertmanager", here)) == 0


def test_health_check_of_grafana_asks_what_grafana_answers() -> None:
    with served(GrafanaStub()) as stub:
        assert health("grafana", {"http://127.0.0.1:3000": stub.url}) == 0
    assert health("grafana", {"127.0.0.1:3000": nobody()}) != 0
