"""The live values as Prometheus metrics, read at scrape.

Law: every name begins with `touchline_`; labels are channel and queue (from `Summary.labelled`) and closed sets. What
can be revised is a gauge of an event-time window. What is not known is absent, never 0: while a partition recovers
`touchline_ready` is 0 and the live values are not there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as BaseCollector

from pipeline.live.summary import Fcr, Numbers, PartitionStatus, QueueRow, Summary, WindowNumbers
from schemas.catalogue import SERVICE_LEVELS
from schemas.rejects import REASONS
from schemas.vocabulary import OTHER

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
MOST_SOURCES: Final = 50
_PLACE: Final = ("channel", "queue")
_WINDOWS: Final = ("15m", "today")

Value = int | float | None
Sampled = Iterator[tuple[tuple[str, ...], Value]]


class _Gauge(Struct, frozen=True):
    """One gauge per place: its further labels, and what it reads of a row (None: no sample)."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[QueueRow], Sampled]


def _seconds(value_ms: int | None) -> float | None:
    return None if value_ms is None else value_ms / 1_000


def _now(name: str, text: str, read: Callable[[Numbers], Value]) -> _Gauge:
    return _Gauge(name, text, (), lambda row: iter([((), read(row.numbers))]))


def _windows(name: str, text: str, read: Callable[[WindowNumbers], Value]) -> _Gauge:
    def both(row: QueueRow) -> Sampled:
        yield ("15m",), read(row.numbers.recent)
        yield ("today",), read(row.numbers.today)

    return _Gauge(name, text, ("window",), both)


def _quantiles(name: str, text: str, read: Sequence[tuple[str, Callable[[WindowNumbers], int | None]]]) -> _Gauge:
    def all_of(row: QueueRow) -> Sampled:
        for window, numbers in zip(_WINDOWS, (row.numbers.recent, row.numbers.today), strict=True):
            for percentile, one in read:
                yield (window, percentile), _seconds(one(numbers))

    return _Gauge(name, text, ("window", "percentile"), all_of)


def _service_levels(row: QueueRow) -> Sampled:
    for window, numbers in zip(_WINDOWS, (row.numbers.recent, row.numbers.today), strict=True):
        for formula in SERVICE_LEVELS:
            yield (formula, window), numbers.service_levels[formula]


def _ages(row: QueueRow) -> Sampled:
    yield ("50",), _seconds(row.numbers.waiting_age_p50_ms)
    yield ("90",), _seconds(row.numbers.waiting_age_p90_ms)


def _fcr(read: Callable[[Fcr], Value]) -> Callable[[QueueRow], Sampled]:
    def both(row: QueueRow) -> Sampled:
        for state, fcr in (("provisional", row.numbers.fcr_provisional), ("confirmed", row.numbers.fcr_confirmed)):
            yield (state,), None if fcr is None else read(fcr)

    return both


def _response_target(row: QueueRow) -> Sampled:
    target = row.response_target
    if target is not None and target.unit != "open_days":
        yield (target.unit,), _seconds(target.amount)


_GAUGES: Final[tuple[_Gauge, ...]] = (
    _now("waiting_now", "Customers waiting now, by their present queue (stale ones apart)", lambda n: n.waiting_now),
    _now(
        "waiting_stale", "Waiting for so long that nobody believes it: left out of all else", lambda n: n.waiting_stale
    ),
    _now("overdue_now", "Of those waiting now: beyond the wait target", lambda n: n.overdue_now),
    _now("longest_wait_seconds", "Longest wait of those waiting now; 0: nobody", lambda n: _seconds(n.longest_wait_ms)),
    _Gauge("waiting_age_seconds", "Percentiles of how long those waiting now have waited", ("percentile",), _ages),
    _now(
        "expected_wait_seconds",
        "What who joins the queue now has to expect: position x recent time between answers",
        lambda n: _seconds(n.expected_wait_ms),
    ),
    _now("in_conversation_now", "Inbound customers being served now, live channels", lambda n: n.in_conversation_now),
    _now("unanswered_now", "Contacts with a message that has no reply yet", lambda n: n.unanswered_now),
    _now("unanswered_overdue_now", "Of the unanswered: beyond the response target", lambda n: n.unanswered_overdue_now),
    _now(
        "oldest_unanswered_seconds",
        "Age of the oldest message without a reply, on the clock; 0: none",
        lambda n: _seconds(n.oldest_unanswered_ms),
    ),
    _now(
        "oldest_unanswered_open_seconds",
        "The same in opening hours, where a calendar applies",
        lambda n: _seconds(n.oldest_unanswered_open_ms),
    ),
    _now("replies_last_hour", "Replies by people in the last hour", lambda n: n.replies_last_hour),
    _now("not_called_back_today", "Gave up today and not reached since", lambda n: n.not_called_back_today),
    _windows("offered", "Contacts whose wait began in the window", lambda w: w.offered),
    _windows("answered", "Of the offered: answered by a person", lambda w: w.answered),
    _windows("abandoned", "Of the offered: the customer left first", lambda w: w.abandoned),
    _windows("undecided", "Of the offered: still waiting within target, in no service level", lambda w: w.undecided),
    _Gauge(
        "service_level_ratio",
        "Answered within target, by the formulas of the documentation",
        ("formula", "window"),
        _service_levels,
    ),
    _windows("abandon_ratio", "Abandoned / offered", lambda w: w.abandon_ratio),
    _windows("asa_seconds", "Mean wait of the answered, zeros included", lambda w: _seconds(w.asa_ms)),
    _quantiles(
        "wait_seconds_quantile",
        "Wait of the answered, from histograms (at most 6.25 % too high)",
        (("50", lambda w: w.wait_p50_ms), ("90", lambda w: w.wait_p90_ms), ("95", lambda w: w.wait_p95_ms)),
    ),
    _windows(
        "first_responses_due", "First messages that want a reply, by when they came", lambda w: w.first_responses_due
    ),
    _windows("first_responses", "Of those: replied to", lambda w: w.first_responses),
    _windows(
        "first_response_in_target_ratio",
        "First responses in target / (due - undecided): the unanswered are in it",
        lambda w: w.first_response_in_target_ratio,
    ),
    _quantiles(
        "first_response_seconds_quantile",
        "First response time, from histograms (at most 6.25 % too high)",
        (("50", lambda w: w.first_response_p50_ms), ("90", lambda w: w.first_response_p90_ms)),
    ),
    _Gauge(
        "fcr_ratio", "Resolved at first contact / eligible, by cohort of closings", ("state",), _fcr(lambda f: f.ratio)
    ),
    _Gauge("fcr_eligible", "Closings that count for first-contact resolution", ("state",), _fcr(lambda f: f.eligible)),
    _Gauge("wait_target_seconds", "Promised wait", (), lambda row: iter([((), _seconds(row.wait_target_ms))])),
    _Gauge("response_target_seconds", "Promised response time", ("counted_in",), _response_target),
)


def _partition_gauges() -> Sequence[tuple[str, str, Callable[[PartitionStatus], Value]]]:
    return (
        ("partition_ready", "Whether the partition is read and counted", lambda p: int(p.ready)),
        (
            "data_age_seconds",
            "Now minus the watermark: the newest touchpoint applied",
            lambda p: _seconds(p.data_age_ms),
        ),
        ("event_lag_seconds", "Newest append time minus the watermark", lambda p: _seconds(p.event_lag_ms)),
        ("log_lag_records", "Positions in the log not folded yet", lambda p: p.log_lag),
        ("catch_up_seconds", "Until the lag is gone, at the present pace", lambda p: _seconds(p.catch_up_ms)),
        ("log_holes", "Positions the log lost before they were counted", lambda p: p.log_holes),
        ("flush_seconds", "How long the last flush took", lambda p: p.flush_seconds if p.flushes else None),
        ("flush_rows", "Rows of the last flush", lambda p: p.flush_rows),
        ("dirty_rows", "Rows the next flush will write", lambda p: p.dirty_rows),
        ("open_contacts", "Contacts in which somebody may be waiting for us", lambda p: p.open_contacts),
    )


class Collector(BaseCollector):
    """Reads the summary at scrape.

    Counters begin at 0 with the first scrape of a partition that is ready: the ledger's cumulative counts can step back
    at a crash, by what was not written, and Prometheus would take that for a whole new count.
    """

    def __init__(self, read: Callable[[], Summary]) -> None:
        self._read = read
        self._begun: dict[str, dict[tuple[str, str], int]] = {}

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are not asked for before there is state."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families that have samples."""
        summary = self._read()
        families = [*_about_itself(summary), *self._counters(summary.partitions)]
        if summary.live:
            families += [_family(gauge, summary.labelled) for gauge in _GAUGES]
        return (family for family in families if family.samples)

    def _counters(self, partitions: Sequence[PartitionStatus]) -> Iterator[Metric]:
        touchpoints = CounterMetricFamily(
            "touchline_touchpoints", "Records folded here, by result", labels=("partition", "result")
        )
        rejected = CounterMetricFamily(
            "touchline_rejected", "Records dead-lettered here, by reason", labels=("partition", "reason")
        )
        flushes = CounterMetricFamily("touchline_flushes", "Flushes since the start", labels=("partition",))
        families = {"result": touchpoints, "reason": rejected}
        self._begun = {p.partition: self._begun[p.partition] for p in partitions if p.partition in self._begun}
        for status in partitions:
            flushes.add_metric((status.partition,), status.flushes)
            if not status.ready:
                continue
            counts = _counts(status)
            begun = self._begun.setdefault(status.partition, counts)
            for key, count in counts.items():
                families[key[0]].add_metric((status.partition, key[1]), max(count - begun.get(key, 0), 0))
        return iter((touchpoints, rejected, flushes))


def _counts(status: PartitionStatus) -> dict[tuple[str, str], int]:
    counts = {
        ("result", "applied"): status.applied,
        ("result", "duplicate"): status.duplicate,
        ("result", "late"): status.late,
        ("result", "rejected"): sum(status.rejected.values()),
        ("result", "clamped"): sum(status.clamped.values()),
    }
    for reason, n in status.rejected.items():
        key = ("reason", reason if reason in REASONS else OTHER)
        counts[key] = counts.get(key, 0) + n
    return counts


def _about_itself(summary: Summary) -> Iterator[Metric]:
    def one(name: str, text: str, value: Value) -> GaugeMetricFamily:
        family = GaugeMetricFamily(f"touchline_{name}", text)
        if value is not None:
            family.add_metric((), value)
        return family

    yield one("ready", "1: every partition assigned here is read and counted", int(summary.readiness.ready))
    yield one("warehouse_up", "Whether the warehouse answered last", int(summary.warehouse_up))
    yield one("simulated", "1: the touchpoints are made up (demo)", int(summary.simulated))
    yield one("labels_dropped", "Pairs of channel and queue that `other` stands for", summary.labels_dropped)
    yield one(
        "data_until_timestamp_seconds",
        "Everything is known up to here: the smallest watermark of the contact partitions",
        _seconds(summary.data_until_ms),
    )
    silence = GaugeMetricFamily(
        "touchline_source_silence_seconds", "Since the source was last heard of", labels=("source",)
    )
    for source, silence_ms in _few(summary.source_silence_ms).items():
        silence.add_metric((source,), silence_ms / 1_000)
    yield silence
    for name, text, read in _partition_gauges():
        family = GaugeMetricFamily(f"touchline_{name}", text, labels=("partition",))
        for status in summary.partitions:
            value = read(status)
            if value is not None:
                family.add_metric((status.partition,), value)
        yield family


def _few(silence_ms: Mapping[str, int]) -> dict[str, int]:
    """At most so many sources; the rest are `other`, as silent as the least silent of them."""
    names = sorted(silence_ms)
    few = {name: silence_ms[name] for name in names[:MOST_SOURCES]}
    if names[MOST_SOURCES:]:
        few[OTHER] = min([silence_ms[name] for name in names[MOST_SOURCES:]] + [few.get(OTHER, 1 << 62)])
    return few


def _family(gauge: _Gauge, rows: Sequence[QueueRow]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"touchline_{gauge.name}", gauge.help, labels=(*_PLACE, *gauge.labels))
    for row in rows:
        for labels, value in gauge.read(row):
            if value is not None:
                family.add_metric((row.channel, row.queue, *labels), value)
    return family


def exposition(read: Callable[[], Summary]) -> Callable[[], bytes]:
    """A function that gives the text of /metrics; keep it, its counters count from its first call on."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(read))
    return lambda: generate_latest(registry)
