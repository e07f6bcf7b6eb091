"""Board *queue*: how waiting went, minute by minute, in the chosen queues. Opens from board *live*."""

from typing import Final

from dashboards.live_values import about, largest, live, smallest, summed
from dashboards.measured import duration_panel, mean, measures_panel, ratio, share, table_panel, total
from dashboards.model import TARGET, Board, Panel, Query, Row
from dashboards.places import JOB, PLACES_COUNTED
from schemas.catalogue import SERVICE_LEVELS

_NOW: Final = (
    Panel(
        id=1,
        title="Waiting now",
        kind="trend",
        about=about(
            "Customers who wait now, and of those: beyond target.",
            "sum of waiting_now; sum of overdue_now",
            "waiting_now",
            "overdue_now",
            note="Queues that Prometheus knows as `other` only are not in it.",
        ),
        queries=(live(summed("waiting_now"), "Waiting"), live(summed("overdue_now"), "Beyond target")),
        unit="short",
    ),
    Panel(
        id=2,
        title="Longest and expected wait now",
        kind="trend",
        about=about(
            "The longest wait of those waiting, what a newcomer has to expect, and the strictest target (dashed).",
            "max of longest_wait_seconds, max of expected_wait_seconds, min of wait_target_seconds",
            "longest_wait_seconds",
            "expected_wait_seconds",
            "wait_target_seconds",
            note="Queues that Prometheus knows as `other` only are not in it.",
        ),
        queries=(
            live(largest("longest_wait_seconds"), "Longest"),
            live(largest("expected_wait_seconds"), "Expected by a newcomer"),
            live(smallest("wait_target_seconds"), TARGET),
        ),
        unit="s",
    ),
)


def _wait() -> Panel:
    """The wait of the answered, with the target of the live values as its line."""
    measured = duration_panel(4, "Wait of the answered", "wait_ms", view="measures")
    target = Query("metrics", smallest("wait_target_seconds"), TARGET)
    return Panel(
        id=measured.id,
        title=measured.title,
        kind=measured.kind,
        about=measured.about,
        queries=(*measured.queries, target),
        unit=measured.unit,
        interval=measured.interval,
    )


_WAITING: Final = (
    measures_panel(
        3,
        "What became of those who came",
        [total("offered"), total("answered"), total("abandoned"), total("left_queue")],
        view="measures",
    ),
    _wait(),
    measures_panel(5, "Service level, by every formula", [ratio(name) for name in SERVICE_LEVELS], view="measures"),
    duration_panel(6, "How long those waited who gave up", "patience_ms", view="measures"),
    measures_panel(
        7,
        "In target, and well within it",
        [
            total("answered_in_target"),
            total("answered_in_half_target"),
            total("abandoned_in_target"),
            total("abandoned_short"),
        ],
        view="measures",
    ),
    measures_panel(
        8,
        "Mean wait, with and without those who did not queue",
        [ratio("asa_ms"), ratio("asa_queued_ms")],
        view="measures",
    ),
)

_SHARES: Final = (
    measures_panel(
        9,
        "Waited in silence, gave up, were called back",
        [
            share("waited_unannounced", "offered"),
            share("abandoned", "offered"),
            share("abandoned_returned", "abandoned"),
        ],
        view="measures",
    ),
    measures_panel(10, "How far announced waits were off", [mean("estimate_error_ms")], view="measures"),
    measures_panel(11, "Announced waits", [total("estimates"), total("estimates_judged")], view="measures"),
    measures_panel(
        12,
        "Stays in a queue: a caller who is passed on waits again",
        [total("legs_offered"), total("legs_answered"), total("legs_abandoned")],
        view="measures",
    ),
    duration_panel(13, "Wait of one stay in a queue", "legs_wait_ms", view="measures"),
    measures_panel(
        14,
        "Who came, and when nobody was there",
        [total("requested"), total("requested_closed"), total("ended_in_menu"), total("answered_queued")],
        view="measures",
    ),
)

_SERVING: Final = (
    duration_panel(15, "From answer to closing", "handle_ms", view="measures"),
    duration_panel(16, "On hold", "hold_ms", view="measures"),
    measures_panel(
        17,
        "Closed, handled by a person, put on hold, passed on",
        [total("closed"), total("handled"), total("held"), total("contacts_transferred"), total("transfers")],
        view="measures",
    ),
    table_panel(
        18,
        "Every queue, in the chosen time",
        [
            total("offered"),
            total("answered"),
            total("abandoned"),
            ratio("sl_net"),
            ratio("asa_ms"),
            share("abandoned", "offered"),
            share("contacts_transferred", "closed"),
        ],
        view="measures",
        dimensions=("channel", "queue"),
        width=12,
        height=8,
    ),
)

BOARD: Final = Board(
    uid="touchline-queue",
    title="Touchline: queue",
    description="How waiting and serving went in the chosen queues, minute by minute. Counted values, from ClickHouse.",
    sources=("metrics", "warehouse"),
    variables=(JOB, *PLACES_COUNTED),
    since="now-12h",
    rows=(
        Row("Now", _NOW),
        Row("Waiting", _WAITING),
        Row("Silence, estimates, stays", _SHARES, collapsed=True),
        Row("Serving", _SERVING),
    ),
)
