"""Everything for Grafana and Prometheus as files: `files()` gives their texts by path, `touchline dashboards build`
writes them. `python -m dashboards.files` writes those under `deploy/grafana`; a test says if that was forgotten.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards import alerts_grafana, alerts_prometheus
from dashboards.boards import ALL
from dashboards.clickhouse_query import PLUGIN
from dashboards.render import SOURCES, as_json, rendered

FOLDER_UID: Final = "touchline"
FOLDER_TITLE: Final = "Touchline"
RECEIVER: Final = "touchline"
"""Name of the contact point that rules of ours notify."""
MARK: Final = "touchline-"
"""What the uids of all that is ours begin with."""

_PROMETHEUS, PROMETHEUS_UID = SOURCES["metrics"]
_CLICKHOUSE, CLICKHOUSE_UID = SOURCES["warehouse"]

PANELS: Final[Mapping[str, tuple[str, int]]] = {
    "TouchlineServiceLevelMissed": ("touchline-live", 13),
    "TouchlineLongestWait": ("touchline-live", 11),
    "TouchlineMessagesUnanswered": ("touchline-live", 16),
    "TouchlinePromisesOverdue": ("touchline-live", 20),
    "TouchlineCallersGivingUp": ("touchline-live", 6),
    "TouchlineResolutionFell": ("touchline-resolution", 1),
    "TouchlineNumbersStale": ("touchline-pipeline", 9),
    "TouchlineNotReadyForOpening": ("touchline-pipeline", 1),
    "TouchlineNumbersDiffer": ("touchline-pipeline", 4),
    "TouchlineSourceSilent": ("touchline-pipeline", 7),
    "TouchlineWarehouseAway": ("touchline-pipeline", 3),
    "TouchlineRecordsRejected": ("touchline-pipeline", 6),
    "TouchlineWatchdog": ("touchline-pipeline", 2),
}
"""Which panel an alert is looked at on."""

_ROOT: Final = Path(__file__).resolve().parent.parent / "deploy"
_HEAD: Final = "# Written by `python -m dashboards.files`: change dashboards/, not this file.\n"


def dashboards() -> list[dict[str, Any]]:
    """The boards as Grafana's API takes them."""
    return [rendered(board) for board in ALL]


def rule_group(runbooks: str = alerts_prometheus.RUNBOOKS, receiver: str = "") -> dict[str, Any]:
    """The alert rules as one group that Grafana manages; with a `receiver` they notify it, not the policies."""
    group = alerts_grafana.rule_group(PROMETHEUS_UID, FOLDER_UID, runbooks, PANELS)
    if receiver:
        group["rules"] = [{**rule, "notification_settings": {"receiver": receiver}} for rule in group["rules"]]
    return group


def contact_point(url: str) -> dict[str, Any]:
    """A webhook that is told of every alert."""
    return {
        "uid": f"{MARK}webhook",
        "name": RECEIVER,
        "type": "webhook",
        "settings": {"url": url, "httpMethod": "POST"},
        "disableResolveMessage": False,
    }


def prometheus_source(url: str) -> dict[str, Any]:
    """The data source of the live values."""
    return {
        "uid": PROMETHEUS_UID,
        "name": _PROMETHEUS,
        "type": "prometheus",
        "access": "proxy",
        "url": url,
        "jsonData": {"httpMethod": "POST", "timeInterval": "15s"},
    }


def clickhouse_source(host: str, port: int, user: str, *, secure: bool = False) -> dict[str, Any]:
    """The data source of the counted values; the password is given apart."""
    return {
        "uid": CLICKHOUSE_UID,
        "name": _CLICKHOUSE,
        "type": PLUGIN,
        "access": "proxy",
        "jsonData": {
            "host": host,
            "port": port,
            "protocol": "native",
            "secure": secure,
            "username": user,
            "defaultDatabase": "touchline",
        },
    }


def files(runbooks: str = alerts_prometheus.RUNBOOKS) -> dict[str, str]:
    """Path -> text. `grafana/alerting` is for those who let Grafana alert instead of Prometheus: never mount both."""
    boards = {f"grafana/dashboards/{board.uid}.json": as_json(board) for board in ALL}
    return {
        **boards,
        "grafana/provisioning/dashboards/touchline.yaml": _yaml(_providers()),
        "grafana/provisioning/datasources/touchline.yaml": _yaml(_data_sources()),
        "grafana/alerting/touchline.yaml": _yaml(
            alerts_grafana.provisioning(PROMETHEUS_UID, FOLDER_TITLE, runbooks, PANELS)
        ),
        "prometheus/touchline.rules.yml": alerts_prometheus.text(runbooks=runbooks),
    }


def _yaml(content: Mapping[str, Any]) -> str:
    return _HEAD + yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=10_000)


def _providers() -> dict[str, Any]:
    provider = {
        "name": "touchline",
        "orgId": 1,
        "folder": FOLDER_TITLE,
        "folderUid": FOLDER_UID,
        "type": "file",
        "allowUiUpdates": False,
        "disableDeletion": True,
        "updateIntervalSeconds": 60,
        "options": {"path": "/etc/touchline/dashboards"},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _data_sources() -> dict[str, Any]:
    """Addresses and the password come from the environment of Grafana: `$NAME` is replaced when it starts."""
    clickhouse = clickhouse_source("$CLICKHOUSE_HOST", 9_000, "$CLICKHOUSE_USER")
    return {
        "apiVersion": 1,
        "datasources": [
            {**prometheus_source("$PROMETHEUS_URL"), "orgId": 1, "editable": False},
            {**clickhouse, "orgId": 1, "editable": False, "secureJsonData": {"password": "$CLICKHOUSE_PASSWORD"}},
        ],
    }


def write(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write the files that differ; the paths of those. Boards of ours that are no longer declared are removed."""
    written = []
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            written.append(path)
    for path in sorted((folder / "grafana" / "dashboards").glob(f"{MARK}*.json")):
        if path.relative_to(folder).as_posix() not in texts:
            path.unlink()
            written.append(path)
    return written


def committed() -> dict[str, str]:
    """The files that are kept in the tree: Grafana's boards and provisioning. The rules of Prometheus, by which alerts
    are raised there, are written by `dashboards.alerts_files`.
    """
    return {name: text for name, text in files().items() if name.startswith(("grafana/dash", "grafana/prov"))}


if __name__ == "__main__":
    write(_ROOT, committed())
