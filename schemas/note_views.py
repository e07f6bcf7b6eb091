"""The views of what contacts note: promises, audits, customers at risk, silent ones and those who left. Rendered, not
run.

They are computed from the latest state of each contact when they are read, so a correction corrects them.
"""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from typing import Final

from schemas.tables import INTERNAL, RESOLUTION_MINUTE, literal
from schemas.view import (
    FINAL_BY_PARTITION,
    NEWEST_MS,
    TIME,
    Selected,
    Setting,
    View,
    column,
    ratio,
    time,
    view,
)
from schemas.vocabulary import BAD_NOTES, DETRACTOR_MOST, SILENT_NOTES

MONTH_MS: Final = 30 * 86_400_000
TWO_ABANDONS: Final = 2
THREE_CONTACTS: Final = 3

_DETRACTOR: Final = f"(what = 'nps' AND value <= {DETRACTOR_MOST})"


def note_views(setting: Setting) -> tuple[View, ...]:
    """All of them."""
    return (
        promises(setting),
        audits(setting),
        misunderstandings(setting),
        customers_at_risk(),
        customers_silent(),
        customers_left(),
        demand_by_hour(setting),
    )


def _notes(where: str) -> str:
    """The notes of all contacts for which this holds, one row each; `since_ms`: since when a bad one was bad."""
    return f"""SELECT contact_id, customer_id, channel, queue, segment, topic, at_ms, what, detail, value,
            if(what = 'promise_broken', at_ms + least(value, 0), at_ms) AS since_ms
        FROM {INTERNAL}.contacts FINAL
        ARRAY JOIN note_ms AS at_ms, note AS what, note_detail AS detail, note_value AS value
        WHERE {where}
        {FINAL_BY_PARTITION}"""


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(literal(word) for word in words)


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
        {_notes("startsWith(what, 'promise_')")}
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
        {_notes("what = 'audit'")}
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
        {_notes("what = 'out_of_scope_done' OR (what = 'refused' AND detail = 'out_of_scope')")}
    )
    GROUP BY day, channel, queue, segment, topic
) AS n""",
    )


def customers_at_risk() -> View:
    """Who may leave, and why. Counted back from the newest touchpoint, so that history can be asked, too."""
    since = f"{NEWEST_MS} - {MONTH_MS}"
    reason = f"""multiIf(
                what = 'complaint' AND detail = 'unsettled', 'unsettled_complaint',
                {_DETRACTOR}, 'detractor',
                what IN ('promise_broken', 'promise_open'), 'broken_promise',
                '')"""
    return view(
        "customers_at_risk",
        "Customers with a reason to leave in the last 30 days before the newest touchpoint, one row each.",
        [
            column("customer_id", "String", "r.customer_id", "Pseudonymous customer"),
            column(
                "reasons",
                "Array(String)",
                "r.reasons",
                "unsettled_complaint, two_abandons, detractor, broken_promise, three_contacts_on_one_topic; sorted",
            ),
            column("reason_count", "UInt8", "toUInt8(length(r.reasons))", "How many different reasons"),
            column("first_at", TIME, time("r.first_ms"), "When the first of what is behind the reasons happened"),
            column("last_at", TIME, time("r.last_ms"), "When the last of it happened"),
            column("contact_ids", "Array(String)", "r.contact_ids", "The contacts behind the reasons, sorted"),
            column("topics", "Array(String)", "r.topics", "What those contacts were about, as far as known; sorted"),
        ],
        f"""(
    SELECT customer_id,
        arraySort(groupUniqArray(reason)) AS reasons,
        min(at) AS first_ms,
        max(at) AS last_ms,
        arraySort(groupUniqArray(contact_id)) AS contact_ids,
        arraySort(groupUniqArrayIf(topic, topic != '')) AS topics
    FROM (
        SELECT customer_id, contact_id, topic, since_ms AS at, {reason} AS reason
        FROM (
        {_notes(f"at_ms > {since} OR what = 'promise_broken'")}
        )
        WHERE reason != '' AND since_ms > {since} AND since_ms <= {NEWEST_MS}
        UNION ALL
        SELECT customer_id, entry.1 AS contact_id, entry.2 AS topic, entry.3 AS at, 'two_abandons' AS reason
        FROM (
            SELECT customer_id, groupArray((contact_id, topic, at_ms)) AS entries
            FROM (
        {_notes(f"what = 'abandoned' AND at_ms > {since}")}
            )
            GROUP BY customer_id
            HAVING length(entries) >= {TWO_ABANDONS}
        )
        ARRAY JOIN entries AS entry
        UNION ALL
        SELECT customer_id, entry.1 AS contact_id, topic, entry.2 AS at, 'three_contacts_on_one_topic' AS reason
        FROM (
            SELECT customer_id, topic, groupArray((contact_id, requested_ms)) AS entries
            FROM {INTERNAL}.contacts FINAL
            WHERE direction = 'inbound' AND discarded = 0 AND topic != '' AND requested_ms > {since}
            GROUP BY customer_id, topic
            HAVING length(entries) >= {THREE_CONTACTS}
            {FINAL_BY_PARTITION}
        )
        ARRAY JOIN entries AS entry
    )
    WHERE customer_id != ''
    GROUP BY customer_id
) AS r""",
    )


def customers_silent() -> View:
    """Who was treated badly and has not said a word since: the ones nobody hears of."""
    return view(
        "customers_silent",
        "Customers to whom something bad happened, and of whom nothing was heard since: no complaint, no feedback, "
        "no contact. One row each.",
        [
            column("customer_id", "String", "s.customer_id", "Pseudonymous customer"),
            column("bad_at", TIME, time("s.bad.1"), "When the last bad thing happened"),
            column("what", "String", "s.bad.2", "What it was: " + ", ".join(SILENT_NOTES)),
            column("contact_id", "String", "s.bad.3", "In which contact"),
            column("channel", "String", "s.bad.4", "Its channel"),
            column("queue", "String", "s.bad.5", "Its entry queue"),
            column("topic", "String", "s.bad.6", "What it was about, empty if nobody said"),
            column("bad_count", "Int64", "s.n", "How many bad things happened since the customer was last heard of"),
            column("heard_at", TIME, time("s.heard"), "When the customer was last heard of; NULL if never"),
            column(
                "reached_at",
                TIME,
                f"if(s.reached > s.bad.1, {time('s.reached')}, NULL)",
                "When we last turned to the customer after it; NULL if we did not",
            ),
        ],
        f"""(
    SELECT customer_id, max(b.entry) AS bad, toInt64(count()) AS n,
        any(k.heard_ms) AS heard, any(k.reached_ms) AS reached
    FROM (
        SELECT customer_id, (since_ms, what, contact_id, channel, queue, topic) AS entry
        FROM (
        {_notes(f"customer_id != '' AND what IN ({_words(SILENT_NOTES)})")}
        )
        WHERE since_ms <= {NEWEST_MS}
    ) AS b
    INNER JOIN (
        SELECT customer_id, max(heard_ms) AS heard_ms, max(reached_ms) AS reached_ms
        FROM (SELECT customer_id, heard_ms, reached_ms FROM {INTERNAL}.contacts FINAL {FINAL_BY_PARTITION})
        GROUP BY customer_id
    ) AS k ON k.customer_id = b.customer_id
    WHERE isNull(k.heard_ms) OR b.entry.1 >= k.heard_ms
    GROUP BY customer_id
) AS s""",
    )


def customers_left() -> View:
    """Who left, and after what."""
    return view(
        "customers_left",
        "Customers who left, one row each time, and what happened to them in the 30 days before.",
        [
            column("customer_id", "String", "l.customer_id", "Pseudonymous customer, empty while unknown"),
            column("left_at", TIME, time("l.at_ms"), "When they left"),
            column("contact_id", "String", "l.contact_id", "Contact in which they said so"),
            column("channel", "String", "l.channel", "Its channel"),
            column("queue", "String", "l.queue", "Its entry queue"),
            column("segment", "String", "l.segment", "Its segment"),
            column("topic", "String", "l.topic", "What it was about, empty if nobody said"),
            column(
                "after",
                "Array(String)",
                "arrayMap(x -> x.2, before)",
                "The bad things of the 30 days before, in order of time: " + ", ".join((*BAD_NOTES, "detractor")),
            ),
            column("after_contact_ids", "Array(String)", "arrayMap(x -> x.3, before)", "The contacts they happened in"),
            column(
                "last_bad_at",
                TIME,
                f"if(empty(before), NULL, {time('before[-1].1')})",
                "When the last of them happened; NULL without any",
            ),
        ],
        f"""(
    SELECT e.*, arraySort(arrayFilter(
        x -> x.1 <= e.at_ms AND x.1 >= e.at_ms - {MONTH_MS}, if(e.customer_id = '', [], b.entries))) AS before
    FROM (
        {_notes("what = 'customer_left'")}
    ) AS e
    LEFT JOIN (
        SELECT customer_id, groupArray((since_ms, if(what = 'nps', 'detractor', what), contact_id)) AS entries
        FROM (
        {_notes(f"customer_id != '' AND (what IN ({_words(BAD_NOTES)}) OR {_DETRACTOR})")}
        )
        GROUP BY customer_id
    ) AS b ON b.customer_id = e.customer_id
) AS l""",
    )


def demand_by_hour(setting: Setting) -> View:
    """When customers want us: by weekday and hour of the catalogue's zone."""
    zone = literal(setting.zone)
    local = f"toDateTime(window_s, {zone})"
    counted = ("requested", "offered", "answered", "abandoned")
    sums = ", ".join(f"sum({name}) AS {name}" for name in counted)
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
    FROM (SELECT window_s, channel, queue, segment, {", ".join(counted)} FROM {cells})
    GROUP BY weekday, hour, channel, queue, segment
    HAVING requested != 0 OR offered != 0
) AS w
CROSS JOIN (
    SELECT (toDate(toDateTime(min(window_s), {zone})), toDate(toDateTime(max(window_s), {zone}))) AS span
    FROM (SELECT window_s FROM {cells.replace("AND notEmpty", "AND requested != 0 AND notEmpty")})
) AS d""",
    )
