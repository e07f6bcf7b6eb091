"""The contacts that lie beside the cells of the row `boards`: rows for people, written by SQL as a worker leaves them.

A million, as many as a week has, all closed but for some thousand of the last day that wait for an answer or a reply
now, within their target. Ids are random, as ids are, so those are all over the parts. The contacts of the last hours
lie in parts of their own, each written twice, and so do some that had waited before and wait no longer; the server
merges some of those, as it does.
"""

from typing import Final

from pipeline.ports import Warehouse
from schemas.tables import COMMITTED, INTERNAL
from schemas.topics import TOUCHPOINTS
from tests.bench.workload import PER_CONTACT, PER_DAY

CONTACTS: Final = 1_000_000
WAIT: Final = 3_600
_WAITED: Final = 2 * WAIT
"""So many less `WAIT` waited when their part was written, and were answered in the last hours."""
_A_DAY: Final = PER_DAY // PER_CONTACT
_DAY_MS: Final = 86_400_000
_WIDE: Final = f"ALTER TABLE {INTERNAL}.contacts MODIFY SETTING min_bytes_for_wide_part"
_BETWEEN_MS: Final = _DAY_MS // _A_DAY
"""From one contact to the next."""


async def lay_beside(warehouse: Warehouse, end_ms: int, *, queues: int, partitions: int, fresh_hours: int) -> None:
    """Write them, the last of them at the end."""

    async def write(version: int, condition: str) -> None:
        await warehouse.execute(_filling(end_ms, queues, partitions, version, condition))

    an_hour = _A_DAY // 24
    settled = CONTACTS - fresh_hours * an_hour
    await write(0, f"number < {settled}")
    # Those of a year lie beside them, and parts that are so large have a file per column.
    await warehouse.execute(f"{_WIDE} = 0")
    await warehouse.execute(f"OPTIMIZE TABLE {INTERNAL}.contacts FINAL")
    await warehouse.execute(f"{_WIDE} = {COMMITTED['min_bytes_for_wide_part']}")
    for hour in range(fresh_hours):
        since = settled + hour * an_hour
        await write(1, f"number >= {since} AND number < {since + an_hour}")
        answered = f"number < {settled} AND place >= {WAIT} AND place < {_WAITED} AND number % {fresh_hours} = {hour}"
        await write(2, f"number >= {since} AND number < {since + an_hour} OR {answered}")


def _filling(end_ms: int, queues: int, partitions: int, version: int, condition: str) -> str:
    """Contacts by number; of the last day `place` is one's place in an order by chance: the first of them wait, and may
    for two years.
    """
    columns = {
        "contact_id": "toString(reinterpretAsUUID(sipHash128(number)))",
        "p": f"concat('{TOUCHPOINTS}/', toString(cityHash64(number) % {partitions}))",
        "customer_id": "toString(reinterpretAsUUID(sipHash128(intDiv(number, 2), 1)))",
        "channel": "['phone', 'chat', 'email'][1 + queue_number % 3]",
        "queue": "concat('queue_', toString(queue_number))",
        "segment": "['private', 'private', 'private', 'business', 'key'][1 + cityHash64(number, 2) % 5]",
        "topic": "['invoice', 'delivery', 'contract', 'defect'][1 + cityHash64(number, 3) % 4]",
        "direction": "'inbound'",
        "source": "if(writes, 'desk', 'pbx')",
        "outcome": "if(writes OR waits, '', 'answered')",
        "requested_ms": "at_ms",
        "wait_began_ms": "if(writes, NULL, at_ms)",
        "queued_ms": "if(writes, NULL, at_ms)",
        "answered_ms": "if(waits, NULL, at_ms + took_ms)",
        "wait_ended_ms": "if(writes OR waits, NULL, at_ms + took_ms)",
        "first_clock_ms": "if(writes, at_ms, NULL)",
        "first_reply_ms": "if(writes AND NOT waits, at_ms + took_ms, NULL)",
        "first_closed_ms": "if(waits, NULL, at_ms + 3 * took_ms)",
        "last_closed_ms": "if(waits, NULL, at_ms + 3 * took_ms)",
        "wait_ms": "if(writes OR waits, NULL, took_ms)",
        "first_response_ms": "if(writes AND NOT waits, took_ms, NULL)",
        "target_ms": "if(writes, NULL, target)",
        "in_target": "if(writes OR waits, NULL, took_ms <= target)",
        "response_due": "writes AND waits",
        "response_deadline_ms": "if(writes AND waits, at_ms + target, NULL)",
        "response_in_target": "if(writes AND NOT waits, took_ms <= target, NULL)",
        "transfers": "cityHash64(number, 4) % 2",
        "touchpoints": "if(waits, 2, 8)",
        "is_open": "waits",
        "heard_ms": "at_ms",
        "reached_ms": "if(waits, NULL, at_ms + took_ms)",
        "revised_ms": "if(waits, at_ms, at_ms + 3 * took_ms)",
        "version": f"bitShiftLeft(toUInt64(1), 48) + {version * CONTACTS} + number",
    }
    selected = ",\n    ".join(f"{sql} AS `{name}`" for name, sql in columns.items())
    return f"""INSERT INTO {INTERNAL}.contacts ({", ".join(columns)})
SELECT {selected}
FROM (
    SELECT number, if(number < {CONTACTS - _A_DAY}, {_A_DAY}, cityHash64(number, 5) % {_A_DAY}) AS place,
        place < {WAIT} OR ({version} = 0 AND place < {_WAITED}) AS waits,
        toUInt8(cityHash64(number, 6) % {queues}) AS queue_number, queue_number % 3 > 0 AS writes,
        {end_ms} - ({CONTACTS} - toInt64(number)) * {_BETWEEN_MS} AS at_ms,
        toInt64(1000 + cityHash64(number, 7) % if(writes, 36000000, 90000)) AS took_ms,
        toInt64(if(waits, {2 * 365 * _DAY_MS}, if(writes, 14400000, 20000))) AS target
    FROM numbers({CONTACTS})
)
WHERE {condition}"""
