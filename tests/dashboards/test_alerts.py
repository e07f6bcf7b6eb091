"""The alerts: they can fire, fire when they should and not else, and say what is the case."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards import alerts_files
from dashboards.alerts import ALERTS, RECORDINGS
from dashboards.alerts_prometheus import groups, labels, text
from pipeline.core.objectives import OBJECTIVES, OPEN_HOURS_OF
from schemas.catalogue import Settings, changes, load
from schemas.catalogue_settings import LEAST_OBJECTIVE, MOST_OBJECTIVE
from tests.dashboards.alert_cases import CASES, CLOSED, Fires, Quiet, always, healthy, shown

STEP_SECONDS = 60
SLOW_SECONDS = 240
RUNBOOKS = "https://runbooks.test"


def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool on this machine (Debian: apt-get install prometheus)")
    return found


# -- they can fire


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda each: each.name)
def test_every_burn_can_fire_and_does_not_while_the_objective_is_met(objective: Any) -> None:
    for percent in (objective.promised(Settings()), LEAST_OBJECTIVE, MOST_OBJECTIVE):
        for burn in objective.burns:
            assert 1 < burn.factor < 100 / (100 - percent), (percent, burn)
            assert OPEN_HOURS_OF[burn.long] > OPEN_HOURS_OF.get(burn.short, 0)
    assert objective.least_percent <= LEAST_OBJECTIVE
    for burn in objective.burns:
        assert burn.factor * (100 - objective.least_percent) < 100


def test_the_catalogue_changes_what_is_promised_within_what_can_fire() -> None:
    assert load("zone: UTC\nsettings: {wait_objective: 90%}\n", "c").settings.wait_objective_percent == 90
    old, new = load("zone: UTC\n", "c"), load("zone: UTC\nsettings: {stay_objective: 90%}\n", "c")
    assert [change.rebuild for change in changes(old, new, 0)] == [False], "nothing that is stored depends on it"
    for wrong in ("60%", "100%", "0.8", "many"):
        with pytest.raises(Exception, match="is not an objective; write a whole percentage from 61% to 99%"):
            load(f"zone: UTC\nsettings: {{wait_objective: {wrong}}}\n", "c")


def test_they_are_about_twelve_and_have_whom_to_tell() -> None:
    assert len(ALERTS) <= 13
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        assert re.fullmatch(r"Touchline([A-Z][a-z]+)+", alert.name)
        for rule in alert.rules:
            assert {"severity", "audience", "hours"} <= set(labels(alert, rule))
        assert len({tuple(sorted(rule.labels.items())) for rule in alert.rules}) == len(alert.rules)
    assert {alert.name for alert in ALERTS if alert.always} == {
        "TouchlineNotReadyForOpening",
        "TouchlineNumbersDiffer",
        "TouchlineWatchdog",
    }
    for recording in RECORDINGS:
        assert re.fullmatch(r"[a-z]+:touchline_[a-z_]+:[a-z0-9]+", recording.name)


# -- they fire when they should, in real Prometheus


def expected(case: Fires) -> dict[str, Any]:
    alert, rule = case.alert, case.alert.rules[case.rule]
    return {
        "exp_labels": {**labels(alert, rule), **case.labels},
        "exp_annotations": {
            "summary": alert.summary.en,
            "summary_de": alert.summary.de,
            "description": case.en,
            "description_de": case.de,
            "first_step": alert.first_step.en,
            "first_step_de": alert.first_step.de,
            "runbook_url": f"{RUNBOOKS}/{alert.name}.md",
        },
    }


def unit_test(case: Fires | Quiet) -> dict[str, Any]:
    """A case as promtool wants it. What fires must not have done so one step before `for` is over."""
    step = SLOW_SECONDS if case.slow else STEP_SECONDS
    checks: list[dict[str, Any]] = []
    if isinstance(case, Fires):
        wait = case.alert.rules[case.rule].for_seconds
        if not case.at and wait > step:
            checks = [{"eval_time": f"{wait - step}s", "alertname": case.alert.name, "exp_alerts": []}]
        at = case.at or f"{wait + step}s"
        checks += [{"eval_time": at, "alertname": case.alert.name, "exp_alerts": [expected(case)]}]
    else:
        wait = max(rule.for_seconds for rule in case.alert.rules)
        times = ["40h"] if case.slow else [f"{step}s", f"{wait + 3 * step}s"]
        checks = [{"eval_time": at, "alertname": case.alert.name, "exp_alerts": []} for at in times]
    values = {series: lengthened(values) if case.slow else values for series, values in case.series.items()}
    return {
        "interval": f"{step}s",
        "name": shown(case),
        "input_series": [{"series": series, "values": each} for series, each in values.items()],
        "alert_rule_test": checks,
    }


@pytest.mark.server
def test_when_all_is_wrong_at_night_only_what_matters_at_night_tells_anybody(tmp_path: Path) -> None:
    """Every series that makes an alert fire: while all is closed, then twenty minutes before opening, then open."""
    broken: dict[str, str] = {}
    for case in CASES:
        if isinstance(case, Fires) and not case.slow:
            broken |= {series: values for series, values in case.series.items() if series not in healthy()}
    tests = []
    night = {"TouchlineNumbersDiffer", "TouchlineWatchdog"}
    for told, hours in (
        (night, CLOSED),
        ({*night, "TouchlineNotReadyForOpening"}, {**CLOSED, "next_opening_timestamp_seconds": always(3_600)}),
        ({alert.name for alert in ALERTS} - {"TouchlineNotReadyForOpening"}, {}),
    ):
        series = broken | healthy(**hours, ready=always(0), partition_ready=always(0), warehouse_up=always(0))
        samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(told)]
        firing = 'group by (alertname) (ALERTS{alertstate="firing"})'
        tests.append(
            {
                "interval": f"{STEP_SECONDS}s",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [{"expr": firing, "eval_time": "40m", "exp_samples": samples}],
            }
        )
    rules = rule_file(tmp_path / "rules.yml", {alert.name for alert in ALERTS})
    found = {"rule_files": [str(rules)], "evaluation_interval": f"{STEP_SECONDS}s", "tests": tests}
    command = [promtool(), "test", "rules", str(written(tmp_path / "cases.yml", found))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def rule_file(path: Path, names: set[str]) -> Path:
    """The recorded series, and the alerts of these names: two days take long enough as it is."""
    found = groups(runbooks=RUNBOOKS)
    for group in found:
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert", "") in {"", *names}]
    return written(path, {"groups": found})


def written(path: Path, found: Any) -> Path:
    path.write_text(yaml.safe_dump(found, allow_unicode=True), encoding="utf-8")
    return path


def lengthened(values: str) -> str:
    """What is the same all the time goes on for two days."""
    return values.replace("x60", "x720") if re.fullmatch(r"[0-9.]+x60", values) else values


@pytest.mark.server
def test_every_alert_fires_with_its_text_and_keeps_quiet_otherwise(tmp_path: Path) -> None:
    files = []
    for slow, seconds in ((False, STEP_SECONDS), (True, SLOW_SECONDS)):
        cases = [case for case in CASES if case.slow == slow]
        rules = rule_file(tmp_path / f"rules-{slow}.yml", {case.alert.name for case in cases})
        tests = [unit_test(case) for case in cases]
        file = written(
            tmp_path / f"cases-{slow}.yml",
            {"rule_files": [str(rules)], "evaluation_interval": f"{seconds}s", "tests": tests},
        )
        files.append(str(file))
    done = subprocess.run(
        [promtool(), "test", "rules", *files], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_has_a_case_that_fires_and_every_alert_one_that_does_not_and_one_without_series() -> None:
    fired = {(case.alert.name, case.rule) for case in CASES if isinstance(case, Fires)}
    assert fired == {(alert.name, n) for alert in ALERTS for n in range(len(alert.rules))}
    watched = {alert.name for alert in ALERTS} - {"TouchlineWatchdog"}
    assert {case.alert.name for case in CASES if isinstance(case, Quiet)} == watched
    assert {case.alert.name for case in CASES if isinstance(case, Quiet) and case.why.startswith("absent")} == watched


# -- the files


@pytest.mark.server
def test_promtool_takes_the_rules() -> None:
    command = [promtool(), "check", "rules", "--lint=all", "--lint-fatal", str(alerts_files.RULES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_are_those_of_the_definitions() -> None:
    again = "run `python -m dashboards.alerts_files` and commit what it writes"
    assert alerts_files.RULES.read_text(encoding="utf-8") == text(), again
    assert alerts_files.DOCUMENT.read_text(encoding="utf-8") == alerts_files.document(), again
