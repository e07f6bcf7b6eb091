"""Records and events of a chain count once, whatever is delivered how often and in which order."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from schemas.sources import SOURCES, BadLine, Skipped
from schemas.touchpoint import Abandoned, Answered, Queued, Requested
from tests.sources.folded import folded, kinds, only, touchpoints

TWINS = Path(__file__).parents[1] / "data" / "sources"
RECORDS = [json.loads(line) for line in (TWINS / "amazon-connect.jsonl").read_text().splitlines()]
EVENTS = json.loads((TWINS / "amazon-connect-events.json").read_text())
CONTACTS = [record for record in RECORDS if record.get("ContactId", "x")[-1] in "1234567"]


def chain(last: str) -> list[Any]:
    """The records of the chain that begins with the contact whose id ends so."""
    return [record for record in CONTACTS if (record["InitialContactId"] or record["ContactId"]).endswith(last)]


def test_the_same_touchpoints_hold_in_any_order_and_number_of_deliveries() -> None:
    expected = folded(touchpoints("amazon-connect", CONTACTS))
    for seed in range(20):
        deliveries = CONTACTS + CONTACTS
        random.Random(seed).shuffle(deliveries)
        assert folded(touchpoints("amazon-connect", deliveries)) == expected


def test_the_newest_version_of_a_record_holds() -> None:
    held = folded(touchpoints("amazon-connect", chain("1")))
    assert kinds(held) == ["requested", "queued", "answered", "transferred", "closed"]
    assert only(held, Queued).queue == "Orders and returns"
    assert only(held, Answered).time - only(held, Queued).time == 100_000, "the queue's Duration, without the menu"
    assert only(held, Queued).time - only(held, Requested).time == 90_000


def test_a_transfer_is_a_second_leg_of_the_same_contact() -> None:
    held = folded(touchpoints("amazon-connect", chain("2")))
    assert kinds(held) == ["requested", "queued", "answered", "transferred", "queued", "answered", "closed"]
    assert [each.queue for each in held if isinstance(each, Queued)] == ["Orders", "Claims"]
    assert len({each.contact_id for each in held}) == 1


def test_abandoned_in_the_queue_and_in_the_menu() -> None:
    held = folded(touchpoints("amazon-connect", chain("4")))
    assert kinds(held) == ["requested", "queued", "abandoned"]
    assert only(held, Abandoned).time - only(held, Queued).time == 45_000
    assert kinds(folded(touchpoints("amazon-connect", chain("5")))) == ["requested", "abandoned"]


def test_who_is_called_back_did_not_abandon_and_does_not_wait() -> None:
    held = folded(touchpoints("amazon-connect", chain("6")))
    assert kinds(held) == ["requested", "queued", "callback_requested", "answered", "closed"]


def test_events_give_the_same_in_any_order_and_the_record_corrects_them() -> None:
    events = [event for event in EVENTS if event["detail"]["eventType"] != "CONTACT_DATA_UPDATED"]
    held = folded(touchpoints("amazon-connect", events))
    assert kinds(held) == ["requested", "queued", "answered", "closed"]
    assert folded(touchpoints("amazon-connect", events[::-1])) == held
    assert folded(touchpoints("amazon-connect", [event["detail"] for event in events])) == held, "without the envelope"
    agentless = json.loads(json.dumps(events))
    del agentless[-1]["detail"]["agentInfo"]
    assert "abandoned" not in kinds(folded(touchpoints("amazon-connect", agentless)))
    record = {**chain("1")[0], "ContactId": "d0000000-0000-4000-8000-000000000001"}
    both = folded(touchpoints("amazon-connect", [record, *events]))
    assert kinds(both) == ["requested", "queued", "answered", "transferred", "closed"]
    assert only(both, Queued).queue == "Orders"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (RECORDS[-1], "agent event"),
        ({"source": "aws.ec2", "detail": {}}, "not Amazon Connect"),
        ({**CONTACTS[0], "Channel": "TASK"}, "no contact channel"),
        ({**CONTACTS[0], "InitiationMethod": "MONITOR"}, "monitoring"),
        ({"eventType": "PAUSED"}, "other event"),
    ],
)
def test_what_is_no_contact_with_a_customer_is_left_out(payload: object, why: str) -> None:
    assert list(SOURCES["amazon-connect"].read([json.dumps(payload).encode()])) == [Skipped(1, why)]


@pytest.mark.parametrize("field", ["ContactId", "InitiationTimestamp"])
def test_a_record_without_what_it_needs_is_a_bad_line_that_names_it(field: str) -> None:
    (bad,) = SOURCES["amazon-connect"].read([json.dumps({**CONTACTS[0], field: None}).encode()])
    assert isinstance(bad, BadLine)
    assert f"`{field}` is missing" in bad.reject.detail
