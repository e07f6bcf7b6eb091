"""The Kubernetes manifests: what the restricted pod standard asks, probes that the process answers, and names that fit.

No cluster is at hand; fields are checked by name against the ones listed here, so that a misspelt one is found.
"""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from pipeline.settings import load

FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "kubernetes"
KUSTOMIZATION: Final = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
DOCUMENTS: Final[list[dict[str, Any]]] = [
    document for name in KUSTOMIZATION["resources"] for document in yaml.safe_load_all((FOLDER / name).read_text())
]
VERSIONS: Final = {
    "ConfigMap": "v1",
    "Service": "v1",
    "Job": "batch/v1",
    "Deployment": "apps/v1",
    "PodDisruptionBudget": "policy/v1",
    "NetworkPolicy": "networking.k8s.io/v1",
}
POD_FIELDS: Final = {
    "automountServiceAccountToken", "containers", "restartPolicy", "securityContext", "terminationGracePeriodSeconds",
    "topologySpreadConstraints", "volumes",
}  # fmt: skip
CONTAINER_FIELDS: Final = {
    "args", "env", "envFrom", "image", "livenessProbe", "name", "ports", "readinessProbe", "resources",
    "securityContext", "startupProbe", "volumeMounts",
}  # fmt: skip
PROBE_FIELDS: Final = {"httpGet", "periodSeconds", "timeoutSeconds", "failureThreshold"}


def of(kind: str, name: str = "") -> dict[str, Any]:
    (found,) = [each for each in DOCUMENTS if each["kind"] == kind and name in {"", each["metadata"]["name"]}]
    return found


WORKERS: Final = of("Deployment")
PODS: Final = [WORKERS["spec"]["template"], of("Job")["spec"]["template"]]
pods = pytest.mark.parametrize("pod", PODS, ids=["workers", "apply"])


def test_every_file_belongs_and_every_kind_has_its_version() -> None:
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*KUSTOMIZATION["resources"], "kustomization.yaml"}
    for document in DOCUMENTS:
        assert document["apiVersion"] == VERSIONS[document["kind"]]
        assert re.fullmatch(r"[a-z]([a-z-]*[a-z])?", document["metadata"]["name"])
        assert document["metadata"]["labels"]["app.kubernetes.io/name"] == "touchline"
    names = [(each["kind"], each["metadata"]["name"]) for each in DOCUMENTS]
    assert len(set(names)) == len(names)


@pods
def test_pods_keep_the_restricted_standard(pod: dict[str, Any]) -> None:
    spec = pod["spec"]
    assert set(spec) <= POD_FIELDS
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert set(container) <= CONTAINER_FIELDS
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in spec["volumes"]}


@pods
def test_settings_of_touchline_are_settings(pod: dict[str, Any]) -> None:
    (container,) = pod["spec"]["containers"]
    (reference,) = container["envFrom"]
    given = dict(of("ConfigMap", reference["configMapRef"]["name"])["data"])
    given |= {each["name"]: each.get("value", "secret") for each in container["env"]}
    found = load(given)
    assert found.kafka
    assert found.clickhouse
    assert found.clickhouse_user == ("touchline_admin" if container["args"] == ["apply"] else "touchline_writer")
    assert str(found.catalogue) == "/etc/touchline/catalogue.yaml"
    if container["args"] == ["worker"]:
        assert found.token


def test_secrets_are_those_that_the_first_lines_tell_to_make() -> None:
    told = (FOLDER / "kustomization.yaml").read_text()
    for pod in PODS:
        for variable in pod["spec"]["containers"][0]["env"]:
            if "valueFrom" in variable:
                secret = variable["valueFrom"]["secretKeyRef"]
                assert f"secret generic {secret['name']}" in told
                assert f"--from-literal={secret['key']}=" in told
    assert not [document for document in DOCUMENTS if document["kind"] == "Secret"]


def test_probes_ask_what_the_process_answers() -> None:
    (container,) = WORKERS["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"http": int(of("ConfigMap", "touchline")["data"]["TOUCHLINE_PORT"])}
    probes = {name: container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    for probe in probes.values():
        assert set(probe) <= PROBE_FIELDS
        assert probe["httpGet"]["port"] in ports
    # Recovery takes long at times and is no reason to be killed: only readiness asks for it.
    paths = {name: probe["httpGet"]["path"] for name, probe in probes.items()}
    assert paths == {
        "startupProbe": "/health/live",
        "livenessProbe": "/health/live",
        "readinessProbe": "/health/ready",
    }


def test_one_worker_at_a_time_is_taken_away() -> None:
    assert WORKERS["spec"]["replicas"] >= 2
    assert WORKERS["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    assert of("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_selectors_find_the_workers_and_not_the_job() -> None:
    labels = [pod["metadata"]["labels"] for pod in PODS]

    def found(selector: dict[str, str]) -> list[bool]:
        return [selector.items() <= each.items() for each in labels]

    assert found(WORKERS["spec"]["selector"]["matchLabels"]) == [True, False]
    assert found(of("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]) == [True, False]
    for name in ("workers", "touchline-page"):
        assert found(of("Service", name)["spec"]["selector"]) == [True, False]
    assert found(of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]) == [True, True]
    spread = WORKERS["spec"]["template"]["spec"]["topologySpreadConstraints"][0]
    assert found(spread["labelSelector"]["matchLabels"]) == [True, False]


def test_prometheus_finds_every_worker_by_one_name() -> None:
    service = of("Service", "workers")["spec"]
    assert service["clusterIP"] == "None"
    assert service["publishNotReadyAddresses"] is True
    prometheus = yaml.safe_load((FOLDER.parent / "prometheus" / "prometheus.yml").read_text())
    (names,) = prometheus["scrape_configs"][0]["dns_sd_configs"]
    assert names["names"] == ["workers"]
    assert names["port"] == service["ports"][0]["port"]


def test_the_image_is_named_in_one_place() -> None:
    (image,) = KUSTOMIZATION["images"]
    assert {pod["spec"]["containers"][0]["image"] for pod in PODS} == {image["name"]}
    assert re.fullmatch(r"\d+(\.\d+)+", image["newTag"])


def test_the_catalogue_in_it_is_one() -> None:
    from schemas.catalogue import load as load_catalogue

    load_catalogue(of("ConfigMap", "touchline-catalogue")["data"]["catalogue.yaml"], "catalogue.yaml")
