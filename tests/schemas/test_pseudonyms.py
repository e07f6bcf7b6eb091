"""Pseudonyms: the same customer is the same, and who it is cannot be read or tried out without the key."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import decode
from schemas.pseudonyms import Key, Pseudonyms, keys_of
from schemas.touchpoint import Touchpoint
from tests.receiving.server import good

FIRST, SECOND = Key(1, b"first-secret-of-16+"), Key(2, b"second-secret-of-16+")
PLAIN = "+49 30 901820"


def test_a_pseudonym_is_the_published_function_of_key_tenant_and_id() -> None:
    digest = hmac.new(FIRST.secret, b"acme\0" + PLAIN.encode(), hashlib.sha256).hexdigest()
    assert Pseudonyms([FIRST], "acme").of(PLAIN) == f"p1.{digest[:32]}"


@given(st.text(min_size=1, max_size=128), st.text(min_size=1, max_size=128))
def test_the_same_id_has_the_same_pseudonym_and_others_have_others(one: str, other: str) -> None:
    pseudonyms = Pseudonyms([FIRST])
    assert (pseudonyms.of(one) == pseudonyms.of(other)) == (one == other)
    assert len(pseudonyms.of(one)) <= 128
    assert pseudonyms.of(pseudonyms.of(one)) == pseudonyms.of(one)


def test_tenants_and_keys_do_not_share_pseudonyms() -> None:
    found = {Pseudonyms([key], tenant).of(PLAIN) for key in (FIRST, SECOND) for tenant in ("a", "b", "")}
    assert len(found) == 6


def test_after_a_rotation_new_ones_are_made_and_old_ones_are_still_found() -> None:
    before, after = Pseudonyms([FIRST]), Pseudonyms([FIRST, SECOND])
    assert after.all_of(PLAIN) == [before.of(PLAIN), after.of(PLAIN)]
    assert after.of(PLAIN).startswith("p2.")
    assert after.all_of(before.of(PLAIN)) == [before.of(PLAIN)]


def test_a_touchpoint_loses_its_customers_id_and_nothing_else() -> None:
    touchpoint = decode(good(customer_id=PLAIN))
    assert isinstance(touchpoint, Touchpoint)
    found = Pseudonyms([FIRST]).applied(touchpoint)
    assert found.customer_id == Pseudonyms([FIRST]).of(PLAIN)
    found.customer_id = PLAIN
    assert found == touchpoint
    assert Pseudonyms().applied(touchpoint) is touchpoint


def test_keys_are_read_in_the_order_of_their_numbers_and_never_shown() -> None:
    found = keys_of("# made by a generator\n2:second-secret-of-16+\n\n1:first-secret-of-16+\n")
    assert found == [FIRST, SECOND]
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "there is no key in it"),
        ("secret", "line 1 does not begin with a key's number"),
        ("0:first-secret-of-16+", "line 1 does not begin"),
        ("1:short", "under 16 bytes"),
        ("1:first-secret-of-16+\n1:second-secret-of-16+", "line 2 has the number 1 again"),
    ],
)
def test_a_file_of_keys_that_is_wrong_is_named(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        keys_of(text)
