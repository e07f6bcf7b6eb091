"""The audit by SQL that knows nothing of the folds: the columns of `contacts` and `resolutions` against the cells.

Waiting, Response and Resolution, as far as a measure can be counted from the columns. The tables follow the ledger
within a flush, so while the pipeline runs something may be under way: only what differs twice in the same way is a
difference.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from pipeline.core.audit import Difference, Span
from pipeline.core.measure import column_key
from pipeline.io.frozen import is_of_customers
from pipeline.ports import Warehouse
from schemas.catalogue_types import Settings
from schemas.tables import value_sql

SETTLE_SECONDS: Final = 4.0
"""Longer than what is under way between a commit and the rows that follow it."""
_LOOKS: Final = 5
_MOST_DAYS: Final = 16
_ANSWERED: Final = "outcome = 'answered'"
_ABANDONED: Final = "outcome = 'abandoned'"
_PATIENCE: Final = "ifNull(wait_ended_ms - wait_began_ms, 0)"

# By the moment they are booked at: measure -> what one row adds.
_OF_CONTACTS: Final[Mapping[str, Mapping[str, str]]] = {
    "requested_ms": {"requested": "direction = 'inbound'"},
    "wait_began_ms": {
        "offered": "1",
        "answered": _ANSWERED,
        "answered_queued": f"{_ANSWERED} AND isNotNull(queued_ms)",
        "answered_in_target": f"{_ANSWERED} AND ifNull(in_target, 0)",
        "answered_in_half_target": f"{_ANSWERED} AND ifNull(2 * wait_ms <= target_ms, 0)",
        "wait_ms": f"if({_ANSWERED}, ifNull(wait_ms, 0), 0)",
        "abandoned": _ABANDONED,
        "abandoned_short": f"{_ABANDONED} AND {_PATIENCE} <= %(short_ms)s",
        "abandoned_in_target": f"{_ABANDONED} AND ifNull({_PATIENCE} <= target_ms, 0)",
        "patience_ms": f"if({_ABANDONED}, {_PATIENCE}, 0)",
        "left_queue": "outcome NOT IN ('answered', 'abandoned', 'waiting')",
    },
    "first_clock_ms": {
        "first_responses_due": "1",
        "first_responses": "isNotNull(first_reply_ms)",
        "first_response_in_target": "ifNull(response_in_target, 0)",
        "first_response_ms": "ifNull(first_response_ms, 0)",
    },
    "first_closed_ms": {
        "closed": "1",
        "closed_unknown_customer": "customer_id = ''",
        "contacts_transferred": "transfers > 0",
        "transfers": "transfers",
        "resolution_ms": "greatest(ifNull(last_closed_ms, 0) - requested_ms, 0)",
        "handled": "isNotNull(answered_ms)",
        "handle_ms": "if(isNotNull(answered_ms), greatest(ifNull(last_closed_ms - answered_ms, 0), 0), 0)",
    },
}
_OF_CUSTOMERS: Final[Mapping[str, Mapping[str, str]]] = {
    "first_closed_ms": {
        "fcr_eligible": "1",
        "fcr_resolved": "fcr = 'resolved'",
        "fcr_unresolved": "fcr = 'unresolved'",
        "fcr_followed": "followed_by_contact_id != ''",
        "issues": "follows_contact_id = ''",
        "issues_resolved_first": "follows_contact_id = '' AND fcr = 'resolved'",
    },
}
_RESOLUTIONS: Final = """(
    SELECT * FROM (
        SELECT contact_id, customer_id, fcr, follows_contact_id, followed_by_contact_id
        FROM {resolutions} FINAL WHERE p = %(p)s AND held = 1 AND fcr != ''
    ) AS r ANY INNER JOIN (
        SELECT contact_id, customer_id, channel, queue, segment, first_closed_ms
        FROM {contacts} FINAL WHERE isNotNull(first_closed_ms)
    ) AS c USING (contact_id, customer_id)
)"""
_SPAN: Final = "window_s >= %(start_s)s AND window_s + 60 <= %(end_s)s"
_UNPUBLISHED_SQL: Final = """
SELECT count() FROM {ledger} FINAL
WHERE p = %(p)s AND kind IN (2, 3) AND version = %(version)s
  AND key NOT IN (SELECT {key} FROM {table} WHERE p = %(p)s AND version >= %(version)s)"""

_WEIGHTED: Final = "sum(intHash64(window_s) * toUInt64({}))"
_PLAIN: Final = "sum(toInt64({}))"

_Key = tuple[Any, ...]
_Values = dict[_Key, tuple[int, ...]]


class Check(Struct, frozen=True):
    """One partition, and the tables it is in."""

    warehouse: Warehouse
    partition: str
    ledger: str
    contacts: str
    resolutions: str
    span: Span
    settings: Settings

    @property
    def moments(self) -> Mapping[str, Mapping[str, str]]:
        """What is compared, by the column that says when."""
        return _OF_CUSTOMERS if is_of_customers(self.partition) else _OF_CONTACTS

    @property
    def source(self) -> str:
        """The rows, as a FROM clause has them."""
        if is_of_customers(self.partition):
            return _RESOLUTIONS.format(resolutions=self.resolutions, contacts=self.contacts)
        return f"(SELECT * FROM {self.contacts} FINAL WHERE p = %(p)s)"

    async def ask(self, sql: str, **more: Any) -> _Values:
        """Rows of an answer whose first four columns are the key; without those that are all 0."""
        names = {
            "p": self.partition,
            "start_s": self.span.start_s,
            "end_s": self.span.end_s,
            "short_ms": self.settings.abandoned_short_ms,
        }
        rows = await self.warehouse.query(sql, {**names, **more})
        return {tuple(row[:4]): tuple(row[4:]) for row in rows if any(row[4:])}


async def differing(check: Check, settle_seconds: float) -> list[Difference] | None:
    """What differs and goes on to; None where it cannot be judged: the last flush is not in the tables yet."""
    found: list[Difference] = []
    for at, measures in check.moments.items():
        before = await _look(check, at, measures)
        lasting: dict[tuple[_Key, str], tuple[int, int]] = {}
        for _ in range(_LOOKS if before else 0):
            await asyncio.sleep(settle_seconds)
            now = await _look(check, at, measures)
            lasting = {key: pair for key, pair in now.items() if before.get(key) == pair}
            if lasting == now:
                break
            before = now
        if lasting and await _is_behind(check, settle_seconds):
            return None
        found += [
            Difference(check.partition, "minute, by SQL", key[0], key[1], key[2], key[3], name, stored, counted)
            for (key, name), (stored, counted) in sorted(lasting.items())
        ]
    return found


async def _look(check: Check, at: str, measures: Mapping[str, str]) -> dict[tuple[_Key, str], tuple[int, int]]:
    """(minute and dimensions, measure) -> (in the cells, counted), where they differ now. By days first."""
    left, right = await _both(check, at, measures, "intDiv(window_s, 86400) AS day", _WEIGHTED, "")
    days = sorted({key[0] for key in left.keys() | right.keys() if left.get(key) != right.get(key)})[:_MOST_DAYS]
    if not days:
        return {}
    inside = " AND intDiv(window_s, 86400) IN %(days)s"
    left, right = await _both(check, at, measures, "window_s", _PLAIN, inside, days=days)
    nothing = (0,) * len(measures)
    return {
        (key, name): (stored, counted)
        for key in left.keys() | right.keys()
        for name, stored, counted in zip(measures, left.get(key, nothing), right.get(key, nothing), strict=True)
        if stored != counted
    }


async def _both(
    check: Check, at: str, measures: Mapping[str, str], window: str, total: str, inside: str, **more: Any
) -> tuple[_Values, _Values]:
    """Both sides by window and dimensions: what the cells hold, what the rows add up to."""
    key = f"{window}, channel, queue, segment"
    group = f"GROUP BY {window.rpartition(' ')[2]}, channel, queue, segment"
    totals = ", ".join(total.format(value_sql(column_key(name))) for name in measures)
    cells = (
        f"SELECT {key}, {totals} FROM {check.ledger} FINAL"
        f" WHERE p = %(p)s AND kind = 1 AND resolution = 1 AND {_SPAN}{inside} {group}"
    )
    # Some measures are called as a column is: a name of its own keeps the two apart.
    rows = ", ".join(f"toInt64({sql}) AS of_{name}" for name, sql in measures.items())
    totals = ", ".join(total.format(f"of_{name}") for name in measures)
    counted = (
        f"SELECT {key}, {totals} FROM ("
        f"SELECT toUInt32(intDiv(assumeNotNull({at}), 60000) * 60) AS window_s, channel, queue, segment, {rows}"
        f" FROM {check.source} WHERE isNotNull({at})) WHERE {_SPAN}{inside} {group}"
    )
    return await check.ask(cells, **more), await check.ask(counted, **more)


async def _is_behind(check: Check, settle_seconds: float) -> bool:
    """Whether rows of the last flush are missing in the tables for people and nobody writes them: the worker was killed
    in between.
    """
    before = await _unpublished(check)
    if not before:
        return False
    await asyncio.sleep(settle_seconds)
    return await _unpublished(check) == before


async def _unpublished(check: Check) -> int:
    """The version of the last flush, if rows of it are missing in the tables for people; else 0."""
    of_customers = is_of_customers(check.partition)
    named = {"p": check.partition}
    found = await check.warehouse.query(f"SELECT max(version) FROM {check.ledger} WHERE p = %(p)s AND kind = 0", named)
    sql = _UNPUBLISHED_SQL.format(
        ledger=check.ledger,
        key="concat(customer_id, '\x1f', contact_id)" if of_customers else "contact_id",
        table=check.resolutions if of_customers else check.contacts,
    )
    missing = await check.warehouse.query(sql, {**named, "version": found[0][0]})
    return int(found[0][0]) if missing and missing[0][0] else 0
