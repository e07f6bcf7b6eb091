"""What the warehouse should hold: one pass over the log as Kafka has it, without engine, folds, flushes and deltas."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, Message, TopicPartition
from msgspec import Struct

from pipeline.core import contacts as contact_fold
from pipeline.core import customers as customer_fold
from pipeline.core import view as contact_view
from pipeline.core.cells import Contribution, add, settled
from pipeline.core.contact import Contact
from pipeline.core.customer import Customer, Windows
from pipeline.core.facts import Facts, facts_of, gone, unpack
from pipeline.core.measure import Columns
from pipeline.core.rows import CONTACT_ROW
from pipeline.core.rules import Rulebook
from pipeline.core.steps import DAY, HOUR, HOUR_S, MINUTE, WindowKey
from pipeline.io.ledger import SqlLedger
from pipeline.measures import ALL, CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.ports import Warehouse
from schemas.catalogue import default
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.topics import TOUCHPOINTS
from tests.core.harness import contact_row, named_columns, said
from tests.faults.servers.traffic import identity
from tests.oracle import Arrival, Promises
from tests.oracle import recount as oracle_recount

Cells = dict[WindowKey, dict[int, int]]
_COLUMNS: Final = Columns(ALL)
_IDLE_SECONDS: Final = 60


class Logged(Struct, frozen=True):
    """One record of the topic. `append_ms` is the running maximum of Kafka's timestamps in its partition."""

    partition: str
    offset: int
    append_ms: int
    value: bytes


class Counted(Struct):
    """What is, or should be, in the warehouse: cells by window, states and rows by contact (and customer)."""

    cells: Cells
    states: dict[str, bytes]
    facts: dict[tuple[str, str], str]
    contacts: dict[str, tuple[Any, ...]]
    resolutions: dict[tuple[str, str], tuple[Any, ...]]


class Differences(Struct, frozen=True):
    """What differs: cells (windows with dimensions), contacts by id, and sentences about anything else."""

    cells: list[WindowKey]
    contacts: list[str]
    others: list[str] = []

    @property
    def none(self) -> bool:
        """Whether all is exact."""
        return not self.cells and not self.contacts and not self.others


def read_log(bootstrap: str, topic: str = TOUCHPOINTS) -> Iterator[Logged]:
    """Every record of a topic as it is now, partition by partition in the order of offsets."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "recount", "enable.auto.commit": False, "log_level": 2}
    )
    try:
        numbers = sorted(consumer.list_topics(topic, timeout=30).topics[topic].partitions)
        for number in numbers:
            first, end = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)
            consumer.assign([TopicPartition(topic, number, first)])
            yield from _read_partition(consumer, number, topic, end)
    finally:
        consumer.close()


def _read_partition(consumer: Consumer, number: int, topic: str, end: int) -> Iterator[Logged]:
    append_ms = position = 0
    while position < end:
        messages: list[Message] = consumer.consume(min(end - position, 10_000), timeout=_IDLE_SECONDS)
        if not messages:
            raise RuntimeError(f"Kafka gives nothing of {topic}/{number} from {position} on, before {end}")
        for message in messages:
            if message.error() is not None:
                raise RuntimeError(str(message.error()))
            offset = message.offset() or 0
            append_ms = max(append_ms, message.timestamp()[1])
            position = offset + 1
            yield Logged(f"{topic}/{number}", offset, append_ms, message.value() or b"")


def expected(log: Iterable[Logged], rulebook: Rulebook) -> Counted:
    """The numbers that follow from a log of touchpoints."""
    channels = rulebook.catalogue.channels.keys()
    known: dict[str, Contact] = {}
    for record in log:
        touchpoint = decode(record.value, channels)
        if isinstance(touchpoint, Reject):
            continue
        contact = known.setdefault(touchpoint.contact_id, Contact(touchpoint.contact_id))
        contact.apply(touchpoint, min(touchpoint.time, record.append_ms + contact_fold.CLAMP_MS), record.append_ms)
    settings = rulebook.settings
    windows = Windows(settings.follow_up_window_ms, settings.returned_within_ms)
    counted = Counted({}, {}, {}, {}, {})
    sums: dict[WindowKey, dict[int, int]] = defaultdict(dict)
    facts: dict[tuple[str, str], Facts] = {}
    customers: dict[str, Customer] = {}
    for name, contact in known.items():
        seen = contact_view.view(contact, rulebook)
        _book(sums, contact_view.contribution(seen, CONTACT_COLUMNS), rulebook)
        counted.states[name] = contact.pack()
        counted.contacts[name] = tuple(contact_row(seen, contact.revised_ms, 0).values())[:-1]
        for customer_id in contact.named:
            held = customer_id == seen.timeline.customer_id
            told = facts_of(seen.timeline, seen.wait, 0, 0) if held else gone(seen.timeline, customer_id, 0, 0)
            facts[customer_id, name] = told
            if customer_id not in customers:
                customers[customer_id] = Customer(windows, transfer_breaks_fcr=settings.transfer_breaks_fcr)
            customers[customer_id].put(told)
    for (customer_id, name), told in facts.items():
        counted.facts[customer_id, name] = said(told)
        row: tuple[Any, ...] = (name, customer_id, "", "", "", "", 0, None)
        if told.held:
            customer = customers[customer_id]
            linked = customer.linked(name)
            _book(sums, customer_fold.contribution(linked, CUSTOMER_COLUMNS), rulebook)
            issue = customer.issues([name])[name]
            row = (name, customer_id, linked.follows, linked.followed_by, issue, linked.fcr, 1, told.last_closed_ms)
        counted.resolutions[customer_id, name] = row
    counted.cells = _nonzero(sums)
    return counted


def _book(into: dict[WindowKey, dict[int, int]], contribution: Contribution, rulebook: Rulebook) -> None:
    for (window_s, channel, queue, segment), cell in contribution.items():
        for resolution, start_s in (
            (MINUTE, window_s),
            (HOUR, window_s - window_s % HOUR_S),
            (DAY, rulebook.zone.day_start_ms(window_s * 1_000) // 1_000),
        ):
            add(into[resolution, start_s, channel, queue, segment], cell)


def _nonzero(cells: Mapping[WindowKey, dict[int, int]]) -> Cells:
    return {window: kept for window, cell in cells.items() if (kept := settled(cell, _COLUMNS))}


async def stored(warehouse: Warehouse) -> Counted:
    """What the warehouse holds: cells summed over partitions, epochs and generations."""
    ledger = SqlLedger(warehouse)
    found = Counted({}, {}, {}, {}, {})
    sums: dict[WindowKey, dict[int, int]] = defaultdict(dict)
    for partition in sorted(await ledger.markers()):
        scan = await ledger.scan(partition)
        for cell in scan.cells:
            add(sums[cell.window], cell.cell)
        if partition.startswith(f"{TOUCHPOINTS}/"):
            found.states.update((row.key, row.state) for row in scan.states)
        else:
            for row in scan.states:
                facts = unpack(row.state)
                found.facts[facts.customer_id, facts.contact_id] = said(facts)
    found.cells = _nonzero(sums)
    names = ", ".join(name for name in CONTACT_ROW if name != "version")
    for values in await warehouse.query(f"SELECT {names} FROM touchline_internal.contacts FINAL"):
        found.contacts[values[0]] = tuple(values)
    names = ", ".join(name for name in customer_fold.RESOLUTION_ROW if name not in ("revised_ms", "version"))
    for values in await warehouse.query(f"SELECT {names} FROM touchline_internal.resolutions FINAL"):
        found.resolutions[values[1], values[0]] = tuple(values)
    return found


def differences(wanted: Counted, found: Counted) -> Differences:
    """What differs between what should be and what is."""
    contacts = {
        *_differing(wanted.states, found.states),
        *_differing(wanted.contacts, found.contacts),
        *(name for _, name in _differing(wanted.facts, found.facts)),
        *(name for _, name in _differing(wanted.resolutions, found.resolutions)),
    }
    return Differences(sorted(_differing(wanted.cells, found.cells)), sorted(contacts))


def _differing(wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> list[Any]:
    return [key for key in {**wanted, **found} if wanted.get(key) != found.get(key)]


def oracle_differs(log: Iterable[Logged], found: Cells) -> list[str]:
    """The same once more by the naive oracle, which shares no code with the pipeline: for small logs."""
    arrivals = [Arrival(one.partition, one.offset, one.append_ms, json.loads(one.value)) for one in log]
    wanted = oracle_recount(arrivals, Promises()).cells
    held = {
        (window[1] * 1_000, *window[2:]): named
        for window, cell in found.items()
        if window[0] == MINUTE and (named := named_columns(cell))
    }
    differing = _differing(wanted, held)
    if not differing:
        return []
    first = differing[0]
    return [
        f"the oracle has {len(differing)} other cells, the first: {first}: {wanted.get(first)}, not {held.get(first)}"
    ]


def missing(log: Iterable[Logged], raw: set[tuple[Any, ...]]) -> int:
    """How many touchpoints that went into the raw topic never reached the touchpoints."""
    return len(raw - {identity(json.loads(record.value)) for record in log})


def rulebook() -> Rulebook:
    """The rules the workers count by."""
    return Rulebook(default())
