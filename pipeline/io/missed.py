"""Who gave up and was not reached since, asked of the warehouse: what the call-back list shows."""

from typing import Final

from msgspec import Struct

from pipeline.io.asking import Asked, read
from pipeline.live.inputs import CallBack

_CONTACTS: Final = "touchline_internal.contacts"
_GAVE_UP: Final = "outcome = 'abandoned' AND wait_ended_ms >= %(since)s"


class _GaveUp(Struct):
    contact_id: str
    customer_id: str
    channel: str
    queue: str
    at_ms: int
    reached: int


class _Reached(Struct):
    customer_id: str
    last_ms: int


async def missed(asked: Asked, since_ms: int) -> list[CallBack]:
    """Contacts given up at or after `since_ms` whose customer was not reached since, in any contact; of a contact
    without a customer only itself is looked at. Raises WarehouseDown, WarehouseRefused.
    """
    since = {"since": since_ms}
    gave_up = await read(
        asked,
        "SELECT contact_id, customer_id, channel, queue, assumeNotNull(wait_ended_ms) AS at_ms,"
        f" ifNull(reached_ms, 0) AS reached FROM {_CONTACTS} FINAL"
        f" WHERE contact_id IN (SELECT contact_id FROM {_CONTACTS} WHERE {_GAVE_UP}) AND {_GAVE_UP}",
        _GaveUp,
        since,
    )
    reached = await read(
        asked,
        f"SELECT customer_id, max(assumeNotNull(reached_ms)) AS last_ms FROM {_CONTACTS} FINAL"
        " WHERE reached_ms >= %(since)s AND customer_id != '' AND customer_id IN"
        f" (SELECT customer_id FROM {_CONTACTS} WHERE {_GAVE_UP}) GROUP BY customer_id",
        _Reached,
        since,
    )
    last = {row.customer_id: row.last_ms for row in reached}
    return [
        CallBack(row.contact_id, row.channel, row.queue, row.at_ms)
        for row in gave_up
        if max(row.reached, last.get(row.customer_id, 0)) <= row.at_ms
    ]
