"""Ticket events: replies are public and of people, and a ticket that comes back is open again."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.sources import SOURCES, BadLine, Skipped
from schemas.touchpoint import MessageReceived, MessageSent, Requested
from tests.sources.folded import folded, kinds, only, touchpoints

TWIN = Path(__file__).parents[1] / "data" / "sources" / "zendesk.jsonl"
EVENTS: list[dict[str, Any]] = [json.loads(line) for line in TWIN.read_text().splitlines()]
TOLD = (0, 1, 3, 4, 5, 6, 7, 9)


def test_a_ticket_from_its_beginning_to_its_second_closing_in_any_order_twice() -> None:
    events = [EVENTS[at] for at in TOLD]
    held = folded(touchpoints("zendesk", events))
    begun = ["requested", "received", "sent", "sent", "closed", "reopened", "received", "transferred", "closed"]
    assert kinds(held) == begun, "reopened before the comment that did it: the customer waits for a reply"
    assert folded(touchpoints("zendesk", events[::-1] + events)) == held
    assert [each.author for each in held if isinstance(each, MessageSent)] == ["bot", "agent"]


def test_nine_digits_of_a_second() -> None:
    assert only(touchpoints("zendesk", EVENTS[:1]), Requested).time == 1_700_208_000_672


def test_status_words_in_any_case() -> None:
    closing = EVENTS[4]
    for current, previous in (("solved", "open"), ("Closed", "Pending")):
        event = {**closing, "event": {"current": current, "previous": previous}}
        assert kinds(touchpoints("zendesk", [event])) == ["closed"]


def test_a_ticket_that_an_agent_wrote_waits_for_no_reply() -> None:
    made = touchpoints("zendesk", [EVENTS[14]])
    assert kinds(made) == ["requested"]
    assert made[0].direction == "outbound"
    assert not [each for each in made if isinstance(each, MessageReceived)]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (EVENTS[2], "private note"),
        (EVENTS[8], "first assignment"),
        (EVENTS[10], "other status"),
        (EVENTS[11], "other event"),
        (EVENTS[15], "no ticket event"),
        ({"detail-type": "Support Ticket: Ticket Created", "detail": {}}, "eventbridge"),
    ],
)
def test_what_is_no_touchpoint_is_left_out(event: object, why: str) -> None:
    assert list(SOURCES["zendesk"].read([json.dumps(event).encode()])) == [Skipped(1, why)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"type": "ticket solved"}, "trigger webhook"),
        ({"id": None}, "`id` is missing"),
        ({"account_id": None}, "`account_id` is missing"),
        ({"time": "2023-11-17 08:00:00"}, "`time` is a time without a zone"),
        ({"time": None}, "`time` is missing"),
        ({"detail": {}}, "`id` is missing"),
    ],
)
def test_an_event_without_what_it_needs_is_a_bad_line_that_names_it(change: dict[str, object], sentence: str) -> None:
    (bad,) = SOURCES["zendesk"].read([json.dumps({**EVENTS[0], **change}).encode()])
    assert isinstance(bad, BadLine)
    assert sentence in bad.reject.detail
