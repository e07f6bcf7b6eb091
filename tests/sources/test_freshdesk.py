"""Tickets read again and again count once; a webhook without a time gives nothing, and never a guess."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.sources import SOURCES, BadLine, Skipped
from schemas.touchpoint import Closed, MessageSent, Reopened
from tests.sources.folded import folded, kinds, only, touchpoints

TWIN = Path(__file__).parents[1] / "data" / "sources" / "freshdesk.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in TWIN.read_text().splitlines()]
VERSIONS = ROWS[:4]


def test_a_ticket_in_four_versions_in_any_order() -> None:
    held = folded(touchpoints("freshdesk", VERSIONS))
    first = ["requested", "received", "sent", "closed"]
    assert kinds(held) == [*first, "reopened", "received", "sent", "closed"]
    assert folded(touchpoints("freshdesk", VERSIONS[::-1] + VERSIONS)) == held
    assert [each.id for each in held if isinstance(each, MessageSent)] == ["4-message:501", "4-message:504"]


def test_resolved_counts_before_closed_and_neither_from_before_a_reopening() -> None:
    last = VERSIONS[3]
    assert only(touchpoints("freshdesk", [last]), Closed).time == 1_700_212_810_000
    stale = {**last, "stats": {**last["stats"], "resolved_at": "2023-11-17T08:30:05Z"}}
    assert only(touchpoints("freshdesk", [stale]), Closed).time == 1_700_215_200_000
    assert "closed" not in kinds(touchpoints("freshdesk", [{**last, "stats": None}]))


def test_a_ticket_reopens_before_the_reply_that_did_it() -> None:
    later = json.loads(json.dumps(VERSIONS[2]))
    later["stats"]["reopened_at"] = "2023-11-17T09:00:01Z"
    assert only(touchpoints("freshdesk", [later]), Reopened).time == 1_700_211_600_000
    assert kinds(folded(touchpoints("freshdesk", [later])))[-2:] == ["reopened", "received"]


def test_outbound_mails_and_spam() -> None:
    (written,) = touchpoints("freshdesk", [ROWS[4]])
    assert (written.direction, written.customer_id) == ("outbound", None)
    assert kinds(folded(touchpoints("freshdesk", [ROWS[5]]))) == ["requested", "received", "discarded"]


def test_webhooks_count_when_their_template_tells_the_time() -> None:
    without_time = json.dumps(ROWS[6]).encode()
    assert list(SOURCES["freshdesk"].read([without_time])) == [Skipped(1, "no time")]
    held = folded(touchpoints("freshdesk", ROWS[7:9]))
    assert kinds(held) == ["requested", "received", "closed"]
    assert held[0].time == 1_700_218_800_000
    assert list(SOURCES["freshdesk"].read([json.dumps(ROWS[9]).encode()])) == [Skipped(1, "other event")]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({**ROWS[0], "id": None}, "`id` is missing"),
        ({**ROWS[0], "created_at": "2023-11-17T08:00:00"}, "`created_at` is a time without a zone"),
        ({"freshdesk_webhook": {"time": "2023-11-17T08:00:00Z"}}, "`ticket_id` is missing"),
    ],
)
def test_a_row_without_what_it_needs_is_a_bad_line(row: object, sentence: str) -> None:
    (bad,) = SOURCES["freshdesk"].read([json.dumps(row).encode()])
    assert isinstance(bad, BadLine)
    assert sentence in bad.reject.detail
