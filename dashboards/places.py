"""Variables that the boards share: which channels and queues. Links between boards carry their values over."""

from typing import Final

from dashboards.model import Query, Variable

JOB: Final = Variable("job", "Job", Query("metrics", "label_values(touchline_ready, job)"))

PLACES_LIVE: Final = (
    JOB,
    Variable("channel", "Channel", Query("metrics", 'label_values(touchline_offered{job=~"$job"}, channel)')),
    Variable(
        "queue", "Queue", Query("metrics", 'label_values(touchline_offered{job=~"$job",channel=~"$channel"}, queue)')
    ),
)
"""From Prometheus: queues beyond the cap on labels are `other` there."""

_DAYS: Final = (
    "SELECT DISTINCT {} FROM touchline.measures_day "
    "WHERE window_start >= $__fromTime - 86400 AND window_start <= $__toTime ORDER BY {}"
)

PLACES_COUNTED: Final = (
    Variable("channel", "Channel", Query("warehouse", _DAYS.format("channel", "channel"))),
    Variable("queue", "Queue", Query("warehouse", _DAYS.format("queue", "queue"))),
)
"""From ClickHouse: every name that was ever sent."""
