"""What is booked does not depend on when the fold settles, and what was touched in between is touched all the same."""

from random import Random
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.cells import Contribution, Tally
from pipeline.core.contacts import ContactFold
from pipeline.core.engine import Applied
from pipeline.core.record import Record
from pipeline.core.rules import Rulebook
from pipeline.measures import CONTACT_COLUMNS
from tests.core.harness import catalogue_of, record_of
from tests.oracle import HOUR, MINUTE, Promises
from tests.strategies import BEGIN, arrivals, generate

RULEBOOK = Rulebook(catalogue_of(Promises(window_ms=HOUR)))


def fold() -> ContactFold:
    return ContactFold(RULEBOOK, CONTACT_COLUMNS, RULEBOOK.catalogue.channels.keys())


def sums(into: Contribution, delta: Contribution) -> None:
    for key, cell in delta.items():
        into.setdefault(key, Tally()).add(cell)


def differing(delta: Contribution) -> set[object]:
    return {key for key, cell in delta.items() if any(value for _, value in cell.items())}


class Both:
    """One fold that settles after each record, one that settles after batches: how they compare."""

    def __init__(self) -> None:
        self.each, self.batched = fold(), fold()
        self.watermark_ms = 0

    def batch(self, records: list[Record]) -> None:
        """Fold the records in both; whatever the one touched, the other did, and both added the same."""
        touched: set[object] = set()
        one: Contribution = {}
        for record in records:
            done = self.each.apply(record, record.timestamp_ms, self.watermark_ms)
            self.batched.apply(record, record.timestamp_ms, self.watermark_ms)
            if isinstance(done, Applied):
                self.watermark_ms = max(self.watermark_ms, done.at_ms)
            delta, _ = self.each.settle()
            touched |= differing(delta)
            sums(one, delta)
        other, keys = self.batched.settle()
        assert touched <= other.keys()
        assert {k: {n: v for n, v in one.get(k, Tally()).items() if v} for k in other} == {
            k: {n: v for n, v in cell.items() if v} for k, cell in other.items()
        }
        assert len(set(keys)) == len(keys)
        assert self.batched.open.keys() == self.each.open.keys()


def by_contact(records: list[Record], rng: Random) -> list[list[Record]]:
    """Batches: some of a few records, some of very many."""
    found: list[list[Record]] = []
    while records:
        size = rng.choice((1, 2, 3, 5, 20, 200))
        found.append(records[:size])
        records = records[size:]
    return found


def call(*touchpoints: dict[str, Any]) -> list[Record]:
    """Touchpoints of one call, one a minute."""
    log = [
        {"id": str(n), "time": BEGIN + n * MINUTE, "contact_id": "k", "channel": "phone", **each}
        for n, each in enumerate(touchpoints)
    ]
    return [Record(n, int(each["time"]), b"k", msgspec.json.encode(each)) for n, each in enumerate(log)]


def test_what_was_booked_of_a_known_contact_is_claimed_with_very_many_that_came_later() -> None:
    closed, *others = call(
        {"type": "contact.closed", "queue": "a"},
        {"type": "contact.queued", "queue": "b", "time": BEGIN - 10 * MINUTE},
        {"type": "contact.queued", "queue": "c", "time": BEGIN - 20 * MINUTE},  # closed in queue b only until then
        *[{"type": "contact.informed", "reason": "apology"}] * 120,
    )
    both = Both()
    both.batch([closed])
    both.batch(others)


def test_what_only_named_somebody_was_nowhere() -> None:
    Both().batch(
        call(
            {"type": "contact.requested"},
            {"type": "contact.queued", "id": "q", "queue": "a", "revision": 1},
            {"type": "contact.queued", "id": "q", "queue": "b", "revision": 0, "customer_id": "c", "time": BEGIN},
            {"type": "message.received"},
            {"type": "contact.reopened"},
        )
    )


_ERASED: Final = {"type": "customer.erased", "customer_id": "c"}


@pytest.mark.parametrize(
    "touchpoints",
    [
        (
            {"type": "contact.queued", "queue": "a"},
            {"type": "contact.answered"},
            {"type": "contact.transferred", "queue": "b"},
            {"type": "contact.informed", "reason": "apology"},
            {"type": "contact.informed", "reason": "apology", "segment": "gold"},
        ),
        (
            {"type": "contact.requested", "queue": "a"},
            {"type": "contact.answered"},
            {"type": "contact.informed", "reason": "apology"},
            {"type": "contact.queued", "queue": "a"},
            {"type": "contact.informed", "reason": "apology"},
        ),
        (
            {"type": "contact.requested"},
            {"type": "message.received"},
            {"type": "contact.reopened"},
            {"type": "contact.closed", "queue": "b"},
            {"type": "contact.closed"},
        ),
    ],
    ids=["a leg of another segment", "queued after the answer", "a clock that is removed"],
)
def test_what_was_booked_elsewhere_for_a_moment_is_claimed(touchpoints: tuple[dict[str, Any], ...]) -> None:
    Both().batch(call(*touchpoints))


def test_what_came_late_claims_what_was_booked_then_and_no_other_place() -> None:
    first, queued, answered, sent, closed = call(
        {"type": "contact.requested"},
        {"type": "contact.queued", "queue": "a", "segment": "gold"},
        {"type": "contact.answered", "queue": "a"},
        {"type": "message.sent"},
        {"type": "contact.closed"},
    )
    late = fold()
    for record in (first, answered, sent, closed, queued):
        late.apply(record, record.timestamp_ms, 0)
    delta, _ = late.settle()
    places = [((window_s - BEGIN // 1_000) // 60, queue, segment) for window_s, _, queue, segment in sorted(delta)]
    assert places == [
        (0, "a", "gold"),
        (0, "a", "unknown"),
        (0, "unknown", "unknown"),  # and nothing else of its first state
        (1, "a", "gold"),
        (2, "a", "unknown"),  # answered: it waited from there, before it was known to have been queued
        (3, "a", "gold"),
        (3, "a", "unknown"),
        (4, "a", "gold"),
        (4, "a", "unknown"),
    ]


@given(st.randoms(use_true_random=False), st.integers(1, 150))
@settings(max_examples=25, deadline=None)
def test_very_many_touchpoints_out_of_order_are_claimed_as_well(rng: Random, first: int) -> None:
    types = ("contact.queued", "contact.answered", "contact.transferred", "contact.closed")
    told: list[dict[str, Any]] = [{"type": types[n % 4], "queue": "abc"[n % 3]} for n in range(120)]
    # Some are told again under their id: at another time and elsewhere, or too late to count, and naming somebody new.
    told += [{**told[n], "id": str(n), "queue": "d", "revision": rng.choice((-1, 1))} for n in range(0, 120, 4)]
    for n, each in enumerate(told):
        each["revision"] = each.get("revision", 0) + 1
        each["customer_id"] = "ab"[n % 2]
    log = call(*told)
    rng.shuffle(log)
    both = Both()
    both.batch(log[:first])
    both.batch(log[first:])


def test_a_source_that_revises_in_a_loop_is_claimed_as_well() -> None:
    told = [{"type": "contact.queued", "id": str(n % 5), "queue": "abc"[n % 3], "revision": n} for n in range(300)]
    both = Both()
    both.batch(call(*told[:7]))
    both.batch(call(*told)[7:])


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (
            ({"type": "contact.closed"},),
            ({"type": "contact.informed", "reason": "apology", "customer_id": "c"}, _ERASED),
        ),
        (
            ({"type": "contact.closed", "customer_id": "c"},),
            (_ERASED, {"type": "contact.informed", "reason": "apology", "customer_id": "d"}),
        ),
    ],
    ids=["known in between", "unknown in between"],
)
def test_what_an_erasure_changes_in_between_is_touched(
    first: tuple[dict[str, Any], ...], then: tuple[dict[str, Any], ...]
) -> None:
    log = call(*first, *then)
    both = Both()
    both.batch(log[: len(first)])
    both.batch(log[len(first) :])


@given(st.integers(0, 1 << 32), st.sampled_from((1, 2, 4)), st.randoms(use_true_random=False))
@settings(max_examples=400)
def test_whatever_is_touched_after_a_record_is_touched_when_the_batch_is_settled(
    seed: int, contacts: int, rng: Random
) -> None:
    both = Both()
    for batch in by_contact([record_of(a) for a in arrivals(generate(seed, contacts), seed)], rng):
        both.batch(batch)


@given(st.integers(0, 1 << 32), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_it_holds_for_touchpoints_in_order_too(seed: int, rng: Random) -> None:
    both = Both()
    in_order = sorted(generate(seed, 2), key=lambda touchpoint: int(touchpoint["time"]))
    records = [record_of(a) for a in arrivals(in_order, seed)]
    for batch in by_contact(records, rng):
        both.batch(batch)
