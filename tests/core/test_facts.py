"""Contact facts: what a contact tells its customer, and that it survives the wire."""

from typing import Any

import msgspec
import pytest

from pipeline.core.contact import Contact
from pipeline.core.facts import NEVER, Facts, customer_tail, facts_of, gone, is_old, pack, unpack
from pipeline.core.kept import Keeper, newest_ms
from pipeline.core.packed_facts import OldFacts
from pipeline.core.rules import Rulebook
from pipeline.core.view import view
from schemas.codec import decode
from schemas.rejects import Reject
from tests.core.harness import catalogue_of
from tests.oracle import Promises
from tests.strategies import BEGIN

RULEBOOK = Rulebook(catalogue_of(Promises()))


def told(*story: tuple[str, int] | tuple[str, int, dict[str, Any]], channel: str = "phone") -> Facts:
    """The facts of a contact of customer c1: (type, ms after the beginning, further fields)."""
    contact = Contact("k")
    for n, (type_, after_ms, *fields) in enumerate(story):
        body = {
            "id": f"t{n}", "type": type_, "time": BEGIN + after_ms, "contact_id": "k", "channel": channel,
            "customer_id": "c1",
        }  # fmt: skip
        for more in fields:
            body |= more
        touchpoint = decode(msgspec.json.encode(body), RULEBOOK.catalogue.channels.keys())
        assert not isinstance(touchpoint, Reject), touchpoint
        contact.apply(touchpoint, touchpoint.time, BEGIN)
    seen = view(contact, RULEBOOK)
    return facts_of(seen.timeline, seen.wait, 7, BEGIN)


def test_facts_survive_the_wire() -> None:
    facts = told(("contact.queued", 0, {"queue": "sales"}), ("contact.answered", 5), ("contact.closed", 9))
    assert unpack(pack(facts)) == facts
    assert (facts.contact_id, facts.customer_id, facts.version, facts.queue) == ("k", "c1", 7, "sales")
    with pytest.raises(msgspec.MsgspecError):
        unpack(b"\x93")


def test_a_record_is_a_state_behind_its_watermark() -> None:
    facts = told(("contact.queued", 0, {"queue": "sales"}), ("contact.abandoned", 5))
    value = pack(facts)
    assert unpack(value).watermark_ms == BEGIN
    assert value[8:] == facts.state == unpack(value).state == pack(unpack(facts.state))
    assert facts.state.endswith(customer_tail("c1"))


def test_what_was_packed_before_november_2026_is_read_and_becomes_a_state_of_today() -> None:
    old = OldFacts(
        7, True, BEGIN, "k", "c1", "phone", "sales", "private", "", True, BEGIN, BEGIN + 9, BEGIN + 12, BEGIN + 5, True,
        False, True, False, BEGIN, BEGIN + 4, (BEGIN + 5,), ((BEGIN, BEGIN + 2),), (BEGIN + 3,), ((BEGIN + 1, True),),
        (BEGIN + 6,), (BEGIN + 8,),
    )  # fmt: skip
    packed = msgspec.msgpack.encode(old)
    facts = unpack(packed)
    assert is_old(packed)
    assert not is_old(facts.state)
    assert {name: getattr(facts, name) for name in old.__struct_fields__} == msgspec.structs.asdict(old)
    assert unpack(pack(facts)) == facts
    waiting = unpack(msgspec.msgpack.encode(OldFacts(7, True, 0, "k", "c1")))
    assert waiting.unanswered_until_ms == NEVER


UUID = "0a63aa4c-5f2a-4a9e-a4a5-0d2dbf2b2a1f"


@pytest.mark.parametrize("customer_id", ["c1", "\u00e4" * 40, "c" * 300, UUID])
@pytest.mark.parametrize(
    "contact_id",
    ["k", UUID, UUID.upper(), UUID.replace("-", "a"), UUID.replace("a", "-"), UUID.replace("4", " "), "k" * 300],
)
@pytest.mark.parametrize("queue", ["sales", "", "q" * 31, "q" * 32, "q" * 255, "q" * 256])
def test_a_customer_in_memory_is_all_that_was_told(customer_id: str, contact_id: str, queue: str) -> None:
    names = (contact_id, f"{contact_id[:-1]}1", f"{contact_id[:-1]}2")
    states = [
        pack(Facts(n, n != 2, 0, name, customer_id, "phone", queue, requested_ms=BEGIN)) for n, name in enumerate(names)
    ]
    keeper = Keeper()
    for kept in (states[:1], states):
        packed = keeper.pack(customer_id, BEGIN + 1, kept)
        assert keeper.unpack(customer_id, packed) == kept
        assert newest_ms(packed) == BEGIN + 1
        assert customer_id.encode() not in packed.replace(contact_id.encode(), b"")
    assert (contact_id == UUID) is (contact_id.encode() not in keeper.pack(customer_id, 0, states[:1]))


def test_facts_packed_by_others_are_kept_as_they_are_packed_today() -> None:
    facts, keeper = told(("contact.queued", 0, {"queue": "sales"})), Keeper()
    old = msgspec.msgpack.encode(OldFacts(1, False, 0, "k", "c1", requested_ms=BEGIN))
    longer = facts.state.removesuffix(customer_tail("c1")) + b"\xd9\x02c1"
    wider = facts.state.replace(b"\xa5phone", b"\xda\x00\x05phone")
    for state in (old, longer, wider):
        (kept,) = keeper.unpack("c1", keeper.pack("c1", BEGIN, [state]))
        assert unpack(kept).packed() == unpack(state).packed()


def test_gone_says_who_and_since_when_and_nothing_else() -> None:
    contact = Contact("k")
    touchpoint = decode(
        msgspec.json.encode(
            {"id": "a", "type": "contact.closed", "time": BEGIN, "contact_id": "k", "channel": "phone", "topic": "move"}
        ),
        RULEBOOK.catalogue.channels.keys(),
    )
    assert not isinstance(touchpoint, Reject)
    contact.apply(touchpoint, BEGIN, BEGIN)
    told_gone = gone(view(contact, RULEBOOK).timeline, "c2", 9, BEGIN)
    assert told_gone == Facts(9, False, BEGIN, "k", "c2", requested_ms=BEGIN), "its newest time: how long it is kept"


def test_an_open_contact_is_unanswered_for_ever_and_an_answer_ends_that() -> None:
    assert told(("contact.requested", 0)).unanswered_until_ms == NEVER
    assert told(("contact.requested", 0), ("contact.answered", 5)).unanswered_until_ms == BEGIN + 5
    bot = ("message.sent", 3, {"author": "bot"})
    assert told(("contact.requested", 0), bot, ("contact.closed", 8)).unanswered_until_ms == BEGIN + 8


def test_what_came_before_the_request_does_not_end_it() -> None:
    early = (("contact.answered", -5), ("contact.requested", 0))
    assert told(*early).unanswered_until_ms == NEVER
    assert told(*early, ("contact.abandoned", 4)).unanswered_until_ms == BEGIN + 4


@pytest.mark.parametrize(
    ("story", "eligible"),
    [
        ((("contact.answered", 0), ("contact.closed", 1)), True),
        ((("message.received", 0), ("message.sent", 1), ("contact.closed", 2)), True),
        ((("message.received", 0), ("message.sent", 1, {"author": "bot"}), ("contact.closed", 2)), False),
        ((("contact.answered", 0),), False),
        ((("contact.queued", 0), ("contact.closed", 1)), False),
        ((("contact.answered", 0), ("contact.closed", 1), ("contact.discarded", 2, {"reason": "spam"})), False),
        ((("contact.requested", 0, {"direction": "outbound"}), ("contact.answered", 1), ("contact.closed", 2)), False),
    ],
)
def test_eligible_are_inbound_contacts_that_a_person_served_and_closed(story: Any, eligible: bool) -> None:
    assert told(*story).eligible is eligible


def test_the_latest_closing_that_says_so_decides_whether_it_is_resolved() -> None:
    no, yes = {"resolved": False}, {"resolved": True}
    assert told(("contact.closed", 0, yes), ("contact.closed", 1, no), ("contact.closed", 2)).unresolved
    assert not told(("contact.closed", 0, no), ("contact.closed", 1, yes), ("contact.closed", 2)).unresolved
    assert not told(("contact.closed", 0)).unresolved


def test_a_loss_is_told_with_its_wait_and_a_reply_is_told_as_reached() -> None:
    facts = told(("contact.queued", 0), ("contact.abandoned", 7), ("outreach.sent", 20, {"reason": "delay"}))
    assert (facts.wait_began_ms, facts.abandoned_ms, facts.reached_ms) == (BEGIN, BEGIN + 7, (BEGIN + 20,))
    answered = told(("contact.queued", 0), ("contact.answered", 3), ("contact.abandoned", 7))
    assert (answered.wait_began_ms, answered.abandoned_ms, answered.reached_ms) == (None, None, (BEGIN + 3,))
