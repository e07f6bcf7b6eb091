"""What a ledger would hold of a few contacts: through the real folds, without a warehouse."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from pipeline.core.contact import Contact
from pipeline.core.contact import unpack as unpack_contact
from pipeline.core.engine import Engine
from pipeline.core.facts import Facts
from pipeline.core.facts import unpack as unpack_facts
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CONTACT, FACT, Flush
from pipeline.ports import Record
from tests.core.harness import Cells, contact_engine, customer_engine, record_of
from tests.oracle import Arrival


class Stored(Struct, frozen=True):
    """Both partitions' flushes in order, and what they add up to."""

    flushes: list[Flush]
    cells: Cells
    contacts: dict[str, Contact]
    facts: dict[str, list[Facts]]


def store(batches: Sequence[tuple[int, Sequence[dict[str, Any]]]], rulebook: Rulebook) -> Stored:
    """Batches of (append time, touchpoints), flushed one by one; facts are read with the same append time."""
    engine, customers = contact_engine(rulebook), customer_engine(rulebook)
    flushes: list[Flush] = []
    told = 0
    for append_ms, touchpoints in batches:
        start = engine.position
        records = [record_of(Arrival("touchpoints/0", start + n, append_ms, t)) for n, t in enumerate(touchpoints)]
        engine.fold(start, start + len(records), records)
        flushes += _flushed(engine)
        facts = [Record(told + n, append_ms, key, value) for n, (_, key, value) in enumerate(flushes[-1].emissions)]
        customers.fold(told, told + len(facts), facts)
        told += len(facts)
        flushes += _flushed(customers)
    cells = Cells()
    contacts: dict[str, Contact] = {}
    known: dict[tuple[str, str], Facts] = {}
    for flush in flushes:
        assert flush.dead_letters == []
        cells.write(flush)
        for kind, key, state in zip(flush.ledger["kind"], flush.ledger["key"], flush.ledger["state"], strict=True):
            if kind == CONTACT:
                contacts[key] = unpack_contact(key, state)
            elif kind == FACT:
                one = unpack_facts(state)
                known[one.customer_id, one.contact_id] = one
    facts_of: dict[str, list[Facts]] = {}
    for (customer_id, _), one in known.items():
        facts_of.setdefault(customer_id, []).append(one)
    return Stored(flushes, cells, contacts, facts_of)


def _flushed(engine: Engine) -> list[Flush]:
    flush = engine.flush()
    if flush is None:
        return []
    engine.flushed(flush)
    return [flush]
