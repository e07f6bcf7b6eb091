"""The alerts as a rule file of Prometheus (2.42 and later)."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from dashboards.alerts import ALERTS, RECORDINGS
from dashboards.alerts_model import LANGUAGES, Alert, Language, Number, Recording, Rule, Unit, Words

RUNBOOKS: Final = "https://touchline.example.org/docs/runbooks"
"""Where the runbooks are to be read: whoever builds the files says where they put docs/runbooks."""
INTERVAL_SECONDS: Final = 15
_SLOW_SECONDS: Final = 240
"""Prometheus takes a series for gone that has no sample for five minutes."""
_HEAD: Final = """\
# Rules of touchline for Prometheus. Written by `python -m dashboards.alerts_files` from dashboards/alerts*.py:
# change them there. Recorded series come first, since the alerts read them.
"""

_WRITTEN: Final[dict[Unit, str]] = {
    "share": 'printf "%.0f{percent}"',
    "count": 'printf "%.0f"',
    "duration": 'humanizeDuration | reReplaceAll "( 0[hms])+$" ""',
    "times": 'printf "%.1f"',
}


def text(interval_seconds: int = INTERVAL_SECONDS, runbooks: str = RUNBOOKS) -> str:
    """The rule file."""
    return _HEAD + yaml.safe_dump(
        {"groups": groups(interval_seconds, runbooks)}, sort_keys=False, allow_unicode=True, width=10_000
    )


def groups(interval_seconds: int = INTERVAL_SECONDS, runbooks: str = RUNBOOKS) -> list[dict[str, Any]]:
    """The groups of the rule file: what is looked at all the time, and what only now and then."""
    recorded = [_recording(each) for each in RECORDINGS if not each.slow]
    alerting = [_rule(alert, rule, runbooks) for alert in ALERTS for rule in alert.rules]
    slow = [_recording(each) for each in RECORDINGS if each.slow]
    return [
        {"name": "touchline", "interval": seconds(interval_seconds), "rules": recorded + alerting},
        {"name": "touchline-slow", "interval": seconds(_SLOW_SECONDS), "rules": slow},
    ]


def labels(alert: Alert, rule: Rule) -> dict[str, str]:
    """What Alertmanager routes by, and what tells the rules of one alert apart."""
    return {
        "severity": rule.severity or alert.severity,
        "audience": alert.audience,
        "hours": "always" if alert.always else "open",
        **rule.labels,
    }


def texts(alert: Alert, rule: Rule) -> dict[str, Words]:
    """The annotations by name; a German one is called `..._de`."""
    return {"summary": alert.summary, "description": rule.description, "first_step": alert.first_step}


def name_of(annotation: str, language: Language) -> str:
    """How an annotation is called in a language."""
    return annotation if language == "en" else f"{annotation}_{language}"


def seconds(n: int) -> str:
    """A duration as Prometheus and Grafana write it."""
    return f"{n}s"


def written(unit: Unit, language: Language) -> str:
    """The end of a template's pipe that writes a number of this unit."""
    return _WRITTEN[unit].replace("{percent}", " %%" if language == "de" else "%%")


def _recording(recording: Recording) -> dict[str, Any]:
    return {"record": recording.name, "expr": recording.expr}


def _rule(alert: Alert, rule: Rule, runbooks: str) -> dict[str, Any]:
    annotations = {
        name_of(name, language): _filled(words.text(language), alert, rule, language)
        for language in LANGUAGES
        for name, words in texts(alert, rule).items()
    }
    found: dict[str, Any] = {"alert": alert.name, "expr": rule.expr}
    if rule.for_seconds:
        found["for"] = seconds(rule.for_seconds)
    if alert.keep_firing_seconds:
        found["keep_firing_for"] = seconds(alert.keep_firing_seconds)
    found["labels"] = labels(alert, rule)
    found["annotations"] = {**annotations, "runbook_url": f"{runbooks}/{alert.runbook}"}
    return found


def _filled(words: str, alert: Alert, rule: Rule, language: Language) -> str:
    """The text with Prometheus's templates for what stands in braces. Raises KeyError for a name that is none."""
    values = {label: f"{{{{ $labels.{label} }}}}" for label in alert.by}
    values["value"] = f"{{{{ $value | {written(rule.unit, language)} }}}}"
    values |= {name: _asked(number, language) for name, number in rule.numbers.items()}
    return words.format_map(values)


def _asked(number: Number, language: Language) -> str:
    """A number that Prometheus asks for while it writes the text; `?` where there is none."""
    where: Mapping[str, str] = number.where
    matchers = [f"{name}={value!r}" for name, value in where.items()] + [f"{label}=%q" for label in number.by]
    factor = "100 * " if number.unit == "share" else ""
    query = f"{factor}{number.how}({number.series}{{{','.join(matchers)}}})"
    arguments = "".join(f" $labels.{label}" for label in number.by)
    shown = f". | first | value | {written(number.unit, language)}"
    return f"{{{{ with printf `{query}`{arguments} | query }}}}{{{{ {shown} }}}}{{{{ else }}}}?{{{{ end }}}}"
