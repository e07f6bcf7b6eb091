"""Board *service catalogue*: what the organisation promises, beside what it keeps."""

# SQL is put together from the names that schemas/views.py declares; nobody else has a say in it.
# ruff: noqa: S608

from typing import Final

from dashboards.live_values import about, largest, live, objective_panel
from dashboards.measured import (
    BY_DAY,
    DELAY,
    FILTER,
    duration_panel,
    measures_panel,
    ratio,
    share,
    source,
    table_panel,
    total,
)
from dashboards.model import About, Board, Panel, Query, Row
from dashboards.places import JOB, PLACES_COUNTED

_PROMISED: Final = (
    objective_panel(1, "wait", "today", "Answered in time, today", "Answered within the promised wait.", 8),
    objective_panel(2, "stay", "today", "Did not give up, today", "Offered contacts that were not given up.", 8),
    objective_panel(
        3, "response", "2d", "Replied in time, today and yesterday", "First messages replied to within target.", 8
    ),
    Panel(
        id=4,
        title="Targets in force now",
        kind="table",
        about=about(
            "What is promised now, by channel and queue, as the catalogue says: the wait for a person, and the time to "
            "a reply on the clock or in opening hours. Targets in open days are in the catalogue only.",
            "wait_target_seconds; response_target_seconds by how it is counted",
            "wait_target_seconds",
            "response_target_seconds",
        ),
        queries=(
            live(largest("wait_target_seconds", "channel, queue"), "Wait", instant=True, table=True),
            live(
                largest("response_target_seconds", "channel, queue", counted_in="clock"),
                "Reply, on the clock",
                instant=True,
                table=True,
            ),
            live(
                largest("response_target_seconds", "channel, queue", counted_in="open"),
                "Reply, in opening hours",
                instant=True,
                table=True,
            ),
        ),
        unit="s",
        links=(("queue", "touchline-queue"),),
    ),
    table_panel(
        5,
        "What was kept, in the chosen time",
        [
            total("offered"),
            ratio("sl_net"),
            ratio("sl_offered"),
            ratio("asa_ms"),
            ratio("sl_response"),
            ratio("first_response_mean_ms"),
        ],
        view="measures_day",
        dimensions=("channel", "queue"),
        width=12,
        height=8,
    ),
    measures_panel(
        6,
        "Kept, by day",
        [ratio("sl_net"), ratio("sl_response"), share("promises_kept")],
        view="measures_day",
    ),
    measures_panel(
        7,
        "Promises made to single customers, by the day they were due",
        [total("promises_due"), total("promises_kept"), total("promises_late"), total("promises_broken")],
        view="measures_day",
    ),
    duration_panel(8, "How late the late ones were", "promise_late_ms", view="measures_day"),
    Panel(
        id=13,
        title="Promises to single customers, by kind",
        kind="table",
        about=About(
            "What was promised (callbacks, appointments, deliveries, repairs), how much of it was kept in time, "
            "and what was not: late, broken, or overdue and nothing heard of it.",
            "sums by `kind`; kept = sum of `promises_kept` by sum of `promises_due` less `promises_open`",
            "ClickHouse, view `touchline.promises`, by the day they were due",
            DELAY,
        ),
        queries=(
            Query(
                "warehouse",
                "SELECT kind AS `Kind`, sum(promises_due) AS `Due`, sum(promises_kept) / "
                "nullIf(sum(promises_due) - sum(promises_open), 0) AS `Kept in time`, sum(promises_late) AS `Late`, "
                "sum(promises_broken) AS `Broken`, sum(promises_overdue) AS `Overdue` "
                f"FROM touchline.promises WHERE {BY_DAY} GROUP BY kind ORDER BY `Due` DESC, kind",
                table=True,
            ),
        ),
        unit="short",
        columns=(("Kept in time", "percentunit"),),
    ),
)

_ARRIVALS: Final = ", ".join(
    [
        *(
            f"sumIf(requested, weekday = {number}) AS `{name}`"
            for number, name in enumerate(("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"), 1)
        ),
        "sum(requested_closed) AS `While closed`",
    ]
)

_REFUSED: Final = (
    measures_panel(
        9,
        "What we sent people away with",
        [
            total("refused_out_of_scope"),
            total("refused_out_of_hours"),
            total("refused_no_authority"),
            total("refused_other"),
            total("out_of_scope_done"),
        ],
        view="measures_day",
    ),
    Panel(
        id=10,
        title="When people come, by hour and weekday",
        kind="table",
        about=About(
            "Contacts by hour of the day and weekday, in the organisation's zone, and how many came while closed: "
            "whether the opening hours fit.",
            "sum of `requested` by `hour` and `weekday` (Monday to Sunday), sum of `requested_closed`",
            "ClickHouse, view `touchline.measures_hour`",
            DELAY,
        ),
        queries=(
            Query(
                "warehouse",
                f"SELECT hour AS `Hour`, {_ARRIVALS} {source(_ARRIVALS, 'measures_hour')} GROUP BY hour ORDER BY hour",
                table=True,
            ),
        ),
        unit="short",
    ),
    Panel(
        id=11,
        title="What we refused, by topic",
        kind="table",
        about=About(
            "Contacts that were refused, by reason and topic: what people believe that we do.",
            "count of contacts with a `refused_reason`",
            "ClickHouse, view `touchline.contacts`, by its request",
            DELAY,
        ),
        queries=(
            Query(
                "warehouse",
                "SELECT refused_reason AS `Reason`, if(topic = '', 'not said', topic) AS `Topic`, "
                "count() AS `Contacts` FROM touchline.contacts "
                f"WHERE refused_reason != '' AND {FILTER.replace('window_start', 'requested_at')} "
                "GROUP BY refused_reason, topic ORDER BY `Contacts` DESC, `Reason`, `Topic` LIMIT 50",
                table=True,
            ),
        ),
        unit="short",
    ),
    measures_panel(
        12,
        "Came while closed, and were refused for it",
        [share("requested_closed", "requested"), share("refused_out_of_hours", "requested")],
        view="measures_day",
    ),
)

BOARD: Final = Board(
    uid="touchline-catalogue",
    title="Touchline: service catalogue",
    description=(
        "What the organisation promises and what it keeps: targets, promises to single customers, opening hours, and "
        "what it sends people away with."
    ),
    sources=("metrics", "warehouse"),
    variables=(JOB, *PLACES_COUNTED),
    since="now-30d",
    rows=(Row("Promised and kept", _PROMISED), Row("Demand that does not fit the catalogue", _REFUSED)),
)
