"""What people read: database `touchline`, as views over the engine's tables. Rendered, not run; modern servers only.

Every number is right without FINAL: the views see to it. What needs "now" is computed when it is read.
"""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from collections.abc import Sequence

from schemas.customer_views import customer_views
from schemas.note_views import note_views
from schemas.staff_views import agent_id, body, staff_views
from schemas.sums import sums_views
from schemas.tables import BUCKET_BITS, BUCKETS_SUFFIX, INTERNAL, MeasureColumn, literal
from schemas.view import DATA_UNTIL_MS, FINAL_BY_PARTITION, NOW_MS, TIME, Setting, View, column, time, view
from schemas.window_views import window_views


def views(measures: Sequence[MeasureColumn], setting: Setting) -> tuple[View, ...]:
    """All views of database `touchline`."""
    always = (
        *window_views(measures, setting),
        *sums_views(measures, setting),
        contacts(setting),
        *note_views(setting),
        *customer_views(),
        histograms(measures),
        pipeline_status(),
        dead_letters(),
    )
    return (*always, touchpoints(setting), *staff_views(setting)) if setting.touchpoints else always


def contacts(setting: Setting) -> View:
    """One row per contact, with what the customer fold knows of it."""
    settled = f"(r.last_closed_ms + {setting.follow_up_window_ms + setting.lateness_ms})"
    is_settled = f"r.fcr != '' AND {settled} <= least({NOW_MS}, {DATA_UNTIL_MS})"
    return view(
        "contacts",
        "One row per contact, always its latest state.",
        [
            column("contact_id", "String", "c.contact_id", "The contact"),
            column("customer_id", "String", "c.customer_id", "Pseudonymous customer, empty while unknown"),
            column("channel", "String", "c.channel", "Channel of its first touchpoint"),
            column("queue", "String", "c.queue", "Entry queue: where it was first queued, else where it was answered"),
            column("segment", "String", "c.segment", "Segment, unknown if nobody said"),
            column("topic", "String", "c.topic", "What it is about, empty if nobody said"),
            column("direction", "String", "c.direction", "inbound or outbound"),
            column("source", "String", "c.source", "Source system that reported it"),
            column("requested_at", TIME, time("c.requested_ms"), "When the customer asked for us"),
            column("queued_at", TIME, time("c.queued_ms"), "First queued; NULL if never"),
            column("answered_at", TIME, time("c.answered_ms"), "First answered by a person; NULL if not"),
            column("first_response_at", TIME, time("c.first_reply_ms"), "First reply by a person; NULL if none"),
            column("abandoned_at", TIME, time("c.abandoned_ms"), "When the customer left; NULL if not"),
            column(
                "closed_at",
                TIME,
                time("c.last_closed_ms"),
                "Last closing; NULL if never closed. A reopened contact has one and is open all the same: see is_open",
            ),
            column("wait_ms", "Nullable(Int64)", "c.wait_ms", "Wait until the answer, ms; NULL if not answered"),
            column(
                "first_response_ms",
                "Nullable(Int64)",
                "c.first_response_ms",
                "First message to first reply by a person, ms; NULL if none",
            ),
            column("transfers", "Int64", "toInt64(c.transfers)", "Number of transfers"),
            column("is_open", "UInt8", "c.is_open", "1 while the contact is open"),
            column("target_ms", "Nullable(Int64)", "c.target_ms", "Target of the wait, ms; NULL without one"),
            column(
                "in_target",
                "Nullable(UInt8)",
                "if(isNull(c.in_target), c.response_in_target, c.in_target)",
                "1 if answered (never waited: replied to) within the target, 0 if not; NULL without target or answer",
            ),
            column("refused_reason", "String", "c.refused_reason", "Why we refused; empty if we did not"),
            column("issue_id", "String", "r.issue_id", "First contact of its chain of follow-ups; empty if unknown"),
            column("follows_contact_id", "String", "r.follows_contact_id", "Contact this one follows; empty if none"),
            column(
                "followed_by_contact_id",
                "String",
                "r.followed_by_contact_id",
                "Earliest contact that follows this one; empty if none",
            ),
            column(
                "fcr",
                "String",
                "r.fcr",
                "First-contact resolution: resolved, followed, reopened, unresolved; empty if not eligible",
            ),
            column(
                "fcr_confirmed_at",
                TIME,
                f"if({is_settled}, {time(settled)}, NULL)",
                "Since when fcr is final: last closing + follow-up window + lateness; NULL while provisional",
            ),
            column(
                "revised_at",
                TIME,
                time("c.revised_ms"),
                "Append time of the last touchpoint: the key for incremental models",
            ),
        ],
        f"""(SELECT * FROM {INTERNAL}.contacts FINAL {FINAL_BY_PARTITION}) AS c
LEFT ANY JOIN (
    SELECT contact_id, customer_id, issue_id, follows_contact_id, followed_by_contact_id, fcr, last_closed_ms
    FROM {INTERNAL}.resolutions FINAL WHERE held = 1 {FINAL_BY_PARTITION}
) AS r ON r.contact_id = c.contact_id AND r.customer_id = c.customer_id""",
    )


def histograms(measures: Sequence[MeasureColumn]) -> View:
    """One row per bucket of every histogram, with its bounds (`pipeline.core.histogram` the other way round)."""
    found = [each for each in measures if each.histogram]
    numbers = ", ".join(str(each.key >> BUCKET_BITS) for each in found)
    names = ", ".join(literal(each.name.removesuffix(BUCKETS_SUFFIX)) for each in found)
    return view(
        "histograms",
        "Durations by bucket: n of them with from_ms <= duration < to_ms, by the minute they are booked at.",
        [
            column("window_start", "DateTime('UTC')", "toDateTime(b.window_s, 'UTC')", "Minute, UTC"),
            column("channel", "String", "b.channel", "Channel"),
            column("queue", "String", "b.queue", "Entry queue"),
            column("segment", "String", "b.segment", "Segment"),
            column(
                "measure",
                "String",
                f"transform(bitShiftRight(b.cell_key, {BUCKET_BITS}), [{numbers}], [{names}], '')",
                "Which duration, as in view measures",
            ),
            column(
                "from_ms",
                "Int64",
                "if(b.bucket < 16, b.bucket, bitShiftLeft(b.mantissa, b.shift))",
                "Shortest duration in the bucket, ms",
            ),
            column(
                "to_ms",
                "Int64",
                "if(b.bucket < 16, b.bucket + 1, bitShiftLeft(b.mantissa + 1, b.shift))",
                "First duration past the bucket, ms",
            ),
            column("n", "Int64", "b.total", "How many"),
        ],
        f"""(
    SELECT window_s, channel, queue, segment, cell_key, sum(cell_value) AS total,
        toInt64(bitAnd(cell_key, 65535)) AS bucket,
        greatest(intDiv(bucket, 16) - 1, 0) AS shift,
        bucket - 16 * shift AS mantissa
    FROM (
        SELECT window_s, channel, queue, segment, cell_key, cell_value
        FROM {INTERNAL}.ledger FINAL ARRAY JOIN keys AS cell_key, values AS cell_value
        WHERE kind = 1 AND resolution = 1 AND bitShiftRight(cell_key, {BUCKET_BITS}) IN ({numbers or "0"})
        {FINAL_BY_PARTITION}
    )
    GROUP BY window_s, channel, queue, segment, cell_key
    HAVING total != 0
) AS b""",
    )


def pipeline_status() -> View:
    """Where every partition stands: its marker, read as what it is, JSON."""

    def number(name: str) -> str:
        return f"JSONExtractInt(m.state, {literal(name)})"

    def numbers(name: str) -> str:
        return f"JSONExtract(m.state, {literal(name)}, 'Map(String, Int64)')"

    return view(
        "pipeline_status",
        "How far every partition of the log has been read, and what became of its records.",
        [
            column("partition", "String", "m.p", "Partition of the log, topic/number"),
            column(
                "data_until",
                TIME,
                f"if({number('watermark_ms')} > 0, {time(number('watermark_ms'))}, NULL)",
                "Newest event time applied (watermark); NULL before the first",
            ),
            column("position", "Int64", number("offset"), "Offset of the next record to read"),
            column("epoch", "UInt16", "toUInt16(bitShiftRight(m.row, 48))", "Incarnation of the topic"),
            column(
                "lag",
                "Nullable(Int64)",
                f"if({number('append_ms')} > 0, {NOW_MS} - {number('append_ms')}, NULL)",
                "Now - append time of the newest record applied, ms; grows also while nothing is appended",
            ),
            column(
                "versions",
                "Map(String, String)",
                "map('fingerprint', JSONExtractString(m.state, 'fingerprint'), 'row', toString(m.row), "
                "'clickhouse', version())",
                "fingerprint of the definitions, version of the row, version of ClickHouse",
            ),
            column("applied", "Int64", number("applied"), "Records applied"),
            column("duplicate", "Int64", number("duplicate"), "Records that had been applied before"),
            column(
                "late", "Int64", number("late"), "Records an hour and more behind the watermark, applied nevertheless"
            ),
            column("lost", "Int64", number("lost"), "Positions the log had given up before they were read"),
            column("rejected", "Map(String, Int64)", numbers("rejected"), "Records dead-lettered, by reason"),
            column("clamped", "Map(String, Int64)", numbers("clamped"), "Records from the future, clamped, by source"),
        ],
        f"""(
    SELECT p, argMax(state, version) AS state, max(version) AS row
    FROM {INTERNAL}.ledger WHERE kind = 0 GROUP BY p
) AS m""",
    )


def dead_letters() -> View:
    """What could not be applied."""
    return view(
        "dead_letters",
        "Records that could not be applied, one row each.",
        [
            column("topic", "String", "d.topic", "Topic of the record"),
            column("partition", "UInt32", "d.number", "Partition number of the record"),
            column("epoch", "UInt16", "d.epoch", "Incarnation of the topic"),
            column("offset", "Int64", "d.`offset`", "Offset of the record"),
            column("reason", "String", "d.reason", "Why it was rejected, one of a closed set"),
            column("detail", "String", "d.detail", "What exactly was wrong"),
            column("step", "String", "d.step", "Which step rejected it"),
            column("source", "String", "d.source", "Source system, empty if unknown"),
            column("key", "String", "d.key", "Raw key of the record"),
            column("value", "String", "d.value", "Raw value of the record, at most its first 64 KiB"),
            column("size", "Int64", "toInt64(d.size)", "Full length of the value, bytes"),
            column("appended_at", TIME, time("d.append_ms"), "When the log took it"),
        ],
        f"{INTERNAL}.dead_letters AS d FINAL",
    )


def touchpoints(setting: Setting) -> View:
    """Touchpoints as they came, where the catalogue keeps them."""
    same = ("channel", "customer_id", "queue", "segment", "topic", "direction", "source")
    return view(
        "touchpoints",
        "Touchpoints as they came, of each id the latest revision.",
        [
            column("contact_id", "String", "t.contact_id", "The contact"),
            column("id", "String", "t.id", "Id of the touchpoint, unique within its contact"),
            column("revision", "Int64", "toInt64(t.revision)", "Revision of the touchpoint"),
            column("type", "String", "t.type", "What happened"),
            column("time", TIME, time("t.time_ms"), "When it happened"),
            column("appended_at", TIME, time("t.append_ms"), "When the log took it"),
            *(column(name, "String", f"t.{name}", f"As the touchpoint says it: {name}; else empty") for name in same),
            column("agent_id", "String", agent_id(setting), "Who served; empty unless agent_figures is true"),
            column("body", "String", body(setting), "The touchpoint as JSON text; without agent_id, as above"),
        ],
        f"{INTERNAL}.touchpoints AS t FINAL",
    )
