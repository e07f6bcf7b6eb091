"""The folds against the batch oracle: whatever the order, the repetitions, the batches and the partitions."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core import steps
from tests.core.harness import run_all
from tests.oracle import HOUR, SECOND, Arrival, Cell, Promises, Recount, date_of, recount
from tests.strategies import (
    PROMISES,
    arrivals,
    duplicated,
    generate,
    promises,
    shuffled,
    touchpoint_streams,
)

Columns = dict[str, Any]
NO_CLOCK_OUTCOMES = {"callback": "callback_requested", "waiting": ""}
"""Outcomes that the oracle calls otherwise."""


def day_of(minute_ms: int, zone: str) -> int:
    """When the local day of a minute began."""
    return int(datetime.combine(date_of(minute_ms, zone), time(), ZoneInfo(zone)).timestamp()) * SECOND


def summed(cells: Mapping[Cell, Columns], starts: Iterable[int]) -> dict[Cell, Columns]:
    """Cells of minutes as cells of the windows that begin at `starts`, one for each cell."""
    sums: dict[Cell, Columns] = defaultdict(dict)
    for (cell, columns), start in zip(cells.items(), starts, strict=True):
        into = sums[start, *cell[1:]]
        for name, value in columns.items():
            if isinstance(value, dict):
                buckets = into.setdefault(name, {})
                for bucket, n in value.items():
                    buckets[bucket] = buckets.get(bucket, 0) + n
            else:
                into[name] = into.get(name, 0) + value
    return dict(sums)


def contact_of(row: Mapping[str, Any], resolution: Mapping[str, Any] | None, promises: Promises) -> Columns:
    """A row of table `contacts` and its customer's row of `resolutions`, in the oracle's words."""
    found = {
        name: row[name]
        for name in (
            "contact_id", "customer_id", "channel", "queue", "segment", "topic", "direction", "source",
            "requested_ms", "queued_ms", "answered_ms", "abandoned_ms", "last_closed_ms", "wait_began_ms", "wait_ms",
            "first_response_ms", "transfers", "target_ms", "refused_reason",
        )
    }  # fmt: skip
    given_up = row["outcome"] == "abandoned"
    linked = resolution or {
        "follows_contact_id": "", "followed_by_contact_id": "", "issue_id": row["contact_id"], "fcr": "",
        "last_closed_ms": row["last_closed_ms"],
    }  # fmt: skip
    assert linked["last_closed_ms"] == row["last_closed_ms"]
    until_sure = promises.window_ms + promises.lateness_ms
    return {
        **found,
        "first_response_at_ms": row["first_reply_ms"],
        "closed_ms": row["first_closed_ms"],
        "outcome": NO_CLOCK_OUTCOMES.get(row["outcome"], row["outcome"]),
        "outcome_ms": row["wait_ended_ms"],
        "patience_ms": row["wait_ended_ms"] - row["wait_began_ms"] if given_up else None,
        "is_open": bool(row["is_open"]),
        "discarded": bool(row["discarded"]),
        "in_target": None if row["in_target"] is None else bool(row["in_target"]),
        **{name: linked[name] for name in ("fcr", "issue_id", "follows_contact_id", "followed_by_contact_id")},
        "fcr_confirmed_ms": None if linked["fcr"] == "" else row["last_closed_ms"] + until_sure,
    }


def agree(log: list[Arrival], promises: Promises, cuts: Iterable[int] = ()) -> Recount:
    """Run a log through both folds and compare everything that comes out with the oracle."""
    expected = recount(log, promises)
    cells, contacts, resolutions = run_all(log, promises, cuts)
    assert cells.totals() == expected.cells
    minutes = [minute for minute, *_ in expected.cells]
    assert cells.totals(steps.HOUR) == summed(expected.cells, (m - m % HOUR for m in minutes))
    assert cells.totals(steps.DAY) == summed(expected.cells, (day_of(m, promises.zone) for m in minutes))
    assert contacts.keys() == expected.contacts.keys()
    held = {(row["contact_id"], row["customer_id"]) for row in resolutions.values() if row["held"]}
    assert held == {(c["contact_id"], c["customer_id"]) for c in expected.contacts.values() if c["customer_id"]}
    for contact_id, row in contacts.items():
        resolution = resolutions.get((contact_id, row["customer_id"])) if row["customer_id"] else None
        assert contact_of(row, resolution, promises) == expected.contacts[contact_id]
    return expected


@settings(max_examples=150)
@given(touchpoint_streams(), promises(), st.integers(0, 1 << 32), st.integers(1, 3))
def test_any_stream_in_any_batches_and_partitions_equals_the_oracle(
    stream: list[dict[str, Any]], promises: Promises, seed: int, partitions: int
) -> None:
    rng = Random(seed)
    log = arrivals(stream, seed, partitions)
    agree(log, promises, [rng.randrange(len(log) + 1) for _ in range(rng.randrange(6))])


@settings(max_examples=75)
@given(touchpoint_streams(), promises(), st.integers(0, 1 << 32), st.integers(1, 3))
def test_any_order_and_any_duplication_equals_the_oracle(
    stream: list[dict[str, Any]], promises: Promises, seed: int, partitions: int
) -> None:
    agree(arrivals(shuffled(duplicated(stream, seed), seed), seed, partitions), promises, range(0, 200, 7))


@settings(max_examples=40)
@given(touchpoint_streams(), promises(), st.integers(0, 1 << 32))
def test_where_nothing_is_clamped_the_order_does_not_matter(
    stream: list[dict[str, Any]], promises: Promises, seed: int
) -> None:
    newest = max(t["time"] for t in stream)
    one = agree([Arrival("touchpoints/0", n, newest, t) for n, t in enumerate(stream)], promises)
    other = shuffled(duplicated(stream, seed), seed)
    assert agree([Arrival("touchpoints/0", n, newest, t) for n, t in enumerate(other)], promises, [3, 8]) == one


@pytest.mark.parametrize(("seed", "name"), list(itertools.product(range(6), sorted(PROMISES))))
def test_a_bulk_stream_equals_the_oracle(seed: int, name: str) -> None:
    stream = generate(seed, 60)
    order = stream if seed % 2 else shuffled(stream, seed)
    agree(arrivals(order, seed, 1 + seed % 3), PROMISES[name], range(0, 1_000, 11 + 40 * seed))
