"""The views of what contacts note: promises, audits, misunderstandings; and of when customers come. Rendered, not run.

They are computed from the latest state of each contact when they are read, so a correction corrects them.
"""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from schemas.tables import INTERNAL, RESOLUTION_MINUTE, literal, measure_key, value_sql
from schemas.view import (
    FINAL_BY_PARTITION,
    NEWEST_MS,
    Selected,
    Setting,
    View,
    column,
    ratio,
    view,
)


def notes(where: str) -> str:
    """The notes of all contacts for which this holds, one row each; `since_ms`: since when a bad one was bad."""
    return f"""SELECT contact_id, customer_id, channel, queue, segment, topic, at_ms, what, detail, value,
            if(what = 'promise_broken', at_ms + least(value, 0), at_ms) AS since_ms
        FROM {INTERNAL}.contacts FINAL
        ARRAY JOIN note_ms AS at_ms, note AS what, note_detail AS detail, note_value AS value
        WHERE {where}
        {FINAL_BY_PARTITION}"""


def note_views(setting: Setting) -> tuple[View, ...]:
    """All of them."""
    return (
        promises(setting),
        audits(setting),
        misunderstandings(setting),
        demand_by_hour(setting),
    )


def _day(ms: str, setting: Setting) -> str:
    return f"toDate(toDateTime(intDiv({ms}, 1000), {literal(setting.zone)}))"


def _place(setting: Setting) -> list[Selected]:
    return [
        column("day", "Date", "n.day", f"Date in {setting.zone}"),
        column("channel", "String", "n.channel", "Channel"),
        column("queue", "String", "n.queue", "Entry queue"),
        column("segment", "String", "n.segment", "Segment"),
    ]


def promises(setting: Setting) -> View:
    """Promises by kind and the day they were due."""
    overdue = f"what = 'promise_open' AND at_ms < {NEWEST_MS}"
    return view(
        "promises",
        "Promises by the day they were due and by kind; sum the counts, never the ratio.",
        [
            *_place(setting),
            column("kind", "String", "n.detail", "callback, appointment, delivery, repair, refund or other"),
            column("promises_due", "Int64", "n.due", "Promises due that day, whatever became of them"),
            column("promises_kept", "Int64", "n.kept", "Kept in time"),
            column("promises_late", "Int64", "n.late", "Kept, but after they were due"),
            column("promise_late_ms", "Int64", "n.late_ms", "Of those kept late: from due to keeping, summed, ms"),
            column("promises_broken", "Int64", "n.broken", "Said to be broken"),
            column("promises_overdue", "Int64", "n.overdue", "Open although due: nothing was heard of them"),
            column("promises_open", "Int64", "n.open", "Open and not yet due"),
            column(
                "kept_ratio",
                "Nullable(Float64)",
                ratio("n.kept", "n.due - n.open"),
                "Promise reliability: promises_kept / (promises_due - promises_open); NULL without any",
            ),
        ],
        f"""(
    SELECT {_day("at_ms", setting)} AS day, channel, queue, segment, detail,
        toInt64(count()) AS due,
        toInt64(countIf(what = 'promise_kept')) AS kept,
        toInt64(countIf(what = 'promise_late')) AS late,
        toInt64(sumIf(value, what = 'promise_late')) AS late_ms,
        toInt64(countIf(what = 'promise_broken')) AS broken,
        toInt64(countIf({overdue})) AS overdue,
        toInt64(countIf(what = 'promise_open')) - overdue AS open
    FROM (
        {notes("startsWith(what, 'promise_')")}
    )
    GROUP BY day, channel, queue, segment, detail
) AS n""",
    )


def audits(setting: Setting) -> View:
    """Scores of mystery shoppers by criterion."""
    return view(
        "audits",
        "Audits by day and criterion; sum counts and points, never the mean.",
        [
            *_place(setting),
            column("criterion", "String", "n.detail", "What was scored: greeting, courtesy, attention, ..."),
            column("audits", "Int64", "n.audits", "Scores given"),
            column("audit_points", "Int64", "n.points", "Scores as 0 to 10,000 points, summed"),
            column(
                "audit_points_mean",
                "Nullable(Float64)",
                ratio("n.points", "n.audits"),
                "Mean points: audit_points / audits",
            ),
        ],
        f"""(
    SELECT {_day("at_ms", setting)} AS day, channel, queue, segment, detail,
        toInt64(count()) AS audits, toInt64(sum(value)) AS points
    FROM (
        {notes("what = 'audit'")}
    )
    GROUP BY day, channel, queue, segment, detail
) AS n""",
    )


def misunderstandings(setting: Setting) -> View:
    """What customers take us to be responsible for, and are not told otherwise in time."""
    return view(
        "misunderstandings",
        "Matters that are none of ours, refused or done all the same, by day and topic.",
        [
            *_place(setting),
            column("topic", "String", "n.topic", "What it was about, unknown if nobody said"),
            column("refused_out_of_scope", "Int64", "n.refused", "Refused because it is none of our matters"),
            column("out_of_scope_done", "Int64", "n.done", "Done although it is none of our matters"),
        ],
        f"""(
    SELECT {_day("at_ms", setting)} AS day, channel, queue, segment, if(topic = '', 'unknown', topic) AS topic,
        toInt64(countIf(what = 'refused')) AS refused,
        toInt64(countIf(what = 'out_of_scope_done')) AS done
    FROM (
        {notes("what = 'out_of_scope_done' OR (what = 'refused' AND detail = 'out_of_scope')")}
    )
    GROUP BY day, channel, queue, segment, topic
) AS n""",
    )


def demand_by_hour(setting: Setting) -> View:
    """When customers want us: by weekday and hour of the catalogue's zone."""
    zone = literal(setting.zone)
    local = f"toDateTime(window_s, {zone})"
    counted = ("requested", "offered", "answered", "abandoned")
    sums = ", ".join(f"sum(n_{name}) AS {name}" for name in counted)
    values = {name: value_sql(measure_key(name)) for name in counted}
    held = ", ".join(f"{sql} AS n_{name}" for name, sql in values.items())
    first, last = "span.1", "span.2"
    offset = f"((7 + w.weekday - toDayOfWeek({first})) % 7)"
    days = f"toInt64(if({last} - {first} < {offset}, 0, intDiv({last} - {first} - {offset}, 7) + 1))"
    cells = (
        f"{INTERNAL}.ledger FINAL WHERE kind = 1 AND resolution = {RESOLUTION_MINUTE} AND notEmpty(`keys`) "
        f"{FINAL_BY_PARTITION}"
    )
    return view(
        "demand_by_hour",
        "When customers want us, by weekday and hour; divide by days to get a usual day.",
        [
            column("weekday", "UInt8", "w.weekday", f"Weekday in {setting.zone}, Monday 1 to Sunday 7"),
            column("hour", "UInt8", "w.hour", f"Hour in {setting.zone}, 0 to 23"),
            column("channel", "String", "w.channel", "Channel"),
            column("queue", "String", "w.queue", "Entry queue"),
            column("segment", "String", "w.segment", "Segment"),
            *(column(name, "Int64", f"w.{name}", f"As in view measures: {name}") for name in counted),
            column("days", "Int64", days, "Such weekdays between the first and the last day with any data"),
            column("requested_per_day", "Nullable(Float64)", ratio("w.requested", days), "requested / days"),
        ],
        f"""(
    SELECT toDayOfWeek({local}) AS weekday, toHour({local}) AS hour, channel, queue, segment, {sums}
    FROM (SELECT window_s, channel, queue, segment, {held} FROM {cells})
    GROUP BY weekday, hour, channel, queue, segment
    HAVING requested != 0 OR offered != 0
) AS w
CROSS JOIN (
    SELECT (toDate(toDateTime(min(window_s), {zone})), toDate(toDateTime(max(window_s), {zone}))) AS span
    FROM (SELECT window_s FROM {cells.replace("AND notEmpty", f"AND {values['requested']} != 0 AND notEmpty")})
) AS d""",
    )
