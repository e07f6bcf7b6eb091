"""The compose file: what the compose specification allows, and what this project asks of every service besides.

No container engine is at hand, so nothing here starts one: the commands in it are run by `test_commands.py`.
"""

import re
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from pipeline.settings import load

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"
TEXT: Final = (DEPLOY / "compose.yaml").read_text()
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
PASSWORDS: Final = {
    name.partition("=")[0] for name in (DEPLOY / ".env.example").read_text().splitlines() if "=" in name
}

_STRING: Final = {"type": "string", "minLength": 1}
_STRINGS: Final = {"type": "array", "items": _STRING, "uniqueItems": True}
_DURATION: Final = {"type": "string", "pattern": r"^\d+(ms|s|m|h)$"}
_SERVICE: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        "image",
        "read_only",
        "cap_drop",
        "security_opt",
        "user",
        "healthcheck",
        "restart",
        "deploy",
        "networks",
    ],
    "properties": {
        "image": {"type": "string", "pattern": r"^[a-z0-9][a-z0-9/_.-]*:[a-z]?\d+(\.\d+)+$"},
        "build": {
            "type": "object",
            "additionalProperties": False,
            "required": ["context", "dockerfile"],
            "properties": {"context": _STRING, "dockerfile": _STRING},
        },
        "user": {"type": "string", "pattern": r"^[1-9]\d*:[1-9]\d*$"},
        "read_only": {"const": True},
        "cap_drop": {"const": ["ALL"]},
        "security_opt": {"const": ["no-new-privileges:true"]},
        "restart": {"enum": ["unless-stopped", "on-failure:5"]},
        "command": {"type": "array", "items": {"type": "string"}},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "volumes": {"type": "array", "items": {"type": "string", "pattern": r"^[\w./-]+:/[\w./-]+(:ro)?$"}},
        "tmpfs": {"type": "array", "items": {"type": "string", "pattern": r"^/[\w/-]+:size=\d+m(,[a-z]+=\d+)*$"}},
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d+:\d+$"}},
        "networks": {
            "oneOf": [
                _STRINGS,
                {
                    "type": "object",
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {"aliases": _STRINGS},
                    },
                },
            ]
        },
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {"condition": {"enum": ["service_healthy", "service_completed_successfully"]}},
            },
        },
        "healthcheck": {
            "oneOf": [
                {"const": {"disable": True}},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["test", "interval", "timeout", "retries", "start_period"],
                    "properties": {
                        "test": {"type": "array", "prefixItems": [{"const": "CMD"}], "minItems": 2, "items": _STRING},
                        "interval": _DURATION,
                        "timeout": _DURATION,
                        "start_period": _DURATION,
                        "retries": {"type": "integer", "minimum": 1},
                    },
                },
            ]
        },
        "deploy": {
            "type": "object",
            "additionalProperties": False,
            "required": ["resources"],
            "properties": {
                "resources": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["limits"],
                    "properties": {
                        "limits": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["cpus", "memory", "pids"],
                            "properties": {
                                "cpus": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
                                "memory": {"type": "string", "pattern": r"^\d+[MG]$"},
                                "pids": {"type": "integer", "minimum": 1},
                            },
                        }
                    },
                }
            },
        },
        "stop_grace_period": _DURATION,
        "ulimits": {"type": "object"},
        "logging": {
            "type": "object",
            "required": ["driver", "options"],
            "properties": {"options": {"type": "object", "additionalProperties": {"type": "string"}}},
        },
    },
}
SCHEMA: Final = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services", "networks", "volumes"],
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "additionalProperties": _SERVICE},
        "networks": {"type": "object"},
        "volumes": {"type": "object"},
    },
    "patternProperties": {"^x-": {}},
}

services = pytest.mark.parametrize("name", SERVICES)


def test_it_is_a_compose_file_and_every_service_is_hardened() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(COMPOSE)


@pytest.mark.parametrize(
    ("key", "value"),
    [("image", "clickhouse/clickhouse-server:latest"), ("user", "root"), ("read_only", False), ("privileged", True)],
)
def test_the_schema_refuses_what_must_not_be(key: str, value: Any) -> None:
    changed = {**COMPOSE, "services": {**SERVICES, "clickhouse": {**SERVICES["clickhouse"], key: value}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(SCHEMA).validate(changed)


def test_everything_is_there() -> None:
    assert set(SERVICES) == {
        "kafka", "clickhouse", "apply", "touchline", "touchline-2", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip


@services
def test_networks_volumes_and_dependencies_exist(name: str) -> None:
    service = SERVICES[name]
    assert set(service["networks"]) <= set(COMPOSE["networks"])
    for other, needed in service.get("depends_on", {}).items():
        check = SERVICES[other]["healthcheck"]
        assert (needed["condition"] == "service_healthy") == ("test" in check), other
    for volume in service.get("volumes", []):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert rest.endswith(":ro")
            assert (DEPLOY / source).resolve().exists() or source == "./touchline.token"
        else:
            assert source in COMPOSE["volumes"]
    used = {volume.partition(":")[0] for each in SERVICES.values() for volume in each.get("volumes", [])}
    assert set(COMPOSE["volumes"]) <= used


@services
def test_who_publishes_a_port_is_on_a_network_that_reaches_out(name: str) -> None:
    service = SERVICES[name]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    if "ports" in service:
        assert "outside" in service["networks"]


def test_no_password_is_in_the_tree_and_none_is_forgotten() -> None:
    asked = set(re.findall(r"\$\{(\w+):\?set it in deploy/\.env\}", TEXT))
    assert asked == PASSWORDS
    assert all(line.endswith("=") for line in (DEPLOY / ".env.example").read_text().splitlines() if "=" in line)
    assert {".env", "touchline.token"} <= set((DEPLOY / ".gitignore").read_text().split())
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if any(word in variable for word in ("PASSWORD", "TOKEN")):
                assert value.startswith("${"), variable


def test_settings_of_touchline_are_settings() -> None:
    for name in ("apply", "touchline", "touchline-2"):
        environment = {key: re.sub(r"\$\{.*\}", "x", value) for key, value in SERVICES[name]["environment"].items()}
        found = load(environment)
        assert (found.kafka, found.clickhouse) == ("kafka:9092", "clickhouse:9000")
        assert found.clickhouse_user == ("touchline_admin" if name == "apply" else "touchline_writer")
        assert found.port == 8090


def test_names_that_the_services_call_each_other_by() -> None:
    assert SERVICES["grafana"]["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"
    assert SERVICES["grafana"]["environment"]["CLICKHOUSE_HOST"] == "clickhouse"
    assert SERVICES["grafana"]["environment"]["CLICKHOUSE_USER"] == "touchline_reader"
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = prometheus["scrape_configs"]
    assert job["job_name"] == "touchline"
    (names,) = job["dns_sd_configs"]
    workers = [name for name, service in SERVICES.items() if service.get("command") == ["worker"]]
    assert names["names"] == ["workers"]
    assert "workers" not in SERVICES, "a service's name is in all of its networks"
    for name in workers:
        aliases = {network: (found or {}).get("aliases", []) for network, found in SERVICES[name]["networks"].items()}
        assert [network for network, found in aliases.items() if "workers" in found] == ["inside"]
    assert names["port"] == 8090
    (manager,) = prometheus["alerting"]["alertmanagers"]
    assert manager["static_configs"][0]["targets"] == ["alertmanager:9093"]


def test_variables_of_the_provisioned_data_sources_are_given_to_grafana() -> None:
    text = (DEPLOY / "grafana" / "provisioning" / "datasources" / "touchline.yaml").read_text()
    assert set(re.findall(r"\$([A-Z_]+)", text)) <= set(SERVICES["grafana"]["environment"])


def test_boards_are_mounted_where_provisioning_looks_for_them() -> None:
    text = (DEPLOY / "grafana" / "provisioning" / "dashboards" / "touchline.yaml").read_text()
    (provider,) = yaml.safe_load(text)["providers"]
    mounted = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert mounted["./grafana/dashboards"] == provider["options"]["path"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (DEPLOY / "grafana" / "dashboards" / Path(home).name).exists()
    assert Path(home).parent == Path(provider["options"]["path"])
