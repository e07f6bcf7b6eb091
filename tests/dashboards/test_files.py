"""The files for Grafana: those in the tree are current, and they fit together."""

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

from dashboards.alerts import ALERTS
from dashboards.boards import ALL
from dashboards.files import FOLDER_UID, MARK, PANELS, committed, dashboards, files
from dashboards.render import SOURCES

DEPLOY: Final = Path(__file__).resolve().parents[2] / "deploy"


def read(name: str) -> Any:
    return yaml.safe_load(files()[name])


def test_the_files_in_the_tree_are_current() -> None:
    """If not: `python -m dashboards.files`."""
    texts = committed()
    assert {name: (DEPLOY / name).read_text() for name in texts} == texts
    there = {path.relative_to(DEPLOY).as_posix() for path in (DEPLOY / "grafana").rglob("*") if path.is_file()}
    assert there == set(texts)


def test_the_boards_of_the_files_are_those_that_are_pushed() -> None:
    written = [json.loads(text) for name, text in files().items() if name.startswith("grafana/dashboards/")]
    assert written == dashboards()


def test_provisioned_boards_cannot_be_edited_and_land_in_our_folder() -> None:
    (provider,) = read("grafana/provisioning/dashboards/touchline.yaml")["providers"]
    assert provider["folderUid"] == FOLDER_UID
    assert provider["allowUiUpdates"] is False


def test_provisioned_data_sources_are_those_the_boards_begin_with() -> None:
    sources = read("grafana/provisioning/datasources/touchline.yaml")["datasources"]
    assert {(each["name"], each["uid"]) for each in sources} == set(SOURCES.values())
    assert all(each["uid"].startswith(MARK) and each["editable"] is False for each in sources)
    secrets = [value for each in sources for value in each.get("secureJsonData", {}).values()]
    assert secrets == ["$CLICKHOUSE_PASSWORD"]


def test_every_alert_leads_to_a_panel_that_is_there() -> None:
    assert set(PANELS) == {alert.name for alert in ALERTS}
    there = {(board.uid, panel.id) for board in ALL for panel in board.panels}
    assert set(PANELS.values()) <= there


def test_an_alert_and_its_panel_read_the_same_numbers() -> None:
    """What fires is to be seen on the panel it leads to: they share at least one series, where it is about one."""
    other_numbers = {"TouchlineNotReadyForOpening", "TouchlineNumbersDiffer", "TouchlineWatchdog"}
    panels = {(board.uid, panel.id): panel for board in ALL for panel in board.panels}
    for alert in ALERTS:
        text = " ".join(query.text for query in panels[PANELS[alert.name]].queries)
        rules = " ".join(rule.expr for rule in alert.rules)
        shared = _names(text) & _names(rules)
        assert shared or alert.name in other_numbers or "fcr" in text, alert.name


def _names(text: str) -> set[str]:
    """The metrics' own names, as recorded series hold them, too."""
    return {name.removesuffix("_total") for name in re.findall(r"touchline_(\w+)", text)}
