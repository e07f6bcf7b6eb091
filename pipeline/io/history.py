"""What `pipeline.live.past` sets beside the live values, asked of the warehouse: few rows, already summed.

Contacts are looked for without FINAL first, so that it has little to merge.
"""

from collections import defaultdict
from typing import Final, Literal

from msgspec import Struct

from pipeline.core.cells import Cell
from pipeline.core.rules import Rulebook
from pipeline.io.asking import Asked, read
from pipeline.live.past import BIN_S, KEYS, MINUTE_S, Known, LookedBack, Spans, Then, windows
from pipeline.measures import ALL
from schemas.vocabulary import UNKNOWN

Place = tuple[str, str]
_CONTACTS: Final = "touchline_internal.contacts"
_CELLS: Final = "touchline_internal.ledger FINAL ARRAY JOIN keys AS cell_key, values AS cell_value"
_RESOLUTIONS: Final = {MINUTE_S: 1, 3_600: 2}
_DAY: Final = 3
_NEVER_MS: Final = 1 << 62
_NEVER: Final = f"toInt64({_NEVER_MS})"
_LOOKED_BACK: Final[tuple[LookedBack, ...]] = ("now", "week_ago")
_PROMISES_MS: Final = 400 * 86_400_000
_FCR: Final = tuple({m.name: m.key for m in ALL}[name] for name in ("fcr_eligible", "fcr_resolved"))


async def known(asked: Asked, rulebook: Rulebook, spans: Spans) -> Known:
    """Everything that is asked for. Raises WarehouseDown, WarehouseRefused."""
    found = Known(spans, {}, {}, {}, {}, {}, {})
    waiting, unanswered = _waits(rulebook), _clocks()
    for looked_back in _LOOKED_BACK:
        found.bins.update(await _bins(asked, spans, looked_back))
        from_s, to_s = spans.bins(looked_back)
        to_s = min(to_s, spans.now_ms // 1_000)
        for place, steps in (await _steps(asked, waiting, from_s, to_s)).items():
            found.steps[looked_back, "waiting", place] = steps
        for place, steps in (await _steps(asked, unanswered, from_s, to_s)).items():
            found.steps[looked_back, "unanswered", place] = steps
    found.day = await _day(asked, spans)
    found.then = await _then(asked, waiting, unanswered, spans.week_ago_ms)
    found.provisional = await _cohort(asked, spans.provisional_week_ago, spans.week_ago_ms // 3_600_000)
    found.confirmed = await _cohort(asked, spans.confirmed_week_ago, None)
    return found


class _Total(Struct):
    start_s: int
    channel: str
    queue: str
    measure_key: int
    total: int


def _summed(resolution: int, from_s: int, to_s: int, keys: tuple[int, ...], start: str, learned: str = "") -> str:
    """Sums of measures over windows in [from_s, to_s), by place and whatever `start` makes of a window."""
    return (
        f"SELECT {start} AS start_s, channel, queue, cell_key AS measure_key, sum(cell_value) AS total FROM {_CELLS}"
        f" WHERE kind = 1 AND resolution = {resolution} AND window_s >= {from_s} AND window_s < {to_s}{learned}"
        f" AND cell_key IN ({', '.join(map(str, keys))}) GROUP BY start_s, channel, queue, measure_key"
    )


async def _bins(asked: Asked, spans: Spans, looked_back: LookedBack) -> dict[tuple[LookedBack, int, Place], Cell]:
    from_s, to_s = spans.bins(looked_back)
    found: dict[tuple[LookedBack, int, Place], Cell] = defaultdict(dict)
    start = f"{from_s} + intDiv(window_s - {from_s}, {BIN_S}) * {BIN_S}"
    for row in await read(asked, _summed(1, from_s, to_s, tuple(KEYS), start), _Total):
        found[looked_back, row.start_s, (row.channel, row.queue)][row.measure_key] = row.total
    return found


async def _day(asked: Asked, spans: Spans) -> dict[Place, Cell]:
    """Last week's day up to the beginning of the same minute."""
    found: dict[Place, Cell] = defaultdict(dict)
    to_s = spans.week_ago_ms // 1_000 // MINUTE_S * MINUTE_S
    for seconds, from_s, end_s in windows(spans.day_week_ago_s, to_s):
        sql = _summed(_RESOLUTIONS[seconds], from_s, end_s, tuple(KEYS), "0")
        for row in await read(asked, sql, _Total):
            cell = found[row.channel, row.queue]
            cell[row.measure_key] = cell.get(row.measure_key, 0) + row.total
    return found


async def _cohort(asked: Asked, days: tuple[int, int], before_hour: int | None) -> dict[Place, tuple[int, int]]:
    """(eligible, resolved) of the closings of some days; `before_hour`: as it was known in that hour of append time."""
    learned = "" if before_hour is None else f" AND generation_hour < {before_hour}"
    found: dict[Place, Cell] = defaultdict(dict)
    for row in await read(asked, _summed(_DAY, *days, _FCR, "0", learned), _Total):
        found[row.channel, row.queue][row.measure_key] = row.total
    return {place: (cell.get(_FCR[0], 0), cell.get(_FCR[1], 0)) for place, cell in found.items()}


class _Spell(Struct, frozen=True):
    """A time in which somebody waits for us, in SQL over the table of contacts."""

    began: str
    ended: str
    condition: str

    def during(self, from_ms: int, to_ms: int) -> str:
        """The spells that overlap [from, to): (channel, queue, began, ended)."""
        meant = f"{self.condition} AND {self.began} < {to_ms} AND {self.ended} > {from_ms}"
        return (
            f"SELECT channel, queue, assumeNotNull({self.began}) AS began, {self.ended} AS ended FROM {_CONTACTS} FINAL"
            f" WHERE contact_id IN (SELECT contact_id FROM {_CONTACTS} WHERE {meant}) AND {meant}"
        )


def _waits(rulebook: Rulebook) -> _Spell:
    """From the first queue to the end of the wait. Who waits for longer than is believed is waiting no more."""
    stale = {
        channel: found.stale_ms
        for channel in rulebook.catalogue.channels
        if (found := rulebook.rules(channel, UNKNOWN, UNKNOWN, _NEVER_MS)).stale_ms is not None
    }
    names = ", ".join(f"'{channel}'" for channel in stale if channel.replace("_", "").isalnum())
    limits = ", ".join(str(limit) for channel, limit in stale.items() if channel.replace("_", "").isalnum())
    unlimited = f"toInt64({_NEVER_MS // 2})"
    longest = f"toInt64(transform(toString(channel), [{names}], [{limits}], {unlimited}))" if names else unlimited
    return _Spell(
        "wait_began_ms",
        f"least(ifNull(wait_ended_ms, {_NEVER}), assumeNotNull(wait_began_ms) + {longest})",
        "isNotNull(wait_began_ms)",
    )


def _clocks() -> _Spell:
    """From the first message to the first reply, or to the closing that there was without one."""
    after = "ifNull(first_closed_ms, toInt64(0)) > assumeNotNull(first_clock_ms)"
    closed = f"if({after}, assumeNotNull(first_closed_ms), {_NEVER})"
    ended = f"least(ifNull(first_reply_ms, {_NEVER}), {closed})"
    return _Spell("first_clock_ms", ended, "isNotNull(first_clock_ms) AND discarded = 0")


class _Step(Struct):
    channel: str
    queue: str
    minute_s: int
    step: int


async def _steps(asked: Asked, spell: _Spell, from_s: int, to_s: int) -> dict[Place, dict[int, int]]:
    """Who came and who went, by minute; who was there already came in the first one."""
    from_ms, to_ms = from_s * 1_000, to_s * 1_000
    sql = (
        f"SELECT channel, queue, intDiv(greatest(at, {from_ms}), 60000) * 60 AS minute_s, sum(one) AS step FROM"
        f" (SELECT channel, queue, at, one FROM ({spell.during(from_ms, to_ms)})"
        f" ARRAY JOIN [began, ended] AS at, [1, -1] AS one) WHERE at < {to_ms} GROUP BY channel, queue, minute_s"
    )
    found: dict[Place, dict[int, int]] = defaultdict(dict)
    for row in await read(asked, sql, _Step):
        found[row.channel, row.queue][row.minute_s] = row.step
    return found


class _There(Struct):
    channel: str
    queue: str
    n: int
    longest_ms: int


async def _then(asked: Asked, waiting: _Spell, unanswered: _Spell, at_ms: int) -> dict[Place, Then]:
    """Who was there at one moment."""
    found: dict[Place, Then] = {}

    async def add(what: Literal["waiting", "unanswered", "promises"], inner: str) -> None:
        sql = (
            f"SELECT channel, queue, toInt64(count()) AS n, max({at_ms} - began) AS longest_ms FROM ({inner})"
            " GROUP BY channel, queue"
        )
        for row in await read(asked, sql, _There):
            one = {
                "waiting": Then(waiting=row.n, longest_wait_ms=row.longest_ms),
                "unanswered": Then(unanswered=row.n, oldest_unanswered_ms=row.longest_ms),
                "promises": Then(promises_overdue=row.n),
            }[what]
            place = (row.channel, row.queue)
            found[place] = found.get(place, Then()).plus(one)

    await add("waiting", waiting.during(at_ms, at_ms))
    await add("unanswered", unanswered.during(at_ms, at_ms))
    await add("promises", _promises(at_ms))
    return found


def _promises(at_ms: int) -> str:
    """Promises past their due at a moment and open then, from the contacts' notes (a promise's stands at its due)."""
    condition = (
        f"due <= {at_ms} AND due > {at_ms - _PROMISES_MS} AND (what = 'promise_open'"
        f" OR (what IN ('promise_late', 'promise_broken') AND due + off > {at_ms}))"
    )
    notes = "ARRAY JOIN note_ms AS due, note AS what, note_value AS off"
    return (
        f"SELECT channel, queue, due AS began FROM {_CONTACTS} FINAL {notes} WHERE contact_id IN"
        f" (SELECT contact_id FROM {_CONTACTS} {notes} WHERE {condition}) AND {condition}"
    )
