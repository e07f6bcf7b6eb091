"""Parts of conversations, told in many notifications, count once each; bots and notes are no replies of people."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.sources import SOURCES, BadLine
from schemas.touchpoint import FeedbackGiven, MessageReceived, MessageSent, Requested
from tests.sources.folded import folded, kinds, only, touchpoints

TWIN = Path(__file__).parents[1] / "data" / "sources" / "intercom.jsonl"
NOTES: list[dict[str, Any]] = [json.loads(line) for line in TWIN.read_text().splitlines()]
T = 1_700_208_000_000


def test_a_conversation_in_any_order_of_its_notifications_twice() -> None:
    told = NOTES[:10]
    held = folded(touchpoints("intercom", told))
    first = ["requested", "received", "sent", "sent", "sent", "closed"]
    assert kinds(held) == [*first, "reopened", "received", "given"]
    assert folded(touchpoints("intercom", told[::-1] + told)) == held
    assert only(held, Requested).queue == "31", "the team as the newest notification knows it"


def test_the_first_reply_of_a_person_is_neither_a_bots_nor_a_note() -> None:
    held = folded(touchpoints("intercom", NOTES[:10]))
    sent = [each for each in held if isinstance(each, MessageSent)]
    assert [each.author for each in sent] == ["bot", "bot", "agent"]
    assert (sent[-1].time - T, sent[-1].agent_id) == (90_000, "501"), "an assignment with a text, at its own time"


def test_a_reply_to_a_closed_conversation_reopens_it_first() -> None:
    assert kinds(touchpoints("intercom", [NOTES[7]]))[-2:] == ["reopened", "received"]
    assert only(touchpoints("intercom", [NOTES[8]]), FeedbackGiven).score == 4


def test_who_we_wrote_to_first_has_not_turned_to_us() -> None:
    made = touchpoints("intercom", [NOTES[10]])
    assert kinds(made) == ["requested"]
    assert (made[0].direction, made[0].channel) == ("outbound", "email")
    assert not [each for each in made if isinstance(each, MessageReceived)]


def test_a_ticket_closes_when_its_state_becomes_resolved_and_reopens_when_it_no_longer_is() -> None:
    assert kinds(folded(touchpoints("intercom", [NOTES[11]]))) == ["requested", "received", "sent", "closed"]
    back = json.loads(json.dumps(NOTES[11]))
    part = back["data"]["item"]["ticket_parts"]["ticket_parts"][1]
    part.update(ticket_state="in_progress", previous_ticket_state="resolved")
    assert kinds(folded(touchpoints("intercom", [back]))) == ["requested", "received", "sent", "reopened"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"type": "event"}, "`type` is not notification_event"), ({"app_id": None}, "`app_id` is missing")],
)
def test_a_notification_without_what_it_needs_is_a_bad_line(change: dict[str, object], sentence: str) -> None:
    (bad,) = SOURCES["intercom"].read([json.dumps({**NOTES[0], **change}).encode()])
    assert isinstance(bad, BadLine)
    assert sentence in bad.reject.detail
