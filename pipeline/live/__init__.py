"""Who waits now and what today is like, for the page and for Prometheus: pure functions of the folds' state and of
`now_ms`. `collect` what a worker's partitions are worth, `present` what one or all workers collected.
"""

from pipeline.live.collect import Collected, collect, readiness
from pipeline.live.inputs import CallBack, LiveState, PartitionState, Reading
from pipeline.live.present import Others, present
from pipeline.live.summarise import recent_days, summarise
from pipeline.live.summary import Readiness, Summary, WorkerStatus

__all__ = [
    "CallBack",
    "Collected",
    "LiveState",
    "Others",
    "PartitionState",
    "Readiness",
    "Reading",
    "Summary",
    "WorkerStatus",
    "collect",
    "present",
    "readiness",
    "recent_days",
    "summarise",
]
