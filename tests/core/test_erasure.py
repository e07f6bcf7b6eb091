"""Erasure: from the moment on, and however often everything is sent again, no state names the customer, and the cells
are those of the same contacts of customers nobody knows.
"""

from random import Random
from typing import Any
from zlib import crc32

import msgspec
import pytest

from pipeline.core.contact import subject_of, unpack
from pipeline.core.facts import Facts, pack
from pipeline.core.facts import unpack as unpack_facts
from pipeline.core.rules import Rulebook
from pipeline.core.steps import CONTACT, FACT
from pipeline.ports import Record
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.touchpoint import Erased
from tests.core.harness import catalogue_of, contact_engine, customer_engine, record_of, run_all
from tests.oracle import Arrival, Promises, recount
from tests.strategies import generate


def erasure(contact_id: str, customer_id: str, at_ms: int) -> dict[str, Any]:
    return {
        "id": f"erased-{at_ms}",
        "type": "customer.erased",
        "time": at_ms,
        "contact_id": contact_id,
        "channel": "phone",
        "customer_id": customer_id,
    }


def arrived(stream: list[dict[str, Any]], partitions: int = 2) -> list[Arrival]:
    """As records that all were appended later than anything happened: no clock is cut."""
    return [
        Arrival(f"touchpoints/{crc32(each['contact_id'].encode()) % partitions}", n, 10**13, each)
        for n, each in enumerate(stream)
    ]


def most_frequent(stream: list[dict[str, Any]]) -> str:
    named: list[str] = [each["customer_id"] for each in stream if each.get("customer_id")]
    return max(sorted(set(named)), key=named.count)


def plain(stream: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The stream with one body for each touchpoint: which of two bodies counts is decided before an erasure."""
    return list({(each["contact_id"], each["id"]): each for each in stream}.values())


def with_erasures(stream: list[dict[str, Any]], customer_id: str, random: Random) -> list[dict[str, Any]]:
    """Every contact of the customer is erased somewhere after its first touchpoint."""
    found = list(stream)
    newest_ms = max(each["time"] for each in stream)
    for contact_id in sorted({each["contact_id"] for each in stream if each.get("customer_id") == customer_id}):
        first = next(index for index, each in enumerate(found) if each["contact_id"] == contact_id)
        found.insert(random.randint(first + 1, len(found)), erasure(contact_id, customer_id, newest_ms))
    return found


def without(stream: list[dict[str, Any]], customer_id: str) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in each.items() if name != "customer_id" or value != customer_id}
        for each in stream
    ]


@pytest.mark.parametrize("seed", range(6))
def test_cells_are_those_of_a_customer_nobody_knows_wherever_the_erasure_comes(seed: int) -> None:
    random = Random(seed)
    stream = plain(generate(seed, 60))
    customer_id = most_frequent(stream)
    sent = with_erasures(stream, customer_id, random)
    again = [*sent, *random.sample(stream, len(stream))]  # everything once more, out of order
    expected = recount(arrived(without(stream, customer_id)), Promises())
    for told in (sent, again):
        cuts = sorted(random.sample(range(len(told)), 5))
        cells, contacts, resolutions = run_all(arrived(told), Promises(), cuts)
        assert cells.totals() == expected.cells
        assert customer_id not in {row["customer_id"] for row in contacts.values()}
        held = [row for row in resolutions.values() if row["held"]]
        assert customer_id not in {row["customer_id"] for row in held}


def folded(stream: list[dict[str, Any]]) -> dict[int, list[tuple[str, bytes]]]:
    """The states both folds hold in the end, by kind."""
    rulebook = Rulebook(catalogue_of(Promises()))
    contacts, customers = contact_engine(rulebook), customer_engine(rulebook)
    states: dict[int, dict[str, bytes]] = {CONTACT: {}, FACT: {}}
    told = 0
    records = [record_of(Arrival("touchpoints/0", n, 10**13, each)) for n, each in enumerate(stream)]
    for start in range(0, len(records), 7):
        part = records[start : start + 7]
        contacts.fold(start, start + len(part), part)
        for engine in (contacts, customers):
            done = engine.flush()
            if done is None:
                continue
            for kind, key, state in zip(done.ledger["kind"], done.ledger["key"], done.ledger["state"], strict=True):
                if kind in states:
                    states[kind][key] = state
            engine.flushed(done)
            emitted = [Record(told + n, 10**13, key, value) for n, (_, key, value) in enumerate(done.emissions)]
            customers.fold(told, told + len(emitted), emitted)
            told += len(emitted)
    done = customers.flush()
    if done is not None:
        for kind, key, state in zip(done.ledger["kind"], done.ledger["key"], done.ledger["state"], strict=True):
            if kind in states:
                states[kind][key] = state
    return {kind: sorted(held.items()) for kind, held in states.items()}


def test_no_state_names_the_customer_but_the_customers_own_farewell() -> None:
    stream = plain(generate(3, 60))
    customer_id, short = "somebody who is to be erased", most_frequent(stream)
    stream = [{**each, "customer_id": customer_id} if each.get("customer_id") == short else each for each in stream]
    sent = with_erasures(stream, customer_id, Random(3))
    found = folded([*sent, *stream])
    assert any(unpack(key, state).erased == (subject_of(customer_id),) for key, state in found[CONTACT])
    for key, state in found[CONTACT]:
        assert customer_id.encode() not in state, key
    for key, state in found[FACT]:
        facts = unpack_facts(state)
        if facts.customer_id == customer_id:
            assert not facts.held, key
            left = Facts(facts.version, False, 0, facts.contact_id, customer_id, requested_ms=facts.requested_ms)
            assert pack(facts) == pack(left), key


def test_an_erasure_of_a_contact_nobody_knows_and_a_second_one_change_nothing() -> None:
    rulebook = Rulebook(catalogue_of(Promises()))
    engine = contact_engine(rulebook)
    stream = plain(generate(1, 5))
    customer_id = most_frequent(stream)
    sent = with_erasures(stream, customer_id, Random(1))
    more = [each for each in sent if each["type"] == "customer.erased"]
    told = [*sent, *more, erasure("nobody", customer_id, more[0]["time"])]
    engine.fold(0, len(told), [record_of(Arrival("touchpoints/0", n, 10**13, each)) for n, each in enumerate(told)])
    assert engine.marker.duplicate == len(more) + 1
    assert engine.marker.rejected == {}


def test_no_source_can_send_an_erasure() -> None:
    value = msgspec.json.encode(erasure("c", "k", 1_772_442_000_000))
    found = decode(value)
    assert isinstance(found, Reject)
    assert found.reason == "unknown_type"
    assert isinstance(decode(value, folded=True), Erased)


def test_a_customer_who_comes_back_afterwards_in_another_contact_is_known_there() -> None:
    before = plain(generate(2, 30))
    customer_id = most_frequent(before)
    newest_ms = max(each["time"] for each in before)
    after = {
        "id": "1",
        "type": "contact.requested",
        "time": newest_ms + 1,
        "contact_id": "another",
        "channel": "phone",
        "customer_id": customer_id,
    }
    _, contacts, _ = run_all(arrived([*with_erasures(before, customer_id, Random(2)), after]), Promises())
    assert [name for name, row in contacts.items() if row["customer_id"] == customer_id] == ["another"]
