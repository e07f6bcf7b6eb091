"""The alerts for Grafana: the same conditions, labels and texts, in the shape its API and its files want."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models.alerting import RuleGroup

from dashboards.alerts_grafana import provisioning, rule_group
from dashboards.alerts_prometheus import groups

GROUP = rule_group("prom", "folder", "https://runbooks.test", {"TouchlineLongestWait": ("live", 7)})
IN_PROMETHEUS = [rule for rule in groups(runbooks="https://runbooks.test")[0]["rules"] if "alert" in rule]
PAIRS = list(zip(GROUP["rules"], IN_PROMETHEUS, strict=True))


def queries(rule: dict[str, Any]) -> dict[str, str]:
    return {each["refId"]: each["model"]["expr"] for each in rule["data"] if each["datasourceUid"] == "prom"}


def test_one_rule_for_each_of_prometheus_with_its_condition_and_labels() -> None:
    for here, there in PAIRS:
        assert here["title"].startswith(there["alert"])
        assert queries(here)["A"] == there["expr"]
        assert (here["labels"], here["for"]) == (there["labels"], there.get("for", "0s"))
        assert set(there["annotations"]) <= set(here["annotations"])
        assert here["annotations"]["summary_de"] == there["annotations"]["summary_de"]


def test_titles_and_uids_are_its_own_and_stay() -> None:
    again = rule_group("prom", "folder")
    assert [rule["uid"] for rule in again["rules"]] == [rule["uid"] for rule in GROUP["rules"]]
    for name in ("uid", "title"):
        assert len({rule[name] for rule in GROUP["rules"]}) == len(GROUP["rules"])
    assert all(re.fullmatch(r"[a-z0-9-]{1,40}", rule["uid"]) for rule in GROUP["rules"])


def test_the_condition_is_that_there_is_a_value_whatever_it_is() -> None:
    for rule in GROUP["rules"]:
        steps = {each["refId"]: each["model"] for each in rule["data"]}
        assert rule["condition"] == "C"
        assert steps["C"]["expression"] == "B"
        assert steps["B"]["expression"] == "is_number($A) || is_nan($A) || is_inf($A)"
        assert all(each["model"]["refId"] == each["refId"] for each in rule["data"])
        assert (rule["noDataState"], rule["execErrState"]) == ("OK", "Error")


def test_texts_name_only_what_the_rule_asks_for() -> None:
    for rule in GROUP["rules"]:
        for text in rule["annotations"].values():
            assert text.count("{{") == text.count("}}")
            assert "query" not in text, "a function that Grafana does not have"
            assert set(re.findall(r"\$values\.([a-zA-Z]+)", text)) <= set(queries(rule))


def test_what_is_only_told_cannot_keep_an_alert_quiet() -> None:
    for rule in GROUP["rules"]:
        told = {name: expr for name, expr in queries(rule).items() if name != "A"}
        assert all(expr.endswith(" or on () vector(NaN)") for expr in told.values())


def test_an_alert_links_to_its_panel_by_both_names_or_by_none() -> None:
    for rule in GROUP["rules"]:
        linked = {name: text for name, text in rule["annotations"].items() if name.startswith("__")}
        waits = rule["title"] == "TouchlineLongestWait"
        assert linked == ({"__dashboardUid__": "live", "__panelId__": "7"} if waits else {})


def test_the_sdk_reads_it_and_the_file_holds_the_same_rules() -> None:
    read = RuleGroup.from_json(GROUP)
    assert read.rules is not None
    assert [rule.title for rule in read.rules] == [rule["title"] for rule in GROUP["rules"]]
    (group,) = yaml.safe_load(yaml.safe_dump(provisioning("prom", "touchline", "https://runbooks.test")))["groups"]
    added = {"folderUID", "ruleGroup", "orgID"}
    for here, there in zip(group["rules"], GROUP["rules"], strict=True):
        named = {name: text for name, text in there["annotations"].items() if not name.startswith("__")}
        same = {k: v for k, v in there.items() if k not in added and k != "keep_firing_for"}
        assert here == {**same, "keepFiringFor": there["keep_firing_for"], "annotations": named}


@pytest.mark.server
def test_prometheus_can_parse_every_query(tmp_path: Path) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian: apt-get install prometheus)")
    every = sorted({expr for rule in GROUP["rules"] for expr in queries(rule).values()})
    rules = [{"record": f"test:touchline_query:n{n}", "expr": expr} for n, expr in enumerate(every)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", str(file)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
