"""Odd catalogues are told with their line, and the ones that come with touchline are not odd."""

import pytest

from pipeline.answers.plausible import Seen, warnings
from schemas.catalogue import default, default_text, load
from schemas.catalogue_lines import lines
from tests.measures.scenes import MONDAY_MS

PAST = "exceptions: {2024-01-09: closed}"
SEEN = Seen(
    channels={"phone", "email"}, queues={"sales", "billing", "unknown"}, segments={"business", "private", "unknown"}
)


def told(text: str, seen: Seen | None = None) -> list[tuple[int, str]]:
    catalogue = load(text, "odd")
    found = warnings(catalogue, lines(text, "odd", catalogue), seen, MONDAY_MS)
    return [(each.line, each.message) for each in found]


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("zone: UTC\n", 0, "no calendar applies to email, form"),
        ("zone: UTC\ncalendars:\n  spare: {weekly: always}\n", 3, "calendar 'spare' is used nowhere"),
        (
            "zone: UTC\nopening_hours: [{calendar: o}]\ncalendars:\n  o: {weekly: closed}\n",
            4,
            "never open on any weekday",
        ),
        (
            "zone: UTC\nopening_hours: [{calendar: o}]\ncalendars:\n  o: {weekly: {monday: 08:00-12:00}}\n",
            4,
            "names no holidays",
        ),
        (
            f"zone: UTC\nopening_hours: [calendar: o]\ncalendars:\n o: {{weekly: always, {PAST}}}",
            4,
            "newest exception is of 2024-01-09",
        ),
        ("zone: UTC\nsettings:\n  abandoned_short: 20s\n", 3, "abandoned_short is not below the wait target of phone"),
        ("zone: UTC\ntargets:\n  - channel: phone\n    stale: 20s\n", 4, "called stale before the wait target"),
        ("zone: UTC\ntargets:\n  - channel: email\n    wait: 3h\n", 4, "was response meant?"),
        ("zone: UTC\ntargets:\n  - channel: phone\n    wait: 20s\n", 4, "changes nothing: without this entry"),
    ],
)
def test_what_is_odd_is_told_with_its_line(text: str, line: int, part: str) -> None:
    found = [(at, message) for at, message in told(text) if part in message]
    assert [at for at, _ in found] == [line], told(text)


def test_names_are_compared_with_what_is_counted() -> None:
    text = "zone: UTC\nqueues:\n  sales:\n  bilings:\ntargets:\n  - queue: sales\n    segment: buisness\n    wait: 5s\n"
    messages = {message: line for line, message in told(text, SEEN)}
    assert messages["queue 'bilings': nothing that is counted has this name; did you mean 'billing'?"] == 4
    assert messages["segment 'buisness': nothing that is counted has this name; did you mean 'business'?"] == 8
    assert messages["queue 'billing' is in what is counted and is not listed under queues"] == 2
    assert not any("'sales'" in message for message in messages)
    assert not any("'private'" in message for message in messages), "segments are not listed, so any name is welcome"


def test_only_channels_that_occur_are_asked_for_a_calendar() -> None:
    (said,) = [message for _, message in told("zone: UTC\n", SEEN) if "no calendar" in message]
    assert "email" in said
    assert "letter" not in said


def test_a_target_that_differs_somewhere_is_not_called_useless() -> None:
    assert not any("changes nothing" in message for _, message in told("zone: UTC\ntargets: [{queue: a, wait: 20s}]\n"))


def test_the_default_catalogue_lacks_nothing_but_opening_hours() -> None:
    text = default_text()
    found = warnings(default(), lines(text, "default", default()), None, MONDAY_MS)
    assert [each.message.split(":")[0][:19] for each in found] == ["no calendar applies"]
