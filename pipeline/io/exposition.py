"""The live values as Prometheus metrics, read at scrape.

Law: every name begins with `touchline_`; labels are channel and queue (from `Summary.labelled`) and closed sets. What
can be revised is a gauge of an event-time window. What is not known is absent, never 0: while a partition recovers
`touchline_ready` is 0 and the live values are not there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector as BaseCollector
from prometheus_client.utils import floatToGoString

from pipeline.io.gauges import GAUGES, PlaceGauge, Value, partition_gauges, seconds
from pipeline.live.around import Aged, Around, Place, under_labels
from pipeline.live.summary import PartitionStatus, QueueRow, Summary
from schemas.rejects import REASONS
from schemas.topics import RAW
from schemas.vocabulary import OTHER

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
MOST_SOURCES: Final = 50
_PLACE: Final = ("channel", "queue")


class Collector(BaseCollector):
    """Reads the summary, and what is around it, at scrape.

    Counters begin at 0 with the first scrape of a partition that is ready: the ledger's cumulative counts can step back
    at a crash, by what was not written, and Prometheus would take that for a whole new count.
    """

    def __init__(self, read: Callable[[], Summary], around: Callable[[Summary], Around]) -> None:
        self._read = read
        self._around = around
        self._begun: dict[str, dict[tuple[str, str], int]] = {}
        self._placed: tuple[object, object, str] | None = None
        """The rows and the cohorts that were told last, and the text they made."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: names are not asked for before there is state."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """All families that have samples."""
        summary = self._read()
        around = self._around(summary)
        families = [*self._itself(summary, around), *_of_places(summary, around)]
        return (family for family in families if family.samples)

    def text(self) -> str:
        """The same as Prometheus reads it. What is told of places is written once for as long as it is the same."""
        summary = self._read()
        around = self._around(summary)
        told = (summary.labelled if summary.live else None, around.resolution)
        if self._placed is None or self._placed[0] is not told[0] or self._placed[1] != told[1]:
            self._placed = (*told, _text(_of_places(summary, around)))
        return _text(self._itself(summary, around)) + self._placed[2]

    def _itself(self, summary: Summary, around: Around) -> Iterator[Metric]:
        yield from _about_itself(summary, around)
        yield from _promises(around)
        yield from self._counters(summary.partitions, around.intake_rejected)

    def _counters(self, partitions: Sequence[PartitionStatus], intake_rejected: Mapping[str, int]) -> Iterator[Metric]:
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
        # The intake counts since the process began, for all its partitions together.
        touchpoints.add_metric((RAW, "rejected"), sum(intake_rejected.values()))
        for reason, count in sorted(_by_reason(intake_rejected).items()):
            rejected.add_metric((RAW, reason), count)
        return iter((touchpoints, rejected, flushes))


def _of_places(summary: Summary, around: Around) -> Iterator[Metric]:
    if summary.live:
        yield from (_family(gauge, summary.labelled) for gauge in GAUGES)
        yield from _resolution(under_labels(around.resolution, _places(summary.queues), _places(summary.labelled)))


def _places(rows: Sequence[QueueRow]) -> list[Place]:
    return [(row.channel, row.queue) for row in rows]


def _counts(status: PartitionStatus) -> dict[tuple[str, str], int]:
    counts = {
        ("result", "applied"): status.applied,
        ("result", "duplicate"): status.duplicate,
        ("result", "late"): status.late,
        ("result", "rejected"): sum(status.rejected.values()),
        ("result", "clamped"): sum(status.clamped.values()),
    }
    return counts | {("reason", reason): n for reason, n in _by_reason(status.rejected).items()}


def _by_reason(rejected: Mapping[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reason, n in rejected.items():
        known = reason if reason in REASONS else OTHER
        counts[known] = counts.get(known, 0) + n
    return counts


def _gauge(name: str, text: str, labels: Sequence[str], samples: Iterable[tuple[Sequence[str], Value]]) -> Metric:
    """A gauge without the samples of which nothing is known."""
    family = GaugeMetricFamily(f"touchline_{name}", text, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(values, value)
    return family


def _about_itself(summary: Summary, around: Around) -> Iterator[Metric]:
    def one(name: str, text: str, value: Value) -> Metric:
        return _gauge(name, text, (), [((), value)])

    yield one("ready", "1: every partition assigned here is read and counted", int(summary.readiness.ready))
    yield one("warehouse_up", "Whether the warehouse answered last", int(summary.warehouse_up))
    yield one(
        "event_loop_blocked_seconds",
        "The longest that the process stood still in the last minute",
        summary.event_loop_blocked_seconds,
    )
    yield one("simulated", "1: the touchpoints are made up (demo)", int(summary.simulated))
    yield one("labels_dropped", "Pairs of channel and queue that `other` stands for", summary.labels_dropped)
    yield one(
        "audit_differences",
        "Numbers of yesterday and today in the partitions here that are not what the contacts say: above 0 is a bug",
        around.audit_differences,
    )
    yield one("audit_age_seconds", "Since they were counted again", seconds(around.audit_age_ms))
    yield one(
        "data_until_timestamp_seconds",
        "Everything is known up to here: the smallest watermark of the contact partitions",
        seconds(summary.data_until_ms),
    )
    for name, text, silence_ms in (
        ("source_silence_seconds", "Since the source was last heard of", summary.source_silence_ms),
        ("source_silence_open_seconds", "The opening hours of that time", around.silence_open_ms),
    ):
        yield _gauge(name, text, ("source",), (((source,), ms / 1_000) for source, ms in _few(silence_ms).items()))
    intake: dict[str, list[tuple[tuple[str], Value]]] = {
        "partition_ready": [((each.partition,), int(not each.stopped)) for each in around.intake],
        "log_lag_records": [((each.partition,), each.log_lag) for each in around.intake],
    }
    for name, text, read in partition_gauges():
        samples = [((status.partition,), read(status)) for status in summary.partitions]
        yield _gauge(name, text, ("partition",), [*samples, *intake.get(name, [])])


def _promises(around: Around) -> Iterator[Metric]:
    """Opening hours and objectives: known as soon as the catalogue is, ready or not."""
    yield _gauge(
        "calendar_open",
        "1: this calendar is open now; none: always, no calendar applies",
        ("calendar",),
        (((each.name,), int(each.open)) for each in around.calendars),
    )
    yield _gauge(
        "next_opening_timestamp_seconds",
        "When this calendar opens next, after closing if it is open",
        ("calendar",),
        (((each.name,), seconds(each.opens_ms)) for each in around.calendars),
    )
    yield _gauge(
        "objective_ratio",
        "Share of customers for whom the objective is promised to be met",
        ("objective",),
        (((name,), percent / 100) for name, percent in around.objectives.items()),
    )


def _resolution(aged: Mapping[Place, Aged]) -> Iterator[Metric]:
    yield _gauge(
        "fcr_yesterday_ratio",
        "Resolved at first contact / eligible of yesterday's closings, as far as is known now",
        _PLACE,
        ((place, one.ratio) for place, one in aged.items()),
    )
    yield _gauge(
        "fcr_yesterday_eligible",
        "Yesterday's closings that count for first-contact resolution",
        _PLACE,
        ((place, one.yesterday[0]) for place, one in aged.items()),
    )
    yield _gauge(
        "fcr_usual_ratio",
        "What was known of the same weekday at the same age: the median of the last four weeks",
        _PLACE,
        ((place, one.usual) for place, one in aged.items()),
    )


def _few(silence_ms: Mapping[str, int]) -> dict[str, int]:
    """At most so many sources; the rest are `other`, as silent as the least silent of them."""
    names = sorted(silence_ms)
    few = {name: silence_ms[name] for name in names[:MOST_SOURCES]}
    if names[MOST_SOURCES:]:
        few[OTHER] = min([silence_ms[name] for name in names[MOST_SOURCES:]] + [few.get(OTHER, 1 << 62)])
    return few


def _family(gauge: PlaceGauge, rows: Sequence[QueueRow]) -> Metric:
    samples = (((row.channel, row.queue, *labels), value) for row in rows for labels, value in gauge.read(row))
    return _gauge(gauge.name, gauge.help, (*_PLACE, *gauge.labels), samples)


def exposition(
    read: Callable[[], Summary], around: Callable[[Summary], Around] = lambda _: Around()
) -> Callable[[], bytes]:
    """A function that gives the text of /metrics; keep it, its counters count from its first call on."""
    collector = Collector(read, around)
    return lambda: collector.text().encode()


def _text(families: Iterable[Metric]) -> str:
    return "".join([text_of(family) for family in families if family.samples])


def text_of(family: Metric) -> str:
    """A family as Prometheus reads it, the words of the library's `generate_latest`: that looks again at every label of
    every sample whether its name is valid, and ours are constants.
    """
    name = f"{family.name}_total" if family.type == "counter" else family.name
    names = sorted(family.samples[0].labels)
    said = family.documentation.replace("\\", r"\\").replace("\n", r"\n")
    lines = [f"# HELP {name} {said}\n# TYPE {name} {family.type}\n"]
    for sample in family.samples:
        labels = ",".join([f'{each}="{_escaped(sample.labels[each])}"' for each in names])
        value: str = floatToGoString(sample.value)  # type: ignore[no-untyped-call]
        lines.append(f"{sample.name}{f'{{{labels}}}' if labels else ''} {value}\n")
    return "".join(lines)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
