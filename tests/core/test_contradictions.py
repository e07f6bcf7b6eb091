"""Touchpoints that contradict each other: a defined result each, the same in any order and with any repetition.

Each case is a row of docs/bad-input.md.
"""

import re
from collections.abc import Sequence
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.contacts import CLAMP_MS
from pipeline.core.record import Record
from pipeline.core.rules import Rulebook
from schemas.catalogue import load
from schemas.codec import PROMISE_MS
from tests.core.harness import contact_engine, record_of
from tests.measures.scenes import DAY, HOUR, MONDAY_MS, Told, contact, counted
from tests.oracle import Arrival

DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"
ORDERS = 24
AT = MONDAY_MS

P = {"promise_id": "p"}
MADE: Told = ("promise.made", 0, {**P, "due": AT + 600_000})


def nps(at: float, score: int, **fields: Any) -> Told:
    return "feedback.given", at, {"kind": "nps", "score": score, **fields}


CONTRADICTIONS: dict[str, tuple[Sequence[Told], dict[str, Any]]] = {
    # -- promises
    "A promise kept before it was made": (
        [MADE, ("promise.kept", -60, P)],
        {"promises_due": 1, "promises_kept": 1, "promises_late": 0},
    ),
    "A promise kept or broken that nobody made": (
        [("promise.kept", 0, P), ("promise.broken", 60, P)],
        {"promises_due": 0, "promises_kept": 0, "promises_broken": 0},
    ),
    "A promise kept, then broken": (
        [MADE, ("promise.kept", 60, P), ("promise.broken", 120, P)],
        {"promises_kept": 1, "promises_broken": 0},
    ),
    "A promise broken, then kept": (
        [MADE, ("promise.broken", 60, P), ("promise.kept", 120, P)],
        {"promises_kept": 0, "promises_late": 0, "promises_broken": 1},
    ),
    "A promise kept and broken in the same millisecond": (
        [MADE, ("promise.broken", 60, P), ("promise.kept", 60, P)],
        {"promises_kept": 1, "promises_broken": 0},
    ),
    "A promise made twice with one id": (
        [MADE, ("promise.made", 60, {**P, "due": AT + DAY * 1_000}), ("promise.kept", HOUR, P)],
        {"promises_due": 1, "promises_late": 1, "promise_late_ms": HOUR * 1_000 - 600_000},
    ),
    "A promise due before it was made": (
        [("promise.made", 0, {**P, "due": AT - 60_000}), ("promise.kept", 1, P)],
        {"promises_due": 1, "promises_kept": 0, "promises_late": 1, "promise_late_ms": 61_000},
    ),
    # -- the course of a contact
    "A contact closed twice": (
        [
            ("contact.answered", 0),
            ("contact.closed", 60, {"resolved": False}),
            ("contact.closed", 120, {"resolved": True}),
        ],
        {"closed": 1, "handle_ms": 120_000, "fcr_unresolved": 0, "fcr_resolved": 1},
    ),
    "A contact closed before it was requested": (
        [("contact.closed", -60), ("contact.requested", 0)],
        {"closed": 1, "resolution_ms": 0, "negative_durations": 1},
    ),
    "A contact reopened that was never closed": (
        [("contact.answered", 0), ("contact.reopened", 60)],
        {"closed": 0, "contacts_reopened": 0},
    ),
    "A contact answered before it was queued": (
        [("contact.answered", 0), ("contact.queued", 60)],
        {"offered": 1, "answered": 1, "wait_ms": 0, "negative_durations": 1},
    ),
    "A contact abandoned before it was queued": (
        [("contact.abandoned", 0), ("contact.queued", 60)],
        {"offered": 1, "abandoned": 1, "patience_ms": 0, "negative_durations": 1},
    ),
    "A contact answered and abandoned": (
        [("contact.queued", 0), ("contact.abandoned", 60), ("contact.answered", 60)],
        {"answered": 1, "abandoned": 0, "wait_ms": 60_000},
    ),
    "A contact abandoned, then answered": (
        [("contact.queued", 0), ("contact.abandoned", 30), ("contact.answered", 60)],
        {"answered": 0, "abandoned": 1, "abandoned_returned": 1},
    ),
    "A contact discarded and answered": (
        [
            ("contact.queued", 0),
            ("contact.answered", 10),
            ("contact.discarded", 60, {"reason": "test"}),
            ("contact.closed", 70),
        ],
        {"answered": 1, "discarded": 1, "fcr_eligible": 0},
    ),
    "A hold on a hold, and an end without one": (
        [
            ("contact.answered", 0),
            ("contact.held", 10),
            ("contact.held", 20),
            ("contact.resumed", 40),
            ("contact.resumed", 50),
            ("contact.closed", 60),
        ],
        {"held": 1, "hold_ms": 30_000},
    ),
    "A transfer to the queue it is in": (
        [("contact.queued", 0, {"queue": "a"}), ("contact.transferred", 10, {"queue": "a"}), ("contact.answered", 30)],
        {"legs_offered": 1, "legs_wait_ms": 30_000},
    ),
    "A reply before any message": (
        [("message.sent", 0), ("message.received", 60)],
        {"first_responses_due": 1, "first_responses": 0, "replies": 0},
    ),
    "An announced wait after its end": (
        [
            ("contact.queued", 0),
            ("contact.answered", 10),
            ("contact.informed", 20, {"reason": "estimate", "estimate_ms": 5}),
        ],
        {"estimates": 0, "estimates_judged": 0},
    ),
    "A contact on two channels": (
        [("contact.requested", 0), ("contact.queued", 10, {"channel": "chat"}), ("contact.answered", 20)],
        {"requested": 1, "offered": 1, "answered": 1},
    ),
    "A contact that is inbound and outbound": (
        [("contact.requested", 0, {"direction": "inbound"}), ("contact.answered", 10, {"direction": "outbound"})],
        {"requested": 1, "answered": 1},
    ),
    "A contact of two customers": (
        [("contact.answered", 0, {"customer_id": "ann"}), ("contact.closed", 60, {"customer_id": "bob"})],
        {"fcr_eligible": 1, "issues": 1},
    ),
    # -- what customers say
    "A score above its scale": ([nps(0, 11)], {"nps_n": 0, "feedback_invalid": 1}),
    "A score below its scale": (
        [("feedback.given", 0, {"kind": "csat", "score": 0})],
        {"csat_n": 0, "feedback_invalid": 1},
    ),
    "A scale without steps": ([nps(0, 0, scale_max=0)], {"nps_n": 0, "feedback_invalid": 1}),
    "Feedback given twice": ([nps(0, 9), nps(60, 2)], {"nps_n": 2, "nps_promoters": 1, "nps_detractors": 1}),
    "Feedback nobody asked for": ([nps(0, 9)], {"feedback_asked": 0, "nps_n": 1}),
    "A complaint settled that nobody raised": (
        [("complaint.settled", 0, {"goodwill": 500})],
        {"complaints": 0, "complaints_settled": 0, "goodwill_minor": 0},
    ),
    "A complaint settled before it was raised": (
        [("complaint.settled", 0), ("complaint.raised", 60)],
        {"complaints": 1, "complaints_settled": 0},
    ),
    "A complaint settled twice": (
        [
            ("complaint.raised", 0),
            ("complaint.settled", 60, {"goodwill": 500}),
            ("complaint.settled", 90, {"goodwill": 700}),
        ],
        {"complaints_settled": 1, "settle_ms": 60_000, "goodwill_minor": 500},
    ),
    "An audit score above its scale": (
        [("audit.scored", 0, {"criterion": "clarity", "score": 7, "scale_max": 5})],
        {"audits": 1, "audit_points": 10_000},
    ),
    "A customer who left and stayed": (
        [("customer.left", 0), ("customer.stayed", 60)],
        {"customers_left": 1, "customers_stayed": 1},
    ),
    # -- the same again, and otherwise
    "One id with two bodies and no revision": (
        [
            ("feedback.given", 0, {"kind": "nps", "score": 2, "id": "f"}),
            ("feedback.given", 0, {"kind": "nps", "score": 9, "id": "f"}),
        ],
        {"nps_n": 1, "nps_promoters": 1, "nps_detractors": 0},
    ),
    "A lower revision after a higher one": (
        [nps(0, 9, id="f", revision=2), nps(0, 2, id="f", revision=1)],
        {"nps_n": 1, "nps_promoters": 1},
    ),
}

REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "A promise due more than 400 days after it was made": (
        {"type": "promise.made", "promise_id": "p", "due": AT + PROMISE_MS + 1},
        "promise_too_late",
    ),
    "A touchpoint older than the retention": ({"type": "contact.requested", "time": AT - 401 * 86_400_000}, "too_old"),
    "A record under another contact's key": ({"type": "contact.requested", "key": "other"}, "key_mismatch"),
}
CLAMPED = "A time ahead of the log's clock"


def summed(touchpoints: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The columns, summed over all cells; and the cells themselves have to be the same in any order."""
    found: dict[str, int] = {}
    for columns in counted(list(touchpoints)).values():
        for name, value in columns.items():
            if isinstance(value, int):
                found[name] = found.get(name, 0) + value
    return found


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_has_one_result_in_any_order(name: str) -> None:
    told, expected = CONTRADICTIONS[name]
    touchpoints = (
        contact(*told, name="k", customer_id="ann") if "two customers" not in name else contact(*told, name="k")
    )
    cells = counted(touchpoints)
    found = summed(touchpoints)
    assert {column: found.get(column, 0) for column in expected} == expected
    for order in islice(permutations(touchpoints), ORDERS):
        assert counted(list(order)) == cells
    assert counted([*touchpoints[::-1], *touchpoints]) == cells


@pytest.mark.parametrize("name", REJECTED)
def test_what_cannot_be_is_a_dead_letter_with_its_reason(name: str) -> None:
    fields, reason = REJECTED[name]
    first = {"id": "a", "type": "contact.requested", "time": AT, "contact_id": "k", "channel": "phone"}
    bad = {**first, "id": "b", **{k: v for k, v in fields.items() if k != "key"}}
    engine = contact_engine(Rulebook(load("zone: UTC", "test")))
    records = [record_of(Arrival("touchpoints/0", n, AT, t)) for n, t in enumerate((first, bad))]
    if "key" in fields:
        records[1] = Record(1, AT, b"other", records[1].value)
    engine.fold(0, 2, records)
    assert engine.marker.rejected == {reason: 1}
    assert engine.marker.applied == 1


def test_a_time_ahead_of_the_logs_clock_counts_a_minute_after_it() -> None:
    engine = contact_engine(Rulebook(load("zone: UTC", "test")))
    ahead = {"id": "a", "type": "contact.requested", "time": AT + DAY * 1_000, "contact_id": "k", "channel": "phone"}
    engine.fold(0, 1, [record_of(Arrival("touchpoints/0", 0, AT, ahead))])
    assert (engine.marker.watermark_ms, engine.marker.clamped) == (AT + CLAMP_MS, {"unknown": 1})


def test_every_case_is_a_row_of_the_document_and_the_other_way_round() -> None:
    rows = re.findall(r"^\| ([^|]+?) +\| ", DOCUMENT.read_text(), re.MULTILINE)
    listed = [row for row in rows if row != "What contradicts" and not row.startswith("-")]
    assert sorted(listed) == sorted([*CONTRADICTIONS, *REJECTED, CLAMPED])
