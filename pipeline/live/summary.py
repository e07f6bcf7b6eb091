"""What the live values are: one frozen structure that the page, /live.json and Prometheus all read.

None = there is nothing to say (nobody answered, no target, not ready), which is never the same as 0. Times are ms.
"""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from schemas.catalogue import ServiceLevel, Target, Titles
from schemas.vocabulary import ChannelKind, PromiseKind

NextStep = Literal["answer", "reply", "call_back", "keep_promise", "check"]
"""What should be done about a case, as a key to be put into words: take the waiting contact, write the reply, call who
gave up, do what was promised (or say that it will not be done), find out whether the contact is still there.
"""


class WindowNumbers(Struct, frozen=True):
    """One event-time window (the last 30 minutes, or today): what began in it.

    `undecided` wait within target still and are in no service level. Quantiles come from histograms and are at most
    6.25 % too high.
    """

    offered: int
    answered: int
    abandoned: int
    undecided: int
    service_levels: Mapping[ServiceLevel, float | None]
    abandon_ratio: float | None
    asa_ms: int | None
    asa_queued_ms: int | None
    wait_p50_ms: int | None
    wait_p90_ms: int | None
    wait_p95_ms: int | None
    first_responses_due: int
    first_responses: int
    first_responses_undecided: int
    first_response_in_target_ratio: float | None
    first_response_p50_ms: int | None
    first_response_p90_ms: int | None
    estimates_judged: int = 0
    estimate_error_mean_ms: int | None = None
    """How far announced waits were off what came, in the mean; None where none was judged."""
    parts: Mapping[str, int] = {}
    """The measures the ratios above are made of; those that are 0 are left out."""


class Fcr(Struct, frozen=True):
    """First-contact resolution of one cohort of closings."""

    eligible: int
    resolved: int
    ratio: float | None


class Judged(Struct, frozen=True):
    """How an objective (`pipeline.core.objectives`) stands in one of its windows: so many were due, so many of them
    missed.
    """

    objective: str
    window: str
    due: int
    missed: int


class Numbers(Struct, frozen=True):
    """The live values of one queue on one channel, or of several together.

    `longest_wait_ms` 0: nobody waits. `waiting_age_*` are as exact as the quantiles of `WindowNumbers`. `fcr_*` None:
    the customers are not read to the end yet.
    `replies_last_hour` None: no measure counts replies where they happened.
    `not_called_back_today`: abandoned today, and not reached since. Before it is too late: `will_miss_target_now` of
    those waiting are within their target still and will not be as things go, `responses_due_soon` messages reach
    the end of their target within 30 minutes. `promises_due_soon`: due within 30 minutes; `promises_overdue_now`: open
    past their due, whatever the contact's state.
    """

    waiting_now: int
    waiting_stale: int
    longest_wait_ms: int
    waiting_age_p50_ms: int | None
    waiting_age_p90_ms: int | None
    expected_wait_ms: int | None
    overdue_now: int
    in_conversation_now: int
    unanswered_now: int
    unanswered_overdue_now: int
    oldest_unanswered_ms: int
    oldest_unanswered_open_ms: int | None
    replies_last_hour: int | None
    not_called_back_today: int | None
    recent: WindowNumbers
    today: WindowNumbers
    fcr_provisional: Fcr | None
    fcr_confirmed: Fcr | None
    will_miss_target_now: int = 0
    responses_due_soon: int = 0
    promises_due_soon: int = 0
    promises_overdue_now: int = 0
    promises_due_soon_by_kind: Mapping[PromiseKind, int] = {}
    promises_overdue_by_kind: Mapping[PromiseKind, int] = {}
    judged: tuple[Judged, ...] = ()
    unanswered_target_permille: int | None = None
    """How much of its target the message closest to it, or furthest beyond, has used: 1000 is all of it."""


class QueueRow(Struct, frozen=True):
    """One queue on one channel, and what is promised there now.

    `incomplete`: contacts of missing partitions (`Summary.missing`) are not in the numbers; there may be more.
    """

    channel: str
    queue: str
    kind: ChannelKind
    wait_target_ms: int | None
    response_target: Target | None
    numbers: Numbers
    incomplete: bool = False
    open: bool = True
    """Whether it is open now; True where no calendar applies."""


class Total(Struct, frozen=True):
    """All channels of one kind together, from summed parts. Live and deferred ones are never mixed.

    `incomplete` as in the rows.
    """

    kind: ChannelKind
    numbers: Numbers
    incomplete: bool = False


class Case(Struct, frozen=True):
    """One contact somebody should look at. `age_ms` on the clock, `open_ms` in opening hours where a calendar applies.

    `since_ms`: since when it waits (a promise: since when it stands). `over_ms` is how far beyond the target or due it
    is, counted as the target counts; None in days, or without a target. `due_ms`: the last moment that is in time.
    `expected_ms`: when its turn comes as things go; beyond `due_ms` in `Cases.will_miss`. `step`: what to do next.
    `promise_kind` and `promise_id` are of promises, else empty.
    """

    contact_id: str
    channel: str
    queue: str
    kind: ChannelKind
    since_ms: int
    age_ms: int
    open_ms: int | None = None
    target: Target | None = None
    overdue: bool = False
    over_ms: int | None = None
    step: NextStep = "check"
    due_ms: int | None = None
    expected_ms: int | None = None
    promise_kind: PromiseKind | Literal[""] = ""
    promise_id: str = ""


class Cases(Struct, frozen=True):
    """Who needs somebody, worst first, at most ten each for live and for deferred channels (promises: of each kind).

    `will_miss`: waiting within target, but their turn will come too late. `due_soon`: messages whose target ends within
    30 minutes. `promises_overdue` and `promises_due_soon`: open promises, of closed contacts, too.
    """

    beyond_target: tuple[Case, ...] = ()
    unanswered: tuple[Case, ...] = ()
    call_back: tuple[Case, ...] = ()
    stale: tuple[Case, ...] = ()
    will_miss: tuple[Case, ...] = ()
    due_soon: tuple[Case, ...] = ()
    promises_overdue: tuple[Case, ...] = ()
    promises_due_soon: tuple[Case, ...] = ()


class PartitionStatus(Struct, frozen=True):
    """One partition about itself. Counts are cumulative, from the ledger. `catch_up_ms` None: not catching up, or no
    end in sight while `log_lag` > 0.
    """

    partition: str
    ready: bool
    stopped_because: str
    warehouse_up: bool
    position: int
    watermark_ms: int | None
    data_age_ms: int | None
    event_lag_ms: int | None
    log_lag: int | None
    catch_up_ms: int | None
    log_holes: int
    flush_seconds: float
    flush_rows: int | None
    flushes: int
    dirty_rows: int
    open_contacts: int | None
    applied: int
    duplicate: int
    late: int
    rejected: Mapping[str, int]
    clamped: Mapping[str, int]
    behind_ms: int | None = None
    """How long ago the newest record counted was appended, 0 where nothing is left in the log; None: not known."""
    waits_for: str = ""
    """Why its numbers are not shown though it is recovered; empty where nothing is in the way."""


class NotReady(Struct, frozen=True):
    """One partition whose numbers cannot be shown, and why."""

    partition: str
    reason: str


class Readiness(Struct, frozen=True):
    """Whether everything assigned here is read and counted, and if not, what is missing."""

    ready: bool
    missing: tuple[NotReady, ...] = ()


class WorkerStatus(Struct, frozen=True):
    """One worker of several: which partitions of folded topics it has, and when it was last heard (its own is 0).

    `missing_because`: why its numbers are not in the summary, empty where they are.
    """

    name: str
    partitions: tuple[str, ...]
    heard_ms_ago: int
    missing_because: str = ""


class Names(Struct, frozen=True):
    """What things are called, by language."""

    organisation: Titles
    channels: Mapping[str, Titles]
    queues: Mapping[str, Titles]


class Summary(Struct, frozen=True):
    """Everything live at `now_ms`.

    `live` False: partitions of contacts are missing, so there are no rows, totals and cases (but see `workers`).
    `data_until_ms` is the partitions' smallest watermark (None without data), `newest_ms` the largest. `labelled` are
    the rows under names that may be Prometheus labels (`other` for the rest), `labels_dropped` how many pairs `other`
    stands for. Resolution is of cohorts of `cohort_days` days; the closings before `confirmed_until_ms` are confirmed.

    With several `workers` (empty: one process has everything) `partitions` are those of all that are heard, and
    `partitions_total` is how many there should be. `missing` are the partitions whose numbers are not in, and why;
    while one of contacts is among them `live` is False, and the rows and totals of what is known say `incomplete`.
    `readiness` is always this process's own. `event_loop_blocked_seconds`: the longest it stood still in the last
    minute; None where nobody looks.
    """

    now_ms: int
    zone: str
    simulated: bool
    live: bool
    readiness: Readiness
    warehouse_up: bool
    data_until_ms: int | None
    newest_ms: int | None
    headline_service_level: ServiceLevel
    cohort_days: int
    confirmed_until_ms: int | None
    titles: Names
    totals: tuple[Total, ...]
    queues: tuple[QueueRow, ...]
    cases: Cases
    partitions: tuple[PartitionStatus, ...]
    source_silence_ms: Mapping[str, int]
    labelled: tuple[QueueRow, ...]
    labels_dropped: int
    partitions_total: int = 0
    missing: tuple[NotReady, ...] = ()
    workers: tuple[WorkerStatus, ...] = ()
    event_loop_blocked_seconds: float | None = None
    by_queue: tuple[QueueRow, ...] = ()
    """The rows put together by queue, for each kind of channel; their channel is empty and their targets are None."""
