"""What is read sooner is what the codec reads."""

from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import astuple

from pipeline.core.reading import CHANNEL, CONTACT_ID, CUSTOMER_ID, ID, REVISION, TIME, read
from schemas.codec import FIRST_MS, LAST_MS, decode, encode
from schemas.rejects import Reject
from schemas.touchpoint import Erased, Queued, Touchpoint
from tests.strategies import touchpoints

CHANNELS = frozenset({"phone", "email", "chat"})
ODD = st.sampled_from(["", " ", "  ", " a", "a ", "\t", "\x7f", "\x85", "\xa0", "ä", "\\", '"', "fax", "x" * 129])
ODD_TIME = st.sampled_from([0, FIRST_MS - 1, FIRST_MS, LAST_MS, LAST_MS + 1])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "id": ODD, "contact_id": ODD, "customer_id": ODD, "channel": ODD, "queue": ODD, "time": ODD_TIME,
        "due": ODD_TIME, "promise_id": ODD, "type": st.sampled_from(["customer.erased", "contact.held", "what"]),
        "more": st.sampled_from(["x" * 500, [[[]]], "\u2028"]),
    },
)  # fmt: skip


def same(value: bytes | None) -> None:
    """What both say of a value."""
    found, values = read(value, CHANNELS)
    assert found == decode(value, CHANNELS, folded=True)
    assert values == (() if isinstance(found, Reject) else astuple(found))


@given(touchpoints(), FIELDS)
@example({"type": "promise.made", "id": "a", "contact_id": "k", "channel": "phone", "time": FIRST_MS}, {"due": LAST_MS})
def test_the_answer_is_the_codecs(fields: dict[str, Any], odd: dict[str, Any]) -> None:
    value = msgspec.json.encode({"promise_id": "p", "due": FIRST_MS, **fields, **odd})
    same(value)
    same(value.replace(b":", b" : "))


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b"\xff", b'{"type":', b'"\\ud800"', b"[" * 600])
def test_what_is_no_touchpoint_is_none(value: bytes | None) -> None:
    same(value)


@pytest.mark.parametrize("cls", [Queued, Erased])
def test_what_all_touchpoints_have_lies_where_it_is_looked_for(cls: type[Touchpoint]) -> None:
    given = cls(id="a", time=FIRST_MS, contact_id="k", channel="phone", customer_id="c", revision=3)
    found, values = read(encode(given), CHANNELS)
    assert found == given
    assert [values[place] for place in (ID, TIME, CONTACT_ID, CHANNEL, CUSTOMER_ID, REVISION)] == [
        "a", FIRST_MS, "k", "phone", "c", 3,
    ]  # fmt: skip
