"""What a row of the live values, and a partition, become in Prometheus: one line per gauge."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from pipeline.live.summary import Fcr, Judged, Numbers, PartitionStatus, QueueRow, WindowNumbers
from schemas.catalogue import SERVICE_LEVELS

_WINDOWS: Final = ("30m", "today")

Value = int | float | None
Sampled = Iterator[tuple[tuple[str, ...], Value]]


class PlaceGauge(Struct, frozen=True):
    """One gauge per place: its further labels, and what it reads of a row (None: no sample)."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[QueueRow], Sampled]


def seconds(value_ms: int | None) -> float | None:
    """Prometheus counts in seconds."""
    return None if value_ms is None else value_ms / 1_000


def _now(name: str, text: str, read: Callable[[Numbers], Value]) -> PlaceGauge:
    return PlaceGauge(name, text, (), lambda row: iter([((), read(row.numbers))]))


def _windows(name: str, text: str, read: Callable[[WindowNumbers], Value]) -> PlaceGauge:
    def both(row: QueueRow) -> Sampled:
        yield ("30m",), read(row.numbers.recent)
        yield ("today",), read(row.numbers.today)

    return PlaceGauge(name, text, ("window",), both)


def _today(name: str, text: str, read: Callable[[WindowNumbers], Value]) -> PlaceGauge:
    """Too few of them in 30 minutes to say anything."""
    return PlaceGauge(name, text, ("window",), lambda row: iter([(("today",), read(row.numbers.today))]))


def _quantiles(name: str, text: str, read: Sequence[tuple[str, Callable[[WindowNumbers], int | None]]]) -> PlaceGauge:
    def all_of(row: QueueRow) -> Sampled:
        for window, numbers in zip(_WINDOWS, (row.numbers.recent, row.numbers.today), strict=True):
            for percentile, one in read:
                yield (window, percentile), seconds(one(numbers))

    return PlaceGauge(name, text, ("window", "percentile"), all_of)


def _service_levels(row: QueueRow) -> Sampled:
    for window, numbers in zip(_WINDOWS, (row.numbers.recent, row.numbers.today), strict=True):
        for formula in SERVICE_LEVELS:
            yield (formula, window), numbers.service_levels[formula]


def _ages(row: QueueRow) -> Sampled:
    yield ("50",), seconds(row.numbers.waiting_age_p50_ms)
    yield ("90",), seconds(row.numbers.waiting_age_p90_ms)


def _fcr(read: Callable[[Fcr], Value]) -> Callable[[QueueRow], Sampled]:
    def both(row: QueueRow) -> Sampled:
        for state, fcr in (("provisional", row.numbers.fcr_provisional), ("confirmed", row.numbers.fcr_confirmed)):
            yield (state,), None if fcr is None else read(fcr)

    return both


def _judged(read: Callable[[Judged], int]) -> Callable[[QueueRow], Sampled]:
    def all_of(row: QueueRow) -> Sampled:
        for one in row.numbers.judged:
            yield (one.objective, one.window), read(one)

    return all_of


def _response_target(row: QueueRow) -> Sampled:
    target = row.response_target
    if target is not None and target.unit != "open_days":
        yield (target.unit,), seconds(target.amount)


GAUGES: Final[tuple[PlaceGauge, ...]] = (
    _now("waiting_now", "Customers waiting now, by their present queue (stale ones apart)", lambda n: n.waiting_now),
    _now(
        "waiting_stale", "Waiting for so long that nobody believes it: left out of all else", lambda n: n.waiting_stale
    ),
    _now("overdue_now", "Of those waiting now: beyond the wait target", lambda n: n.overdue_now),
    _now("longest_wait_seconds", "Longest wait of those waiting now; 0: nobody", lambda n: seconds(n.longest_wait_ms)),
    PlaceGauge("waiting_age_seconds", "Percentiles of how long those waiting now have waited", ("percentile",), _ages),
    _now(
        "expected_wait_seconds",
        "What who joins the queue now has to expect: position x recent time between answers",
        lambda n: seconds(n.expected_wait_ms),
    ),
    _now("in_conversation_now", "Inbound customers being served now, live channels", lambda n: n.in_conversation_now),
    _now("unanswered_now", "Contacts with a message that has no reply yet", lambda n: n.unanswered_now),
    _now("unanswered_overdue_now", "Of the unanswered: beyond the response target", lambda n: n.unanswered_overdue_now),
    _now(
        "oldest_unanswered_seconds",
        "Age of the oldest message without a reply, on the clock; 0: none",
        lambda n: seconds(n.oldest_unanswered_ms),
    ),
    _now(
        "oldest_unanswered_open_seconds",
        "The same in opening hours, where a calendar applies",
        lambda n: seconds(n.oldest_unanswered_open_ms),
    ),
    _now(
        "oldest_unanswered_target_ratio",
        "How much of its response target the message has used that has used most; 1: all of it",
        lambda n: None if n.unanswered_target_permille is None else n.unanswered_target_permille / 1_000,
    ),
    _now(
        "will_miss_target_now",
        "Waiting within target still, but their turn will come too late as things go",
        lambda n: n.will_miss_target_now,
    ),
    _now("responses_due_soon", "Messages whose response target ends within 30 minutes", lambda n: n.responses_due_soon),
    _now("promises_overdue_now", "Promises open past their due time", lambda n: n.promises_overdue_now),
    _now("promises_due_soon", "Open promises that are due within 30 minutes", lambda n: n.promises_due_soon),
    _now("replies_last_hour", "Replies by people in the last hour", lambda n: n.replies_last_hour),
    _now("not_called_back_today", "Gave up today and not reached since", lambda n: n.not_called_back_today),
    _windows("offered", "Contacts whose wait began in the window", lambda w: w.offered),
    _windows("answered", "Of the offered: answered by a person", lambda w: w.answered),
    _windows("abandoned", "Of the offered: the customer left first", lambda w: w.abandoned),
    _windows("undecided", "Of the offered: still waiting within target, in no service level", lambda w: w.undecided),
    PlaceGauge(
        "service_level_ratio",
        "Answered within target, by the formulas of the documentation",
        ("formula", "window"),
        _service_levels,
    ),
    _windows("abandon_ratio", "Abandoned / offered", lambda w: w.abandon_ratio),
    _windows("asa_seconds", "Mean wait of the answered, zeros included", lambda w: seconds(w.asa_ms)),
    _quantiles(
        "wait_seconds_quantile",
        "Wait of the answered, from histograms (at most 6.25 % too high)",
        (("50", lambda w: w.wait_p50_ms), ("90", lambda w: w.wait_p90_ms), ("95", lambda w: w.wait_p95_ms)),
    ),
    _today("estimates_judged", "Waits announced whose true length is known by now", lambda w: w.estimates_judged),
    _today(
        "estimate_error_seconds",
        "How far announced waits were off what came, on average",
        lambda w: seconds(w.estimate_error_mean_ms),
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
    PlaceGauge(
        "fcr_ratio", "Resolved at first contact / eligible, by cohort of closings", ("state",), _fcr(lambda f: f.ratio)
    ),
    PlaceGauge(
        "fcr_eligible", "Closings that count for first-contact resolution", ("state",), _fcr(lambda f: f.eligible)
    ),
    PlaceGauge(
        "objective_due",
        "Of how many customers it is decided whether an objective was met: 5m and 1h by when they came, ending as long"
        " ago as the target is long; today, 2d (today and yesterday) without who is within target still",
        ("objective", "window"),
        _judged(lambda one: one.due),
    ),
    PlaceGauge(
        "objective_missed",
        "Of touchline_objective_due: those for whom it was missed",
        ("objective", "window"),
        _judged(lambda one: one.missed),
    ),
    PlaceGauge("open", "1: open now, or no calendar applies", (), lambda row: iter([((), int(row.open))])),
    PlaceGauge("wait_target_seconds", "Promised wait", (), lambda row: iter([((), seconds(row.wait_target_ms))])),
    PlaceGauge("response_target_seconds", "Promised response time", ("counted_in",), _response_target),
)


def partition_gauges() -> Sequence[tuple[str, str, Callable[[PartitionStatus], Value]]]:
    """(name, help, what it reads) of what every partition of a folded topic says of itself."""
    return (
        ("partition_ready", "Whether the partition is read and counted", lambda p: int(p.ready)),
        (
            "data_age_seconds",
            "Now minus the watermark: the newest touchpoint applied",
            lambda p: seconds(p.data_age_ms),
        ),
        ("event_lag_seconds", "Newest append time minus the watermark", lambda p: seconds(p.event_lag_ms)),
        ("log_lag_records", "Positions in the log not folded yet", lambda p: p.log_lag),
        (
            "behind_seconds",
            "Since the newest record counted was appended; 0: nothing is left in the log",
            lambda p: seconds(p.behind_ms),
        ),
        ("catch_up_seconds", "Until the lag is gone, at the present pace", lambda p: seconds(p.catch_up_ms)),
        ("log_holes", "Positions the log lost before they were counted", lambda p: p.log_holes),
        ("flush_seconds", "How long the last flush took", lambda p: p.flush_seconds if p.flushes else None),
        ("flush_rows", "Rows of the last flush", lambda p: p.flush_rows),
        ("dirty_rows", "Rows the next flush will write", lambda p: p.dirty_rows),
        ("open_contacts", "Contacts in which somebody may be waiting for us", lambda p: p.open_contacts),
    )
