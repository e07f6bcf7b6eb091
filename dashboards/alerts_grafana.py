"""The alerts as rules that Grafana manages itself, for those who route with Grafana. Same conditions, labels and texts.

They read the recorded series, so the recording rules are needed in Prometheus all the same.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from dashboards.alerts import ALERTS
from dashboards.alerts_model import LANGUAGES, Alert, Language, Number, Rule
from dashboards.alerts_prometheus import INTERVAL_SECONDS, RUNBOOKS, labels, name_of, seconds, texts, written

FOLDER: Final = "touchline"
GROUP: Final = "touchline"
_LOOK_BACK_SECONDS: Final = 600


def rule_group(
    prometheus_uid: str, folder_uid: str = FOLDER, runbooks: str = RUNBOOKS, panels: Mapping[str, tuple[str, int]] = {}
) -> dict[str, Any]:
    """The body of PUT /api/v1/provisioning/folder/<folder>/rule-groups/<group>.

    `panels`: alert -> (uid of a dashboard, id of a panel), where the alert links to.
    """
    rules = [
        {
            **_rule(alert, rule, prometheus_uid, runbooks, panels.get(alert.name)),
            "folderUID": folder_uid,
            "ruleGroup": GROUP,
            "orgID": 1,
        }
        for alert in ALERTS
        for rule in alert.rules
    ]
    return {"title": GROUP, "folderUid": folder_uid, "interval": 2 * INTERVAL_SECONDS, "rules": rules}


def provisioning(
    prometheus_uid: str, folder: str = "touchline", runbooks: str = RUNBOOKS, panels: Mapping[str, tuple[str, int]] = {}
) -> dict[str, Any]:
    """A file of Grafana's folder provisioning/alerting."""
    rules = [
        _rule(alert, rule, prometheus_uid, runbooks, panels.get(alert.name)) for alert in ALERTS for rule in alert.rules
    ]
    for rule in rules:  # the one name that files and API spell differently
        rule["keepFiringFor"] = rule.pop("keep_firing_for")
    group = {"orgId": 1, "name": GROUP, "folder": folder, "interval": seconds(2 * INTERVAL_SECONDS), "rules": rules}
    return {"apiVersion": 1, "groups": [group]}


def uid(alert: Alert, rule: Rule) -> str:
    """Fixed by name and labels, so that a second push changes the rule and does not add one."""
    told_apart = " ".join([alert.name, *(f"{name}={rule.labels[name]}" for name in sorted(rule.labels))])
    return f"touchline-{hashlib.blake2b(told_apart.encode(), digest_size=8).hexdigest()}"


def title(alert: Alert, rule: Rule) -> str:
    """Unique within a folder, as Grafana wants it."""
    return " ".join([alert.name, *rule.labels.values()])


def _rule(
    alert: Alert, rule: Rule, prometheus_uid: str, runbooks: str, panel: tuple[str, int] | None
) -> dict[str, Any]:
    annotations = {
        name_of(name, language): _filled(words.text(language), alert, rule, language)
        for language in LANGUAGES
        for name, words in texts(alert, rule).items()
    }
    annotations["runbook_url"] = f"{runbooks}/{alert.runbook}"
    if panel is not None:
        annotations |= {"__dashboardUid__": panel[0], "__panelId__": str(panel[1])}
    queries = {"A": rule.expr, **{name: _asked(number) for name, number in rule.numbers.items()}}
    data = [_query(name, expr, prometheus_uid) for name, expr in queries.items()]
    return {
        "uid": uid(alert, rule),
        "title": title(alert, rule),
        "condition": "C",
        # The expression yields what is wrong and nothing else: that there is a value is the alarm, whatever it is.
        "data": [
            *data,
            _expression("B", {"type": "math", "expression": "is_number($A) || is_nan($A) || is_inf($A)"}),
            _expression("C", {"type": "threshold", "expression": "B", "conditions": [_ABOVE_NOTHING]}),
        ],
        "noDataState": "OK",
        "execErrState": "Error",
        "for": seconds(rule.for_seconds),
        "keep_firing_for": seconds(alert.keep_firing_seconds),
        "labels": labels(alert, rule),
        "annotations": annotations,
        "isPaused": False,
    }


_ABOVE_NOTHING: Final = {"evaluator": {"type": "gt", "params": [0]}}


def _query(name: str, expr: str, prometheus_uid: str) -> dict[str, Any]:
    return {
        "refId": name,
        "datasourceUid": prometheus_uid,
        "queryType": "",
        "relativeTimeRange": {"from": _LOOK_BACK_SECONDS, "to": 0},
        "model": {"refId": name, "expr": expr, "instant": True, "range": False, "editorMode": "code"},
    }


def _expression(name: str, model: Mapping[str, Any]) -> dict[str, Any]:
    source = {"type": "__expr__", "uid": "__expr__"}
    return {
        "refId": name,
        "datasourceUid": "__expr__",
        "queryType": "",
        "relativeTimeRange": {"from": 0, "to": 0},
        "model": {"refId": name, "datasource": source, **model},
    }


def _filled(words: str, alert: Alert, rule: Rule, language: Language) -> str:
    """The text with Grafana's templates for what stands in braces. Raises KeyError for a name that is none."""
    values = {label: f"{{{{ $labels.{label} }}}}" for label in alert.by}
    values["value"] = _shown("A", rule.unit, language)
    values |= {name: _shown(name, number.unit, language) for name, number in rule.numbers.items()}
    return words.format_map(values)


def _shown(name: str, unit: Any, language: Language) -> str:
    """The value; `?` where it is NaN, which alone is not equal to itself."""
    value = f"$values.{name}.Value"
    shown = f"{value} | {written(unit, language)}"
    return f"{{{{ if eq {value} {value} }}}}{{{{ {shown} }}}}{{{{ else }}}}?{{{{ end }}}}"


def _asked(number: Number) -> str:
    """The number of every place at once: Grafana takes the one with the alert's labels.

    Never nothing: one query without data, and the whole rule counts as without data, that is, as well.
    """
    where = ",".join(f'{name}="{value}"' for name, value in number.where.items())
    selector = f"{number.series}{{{where}}}" if where else number.series
    factor = "100 * " if number.unit == "share" else ""
    return f"{factor}{number.how} by ({', '.join(number.by)}) ({selector}) or on () vector(NaN)"
