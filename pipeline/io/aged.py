"""What alerts compare with, asked of the warehouse: yesterday's matters at the same age as those of four weeks, and
when every source was last heard of.

A cell says in which hour of append time it was learned, so what was known then is a condition (design, section 4).
"""

from typing import Final

from msgspec import Struct

from pipeline.core.zone import HOUR_MS, Zone
from pipeline.io.asking import Asked, read
from pipeline.live.around import FORGOTTEN_MS, Aged, Pair, Place
from pipeline.measures import ALL

WEEKS: Final = 4
_KEYS: Final = {measure.name: measure.key for measure in ALL}
_ELIGIBLE: Final = _KEYS["fcr_eligible"]
_RESOLVED: Final = _KEYS["fcr_resolved"]


class Cut(Struct, frozen=True):
    """A local day of closings (its start in seconds), and the hour of append time before which it was learned."""

    day_s: int
    before_hour: int


class _Row(Struct):
    day_s: int
    channel: str
    queue: str
    eligible: int
    resolved: int


class _Heard(Struct):
    source: str
    at_ms: int


def cuts(zone: Zone, now_ms: int) -> tuple[Cut, ...]:
    """Yesterday as far as whole hours tell, then the same weekday of the weeks before, at the same time a day later.

    By local time: over a change of the clocks a day after is not 24 hours.
    """
    today = zone.ordinal(now_ms)
    passed_ms = now_ms - zone.start_of_ms(today)
    return tuple(
        Cut(zone.start_of_ms(day - 1) // 1_000, (zone.start_of_ms(day) + passed_ms) // HOUR_MS)
        for day in range(today, today - 7 * WEEKS - 1, -7)
    )


async def aged(asked: Asked, zone: Zone, now_ms: int) -> dict[Place, Aged]:
    """Per channel and queue. Raises WarehouseDown, WarehouseRefused."""
    looked_at = cuts(zone, now_ms)
    known = " OR ".join(f"(window_s = {cut.day_s} AND generation_hour < {cut.before_hour})" for cut in looked_at)
    rows = await read(
        asked,
        f"SELECT window_s AS day_s, channel, queue, sumIf(cell_value, cell_key = {_ELIGIBLE}) AS eligible,"
        f" sumIf(cell_value, cell_key = {_RESOLVED}) AS resolved"
        " FROM touchline_internal.ledger FINAL ARRAY JOIN keys AS cell_key, values AS cell_value"
        f" WHERE kind = 1 AND resolution = 3 AND ({known}) AND cell_key IN ({_ELIGIBLE}, {_RESOLVED})"
        " GROUP BY day_s, channel, queue",
        _Row,
    )
    found: dict[Place, dict[int, Pair]] = {}
    for row in rows:
        found.setdefault((row.channel, row.queue), {})[row.day_s] = (row.eligible, row.resolved)
    return {
        place: Aged(days.get(looked_at[0].day_s, (0, 0)), tuple(days.get(cut.day_s, (0, 0)) for cut in looked_at[1:]))
        for place, days in found.items()
    }


async def last_heard(asked: Asked, now_ms: int) -> dict[str, int]:
    """Source -> append time of its newest touchpoint within eight days. Raises WarehouseDown, WarehouseRefused."""
    rows = await read(
        asked,
        "SELECT source, max(revised_ms) AS at_ms FROM touchline_internal.contacts"
        f" WHERE revised_ms > {now_ms - FORGOTTEN_MS} AND source != '' GROUP BY source",
        _Heard,
    )
    return {row.source: row.at_ms for row in rows}
