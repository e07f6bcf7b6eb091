"""Promises in the fold: how far ahead one may be due, and what the contact's view says of it."""

import msgspec
import pytest

from pipeline.core.contact import Contact
from pipeline.core.contacts import CLAMP_MS
from pipeline.core.promises import promises
from pipeline.core.record import Record
from pipeline.core.rules import Rulebook
from pipeline.core.view import view
from schemas.codec import PROMISE_MS, decode
from schemas.rejects import Reject
from tests.core.harness import catalogue_of, contact_engine
from tests.oracle import Promises
from tests.strategies import BEGIN

RULEBOOK = Rulebook(catalogue_of(Promises()))
YEARS_MS = 10 * 365 * 86_400_000


def record(offset: int, time_ms: int, **fields: object) -> bytes:
    """A touchpoint about promise p."""
    usual = {"id": f"t{offset}", "time": time_ms, "contact_id": "k", "channel": "phone", "promise_id": "p"}
    return msgspec.json.encode({**usual, **fields})


@pytest.mark.parametrize(
    ("time_ms", "due_ms", "rejected"),
    [
        (BEGIN, BEGIN + PROMISE_MS, {}),
        (BEGIN, BEGIN + PROMISE_MS + 1, {"promise_too_late": 1}),
        (BEGIN + YEARS_MS, BEGIN + CLAMP_MS + PROMISE_MS, {}),
        (BEGIN + YEARS_MS, BEGIN + CLAMP_MS + PROMISE_MS + 1, {"promise_too_late": 1}),
        (10**14, 10**14, {"promise_too_late": 1}),  # a minute that no table could hold
    ],
)
def test_400_days_count_from_when_it_happened_not_from_a_clock_that_is_ahead(
    time_ms: int, due_ms: int, rejected: dict[str, int]
) -> None:
    engine = contact_engine(RULEBOOK)
    engine.fold(0, 1, [Record(0, BEGIN, b"k", record(0, time_ms, type="promise.made", due=due_ms))])
    assert engine.marker.rejected == rejected
    flush = engine.flush()
    assert flush is not None
    assert max(flush.ledger["window_s"]) < 1 << 32
    assert bool(max(flush.ledger["window_s"])) != bool(rejected)


def contact_of(*bodies: bytes) -> Contact:
    """A contact of these touchpoints, none of them clamped."""
    contact = Contact("k")
    for body in bodies:
        touchpoint = decode(body)
        assert not isinstance(touchpoint, Reject), touchpoint
        contact.apply(touchpoint, touchpoint.time, BEGIN)
    return contact


def test_a_view_knows_every_promise_with_its_kind_and_what_became_of_it() -> None:
    seen = view(
        contact_of(
            record(0, BEGIN, type="promise.made", due=BEGIN + 50, kind="callback"),
            record(1, BEGIN + 10, type="promise.made", due=BEGIN + 99, promise_id="q"),
            record(2, BEGIN + 60, type="promise.kept"),
        ),
        RULEBOOK,
    )
    assert [(p.promise_id, p.kind, p.made_ms, p.due_ms, p.fate, p.ended_ms) for p in seen.promises] == [
        ("p", "callback", BEGIN, BEGIN + 50, "late", BEGIN + 60),
        ("q", "other", BEGIN + 10, BEGIN + 99, "open", None),
    ]
    assert [promise.late_ms for promise in seen.promises] == [10, None]


def test_a_contact_without_promises_has_none() -> None:
    seen = view(contact_of(record(0, BEGIN, type="promise.kept")), RULEBOOK)
    assert promises(seen.timeline) == seen.promises == ()
