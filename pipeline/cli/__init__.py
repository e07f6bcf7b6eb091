"""The command line. Each command is a few lines around what `pipeline.app` composes; messages are for people.

Exit codes: 0 done; 1 the answer is bad news (differences, not ready); 2 it cannot be done, one sentence on stderr says
why; 70 a bug.
"""

import sys

from pipeline.cli.audit import audit
from pipeline.cli.backup import backup, restore
from pipeline.cli.base import app
from pipeline.cli.catalogue import check, show, what_if
from pipeline.cli.dashboards import commands as dashboards
from pipeline.cli.erase import erase
from pipeline.cli.explain import explain
from pipeline.cli.formula import which_formula
from pipeline.cli.inspect import export, measures, query
from pipeline.cli.known import as_known
from pipeline.cli.mapping import mapping
from pipeline.cli.rebuild import rebuild
from pipeline.cli.replay import replay
from pipeline.cli.report import report
from pipeline.cli.schema import apply, doctor, plan
from pipeline.cli.serve import demo, run, worker
from pipeline.cli.tail import tail

__all__ = [
    "apply",
    "as_known",
    "audit",
    "backup",
    "check",
    "dashboards",
    "demo",
    "doctor",
    "erase",
    "explain",
    "export",
    "main",
    "mapping",
    "measures",
    "plan",
    "query",
    "rebuild",
    "replay",
    "report",
    "restore",
    "run",
    "show",
    "tail",
    "what_if",
    "which_formula",
    "worker",
]


def main() -> None:
    """Entry point of `touchline`."""
    sys.exit(app())
