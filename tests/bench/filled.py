"""A ledger with very many contacts, without folding each of them: some are folded by a worker, the rest are copies of
their states under other ids of the same length, in the partitions that their ids have.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from clickhouse_driver import Client
from confluent_kafka import Producer

from pipeline.core.murmur import partition_of
from pipeline.core.steps import CONTACT, FACT, SEPARATOR
from schemas.topics import CONTACT_FACTS, TOUCHPOINTS
from tests.faults.servers.cluster import Cluster, wait_until

ORIGINALS: Final = 2_000
CUSTOMER_CONTACTS: Final = 2
CLOSED_MS: Final = 120 * 3_600_000
"""Contacts were closed within so long: shorter than the follow-up window, so nobody could forget them."""
_MARK: Final = "x000000x"
_AT_ONCE: Final = 100_000
_OLDEST: Final = (1 << 48) + 1
_HOUR_MS: Final = 3_600_000
_STEPS: Final[Sequence[tuple[str, dict[str, Any]]]] = (
    ("contact.requested", {}),
    ("contact.menu", {"step": "topic", "option": "login"}),
    ("contact.queued", {}),
    ("contact.informed", {"reason": "estimate", "estimate_ms": 120_000}),
    ("contact.answered", {"agent_id": "agent-17"}),
    ("contact.held", {}),
    ("contact.resumed", {}),
    ("contact.closed", {"resolved": True}),
)
"""Eight touchpoints; a contact that is open lacks the last."""


def steps_total() -> int:
    """Touchpoints of a contact."""
    return len(_STEPS)


def contact_id(number: int) -> str:
    """36 characters."""
    copy, original = divmod(number, ORIGINALS)
    return f"c{original:07d}-x{copy:06d}x-touchline-contact-"


def customer_id(number: int) -> str:
    """Whose contact it is; 36 characters."""
    copy, original = divmod(number, ORIGINALS)
    return f"u{original // CUSTOMER_CONTACTS:07d}-x{copy:06d}x-touchline-customer"


def touchpoint(contact: str, number: int, step: int, at_ms: int) -> bytes:
    """One of the eight."""
    type_, more = _STEPS[step]
    queue = {"queue": f"queue-{number % 50:02}"} if type_ == "contact.queued" else {}
    told = {
        "type": type_,
        "id": f"{contact[:30]}-{step:05}",
        "time": at_ms,
        "contact_id": contact,
        "channel": "phone",
        "customer_id": f"u{number // CUSTOMER_CONTACTS:07d}-{_MARK}-touchline-customer",
        "source": "bench",
    }
    return json.dumps({**told, **queue, **more}, separators=(",", ":")).encode()


def fill(found: Cluster, contacts: int, *, open_permille: int) -> None:
    """So many contacts in state, two to a customer, and no worker running. Raises RuntimeError."""
    (worker,) = found.workers
    worker.start()
    producer = Producer({"bootstrap.servers": found.broker.bootstrap, "partitioner": "murmur2_random", "log_level": 2})
    now_ms = time.time_ns() // 1_000_000
    for number in range(ORIGINALS):
        is_open = number * 1_000 // ORIGINALS < open_permille
        began_ms = now_ms - _HOUR_MS - (0 if is_open else number * 7_919_000 % CLOSED_MS)
        contact = contact_id(number)
        for step in range(len(_STEPS) - is_open):
            producer.produce(TOUCHPOINTS, touchpoint(contact, number, step, began_ms + step * 20_000), contact)
    producer.flush(60)

    def stored() -> bool:
        markers = asyncio.run(found.markers())
        return sum(marker.applied for marker in markers.values()) > 0 and not found.lag(markers)

    done = wait_until(stored, 120)
    worker.ask_to_end()
    if worker.ended(60) or not done:
        raise RuntimeError(f"the worker did not store what was to be copied: {worker.said()[-500:]}")
    with Client("127.0.0.1", found.clickhouse.port) as client:
        for topic, kind in ((TOUCHPOINTS, CONTACT), (CONTACT_FACTS, FACT)):
            _copy(client, topic, kind, contacts // ORIGINALS, found.partitions)


def _copy(client: Any, topic: str, kind: int, copies: int, partitions: int) -> None:
    """The originals are copy 0. A copy is older than the last flush, or recovery would write its rows for people."""
    names = [
        name
        for (name,) in client.execute(
            "SELECT name FROM system.columns WHERE database = 'touchline_internal' AND table = 'ledger'"
            " AND default_kind = ''"
        )
    ]
    quoted = ", ".join(f"`{name}`" for name in names)
    originals = client.execute(
        f"SELECT {quoted} FROM touchline_internal.ledger FINAL WHERE kind = {kind}", settings={"strings_as_bytes": True}
    )
    places = [names.index(name) for name in ("p", "key", "state", "version")]
    waiting: dict[str, list[list[Any]]] = defaultdict(list)
    for row in _copies(originals, places, topic, copies, partitions):
        rows = waiting[row[places[0]]]
        rows.append(row)
        if len(rows) == _AT_ONCE:
            _insert(client, quoted, rows)
    for rows in waiting.values():
        _insert(client, quoted, rows)


def _copies(
    originals: Sequence[Sequence[Any]], places: Sequence[int], topic: str, copies: int, partitions: int
) -> Iterator[list[Any]]:
    p, key, state, version = places
    for number in range(1, copies):
        mark = f"x{number:06d}x".encode()
        for original in originals:
            row = list(original)
            row[key] = row[key].replace(_MARK.encode(), mark)
            row[state] = row[state].replace(_MARK.encode(), mark)
            row[version] = _OLDEST
            row[p] = f"{topic}/{partition_of(row[key].partition(SEPARATOR.encode())[0], partitions)}"
            yield row


def _insert(client: Any, names: str, rows: list[list[Any]]) -> None:
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        client.execute(f"INSERT INTO touchline_internal.ledger ({names}) VALUES", columns, columnar=True)
        rows.clear()
