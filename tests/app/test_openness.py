"""`touchline doctor` says what is open, to whom, and what closes it; wrong is only what would not start."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.openness import openness
from pipeline.compiled import ROOT, core_of
from pipeline.settings import Settings
from tests.app.command import touchline
from tests.certificates import certificate

SECRETS = ("the-token-of-the-wall", "hunter2-of-kafka", "hunter3-of-clickhouse", "a-secret-of-pseudonyms", "crm-secret")
KEYS = f"1:{SECRETS[3]}-1\n7:{SECRETS[3]}-7\n"


def said(**settings: Any) -> dict[str, str]:
    found = openness(Settings(**settings))
    assert not [each for each in found if each.wrong]
    return {each.what: each.how for each in found}


def test_without_any_setting_nothing_is_open_to_other_machines_and_ids_are_as_sent() -> None:
    found = said()
    assert found["page and metrics"] == "127.0.0.1:8090: everybody on this machine, nobody else"
    assert found["intake over HTTP"].startswith("everybody on this machine, nobody else; TOUCHLINE_SENDERS")
    assert "on 127.0.0.1" in found["connection to Kafka"]
    assert "who can read the folder data" in found["connection to ClickHouse"]
    assert found["customer ids"].startswith("STORED AS SENT; TOUCHLINE_PSEUDONYM_KEYS")


def test_what_is_open_on_real_servers_is_said_with_what_closes_it() -> None:
    found = said(host="0.0.0.0", token=SECRETS[0], kafka="k1:9092,k2:9092", clickhouse="house")  # noqa: S104
    assert "who has the token, from any machine, NOT ENCRYPTED" in found["page and metrics"]
    assert found["intake over HTTP"].startswith("nobody; TOUCHLINE_SENDERS")
    for words in ("NOT ENCRYPTED", "TOUCHLINE_KAFKA_TLS=true", "NOT LOGGED IN (TOUCHLINE_KAFKA_USER"):
        assert words in found["connection to Kafka"]
    for words in ("NOT ENCRYPTED", "TOUCHLINE_CLICKHOUSE_TLS=true", "as default WITHOUT A PASSWORD"):
        assert words in found["connection to ClickHouse"]
    near = said(kafka="localhost:9092,[::1]:9093", clickhouse="127.0.0.1:9000")
    assert near["connection to Kafka"].startswith("not encrypted, within this machine")
    assert near["connection to ClickHouse"].startswith("not encrypted, within this machine")


def test_what_is_closed_is_said_without_any_secret(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(KEYS)
    (tmp_path / "keys").chmod(0o600)
    (tmp_path / "token").write_text(SECRETS[4])
    (tmp_path / "senders.yaml").write_text(
        f"senders: {{crm: {{secrets: ['file:{tmp_path}/token']}}, bus: {{source: amazon-connect, proof: sns,"
        " topics: ['arn:1']}}"
    )
    found = said(
        token=SECRETS[0],
        kafka="k1:9092",
        kafka_user="touchline",
        kafka_password=SECRETS[1],
        kafka_tls=True,
        kafka_ca=str(certificate(tmp_path, "ca").certificate),
        clickhouse="house",
        clickhouse_user="worker",
        clickhouse_password=SECRETS[2],
        clickhouse_tls=True,
        senders=tmp_path / "senders.yaml",
        pseudonym_keys=tmp_path / "keys",
        tenant="north",
        own_topic="orders",
        own_source="asterisk",
    )
    assert found == {
        "page and metrics": "127.0.0.1:8090: who has the token on this machine, nobody else",
        "intake over HTTP": "crm by token, bus by sns",
        "connection to Kafka": "encrypted, as touchline by SCRAM-SHA-512",
        "connection to ClickHouse": "encrypted, as worker",
        "customer ids": "pseudonyms by key 7 (older ones, for erasing: 1), tenant north",
        "topic of your own": "orders, read as asterisk",
    }
    (tmp_path / "keys").chmod(0o644)
    assert (
        "OTHER USERS of this machine can read them: chmod 600" in said(pseudonym_keys=tmp_path / "keys")["customer ids"]
    )
    assert not any(secret in str(found) for secret in SECRETS)


@pytest.mark.parametrize(
    ("settings", "what", "says"),
    [
        ({"host": "0.0.0.0"}, "page and metrics", "set TOUCHLINE_TOKEN"),  # noqa: S104
        ({"senders": Path("nowhere.yaml")}, "intake over HTTP", "nowhere.yaml cannot be read"),
        ({"kafka": "k:1", "kafka_user": "t", "kafka_password": "x"}, "connection to Kafka", "in plain text"),
        ({"kafka": "k:1", "kafka_tls": True, "kafka_ca": "nowhere"}, "connection to Kafka", "nowhere cannot be read"),
        ({"kafka": "k:1", "kafka_tls": True, "kafka_user": "t"}, "connection to Kafka", "TOUCHLINE_KAFKA_PASSWORD"),
        ({"pseudonym_keys": Path("nowhere")}, "customer ids", "cannot be read"),
        ({"own_topic": "orders"}, "topic of your own", "go together"),
    ],
)
def test_what_would_not_start_is_wrong(settings: dict[str, Any], what: str, says: str) -> None:
    (found,) = [each for each in openness(Settings(**settings)) if each.wrong]
    assert found.what == what
    assert says in found.how


@pytest.mark.process
def test_the_doctor_tells_it_and_ends_with_1_only_for_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("1:short")
    well = touchline("doctor", "--data", str(tmp_path / "data"), env={"COLUMNS": "200"})
    assert well.returncode == 0, well.stdout
    assert "STORED AS SENT" in well.stdout
    assert core_of(ROOT).words in well.stdout, "which core runs"
    bad = touchline(
        "doctor", "--data", str(tmp_path / "data"),
        env={"COLUMNS": "200", "TOUCHLINE_PSEUDONYM_KEYS": str(tmp_path / "keys")},
    )  # fmt: skip
    assert bad.returncode == 1
    assert "WRONG: the keys of pseudonyms" in bad.stdout
    assert "1 of the above need you." in bad.stdout
