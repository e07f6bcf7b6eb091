"""Waited without a word: a silence in waiting or on hold longer than 60 s (chat 3 min). Booked when the wait began."""

import pytest

from tests.measures.scenes import MS, Told, booked, contact, total

QUEUED = ("contact.queued", 0)
ANSWERED_AT_ONCE = ("contact.answered", 0)


def word(at: float) -> Told:
    return ("contact.informed", at, {"reason": "apology"})


@pytest.mark.parametrize("end", ["contact.answered", "contact.abandoned", "contact.closed"])
def test_sixty_seconds_of_silence_are_allowed_and_a_millisecond_more_is_not(end: str) -> None:
    assert booked("waited_unannounced", contact(("contact.queued", 59, {"queue": "sales"}), (end, 119))) == {}
    call = contact(("contact.queued", 59, {"queue": "sales"}), (end, 119 + MS))
    assert booked("waited_unannounced", call) == {(0, "sales"): 1}


@pytest.mark.parametrize(("channel", "limit"), [("chat", 180), ("branch", None)])
def test_chat_allows_three_minutes_and_a_branch_any(channel: str, limit: int | None) -> None:
    for wait in (180, 180 + MS, 9_999):
        told = contact(QUEUED, ("contact.answered", wait), channel=channel)
        assert total("waited_unannounced", told) == int(limit is not None and wait > limit)


@pytest.mark.parametrize(
    ("words", "end", "silent"),
    [
        ([60], 120, 0),
        ([60], 120 + MS, 1),  # from the last word to the answer
        ([60 + MS], 61, 1),  # until the first word
        ([30, 90 + MS], 100, 1),  # between two
        ([-1], 61, 1),  # before the wait is no word in it
    ],
)
def test_a_word_from_us_breaks_the_silence(words: list[float], end: float, silent: int) -> None:
    call = contact(QUEUED, *(word(at) for at in words), ("contact.answered", end))
    assert total("waited_unannounced", call) == silent


def test_of_who_still_waits_only_silences_that_are_over_are_known() -> None:
    assert total("waited_unannounced", contact(QUEUED)) == 0
    assert total("waited_unannounced", contact(QUEUED, word(60))) == 0
    assert total("waited_unannounced", contact(QUEUED, word(60 + MS))) == 1


@pytest.mark.parametrize("end", ["contact.resumed", "contact.closed"])
def test_a_hold_is_a_wait_too(end: str) -> None:
    held = ("contact.held", 10)
    assert total("waited_unannounced", contact(ANSWERED_AT_ONCE, held, (end, 70))) == 0
    assert total("waited_unannounced", contact(ANSWERED_AT_ONCE, held, (end, 70 + MS))) == 1
    assert total("waited_unannounced", contact(ANSWERED_AT_ONCE, held, word(40), (end, 100))) == 0


def test_a_conversation_is_not_a_wait() -> None:
    assert total("waited_unannounced", contact(ANSWERED_AT_ONCE, ("contact.closed", 999))) == 0
