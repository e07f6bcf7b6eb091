"""Conversations and messages, told in several payloads and forms of time, count once; greetings are no replies."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.sources import SOURCES, BadLine, Skipped
from schemas.touchpoint import MessageSent, Requested
from tests.sources.folded import folded, kinds, only, touchpoints

TWIN = Path(__file__).parents[1] / "data" / "sources" / "chatwoot.jsonl"
EVENTS: list[dict[str, Any]] = [json.loads(line) for line in TWIN.read_text().splitlines()]
TOLD = [event for at, event in enumerate(EVENTS) if at not in {5, 9, 13}]
T = 1_700_208_000_000


def test_a_conversation_in_any_order_of_its_events_twice() -> None:
    held = folded(touchpoints("chatwoot", TOLD))
    first = ["requested", "received", "sent", "sent", "sent", "closed"]
    assert kinds(held) == [*first, "reopened", "received"], "reopened before the message that did it"
    assert folded(touchpoints("chatwoot", TOLD[::-1] + TOLD)) == held
    assert only(held, Requested).queue == "Returns"


def test_the_first_reply_of_a_person_is_neither_the_greeting_nor_a_bots_nor_a_private_note() -> None:
    sent = [each for each in folded(touchpoints("chatwoot", TOLD)) if isinstance(each, MessageSent)]
    assert [each.author for each in sent] == ["bot", "bot", "agent"]
    assert (sent[-1].time - T, sent[-1].agent_id) == (70_000, "3")


def test_a_message_as_an_event_and_inside_a_conversation_is_the_same() -> None:
    (alone,) = touchpoints("chatwoot", [EVENTS[6]])
    assert alone in touchpoints("chatwoot", [EVENTS[8]])


def test_automation_and_webhook_of_one_resolution_close_once() -> None:
    resolved = EVENTS[10]
    other = {**resolved, "event": "automation_event.conversation_resolved", "changed_attributes": None}
    held = folded(touchpoints("chatwoot", [resolved, other]))
    assert kinds(held) == ["requested", "sent", "closed"]


@pytest.mark.parametrize("at", [5, 9, 13])
def test_notes_activities_and_other_events_are_left_out(at: int) -> None:
    (left_out,) = SOURCES["chatwoot"].read([json.dumps(EVENTS[at]).encode()])
    assert isinstance(left_out, Skipped)


def test_without_an_account_nobody_knows_whose_conversation_it_is() -> None:
    (bad,) = SOURCES["chatwoot"].read([json.dumps({**EVENTS[1], "account": None, "messages": []}).encode()])
    assert isinstance(bad, BadLine)
    assert "account is missing" in bad.reject.detail


def test_a_created_time_of_zero_is_not_1970() -> None:
    (bad,) = SOURCES["chatwoot"].read([json.dumps({**EVENTS[1], "created_at": 0}).encode()])
    assert isinstance(bad, BadLine)
    assert "`created_at` is missing" in bad.reject.detail
