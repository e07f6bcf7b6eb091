"""A contact is the set of its touchpoints: no order, no repetition and no unpacking in between changes it."""

from random import Random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from pipeline.core.contact import Alike, Contact, Touch, newest_ms, unpack
from pipeline.core.ids import lengthened, write_ids, write_uuid
from pipeline.core.packed import decode as decode_packed
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.touchpoint import Touchpoint
from tests.core.harness import catalogue_of
from tests.oracle import SECOND, Promises
from tests.strategies import BEGIN, touchpoints

CHANNELS = catalogue_of(Promises()).channels.keys()


def touchpoint(**fields: Any) -> Touchpoint:
    """A valid touchpoint with these fields."""
    usual = {"id": "a", "type": "contact.queued", "time": BEGIN, "contact_id": "k0", "channel": "phone"}
    decoded = decode(msgspec.json.encode({**usual, **fields}), CHANNELS)
    assert not isinstance(decoded, Reject), decoded
    return decoded


def packed(given: list[Touchpoint]) -> bytes:
    """A contact after these touchpoints, none of them clamped, all appended at once."""
    contact = Contact("k0")
    for one in given:
        contact.apply(one, one.time, BEGIN)
    return contact.pack()


@given(st.lists(touchpoints().map(lambda t: touchpoint(**{**t, "contact_id": "k0"})), max_size=12), st.randoms())
def test_any_order_and_repetition_gives_the_same_bytes(given: list[Touchpoint], rng: Random) -> None:
    other = given + rng.choices(given, k=3) if given else []
    rng.shuffle(other)
    assert packed(other) == packed(given)


@given(st.lists(touchpoints().map(lambda t: touchpoint(**{**t, "contact_id": "k0"})), max_size=12), st.integers(0, 12))
def test_going_on_from_what_was_stored_is_going_on(given: list[Touchpoint], cut: int) -> None:
    contact = unpack("k0", packed(given[:cut]))
    for one in given[cut:]:
        contact.apply(one, one.time, BEGIN)
    assert contact.pack() == packed(given)


@given(st.lists(touchpoints().map(lambda t: touchpoint(**{**t, "contact_id": "k0"})), max_size=12))
def test_what_is_packed_are_the_fields_of_packed(given: list[Touchpoint]) -> None:
    state = packed(given)
    assert msgspec.msgpack.encode(decode_packed(state)) == state


def test_a_repetition_changes_nothing() -> None:
    contact = Contact("k0")
    assert contact.apply(touchpoint(queue="sales"), BEGIN, BEGIN)
    before = contact.pack()
    assert not contact.apply(touchpoint(queue="sales"), BEGIN, BEGIN + SECOND)
    assert contact.pack() == before


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ({"queue": "sales"}, {"queue": "claims", "revision": 1}, "claims"),
        ({"queue": "sales", "revision": 1}, {"queue": "claims"}, "sales"),
        ({"queue": "sales"}, {"queue": "claims"}, "sales"),  # one revision: the greater body
        ({"queue": "claims"}, {"queue": "sales"}, "sales"),
        ({"queue": "sales", "revision": 2}, {"queue": "claims", "revision": 2}, "sales"),
    ],
)
def test_of_one_id_the_highest_revision_and_body_counts(
    first: dict[str, Any], second: dict[str, Any], counts: str
) -> None:
    contact = Contact("k0")
    for fields in (first, second):
        contact.apply(touchpoint(**fields), BEGIN, BEGIN)
    assert [touch.common.queue for touch in contact.touches] == [counts]


def test_of_one_touchpoint_the_smallest_effective_time_counts() -> None:
    contact = Contact("k0")
    ahead = touchpoint(time=BEGIN + 100 * SECOND)
    assert contact.apply(ahead, BEGIN + 60 * SECOND, BEGIN)
    assert not contact.apply(ahead, BEGIN + 70 * SECOND, BEGIN + 10 * SECOND)
    assert contact.apply(ahead, BEGIN + 50 * SECOND, BEGIN - 10 * SECOND)
    assert [(t.at_ms, t.raw_ms) for t in contact.touches] == [(BEGIN + 50 * SECOND, BEGIN + 100 * SECOND)]


def test_a_customer_once_named_is_remembered_even_by_a_revision_that_lost() -> None:
    contact = Contact("k0")
    contact.apply(touchpoint(revision=1), BEGIN, BEGIN)
    assert contact.apply(touchpoint(customer_id="c1"), BEGIN, BEGIN)
    assert not contact.apply(touchpoint(customer_id="c1"), BEGIN, BEGIN)
    assert unpack("k0", contact.pack()).named == ("c1",)
    assert contact.touches[0].customer_id == ""


def test_touchpoints_are_in_order_of_effective_time_and_id() -> None:
    contact = Contact("k0")
    for name, at_ms in (("c", 2), ("b", 1), ("a", 2), ("d", 0)):
        contact.apply(touchpoint(id=name, time=BEGIN + at_ms), BEGIN + at_ms, BEGIN)
    assert [touch.id for touch in contact.touches] == ["d", "b", "a", "c"]
    contact.apply(touchpoint(id="d", time=BEGIN + 5, revision=1), BEGIN + 5, BEGIN)
    assert [touch.id for touch in contact.touches] == ["b", "a", "c", "d"]


def test_of_very_many_touchpoints_each_is_found_again() -> None:
    contact = Contact("k0")
    names = [f"{n:02}" for n in range(40)]
    for name in names + names:
        contact.apply(touchpoint(id=name, revision=1), BEGIN, BEGIN)
    contact.apply(touchpoint(id="39", queue="sales", revision=2), BEGIN, BEGIN)
    assert [touch.id for touch in contact.touches] == names
    found = contact.find("39")
    assert found is contact.touches[39]
    assert found.common.queue == "sales"
    assert contact.find("40") is None


def test_revised_is_the_append_time_of_the_last_that_changed_anything() -> None:
    contact = Contact("k0")
    contact.apply(touchpoint(), BEGIN, BEGIN + 1)
    contact.apply(touchpoint(id="b"), BEGIN, BEGIN + 5)
    contact.apply(touchpoint(id="b"), BEGIN, BEGIN + 9)
    assert contact.revised_ms == BEGIN + 5


OLD = bytes.fromhex(
    "959398a570686f6e65a0a0a0a0a0a0a098a570686f6e65a0a0a171a0a0a0a098a570686f6e65a163a0a0a4676f6c64a0a0a09397cf000000e8d4a5"
    "1000a1610002c000c097cf000000e8d4a52388a1620c0181a87265736f6c766564c302c097cf000000e8d4a5fa60a1630e00c000cf000000e8d52e"
    "644091a163cf000000e8d4a5100091d9206666666666666666666666666666666666666666666666666666666666666666"
)
"""Three touchpoints, one revised and one clamped, as they were packed at first."""


def test_what_was_packed_by_touchpoint_is_read_and_packed_by_column() -> None:
    contact = unpack("k", OLD)
    assert [(t.id, t.at_ms - 10**12, t.revision, t.raw_ms, t.details) for t in contact.touches] == [
        ("a", 0, 0, None, None),
        ("b", 5_000, 2, None, {"resolved": True}),
        ("c", 60_000, 0, 10**12 + 9_000_000, None),
    ]
    assert [t.common.queue for t in contact.touches] == ["", "q", ""]
    assert (contact.named, contact.erased, contact.revised_ms) == (("c",), ("f" * 32,), 10**12)
    assert newest_ms(OLD) == newest_ms(contact.pack()) == contact.touches[-1].at_ms
    assert unpack("k", contact.pack()).pack() == contact.pack()


UUIDS = st.uuids().map(str)
NEARLY = st.one_of(
    UUIDS,
    UUIDS.map(str.upper),
    UUIDS.map(lambda text: text.replace("-", "_")),
    UUIDS.map(lambda text: text[::-1]),
    UUIDS.map(lambda text: text[:24] + "--" + text[26:]),
    UUIDS.map(lambda text: text[:24] + "  " + text[26:]),
    st.text("0123456789abcdef-", min_size=34, max_size=38),
    st.text(max_size=4),
)


@given(st.one_of(st.lists(UUIDS, max_size=5), st.lists(NEARLY, max_size=5)))
def test_identifiers_come_back_as_they_were(ids: list[str]) -> None:
    into = BytesWriter()
    write_ids(into, ids)
    short = msgspec.msgpack.decode(into.getvalue())
    assert lengthened(short) == ids
    assert short == short_of(ids)


def test_of_every_byte_at_every_place_of_a_uuid_it_is_known_whether_it_is_a_small_digit() -> None:
    text = b"0123abcd-4567-ef89-fa0b-987654fedc10"
    for place in range(len(text)):
        wanted = b"-" if text[place] == ord("-") else b"0123456789abcdef"
        for byte in range(256):
            changed, into = text[:place] + bytes([byte]) + text[place + 1 :], BytesWriter()
            right = byte in wanted
            assert write_uuid(into, b".." + changed + b".", 2) is right, changed
            assert into.getvalue() == (UUID(changed.decode()).bytes if right else b"")


NUMBERS = st.one_of(st.integers(BEGIN - SECOND, BEGIN + SECOND), st.integers(-(1 << 62), 1 << 63))
TEXTS = st.one_of(st.sampled_from(["", "a", "b"]), st.text(max_size=40))


@st.composite
def touches(draw: st.DrawFn) -> Touch:
    """Of few or of any values, its common held once or not."""
    alike = draw(st.sampled_from([Alike(), Alike()]))
    common = alike.common(*draw(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)))
    details = st.dictionaries(TEXTS, st.one_of(TEXTS, NUMBERS, st.booleans(), st.floats()), max_size=3)
    return Touch(
        draw(NUMBERS), draw(st.one_of(UUIDS, TEXTS)), draw(st.integers(0, 60)), common, draw(TEXTS), draw(TEXTS),
        draw(st.none() | details), draw(st.just(0) | NUMBERS), draw(st.none() | NUMBERS),
    )  # fmt: skip


@given(
    st.lists(touches(), max_size=40),
    st.one_of(st.lists(UUIDS, max_size=3), st.lists(TEXTS, max_size=3)),
    NUMBERS,
    st.lists(TEXTS, max_size=2),
)
def test_a_contact_is_packed_to_the_bytes_of_msgspec(
    given: list[Touch], named: list[str], revised_ms: int, erased: list[str]
) -> None:
    contact = Contact("k")
    contact.touches, contact.named, contact.erased = given, tuple(named), tuple(erased)
    contact.revised_ms = revised_ms
    try:
        wanted = by_msgspec(contact)
    except OverflowError:
        with pytest.raises(OverflowError):
            contact.pack()
    else:
        assert contact.pack() == wanted


@pytest.mark.parametrize("agents", [1, 15, 16, 17, 18, 40, 300])
def test_a_contact_of_very_many_agents_is_packed_to_the_bytes_of_msgspec(agents: int) -> None:
    contact, alike = Contact("k"), (Alike(), Alike())
    for n in range(2 * agents):
        common = alike[n % 2].common("phone", "", "sales", "", "", "")
        contact.touches.append(Touch(BEGIN + n, f"t{n}", 1, common, "c", f"agent {n % agents}"))
    contact.named = ("c",)
    assert contact.pack() == by_msgspec(contact)
    assert len(decode_packed(contact.pack()).commons) == agents


def by_msgspec(contact: Contact) -> bytes:
    """A packed contact, column by column."""
    touches, named = contact.touches, sorted(contact.named)
    last_ms = touches[-1].at_ms if touches else 0
    said = [
        (
            touch.common.channel, touch.customer_id, touch.common.direction, touch.common.queue, touch.common.segment,
            touch.common.topic, touch.agent_id, touch.common.source,
        )
        for touch in touches
    ]  # fmt: skip
    rows = list(dict.fromkeys(said))
    one_customer = len(named) == 1 and all(row[1] == named[0] for row in rows)
    return msgspec.msgpack.encode(
        (
            last_ms,
            [last_ms - touch.at_ms for touch in touches],
            short_of([touch.id for touch in touches]),
            [touch.type for touch in touches],
            [rows.index(each) for each in said],
            [(row[0], "", *row[2:]) for row in rows] if one_customer else rows,
            one_customer,
            short_of(named),
            contact.revised_ms,
            {n: touch.details for n, touch in enumerate(touches) if touch.details is not None},
            {n: touch.revision for n, touch in enumerate(touches) if touch.revision},
            {n: touch.raw_ms for n, touch in enumerate(touches) if touch.raw_ms is not None},
            sorted(contact.erased),
        )
    )


def short_of(ids: list[str]) -> bytes | list[str]:
    if not ids or not all(_is_uuid(text) for text in ids):
        return ids
    return b"".join(UUID(text).bytes for text in ids)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
