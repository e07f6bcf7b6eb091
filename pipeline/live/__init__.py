"""Who waits now and what today is like, for the page and for Prometheus: a pure function of the folds' state and of
`now_ms`.
"""

from pipeline.live.inputs import CallBack, LiveState, PartitionState, Reading
from pipeline.live.summarise import readiness, recent_days, summarise
from pipeline.live.summary import Readiness, Summary

__all__ = [
    "CallBack",
    "LiveState",
    "PartitionState",
    "Readiness",
    "Reading",
    "Summary",
    "readiness",
    "recent_days",
    "summarise",
]
