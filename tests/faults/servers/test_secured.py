"""Kafka and ClickHouse reached over TLS only, by a user with SCRAM-SHA-512: every client of ours goes that way."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.command import sentence, write
from tests.certificates import certificate
from tests.faults.servers.cluster import Cluster
from tests.faults.servers.conftest import SESSION_SECONDS
from tests.faults.servers.kafka import Missing, kafka
from tests.servers import clickhouse_server, free_ports
from tests.strategies import generate

pytestmark = [pytest.mark.server, pytest.mark.process, pytest.mark.timeout(300)]


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Cluster]:
    """Servers, and an environment in which touchline knows their TLS ports only."""
    own = certificate(tmp_path, "clickhouse")
    (port,) = free_ports(1)
    try:
        with kafka(tmp_path, secured=True) as broker, clickhouse_server(tmp_path, secure=(port, own)) as clickhouse:
            found = Cluster(tmp_path, broker, clickhouse, 1, 2, session_seconds=SESSION_SECONDS)
            found.env |= {
                "COLUMNS": "200",
                "TOUCHLINE_KAFKA": f"127.0.0.1:{broker.secured_port}",
                "TOUCHLINE_KAFKA_TLS": "true",
                "TOUCHLINE_KAFKA_CA": str(broker.valid.certificate),
                "TOUCHLINE_KAFKA_USER": "touchline",
                "TOUCHLINE_KAFKA_PASSWORD": "right",
                "TOUCHLINE_CLICKHOUSE": f"127.0.0.1:{port}",
                "TOUCHLINE_CLICKHOUSE_TLS": "true",
                "TOUCHLINE_CLICKHOUSE_CA": str(own.certificate),
            }
            try:
                yield found
            finally:
                found.close()
    except Missing as missing:
        pytest.skip(str(missing))


def test_topics_tables_replay_and_queries_go_over_tls_and_another_authority_is_refused(secured: Cluster) -> None:
    stranger = str(certificate(secured.home, "stranger").certificate)
    for setting in ("TOUCHLINE_KAFKA_CA", "TOUCHLINE_CLICKHOUSE_CA"):
        right = secured.env[setting]
        secured.env[setting] = stranger
        assert "certificate" in sentence(secured.command("apply")), setting
        secured.env[setting] = right
    applied = secured.command("apply")
    assert applied.returncode == 0, applied.stderr
    sent = generate(5, 40)
    file = write(secured.home / "some.jsonl", sent)
    replayed = secured.command("replay", str(file), "--json")
    assert replayed.returncode == 0, replayed.stderr
    report = json.loads(replayed.stdout)
    assert report["applied"] + report["duplicate"] == len(sent)
    asked = secured.command("query", "SELECT sum(touchpoints) FROM touchline_internal.contacts FINAL", "--format=TSV")
    assert int(asked.stdout) == len({(each["contact_id"], each["id"]) for each in sent})
    doctor = secured.command("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "encrypted, as touchline by SCRAM-SHA-512" in doctor.stdout
    assert "encrypted, as default WITHOUT A PASSWORD" in doctor.stdout
