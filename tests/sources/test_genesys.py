"""A conversation's sessions as legs: what the queue says is the wait, an alert is no answer, later versions replace."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.sources import SOURCES, BadLine, Skipped
from schemas.touchpoint import Answered, Held, Queued, Requested, Resumed
from tests.sources.folded import folded, kinds, only, touchpoints

TWIN = Path(__file__).parents[1] / "data" / "sources" / "genesys.json"
CALL, GONE, OPEN, MENU, MAIL = json.loads(TWIN.read_text())["conversations"]


def test_a_transfer_gives_two_legs_whose_waits_are_genesys_own() -> None:
    held = folded(touchpoints("genesys", [CALL]))
    waits = ["requested", "queued", "answered", "held", "resumed", "held", "resumed"]
    assert kinds(held) == [*waits, "transferred", "queued", "answered", "closed"]
    queued = [each.time for each in held if isinstance(each, Queued)]
    answered = [each.time for each in held if isinstance(each, Answered)]
    assert [end - start for start, end in zip(queued, answered, strict=True)] == [30_250, 20_000]
    holds = (
        [each.time for each in held if isinstance(each, Held)],
        [each.time for each in held if isinstance(each, Resumed)],
    )
    assert sum(holds[1]) - sum(holds[0]) == 60_000, "as tHeld says"
    assert [each.agent_id for each in held if isinstance(each, Answered)] == [
        "u0000000-0000-4000-8000-000000000001",
        "u0000000-0000-4000-8000-000000000002",
    ], "not the agent who was only alerted"
    assert only(held, Requested).customer_id == "genesys:x0000000-0000-4000-8000-000000000001"


def test_abandoned_while_an_agent_was_alerted_and_in_the_menu() -> None:
    assert kinds(folded(touchpoints("genesys", [GONE]))) == ["requested", "queued", "abandoned"]
    assert kinds(folded(touchpoints("genesys", [MENU]))) == ["requested", "abandoned"]


def test_who_leaves_a_queue_that_nobody_counted_has_abandoned_it() -> None:
    uncounted = copy.deepcopy(GONE)
    uncounted["participants"][1]["sessions"][0]["metrics"] = []
    assert folded(touchpoints("genesys", [uncounted])) == folded(touchpoints("genesys", [GONE]))
    flowed = copy.deepcopy(GONE)
    flowed["participants"][1]["sessions"][0]["metrics"][1]["name"] = "tFlowOut"
    assert kinds(folded(touchpoints("genesys", [flowed]))) == ["requested", "queued", "closed"]


def test_a_conversation_read_again_counts_once_in_its_latest_version() -> None:
    later: dict[str, Any] = copy.deepcopy(OPEN)
    later["participants"].append(
        {
            "purpose": "agent",
            "userId": "u1",
            "sessions": [
                {
                    "sessionId": "s-a4",
                    "mediaType": "chat",
                    "segments": [
                        {"segmentType": "interact", "segmentStart": "2023-11-17T10:00:30.000Z", "queueId": "elsewhere"}
                    ],
                }
            ],
        }
    )
    first, second = touchpoints("genesys", [OPEN]), touchpoints("genesys", [later])
    assert kinds(folded(first)) == ["requested", "queued"], "it goes on: neither abandoned nor closed"
    assert folded(first + second) == folded(second + first) == folded(second)
    assert kinds(folded(second)) == ["requested", "queued", "answered"]


def test_the_real_chat_waited_11_179_ms_and_was_held_544_176() -> None:
    sample = TWIN.parents[4] / "shared" / "payloads" / "genesys_conversation_detail.json"
    if not sample.exists():
        pytest.skip(f"{sample.name} is not in ../shared/payloads beside the repository")
    held = folded(touchpoints("genesys", [json.loads(sample.read_text())]))
    assert kinds(held) == ["requested", "queued", "answered", "held", "resumed", "closed"]
    assert only(held, Answered).time - only(held, Queued).time == 11_179
    assert only(held, Resumed).time - only(held, Held).time == 544_176


def test_mails_are_left_out_and_a_conversation_without_its_id_is_a_bad_line() -> None:
    assert list(SOURCES["genesys"].read([json.dumps(MAIL).encode()])) == [Skipped(1, "other media")]
    (bad,) = SOURCES["genesys"].read([json.dumps({**CALL, "conversationId": None}).encode()])
    assert isinstance(bad, BadLine)
    assert "`conversationId` is missing" in bad.reject.detail
