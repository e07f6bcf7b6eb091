"""The reasons are closed and explained; a dead letter survives its encoding whatever the bytes are."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.rejects import (
    EXPLANATIONS,
    KEPT_BYTES,
    REASONS,
    DeadLetter,
    Reject,
    dead_letter,
    decode_dead_letter,
    encode_dead_letter,
)


def letter(key: bytes | None, value: bytes | None) -> DeadLetter:
    return dead_letter(
        Reject("not_json", "the record is empty"),
        topic="raw",
        number=3,
        epoch=1,
        offset=42,
        step="intake",
        source="file",
        key=key,
        value=value,
        append_ms=1_700_000_000_000,
    )


def test_every_reason_says_what_is_wrong_and_what_to_do() -> None:
    assert set(EXPLANATIONS) == set(REASONS)
    for explanation in EXPLANATIONS.values():
        assert explanation.count(". ") == 1
        assert explanation.endswith(".")


@given(st.none() | st.binary(), st.none() | st.binary())
def test_a_dead_letter_comes_back_as_it_was(key: bytes | None, value: bytes | None) -> None:
    sent = letter(key, value)
    assert decode_dead_letter(encode_dead_letter(sent)) == sent
    assert (sent.key, sent.value, sent.size) == (key, value, len(value or b""))


def test_a_large_value_is_cut_and_its_size_is_kept() -> None:
    sent = letter(b"k", b"x" * 10_000_000)
    assert sent.value == b"x" * KEPT_BYTES
    assert sent.size == 10_000_000


def test_what_is_no_dead_letter_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_dead_letter(b'{"topic":"raw"}')
