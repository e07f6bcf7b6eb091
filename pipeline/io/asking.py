"""What answers are made from, read in SQL that every server understands: cells, contacts, facts and markers.

Everything goes by `formatted`, which a warehouse has and the process that holds a folder answers as well, so that one
reader serves both. Bytes come as hexadecimal text.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Struct

from pipeline.answers.plausible import Seen
from pipeline.core.cells import Cell, add
from pipeline.core.contact import Contact
from pipeline.core.contact import unpack as unpack_contact
from pipeline.core.facts import Facts
from pipeline.core.facts import unpack as unpack_facts
from pipeline.core.rules import Rulebook
from pipeline.core.steps import Marker
from pipeline.io.sql import bind
from pipeline.ports import WarehouseRefused
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.topics import TOUCHPOINTS

Row = TypeVar("Row")
_LEDGER: Final = "touchline_internal.ledger"
_SEPARATOR: Final = "\x1f"
_AFTER_SEPARATOR: Final = "\x20"
_STATES_AT_ONCE: Final = 20_000

Dimensions = tuple[str, str, str]
"""(channel, queue, segment)."""


class Asked(Protocol):
    """A warehouse, or the process that holds a folder."""

    async def formatted(self, sql: str, format_: str) -> bytes:
        """A query's answer in an output format. Raises WarehouseDown, WarehouseRefused."""


async def read(asked: Asked, sql: str, type_: type[Row], parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """The rows of a query, each as a Struct with fields of the columns' names. Raises WarehouseDown, WarehouseRefused.

    Servers write large integers as text in JSON; they are read as what the Struct says.
    """
    answer = await asked.formatted(bind(sql, parameters or {}), "JSONEachRow")
    return [msgspec.convert(msgspec.json.decode(line), type=type_, strict=False) for line in answer.splitlines()]


class _Cell(Struct):
    window_s: int
    channel: str
    queue: str
    segment: str
    keys: list[int]
    values: list[int]


async def cells(
    asked: Asked, resolution: int, from_s: int, to_s: int, *, before_hour: int | None = None
) -> dict[tuple[int, str, str, str], Cell]:
    """Cells of windows that start in [from_s, to_s), summed over partitions, epochs and generations.

    `before_hour`: only what was learned in generations before this hour of append time.
    """
    learned = "" if before_hour is None else f" AND generation_hour < {before_hour}"
    rows = await read(
        asked,
        f"SELECT window_s, channel, queue, segment, keys, values FROM {_LEDGER} FINAL"
        " WHERE kind = 1 AND resolution = %(resolution)s AND window_s >= %(from_s)s AND window_s < %(to_s)s"
        f" AND notEmpty(keys){learned}",
        _Cell,
        {"resolution": resolution, "from_s": from_s, "to_s": to_s},
    )
    found: dict[tuple[int, str, str, str], Cell] = defaultdict(dict)
    for row in rows:
        add(found[row.window_s, row.channel, row.queue, row.segment], dict(zip(row.keys, row.values, strict=True)))
    return found


class _State(Struct):
    key_hex: str
    state_hex: str
    version: int = 0


async def contact(asked: Asked, contact_id: str) -> Contact | None:
    """A contact as the ledger holds it; None where it does not."""
    rows = await read(
        asked,
        f"SELECT hex(key) AS key_hex, hex(state) AS state_hex, version FROM {_LEDGER} FINAL"
        " WHERE kind = 2 AND key = %(key)s",
        _State,
        {"key": contact_id},
    )
    if not rows:
        return None
    newest = max(rows, key=lambda row: row.version)
    return unpack_contact(contact_id, bytes.fromhex(newest.state_hex))


class Then(Struct, frozen=True):
    """A contact as it was known at a moment. `revised_since`: touchpoints of which an earlier revision may be gone."""

    contact: Contact | None
    revised_since: int


class _Kept(Struct):
    id: str
    revision: int
    time_ms: int
    append_ms: int
    body_hex: str


async def contact_then(asked: Asked, now: Contact, at_ms: int, channels: Collection[str]) -> Then:
    """The contact as the log had told it before `at_ms` (append time): as it is now if nothing came since, else folded
    again from the touchpoints kept (`store_touchpoints`). Raises WarehouseRefused where they are not kept.
    """
    if now.revised_ms < at_ms:
        return Then(now, 0)
    there = await read(
        asked,
        "SELECT name AS p, '' AS state_hex FROM system.tables WHERE database = 'touchline_internal'"
        " AND name = 'touchpoints'",
        _Marker,
    )
    rows = (
        await read(
            asked,
            "SELECT id, revision, time_ms, append_ms, hex(body) AS body_hex FROM touchline_internal.touchpoints FINAL"
            " WHERE contact_id = %(id)s ORDER BY append_ms, id",
            _Kept,
            {"id": now.contact_id},
        )
        if there
        else []
    )
    if not {touch.id for touch in now.touches} <= {row.id for row in rows}:
        raise WarehouseRefused(
            f"contact {now.contact_id!r} came or was revised after that, and how it was then is not kept:"
            " store_touchpoints in the catalogue keeps single touchpoints from then on"
        )
    then = Contact(now.contact_id)
    for row in rows:
        touchpoint = decode(bytes.fromhex(row.body_hex), channels)
        if row.append_ms < at_ms and not isinstance(touchpoint, Reject):
            then.apply(touchpoint, row.time_ms, row.append_ms)
    revised = sum(row.append_ms >= at_ms and row.revision > 0 for row in rows)
    return Then(then if then.touches else None, revised)


async def contacts(asked: Asked, last_from_ms: int) -> AsyncIterator[list[Contact]]:
    """Every contact whose newest touchpoint is not before `last_from_ms`, some at a time."""
    for partition in sorted(await markers(asked)):
        if not partition.startswith(f"{TOUCHPOINTS}/"):
            continue
        after = ""
        while True:
            rows = await read(
                asked,
                f"SELECT hex(key) AS key_hex, hex(state) AS state_hex FROM {_LEDGER} FINAL WHERE p = %(p)s AND kind = 2"
                " AND last_ms >= %(from_ms)s AND key > unhex(%(after)s) ORDER BY key LIMIT %(limit)s",
                _State,
                {"p": partition, "from_ms": last_from_ms, "after": after, "limit": _STATES_AT_ONCE},
            )
            yield [unpack_contact(_text(row.key_hex), bytes.fromhex(row.state_hex)) for row in rows]
            if len(rows) < _STATES_AT_ONCE:
                break
            after = rows[-1].key_hex


async def facts(asked: Asked, customer_id: str) -> list[Facts]:
    """What a customer's contacts told of themselves; of each the newest."""
    if not customer_id:
        return []
    rows = await read(
        asked,
        f"SELECT hex(key) AS key_hex, hex(state) AS state_hex, version FROM {_LEDGER} FINAL"
        " WHERE kind = 3 AND key >= %(low)s AND key < %(high)s ORDER BY version",
        _State,
        {"low": customer_id + _SEPARATOR, "high": customer_id + _AFTER_SEPARATOR},
    )
    newest: dict[str, Facts] = {}
    for row in rows:
        one = unpack_facts(bytes.fromhex(row.state_hex))
        known = newest.get(one.contact_id)
        if known is None or one.version > known.version:
            newest[one.contact_id] = one
    return list(newest.values())


class _Marker(Struct):
    p: str
    state_hex: str


async def markers(asked: Asked) -> dict[str, Marker]:
    """Where every partition stands."""
    rows = await read(
        asked, f"SELECT p, hex(state) AS state_hex FROM {_LEDGER} FINAL WHERE kind = 0 ORDER BY p", _Marker
    )
    return {row.p: msgspec.json.decode(bytes.fromhex(row.state_hex), type=Marker) for row in rows}


async def data_until_ms(asked: Asked) -> int | None:
    """The smallest watermark of the partitions that have one: up to there everything has been read."""
    known = [marker.watermark_ms for marker in (await markers(asked)).values() if marker.watermark_ms > 0]
    return min(known, default=None)


class _Span(Struct):
    first_s: int
    last_s: int


async def days(asked: Asked, rulebook: Rulebook) -> tuple[int, int] | None:
    """The ordinals of the first and the last local day anything is counted on; None if nothing is."""
    (span,) = await read(
        asked,
        f"SELECT min(window_s) AS first_s, max(window_s) AS last_s FROM {_LEDGER}"
        " WHERE kind = 1 AND resolution = 3 AND notEmpty(keys)",
        _Span,
    )
    if span.last_s == 0:
        return None
    return rulebook.zone.ordinal(span.first_s * 1_000), rulebook.zone.ordinal(span.last_s * 1_000)


def _text(hexed: str) -> str:
    return bytes.fromhex(hexed).decode("utf-8", "surrogateescape")


class _Undecided(Struct):
    channel: str
    queue: str
    segment: str
    n: int


async def undecided(asked: Asked, from_ms: int, to_ms: int, now_ms: int) -> dict[Dimensions, dict[str, int]]:
    """Contacts of [from_ms, to_ms) that are neither hit nor miss: they wait now, still within their target."""
    found: dict[Dimensions, dict[str, int]] = defaultdict(dict)
    for name, began, condition in (
        ("undecided", "wait_began_ms", "isNull(wait_ended_ms) AND wait_began_ms + target_ms >= %(now)s"),
        ("responses_undecided", "first_clock_ms", "response_due = 1 AND response_deadline_ms >= %(now)s"),
    ):
        rows = await read(
            asked,
            "SELECT channel, queue, segment, count() AS n FROM touchline_internal.contacts FINAL"
            f" WHERE {began} >= %(from)s AND {began} < %(to)s AND {condition} GROUP BY channel, queue, segment",
            _Undecided,
            {"from": from_ms, "to": to_ms, "now": now_ms},
        )
        for row in rows:
            found[row.channel, row.queue, row.segment][name] = row.n
    return found


class _Names(Struct):
    channel: str
    queue: str
    segment: str


async def names(asked: Asked) -> Seen:
    """Every channel, queue and segment that is counted under."""
    rows = await read(
        asked,
        f"SELECT channel, queue, segment FROM {_LEDGER} WHERE kind = 1 AND resolution = 3 AND notEmpty(keys)"
        " GROUP BY channel, queue, segment",
        _Names,
    )
    return Seen({row.channel for row in rows}, {row.queue for row in rows}, {row.segment for row in rows})
