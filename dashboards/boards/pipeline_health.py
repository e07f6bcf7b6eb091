"""Board *pipeline health*: for on-call. Are the numbers fresh, complete and right, and what holds them up?"""

from typing import Final

from dashboards.live_values import JOB, about, live, own
from dashboards.measured import measures_panel, total
from dashboards.model import PAST, About, Board, Panel, Query, Row
from dashboards.places import JOB as JOB_VARIABLE
from dashboards.places import PLACES_COUNTED


def _rate(name: str, by: str) -> str:
    return f"sum by ({by}) (rate(touchline_{name}{{{JOB}}}[$__rate_interval]))"


_VERDICT: Final = (
    Panel(
        id=1,
        title="Workers ready",
        kind="stat",
        about=about(
            "Workers whose every partition is read and counted, of all that Prometheus reaches.",
            "sum of ready; count of ready",
            "ready",
        ),
        queries=(live(f"sum ({own('ready')})", "Ready"), live(f"count ({own('ready')})", "Workers")),
        unit="short",
        width=6,
        height=5,
    ),
    Panel(
        id=2,
        title="How old the numbers are",
        kind="stat",
        about=about(
            "Now minus the oldest partition's newest touchpoint. Grows also when nothing happens: see the sources.",
            "time() - min of data_until_timestamp_seconds",
            "data_until_timestamp_seconds",
        ),
        queries=(live(f"time() - min ({own('data_until_timestamp_seconds')})", "Behind"),),
        unit="s",
        width=6,
        height=5,
    ),
    Panel(
        id=3,
        title="Warehouse",
        kind="stat",
        about=about(
            "Workers that ClickHouse answered last, of all. While it is away, counting goes on in memory.",
            "sum of warehouse_up; count of warehouse_up",
            "warehouse_up",
        ),
        queries=(live(f"sum ({own('warehouse_up')})", "Reach it"), live(f"count ({own('warehouse_up')})", "Workers")),
        unit="short",
        width=6,
        height=5,
    ),
    Panel(
        id=4,
        title="Positions the log lost",
        kind="stat",
        about=about(
            "Positions that Kafka gave up before they were counted: above 0, numbers are too small. See the manual, "
            "*Log epochs*.",
            "sum of log_holes",
            "log_holes",
        ),
        queries=(live(f"sum ({own('log_holes')})", PAST),),
        unit="short",
        width=6,
        height=5,
    ),
)

_FLOW: Final = (
    Panel(
        id=5,
        title="Touchpoints counted, by result",
        kind="trend",
        about=about(
            "Records folded per second: applied, duplicate (counted before), late (an hour and more behind, applied "
            "nevertheless), rejected (dead letters), clamped (from the future).",
            "rate of touchpoints_total by result",
            "touchpoints_total",
        ),
        queries=(live(_rate("touchpoints_total", "result"), "{{result}}"),),
        unit="cps",
    ),
    Panel(
        id=6,
        title="Rejected, by reason",
        kind="trend",
        about=about(
            "Dead letters per second, by reason. What each one means is in view `dead_letters` and in the manual.",
            "rate of rejected_total by reason",
            "rejected_total",
        ),
        queries=(live(_rate("rejected_total", "reason"), "{{reason}}"),),
        unit="cps",
    ),
    Panel(
        id=7,
        title="Sources: since when nothing was heard",
        kind="trend",
        about=about(
            "Since a source was last heard of, and the opening hours of that time (by which the alert goes). An empty "
            "board may be a dead webhook.",
            "min of source_silence_seconds, source_silence_open_seconds by source",
            "source_silence_seconds",
            "source_silence_open_seconds",
        ),
        queries=(
            live(f"min by (source) ({own('source_silence_seconds')})", "{{source}}"),
            live(f"min by (source) ({own('source_silence_open_seconds')})", "opening hours, {{source}}"),
        ),
        unit="s",
    ),
    Panel(
        id=8,
        title="In the log and not counted yet",
        kind="trend",
        about=about(
            "Positions behind the end of the log, by partition.",
            "sum of log_lag_records by partition",
            "log_lag_records",
        ),
        queries=(live(f"sum by (partition) ({own('log_lag_records')})", "{{partition}}"),),
        unit="short",
    ),
    Panel(
        id=9,
        title="Time: how far behind, how late, how long to catch up",
        kind="trend",
        about=about(
            "How far the slowest partition is behind its log; the largest difference between append and event time; "
            "the longest catch-up at the present pace (absent while there is nothing to catch up).",
            "max of behind_seconds, event_lag_seconds, catch_up_seconds",
            "behind_seconds",
            "event_lag_seconds",
            "catch_up_seconds",
        ),
        queries=(
            live(f"max ({own('behind_seconds')})", "Behind"),
            live(f"max ({own('event_lag_seconds')})", "Event lag"),
            live(f"max ({own('catch_up_seconds')})", "Catch-up"),
        ),
        unit="s",
    ),
    Panel(
        id=10,
        title="Partitions, ready or not",
        kind="states",
        about=about(
            "Whether each partition is read to its end and counted.",
            "1 - max of partition_ready by partition",
            "partition_ready",
        ),
        queries=(live(f"1 - max by (partition) ({own('partition_ready')})", "{{partition}}"),),
        unit="none",
        states=("ready", "not ready"),
    ),
)

_INSIDE: Final = (
    Panel(
        id=11,
        title="How long a flush takes, how long the process stood still",
        kind="trend",
        about=about(
            "The last flush of the slowest partition (a flush is the commit: results, state and position in one "
            "insert), and the longest that a worker did nothing else in the last minute.",
            "max of flush_seconds, max of event_loop_blocked_seconds, by instance",
            "flush_seconds",
            "event_loop_blocked_seconds",
        ),
        queries=(
            live(f"max by (instance) ({own('flush_seconds')})", "flush, {{instance}}"),
            live(f"max by (instance) ({own('event_loop_blocked_seconds')})", "stood still, {{instance}}"),
        ),
        unit="s",
    ),
    Panel(
        id=12,
        title="Rows of the last flush, rows waiting for the next",
        kind="trend",
        about=about(
            "Rows written by the last flush, and rows that are touched and not written yet (the limit pauses reading).",
            "sum of flush_rows, sum of dirty_rows",
            "flush_rows",
            "dirty_rows",
        ),
        queries=(live(f"sum ({own('flush_rows')})", "Last flush"), live(f"sum ({own('dirty_rows')})", "Waiting")),
        unit="short",
    ),
    Panel(
        id=13,
        title="Flushes",
        kind="trend",
        about=about("Flushes per second, by worker.", "rate of flushes_total by instance", "flushes_total"),
        queries=(live(_rate("flushes_total", "instance"), "{{instance}}"),),
        unit="cps",
    ),
    Panel(
        id=14,
        title="Contacts held in memory as open",
        kind="trend",
        about=about(
            "Contacts in which somebody may be waiting for us, by worker; and pairs of channel and queue that `other` "
            "stands for.",
            "sum of open_contacts by instance; max of labels_dropped",
            "open_contacts",
            "labels_dropped",
        ),
        queries=(
            live(f"sum by (instance) ({own('open_contacts')})", "{{instance}}"),
            live(f"max ({own('labels_dropped')})", "Labels dropped"),
        ),
        unit="short",
    ),
)

_WAREHOUSE_DELAY: Final = "what was committed when the board was last refreshed"

_STORED: Final = (
    Panel(
        id=15,
        title="Every partition, as the warehouse knows it",
        kind="table",
        about=About(
            "How far every partition of the log has been read, and what became of its records.",
            "one row per partition: `data_until`, `position`, `lag`, `applied`, `duplicate`, `late`, `lost`",
            "ClickHouse, view `touchline.pipeline_status`",
            _WAREHOUSE_DELAY,
        ),
        queries=(
            Query(
                "warehouse",
                "SELECT partition AS `Partition`, data_until AS `Data until`, position AS `Position`, "
                "lag / 1000 AS `Since the last record`, applied AS `Applied`, duplicate AS `Duplicate`, "
                "late AS `Late`, lost AS `Lost` FROM touchline.pipeline_status ORDER BY partition",
                table=True,
            ),
        ),
        unit="short",
        columns=(("Since the last record", "s"), ("Data until", "dateTimeFromNow")),
        width=24,
    ),
    Panel(
        id=16,
        title="Dead letters, by reason and source",
        kind="table",
        about=About(
            "Records that could not be counted, with the newest detail of each. No content is shown here.",
            "count of rows by `reason` and `source`",
            "ClickHouse, view `touchline.dead_letters`",
            _WAREHOUSE_DELAY,
        ),
        queries=(
            Query(
                "warehouse",
                "SELECT reason AS `Reason`, source AS `Source`, step AS `Step`, count() AS `Records`, "
                "max(appended_at) AS `Newest` FROM touchline.dead_letters "
                "WHERE $__timeFilter(appended_at) GROUP BY reason, source, step "
                "ORDER BY `Records` DESC, reason, source",
                table=True,
            ),
        ),
        unit="short",
    ),
    measures_panel(
        17,
        "Numbers that had to be bent",
        [total("negative_durations"), total("feedback_invalid")],
        view="measures_day",
    ),
)

BOARD: Final = Board(
    uid="touchline-pipeline",
    title="Touchline: pipeline health",
    description="For on-call: are the numbers fresh, complete and right, and what holds them up?",
    sources=("metrics", "warehouse"),
    variables=(JOB_VARIABLE, *PLACES_COUNTED),
    since="now-3h",
    refresh="30s",
    rows=(
        Row("Fresh and complete?", _VERDICT),
        Row("What comes in", _FLOW),
        Row("Workers", _INSIDE, collapsed=True),
        Row("In the warehouse", _STORED),
    ),
)
