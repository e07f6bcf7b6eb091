"""The alerts: `ALERTS`, and the series recorded for them: `RECORDINGS`. One definition for Prometheus and Grafana.

For who renders them elsewhere: `ALERTS: tuple[Alert, ...]`, each with `rules: tuple[Rule, ...]` (structs in
`alerts_model`). `alerts_prometheus.groups()` gives the rule file's groups, `alerts_grafana.rule_groups(...)` the same
for Grafana: take those rather than rendering `Rule.expr` again. `expr` has no Grafana variables; `by` are its labels.

Numbers of channels and queues are summed over the workers of one job: one job is one set of numbers.
"""

from typing import Final

from dashboards.alerts_customers import CUSTOMERS
from dashboards.alerts_model import Alert
from dashboards.alerts_parts import RECORDINGS
from dashboards.alerts_pipeline import PIPELINE

__all__ = ["ALERTS", "RECORDINGS"]

ALERTS: Final[tuple[Alert, ...]] = (*CUSTOMERS, *PIPELINE)
