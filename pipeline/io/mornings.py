"""Reads what a morning report is made from, in SQL that all servers know, but for views, which old ones lack."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from pipeline.answers.morning_material import AtRisk, Beyond, Cells, Dimensions, Kept, Material, Risk
from pipeline.core.cells import Cell
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, HOUR
from pipeline.core.zone import HOUR_MS
from pipeline.io import asking, knowing
from pipeline.io.asking import Asked, read

_LISTED: Final = 25
_TREND_DAYS: Final = 14
_WAITS_SQL: Final = f"""
SELECT contact_id, channel, queue, if(isNull(wait_ended_ms), 'waiting', outcome) AS outcome,
       wait_began_ms AS began_ms, wait_ended_ms AS ended_ms, target_ms AS limit_ms
FROM touchline_internal.contacts FINAL
WHERE wait_began_ms >= %(from)s AND wait_began_ms < %(to)s AND isNotNull(target_ms)
      AND ifNull(wait_ended_ms, toInt64(%(now)s)) - wait_began_ms > target_ms
ORDER BY ifNull(wait_ended_ms, toInt64(%(now)s)) - wait_began_ms DESC, contact_id LIMIT {_LISTED}"""
_REPLIES_SQL: Final = f"""
SELECT contact_id, channel, queue,
       multiIf(isNotNull(first_reply_ms), 'replied', response_due = 1, 'waiting', 'closed') AS outcome,
       first_clock_ms AS began_ms, first_reply_ms AS ended_ms, response_deadline_ms AS limit_ms
FROM touchline_internal.contacts FINAL
WHERE first_clock_ms >= %(from)s AND first_clock_ms < %(to)s AND discarded = 0 AND channel IN %(channels)s
      AND ((isNotNull(first_reply_ms) AND response_in_target = 0)
           OR (response_due = 1 AND isNull(first_reply_ms) AND response_deadline_ms < %(now)s))
ORDER BY ifNull(first_reply_ms, toInt64(%(now)s)) - first_clock_ms DESC, contact_id LIMIT {_LISTED}"""
_PROMISES_SQL: Final = """
SELECT kind, sum(p.promises_due) AS due, sum(p.promises_kept) AS kept, sum(p.promises_late) AS late,
       sum(p.promises_broken) AS broken, sum(p.promises_open) AS pending
FROM touchline.promises AS p WHERE p.day = %(day)s GROUP BY kind ORDER BY due DESC, kind"""
_RISK_SQL: Final = """
SELECT customer_id, reasons, contact_ids, toUInt8(last_at >= %(from)s AND last_at < %(to)s) AS new
FROM touchline.customers_at_risk ORDER BY customer_id"""
_SILENT_SQL: Final = """
SELECT count() AS n FROM touchline.customers_silent WHERE bad_at >= %(from)s AND bad_at < %(to)s"""


class _Risk(Struct):
    customer_id: str
    reasons: list[str]
    contact_ids: list[str]
    new: int


class _Count(Struct):
    n: int


async def material(asked: Asked, rulebook: Rulebook, day: int, now_ms: int) -> Material:
    """Everything about a local day (its ordinal). Raises WarehouseDown, WarehouseRefused."""
    zone, settings = rulebook.zone, rulebook.settings
    start_ms, end_ms = zone.start_of_ms(day), zone.start_of_ms(day + 1)
    data_until_ms = await asking.data_until_ms(asked)
    settled_ms = settings.follow_up_window_ms + settings.lateness_ms
    known_ms = now_ms if data_until_ms is None else min(now_ms, data_until_ms)
    # The newest day that ended long enough ago; the day of the report itself if it did.
    newest = min(zone.ordinal(known_ms - settled_ms) - 1, day)
    first = min(day - _TREND_DAYS + 1, newest - 7, day - 7)
    read_days = await asking.cells(asked, DAY, zone.start_of_ms(first) // 1_000, end_ms // 1_000)
    days = _by(read_days, {zone.start_of_ms(each) // 1_000: each for each in range(first, day + 1)})
    hours = await asking.cells(asked, HOUR, (start_ms - start_ms % HOUR_MS) // 1_000, end_ms // 1_000)
    deferred = [name for name, entry in rulebook.catalogue.channels.items() if entry.kind == "deferred"]
    period = {"from": start_ms, "to": end_ms, "now": now_ms, "channels": deferred}
    views = await knowing.views(asked)
    return Material(
        day=day,
        now_ms=now_ms,
        data_until_ms=data_until_ms,
        cells=days.get(day, {}),
        earlier=days.get(day - 7, {}),
        hours=_by(hours, {window_s: window_s * 1_000 for window_s, *_ in hours}),
        days={each: cells for each, cells in days.items() if each > day - _TREND_DAYS},
        undecided=await asking.undecided(asked, start_ms, end_ms, now_ms),
        waits=await read(asked, _WAITS_SQL, Beyond, period),
        replies=await read(asked, _REPLIES_SQL, Beyond, period),
        promises=await _promises(asked, rulebook, day) if "promises" in views else None,
        risk=await _risk(asked, start_ms, end_ms, now_ms)
        if {"customers_at_risk", "customers_silent"} <= set(views)
        else None,
        final_day=newest if newest in days else None,
        final_cells=days.get(newest, {}),
        final_earlier=days.get(newest - 7, {}),
    )


def _by(cells: Mapping[tuple[int, str, str, str], Cell], names: Mapping[int, int]) -> dict[int, Cells]:
    """Cells by what their windows are called."""
    found: dict[int, dict[Dimensions, Cell]] = defaultdict(dict)
    for (window_s, *dimensions), cell in cells.items():
        if window_s in names:
            channel, queue, segment = dimensions
            found[names[window_s]][channel, queue, segment] = cell
    return dict(found)


async def _promises(asked: Asked, rulebook: Rulebook, day: int) -> list[Kept]:
    iso = rulebook.zone.local_date(rulebook.zone.start_of_ms(day)).isoformat()
    return await read(asked, _PROMISES_SQL, Kept, {"day": iso})


async def _risk(asked: Asked, start_ms: int, end_ms: int, now_ms: int) -> Risk:
    period = {"from": start_ms / 1_000, "to": end_ms / 1_000}
    rows = await read(asked, _RISK_SQL, _Risk, period)
    (silent,) = await read(asked, _SILENT_SQL, _Count, period)
    by_reason: dict[str, int] = defaultdict(int)
    for row in rows:
        for reason in row.reasons:
            by_reason[reason] += 1
    new = [AtRisk(row.customer_id, row.reasons, row.contact_ids) for row in rows if row.new]
    newest_ms = max((marker.watermark_ms for marker in (await asking.markers(asked)).values()), default=now_ms)
    return Risk(len(rows), dict(by_reason), new, silent.n, min(newest_ms, now_ms))
