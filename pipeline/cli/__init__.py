"""The command line. Each command is a few lines around what `pipeline.app` composes; messages are for people.

Exit codes: 0 done; 1 the answer is bad news (differences, not ready); 2 it cannot be done, one sentence on stderr says
why; 70 a bug.
"""

import sys

from pipeline.cli.base import app
from pipeline.cli.explain import explain
from pipeline.cli.inspect import audit, export, measures, query
from pipeline.cli.replay import replay
from pipeline.cli.schema import apply, doctor, plan
from pipeline.cli.serve import demo, run, worker

__all__ = [
    "apply",
    "audit",
    "demo",
    "doctor",
    "explain",
    "export",
    "main",
    "measures",
    "plan",
    "query",
    "replay",
    "run",
    "worker",
]


def main() -> None:
    """Entry point of `touchline`."""
    sys.exit(app())
