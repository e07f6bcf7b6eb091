"""What is noted of a contact by itself, and when the customer was last heard of and reached."""

from typing import Any

import msgspec
import pytest

from pipeline.core.contact import Contact
from pipeline.core.happened import happened, heard_ms, reached_ms
from pipeline.core.rules import Rulebook
from pipeline.core.view import View, view
from schemas.catalogue import load
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.vocabulary import BAD_NOTES, SILENT_NOTES
from tests.core.harness import contact_row
from tests.measures.scenes import HOUR, MONDAY_MS, Told, contact

RULEBOOK = Rulebook(load("zone: UTC", "test"))


def seen(*told: Told, **fields: Any) -> View:
    """The view of a contact."""
    found = Contact("k")
    for touchpoint in contact(*told, **fields):
        decoded = decode(msgspec.json.encode(touchpoint), RULEBOOK.catalogue.channels)
        assert not isinstance(decoded, Reject), decoded
        found.apply(decoded, decoded.time, decoded.time)
    return view(found, RULEBOOK)


def notes(*told: Told, **fields: Any) -> list[tuple[float, str, str, int]]:
    """(seconds after the beginning, what, detail, value)."""
    found = seen(*told, **fields)
    told_of = happened(found.timeline, found.wait)
    return [((each.at_ms - MONDAY_MS) / 1_000, each.what, each.detail, each.value) for each in told_of]


def due(seconds: float, promise_id: str = "p", **fields: Any) -> dict[str, Any]:
    return {"promise_id": promise_id, "due": MONDAY_MS + round(seconds * 1_000), **fields}


P = {"promise_id": "p"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([("contact.queued", 0), ("contact.abandoned", 9)], (9, "abandoned", "", 9_000)),
        ([("contact.refused", 5, {"reason": "out_of_scope"})], (5, "refused", "out_of_scope", 0)),
        ([("contact.refused", 5)], (5, "refused", "other", 0)),
        ([("contact.closed", 5, {"scope": "out"})], (5, "out_of_scope_done", "", 0)),
        ([("contact.closed", 5, {"resolved": False})], (5, "unresolved", "", 0)),
        ([("promise.made", 0, due(60, kind="repair"))], (60, "promise_open", "repair", 0)),
        ([("promise.made", 0, due(60)), ("promise.kept", 50, P)], (60, "promise_kept", "other", -10_000)),
        ([("promise.made", 0, due(60)), ("promise.kept", 70, P)], (60, "promise_late", "other", 10_000)),
        ([("promise.made", 0, due(60)), ("promise.broken", 20, P)], (60, "promise_broken", "other", -40_000)),
        ([("complaint.raised", 5)], (5, "complaint", "unsettled", 0)),
        ([("feedback.given", 5, {"kind": "csat", "score": 5})], (5, "csat", "top", 10_000)),
        ([("feedback.given", 5, {"kind": "csat", "score": 3})], (5, "csat", "", 5_000)),
        ([("feedback.given", 5, {"kind": "nps", "score": 69, "scale_max": 100})], (5, "nps", "", 6)),
        ([("feedback.given", 5, {"kind": "solved", "score": 1})], (5, "solved", "", 1)),
        ([("outreach.sent", 5, {"reason": "delay"})], (5, "outreach", "delay", 0)),
        ([("customer.left", 5)], (5, "customer_left", "", 0)),
        ([("audit.scored", 5, {"criterion": "thanks", "score": 1, "scale_max": 4})], (5, "audit", "thanks", 2_500)),
    ],
)  # fmt: skip
def test_a_note(told: list[Told], expected: tuple[float, str, str, int]) -> None:
    assert notes(*told) == [expected]


def test_notes_come_in_order_and_a_settled_complaint_has_two() -> None:
    told: list[Told] = [
        ("complaint.raised", 10),
        ("complaint.settled", 70, {"goodwill": 500}),
        ("contact.refused", 20),
    ]
    assert notes(*told) == [
        (10, "complaint", "settled", 60_000),
        (20, "refused", "other", 0),
        (70, "complaint_settled", "", 500),
    ]


@pytest.mark.parametrize(
    ("told", "bad_at"),
    [
        ([("promise.made", 0, due(60)), ("promise.broken", 20, P)], 20),
        ([("promise.made", 0, due(60)), ("promise.broken", 90, P)], 60),
        ([("promise.made", 0, due(60)), ("promise.kept", 90, P)], 60),
        ([("promise.made", 0, due(60))], 60),
        ([("promise.made", 0, due(60)), ("promise.kept", 60, P)], None),
        ([("feedback.given", 5, {"kind": "nps", "score": 6})], 5),
        ([("feedback.given", 5, {"kind": "nps", "score": 7})], None),
        ([("outreach.sent", 5)], None),
    ],
)
def test_when_something_was_bad(told: list[Told], bad_at: float | None) -> None:
    found = seen(*told)
    (note,) = happened(found.timeline, found.wait)
    assert note.bad_ms == (None if bad_at is None else MONDAY_MS + bad_at * 1_000)


def test_what_may_be_silent_is_bad_and_a_complaint_is_not_silent() -> None:
    assert set(BAD_NOTES) - set(SILENT_NOTES) == {"complaint"}


@pytest.mark.parametrize(
    ("told", "heard", "reached"),
    [
        ([("contact.requested", 0)], 0, None),
        ([("contact.requested", 0), ("contact.answered", 9)], 9, 9),
        ([("contact.requested", 0), ("message.sent", 9)], 0, 9),
        ([("message.received", 0), ("message.sent", 5), ("message.received", 9)], 9, 5),
        ([("contact.requested", 0), ("feedback.given", 9, {"kind": "csat", "score": 1})], 9, None),
        ([("contact.requested", 0), ("feedback.given", 9, {"kind": "csat", "score": 1, "from": "shopper"})], 0, None),
        ([("contact.requested", 0), ("contact.abandoned", HOUR)], 0, None),
    ],
)
def test_when_the_customer_was_last_heard_of_and_reached(told: list[Told], heard: float, reached: float | None) -> None:
    line = seen(*told).timeline
    assert heard_ms(line) == MONDAY_MS + heard * 1_000
    assert reached_ms(line) == (None if reached is None else MONDAY_MS + reached * 1_000)


def test_of_somebody_we_only_wrote_to_nothing_was_heard() -> None:
    line = seen(("contact.requested", 0), ("outreach.sent", 5), direction="outbound").timeline
    assert (heard_ms(line), reached_ms(line)) == (None, MONDAY_MS + 5_000)


def test_the_row_of_a_contact_carries_its_notes_side_by_side() -> None:
    row = contact_row(seen(("contact.refused", 5), ("complaint.raised", 6)), 0, 1)
    assert row["note"] == ["refused", "complaint"]
    assert row["note_detail"] == ["other", "unsettled"]
    assert [len(row[f"note{name}"]) for name in ("", "_ms", "_detail", "_value")] == [2, 2, 2, 2]
