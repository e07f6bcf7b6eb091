"""The files made of the alerts: `python -m dashboards.alerts_files` writes them; a test says if that was forgotten."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dashboards import alerts_prometheus
from dashboards.alerts import ALERTS, RECORDINGS
from dashboards.alerts_model import Alert
from pipeline.core.objectives import LEAST_MISSED, OBJECTIVES, OPEN_HOURS
from schemas.catalogue import Settings

_ROOT: Final = Path(__file__).resolve().parent.parent
RULES: Final = _ROOT / "deploy" / "prometheus" / "touchline.rules.yml"
DOCUMENT: Final = _ROOT / "docs" / "alerts.md"

_HEAD: Final = """\
# Alerts

Written by `python -m dashboards.alerts_files` from `dashboards/alerts*.py`: change them there. The conditions are in
`deploy/prometheus/touchline.rules.yml`, an example of who is told how is `deploy/alertmanager/alertmanager.yml`.

- **Audience.** *operations*: who leads the people that serve customers. *on-call*: who keeps touchline running.
- **Severity.** critical: now. warning: today. none: nobody is told.
- **Hours.** open: only while something is open by the catalogue's opening hours, *operations* only where that queue is
  open. always: at night and on holidays, too. Who is down cannot say whether it is open: what was last known counts,
  and where nothing is known it is taken to be open.
- **Muted.** While `TouchlineNumbersStale` fires, Alertmanager holds back everything for operations: it would be about
  the past.
- **Gone counts as not known.** No series, no alert about customers; that series are missing is an alert of its own.
- Texts come in English and German (`summary`, `description`, `first_step`, and the same with `_de`): who feels it, the
  number, what is promised, what to do first. Since when is Alertmanager's `startsAt`.
- **Thresholds.** Targets, objectives and opening hours are the catalogue's. The others are the constants at the top of
  `dashboards/alerts_customers.py` and `dashboards/alerts_pipeline.py`.
- **Grafana.** `touchline dashboards build` writes the same alerts for Grafana's own alerting, too; use one of the two.
- Prometheus needs to know which workers belong together: one `job` is one set of numbers.

Alerts read gauges that the workers compute in event time. Only rejected records are a counter: nothing takes them back.
"""
_OBJECTIVES: Final = f"""
## Objectives

What share of the customers is to be served as promised; the catalogue's settings change it (`wait_objective`,
`stay_objective`, `response_objective`). The budget is what may be missed in a week of {OPEN_HOURS} open hours. An alert
fires when the share missed in the long window *and* in the short one is above factor x (1 - objective), and at least
{LEAST_MISSED} customers felt it.

The windows are of event time. 5m and 1h end as long ago as the wait target is long, so that of everybody in them it is
decided: who waits longest is not left out for waiting still. (Minutes are kept for 75: above a target of 15 minutes the
hour gets shorter.) today and 2d (today and yesterday) begin at midnight in the catalogue's zone and leave out who is
within target still.

"""


def document() -> str:
    """docs/alerts.md."""
    alerts: list[tuple[str, ...]] = [
        ("Alert", "What is wrong", "Was ist los", "Audience", "Severity", "Hours", "Fires after", "Runbook")
    ]
    alerts += [_row(alert) for alert in ALERTS]
    objectives = [("Objective", "Default", "Due", "Missed", "Long", "Short", "Factor", "Fires above", "Severity")]
    defaults = Settings()
    for each in OBJECTIVES:
        promised = each.promised(defaults)
        objectives += [
            (
                f"`{each.name}`: {each.title_en}",
                f"{promised} %",
                each.due,
                each.missed,
                burn.long,
                burn.short,
                f"{burn.factor:g}",
                f"{burn.factor * (100 - promised):g} % missed",
                "critical" if burn.urgent else "warning",
            )
            for burn in each.burns
        ]
    recorded = [("Series", "Expression"), *((f"`{each.name}`", f"`{each.expr}`") for each in RECORDINGS)]
    return f"{_HEAD}\n{_table(alerts)}{_OBJECTIVES}{_table(objectives)}\n## Recorded series\n\n{_table(recorded)}"


def _row(alert: Alert) -> tuple[str, ...]:
    after = sorted({rule.for_seconds for rule in alert.rules})
    return (
        f"`{alert.name}`",
        alert.summary.en,
        alert.summary.de,
        alert.audience,
        ", ".join(dict.fromkeys(rule.severity or alert.severity for rule in alert.rules)),
        "always" if alert.always else "open",
        ", ".join(_duration(each) for each in after),
        f"[{alert.runbook.removesuffix('.md')}](runbooks/{alert.runbook})",
    )


def _duration(seconds: int) -> str:
    if seconds == 0:
        return "at once"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    head, *body = rows
    lines = [head, tuple("---" for _ in head), *body]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in lines)


def write() -> None:
    """All of them."""
    RULES.parent.mkdir(parents=True, exist_ok=True)
    RULES.write_text(alerts_prometheus.text(), encoding="utf-8")
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    write()
