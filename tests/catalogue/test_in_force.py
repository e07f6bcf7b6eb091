"""A breach counts for the target in force when its clock began: revisions change the future and not the past."""

import pytest

from pipeline.answers.scope import promised
from pipeline.core.rules import Rulebook
from schemas.catalogue import load
from tests.measures.scenes import DAY, HOUR, MONDAY_MS, booked, contact, total

REVISED = """
zone: UTC
targets:
  - {channel: phone, wait: 20s}
  - {channel: phone, wait: 60s, valid_from: 2026-03-03}
  - {queue: sales, wait: 10s}
  - {queue: sales, segment: business, wait: 5s, valid_from: 2026-03-04}
  - {channel: email, response: 1h}
  - {channel: email, response: 3h, valid_from: 2026-03-03}
  - {queue: intern, wait: none}
"""
NIGHT = 14 * HOUR  # midnight to Tuesday, when the new targets begin


def answered(after: float, wait: float, queue: str = "q", **fields: str) -> int:
    call = contact(("contact.queued", after, {"queue": queue}), ("contact.answered", after + wait), **fields)
    return total("answered_in_target", call, catalogue=REVISED)


@pytest.mark.parametrize(
    ("after", "wait", "in_target"),
    [
        (0, 20, 1),
        (0, 21, 0),
        (NIGHT - 1, 30, 0),  # waiting when the target changed: what was promised at the beginning counts
        (NIGHT, 30, 1),
        (NIGHT, 61, 0),
    ],
)
def test_a_wait_is_judged_by_the_target_of_its_beginning(after: float, wait: float, in_target: int) -> None:
    assert answered(after, wait) == in_target


def test_queue_and_segment_go_before_channel_each_from_its_date() -> None:
    business = {"segment": "business"}
    assert answered(NIGHT, 15, "sales") == 0
    assert answered(NIGHT, 10, "sales") == 1
    assert answered(NIGHT, 8, "sales", **business) == 1
    assert answered(NIGHT + DAY, 8, "sales", **business) == 0
    assert answered(NIGHT + DAY, 8, "sales") == 1


@pytest.mark.parametrize(
    ("asked", "took", "in_target"),
    [(0, HOUR, 1), (0, HOUR + 1, 0), (NIGHT - 1, 2 * HOUR, 0), (NIGHT, 2 * HOUR, 1), (NIGHT, 3 * HOUR + 1, 0)],
)
def test_a_reply_is_judged_by_the_target_of_the_message(asked: float, took: float, in_target: int) -> None:
    mail = contact(("contact.requested", asked), ("message.sent", asked + took), channel="email", queue="q")
    due = booked("first_responses_due", mail, catalogue=REVISED)
    assert list(due.values()) == [1]
    assert total("first_response_in_target", mail, catalogue=REVISED) == in_target


def test_each_clock_of_one_mail_has_its_own_target() -> None:
    mail = contact(
        ("contact.requested", NIGHT - 3 * HOUR), ("message.sent", NIGHT - 2 * HOUR - 1),
        ("message.received", NIGHT - 60), ("message.sent", NIGHT + 2 * HOUR),
        ("message.received", NIGHT + 3 * HOUR), ("message.sent", NIGHT + 5 * HOUR),
        channel="email", queue="q",
    )  # fmt: skip
    assert total("first_response_in_target", mail, catalogue=REVISED) == 1
    assert total("next_responses", mail, catalogue=REVISED) == 2
    assert total("next_response_in_target", mail, catalogue=REVISED) == 1, "the one asked after the target was eased"


def test_without_a_target_nothing_is_in_it_and_the_place_is_out_of_scope() -> None:
    assert answered(0, 0, "intern") == 0
    rulebook = Rulebook(load(REVISED, "revised"))
    rows = promised(rulebook, ["phone", "email"], ["sales", "intern"], ["business"], MONDAY_MS)
    told = {(row.channel, row.queue, row.segment): row for row in rows}
    assert not told["phone", "intern", ""].in_scope
    assert told["phone", "", ""].wait == "20s"
    assert told["phone", "", ""].changes_ms == MONDAY_MS + NIGHT * 1_000
    assert told["email", "", ""].response == "1h"
    later = promised(rulebook, ["phone"], ["sales", "intern"], ["business"], MONDAY_MS + 5 * DAY * 1_000)
    told = {(row.channel, row.queue, row.segment): row for row in later}
    assert told["phone", "sales", "business"].wait == "5s"
    assert told["phone", "sales", ""].wait == "10s"
    assert ("phone", "", "business") not in told, "nothing else holds there than for the channel"
    assert all(row.changes_ms is None for row in told.values())
