"""The views of customers who may leave, who say nothing any more, and who left. Rendered, not run.

They are computed from the latest state of each contact when they are read, so a correction corrects them.
"""

# SQL is put together from the names that schemas/tables.py declares; nobody else has a say in it.
# ruff: noqa: S608

from typing import Final

from schemas.note_views import notes
from schemas.tables import INTERNAL, literal
from schemas.view import FINAL_BY_PARTITION, NEWEST_MS, TIME, View, column, time, view
from schemas.vocabulary import BAD_NOTES, DETRACTOR_MOST, SILENT_NOTES

MONTH_MS: Final = 30 * 86_400_000
TWO_ABANDONS: Final = 2
THREE_CONTACTS: Final = 3

_DETRACTOR: Final = f"(what = 'nps' AND value <= {DETRACTOR_MOST})"


def customer_views() -> tuple[View, ...]:
    """All of them."""
    return customers_at_risk(), customers_silent(), customers_left()


def _words(words: tuple[str, ...]) -> str:
    return ", ".join(literal(word) for word in words)


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
        {notes(f"at_ms > {since} OR what = 'promise_broken'")}
        )
        WHERE reason != '' AND since_ms > {since} AND since_ms <= {NEWEST_MS}
        UNION ALL
        SELECT customer_id, entry.1 AS contact_id, entry.2 AS topic, entry.3 AS at, 'two_abandons' AS reason
        FROM (
            SELECT customer_id, groupArray((contact_id, topic, at_ms)) AS entries
            FROM (
        {notes(f"what = 'abandoned' AND at_ms > {since}")}
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
        {notes(f"customer_id != '' AND what IN ({_words(SILENT_NOTES)})")}
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
        {notes("what = 'customer_left'")}
    ) AS e
    LEFT JOIN (
        SELECT customer_id, groupArray((since_ms, if(what = 'nps', 'detractor', what), contact_id)) AS entries
        FROM (
        {notes(f"customer_id != '' AND (what IN ({_words(BAD_NOTES)}) OR {_DETRACTOR})")}
        )
        GROUP BY customer_id
    ) AS b ON b.customer_id = e.customer_id
) AS l""",
    )
