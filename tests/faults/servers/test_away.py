"""Servers that are away, or refuse, when a worker starts; and networks that are gone while it runs."""

import asyncio
import gc
import json
import ssl
from pathlib import Path

import pytest

from pipeline.app.watchdog import RESTART_EXIT_CODE
from pipeline.io.clickhouse import NativeWarehouse, Server
from pipeline.io.kafka import Security
from pipeline.io.reach import reach
from pipeline.ports import LogRefused, WarehouseRefused
from tests.app.command import get, sentence
from tests.certificates import certificate
from tests.faults.servers.cluster import Cluster, wait_until
from tests.faults.servers.conftest import SESSION_SECONDS, started
from tests.faults.servers.loop import catch_up, compare, drain, say_nothing
from tests.faults.servers.traffic import sender_of
from tests.servers import clickhouse_server, free_ports, start_clickhouse

pytestmark = [pytest.mark.server, pytest.mark.process, pytest.mark.timeout(600)]

CLUSTER = {"workers": 1, "partitions": 2, "secured": True}


def not_ready(found: Cluster) -> str:
    """Why the worker is not ready, as it says itself; empty where it does not answer, or is ready."""
    base = f"http://127.0.0.1:{found.workers[0].port}"
    try:
        if "touchline_ready 0" not in get(f"{base}/metrics"):
            return ""
        page = json.loads(get(f"{base}/live.json"))
    except OSError:
        return ""
    return " ".join(each["reason"] for each in page["readiness"]["missing"])


def test_a_worker_that_starts_before_its_servers_waits_says_for_what_and_goes_on(shared: Cluster) -> None:
    (worker,) = shared.workers
    sender = sender_of(shared.broker.bootstrap, 41, 300)
    sender.send(300)
    server = shared.clickhouse
    server.process.kill()
    server.process.wait()
    shared.broker.kill()
    worker.start()
    assert wait_until(lambda: "ClickHouse" in not_ready(shared), 60), worker.said()
    assert worker.running
    shared.clickhouse = start_clickhouse(server.home, server.port, server.http_port)
    assert wait_until(lambda: "Kafka" in not_ready(shared), 60), worker.said()
    shared.broker.start()
    catch_up(shared, say_nothing, 120)
    assert worker.exits == []
    drain(shared)


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"password": "wrong"}, "user or password is refused"),
        ({"mechanism": "SCRAM-SHA-256"}, "user or password is refused"),
        ({"ca": "unknown"}, "its certificate is not accepted"),
        ({"ca": "expired"}, "its certificate is not accepted: certificate has expired"),
    ],
)
async def test_what_waiting_does_not_mend_is_refused_with_its_reason(
    shared: Cluster, user: dict[str, str], says: str, tmp_path: Path
) -> None:
    broker = shared.broker
    port, authority = broker.secured_port, broker.valid
    if user.get("ca") == "expired":
        port, authority = broker.expired_port, broker.expired
    if user.get("ca") == "unknown":
        authority = certificate(tmp_path, "unknown")
    security = Security(
        ssl_context=ssl.create_default_context(cafile=str(authority.certificate)),
        username="touchline",
        password=user.get("password", "right"),
        mechanism=user.get("mechanism", "PLAIN"),
    )
    with pytest.raises(LogRefused, match=says):
        await reach(f"127.0.0.1:{port}", security)
    gc.collect()  # a connection that was left open is an error here, and not in whatever test comes later


def test_a_wrong_password_ends_with_one_sentence_and_the_right_one_lets_a_worker_in_over_tls(shared: Cluster) -> None:
    (worker,) = shared.workers
    broker = shared.broker
    secured = {
        "TOUCHLINE_KAFKA": f"127.0.0.1:{broker.secured_port}",
        "TOUCHLINE_KAFKA_TLS": "true",
        "TOUCHLINE_KAFKA_CA": str(broker.valid.certificate),
        "TOUCHLINE_KAFKA_USER": "touchline",  # by SCRAM-SHA-512, where nothing else is said
    }
    shared.env |= secured
    try:
        shared.env["TOUCHLINE_KAFKA_PASSWORD"] = "wrong"
        refused = shared.command("worker", "--port", str(free_ports(1)[0]))
        assert "user or password is refused" in sentence(refused)
        shared.env["TOUCHLINE_KAFKA_PASSWORD"] = "right"
        worker.start()
        assert wait_until(worker.ready, 90), worker.said()
        drain(shared)
    finally:
        for name in (*secured, "TOUCHLINE_KAFKA_PASSWORD"):
            del shared.env[name]
        shared.env["TOUCHLINE_KAFKA"] = broker.bootstrap


async def test_clickhouse_with_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    expired = certificate(tmp_path, "expired", expired=True)
    (secure,) = free_ports(1)
    with clickhouse_server(tmp_path, secure=(secure, expired)):
        warehouse = NativeWarehouse(
            Server("127.0.0.1", secure, secure=True, ca_certs=str(expired.certificate), connect_timeout_s=5)
        )
        with pytest.raises(WarehouseRefused, match="certificate has expired"):
            await warehouse.query("SELECT 1")
        await warehouse.close()


def test_a_network_that_is_gone_for_longer_than_the_session_leaves_everything_exact(tmp_path: Path) -> None:
    with started(tmp_path, workers=2, partitions=4, wired=True) as found:
        kafka, clickhouse = found.broker.wire, found.clickhouse_wire
        assert kafka is not None
        assert clickhouse is not None
        sender = sender_of(found.broker.bootstrap, 42, 3_000)
        found.tend()
        sender.send(1_000)
        assert wait_until(lambda: all(worker.ready() for worker in found.workers), 90)

        clickhouse.hold()  # a flush waits, while a worker comes: nobody is put out for it
        sender.send(500)
        found.workers[0].ask_to_end()
        assert found.workers[0].ended(60) == 0
        found.tend()
        clickhouse.release()
        catch_up(found, say_nothing, 120)
        assert not any(worker.exits for worker in found.workers), [worker.said() for worker in found.workers]

        kafka.hold()
        clickhouse.hold()
        wait_until(lambda: False, SESSION_SECONDS + 4)
        kafka.cut()  # what was on its way never arrives
        kafka.mend()
        kafka.release()
        clickhouse.release()
        sender.send(1_000)
        catch_up(found, say_nothing, 180)
        assert {code for worker in found.workers for code in worker.exits} <= {RESTART_EXIT_CODE}
        drain(found)
        differences = compare(found, sender, say_nothing)
        assert differences.none, differences
        assert asyncio.run(found.markers())
