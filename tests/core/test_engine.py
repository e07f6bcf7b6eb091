"""The engine: one partition from batches to flushes, what it refuses, what it forgets, and what it goes on with."""

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core import steps
from pipeline.core.contact import MAX_TOUCHPOINTS
from pipeline.core.contact import unpack as unpack_contact
from pipeline.core.contacts import ContactFold
from pipeline.core.engine import BehindLedger, Engine, Hole, OtherDefinitions, OtherLog
from pipeline.core.facts import Facts, unpack
from pipeline.core.facts import pack as pack_facts
from pipeline.core.poison import Limits, TooManyRejects
from pipeline.core.record import Record
from pipeline.core.rules import Rulebook
from pipeline.core.steps import (
    CELL,
    MARKER,
    MINUTE,
    CellRow,
    Flush,
    Marker,
    ReadBack,
    Recovered,
    StateRow,
    epoch_of,
    version_of,
)
from pipeline.core.timeline import REOPENED
from pipeline.measures import CONTACT_COLUMNS
from tests.core.harness import catalogue_of, contact_engine, customer_engine
from tests.oracle import HOUR, Promises
from tests.strategies import BEGIN, arrivals, generate

RULEBOOK = Rulebook(catalogue_of(Promises(window_ms=HOUR)))


def record(offset: int, append_ms: int = BEGIN, contact: str = "k0", **fields: Any) -> Record:
    """A touchpoint in the log; without fields, another caller in the queue."""
    usual = {"id": f"t{offset}", "type": "contact.queued", "time": BEGIN, "contact_id": contact, "channel": "phone"}
    return Record(offset, append_ms, contact.encode(), msgspec.json.encode({**usual, **fields}))


def folded(records: Iterable[Record], of: Engine | None = None) -> Engine:
    """An engine that has folded these, one batch."""
    found = of or contact_engine(RULEBOOK)
    given = list(records)
    found.fold(found.position, given[-1].offset + 1, given)
    return found


def flushed(of: Engine) -> Flush:
    """What it flushes, and it is durable."""
    flush = of.flush()
    assert flush is not None
    of.flushed(flush)
    return flush


def rows(flush: Flush, kind: int) -> list[dict[str, Any]]:
    """The rows of one kind."""
    block = flush.ledger
    return [
        {name: column[n] for name, column in block.items()} for n, found in enumerate(block["kind"]) if found == kind
    ]


def minutes(flush: Flush) -> dict[tuple[int, int], dict[int, int]]:
    """Generation: the cell of the only minute."""
    return {
        (row["generation_hour"], row["generation_block"]): dict(zip(row["keys"], row["values"], strict=True))
        for row in rows(flush, CELL)
        if row["resolution"] == MINUTE
    }


def offered(flush: Flush) -> dict[tuple[int, int], int]:
    """Generation: contacts offered."""
    key = next(m for m in CONTACT_COLUMNS.by_moment["wait"] if CONTACT_COLUMNS.name_of(m.number) == "offered").number
    return {generation: cell.get(key, 0) for generation, cell in minutes(flush).items()}


def recovered(*flushes: Flush) -> Recovered:
    """What a ledger that took these returns."""
    marker, version = None, 0
    states: dict[str, StateRow] = {}
    cells: dict[Any, CellRow] = {}
    for flush in sorted(flushes, key=lambda f: f.version):
        (row,) = rows(flush, MARKER)
        marker, version = msgspec.json.decode(row["state"], type=Marker), row["version"]
        for row in rows(flush, steps.CONTACT) + rows(flush, steps.FACT):
            states[row["key"]] = StateRow(
                row["key"], row["state"], bool(row["is_open"]), row["last_ms"], row["version"]
            )
        for row in rows(flush, CELL):
            window = (row["resolution"], row["window_s"], row["channel"], row["queue"], row["segment"])
            generation = (row["generation_hour"], row["generation_block"])
            cell = dict(zip(row["keys"], row["values"], strict=True))
            cells[generation, row["epoch"], window] = CellRow(generation, row["epoch"], window, cell)
    return Recovered(marker, version, list(states.values()), list(cells.values()))


def facts_record(offset: int, emission: tuple[str, bytes, bytes]) -> Record:
    """A record of the facts topic."""
    return Record(offset, BEGIN, emission[1], emission[2])


# ---- positions


def test_what_was_folded_is_skipped_and_a_gap_inside_a_batch_is_the_brokers() -> None:
    one = folded([record(0, contact="a"), record(1, contact="b")])
    one.fold(0, 9, [record(0, contact="a"), record(1, contact="b"), record(5, contact="c")])
    assert (one.position, one.marker.applied, one.marker.duplicate) == (9, 3, 0)


def test_a_batch_that_begins_after_the_position_is_a_hole_and_changes_nothing() -> None:
    one = folded([record(0)])
    with pytest.raises(Hole) as found:
        one.fold(3, 4, [record(3, contact="b")])
    assert (found.value.position, found.value.from_offset) == (1, 3)
    assert (one.position, one.marker.applied) == (1, 1)


def test_an_empty_batch_moves_the_position_and_the_next_flush_says_so() -> None:
    one = folded([record(0)])
    flushed(one)
    assert one.flush() is None
    one.fold(1, 7, [])
    (marker,) = rows(flushed(one), MARKER)
    assert msgspec.json.decode(marker["state"])["offset"] == 7


def test_skipping_what_the_log_lost_is_counted() -> None:
    one = folded([record(0)])
    one.skip(10)
    one.fold(10, 11, [record(10, contact="b")])
    assert (one.marker.lost, one.marker.applied, one.position) == (9, 2, 11)


def test_versions_are_epoch_and_offset() -> None:
    assert epoch_of(version_of(3, 77)) == 3
    assert version_of(2, 0) > version_of(1, (1 << 48) - 1)


# ---- what is rejected


def test_a_reject_is_a_dead_letter_with_its_origin_and_the_next_record_counts() -> None:
    one = contact_engine(RULEBOOK, "touchpoints/3", epoch=2)
    one.fold(0, 2, [Record(0, BEGIN, b"k0", b"{"), record(1)])
    (letter,) = flushed(one).dead_letters
    assert (letter.topic, letter.number, letter.epoch, letter.offset) == ("touchpoints", 3, 2, 0)
    assert (letter.reason, letter.step, letter.value) == ("not_json", "fold", b"{")
    assert (one.marker.rejected, one.marker.applied) == ({"not_json": 1}, 1)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Record(0, BEGIN, b"other", record(0).value), "key_mismatch"),
        (Record(0, BEGIN, None, record(0).value), "key_mismatch"),
        (Record(0, BEGIN, b"k0", None), "null_value"),
        (record(0, channel="telepathy"), "unknown_channel"),
    ],
)
def test_the_contact_fold_rejects(bad: Record, reason: str) -> None:
    assert folded([bad]).marker.rejected == {reason: 1}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (Record(0, BEGIN, b"c", None), "null_value"),
        (Record(0, BEGIN, b"c", b"{"), "not_json"),
        (Record(0, BEGIN, b"c", pack_facts(Facts(1, True, BEGIN, "kk", "c")).replace(b"kk", b"\xff\xff")), "not_json"),
        (Record(0, BEGIN, b"c", pack_facts(Facts(1, True, BEGIN, "k", "d"))), "key_mismatch"),
    ],
)
def test_the_customer_fold_rejects(bad: Record, reason: str) -> None:
    assert folded([bad], customer_engine(RULEBOOK)).marker.rejected == {reason: 1}


def test_what_is_older_than_retention_is_rejected_and_what_is_just_old_enough_is_late() -> None:
    retention_ms = RULEBOOK.settings.retention_ms
    old = [record(1, time=BEGIN - retention_ms, contact="a"), record(2, time=BEGIN - retention_ms - 1, contact="b")]
    one = folded([record(0), *old])
    assert (one.marker.rejected, one.marker.late, one.marker.applied) == ({"too_old": 1}, 1, 2)


def test_a_contact_without_end_is_cut_off_but_revisions_still_count() -> None:
    n = MAX_TOUCHPOINTS
    one = folded([*(record(offset) for offset in range(n + 1)), record(n + 1, id="t1", revision=1)])
    assert (one.marker.rejected, one.marker.applied) == ({"contact_too_long": 1}, n + 1)


def test_too_many_rejects_stop_before_the_one_too_many() -> None:
    fold = ContactFold(RULEBOOK, CONTACT_COLUMNS, RULEBOOK.catalogue.channels.keys())
    one = Engine("touchpoints/0", 1, fold, RULEBOOK.zone, lambda _: "test", Limits(run=2, ratio=1.0), 20)
    bad = [Record(n, BEGIN, b"k", b"{") for n in range(1, 9)]
    with pytest.raises(TooManyRejects):
        one.fold(0, 9, [record(0), *bad])
    assert (one.position, one.marker.rejected) == (3, {"not_json": 2})
    flush = flushed(one)
    assert (len(flush.dead_letters), flush.offset) == (2, 3)


# ---- generations


def test_what_is_learned_in_another_hour_is_counted_in_another_generation() -> None:
    hour = BEGIN // HOUR
    one = folded([record(0, contact="a"), record(1, BEGIN + HOUR, contact="b"), record(2, BEGIN + 2, contact="c")])
    # The third record's own timestamp is older, but append time is the running maximum.
    assert offered(flushed(one)) == {(hour, 0): 1, (hour + 1, 0): 2}


def test_what_is_learned_in_another_block_of_offsets_is_counted_in_another_generation() -> None:
    hour, block = BEGIN // HOUR, 1 << 20
    one = folded([record(0, contact="a"), record(block, contact="b"), record(block + 1, contact="c")])
    assert offered(flushed(one)) == {(hour, 0): 1, (hour, 1): 2}


def test_a_correction_is_booked_where_it_is_learned() -> None:
    hour = BEGIN // HOUR
    one = folded([record(0)])
    assert offered(flushed(one)) == {(hour, 0): 1}
    folded([record(1, BEGIN + HOUR, direction="outbound", time=BEGIN - 1, type="contact.menu", step="1")], one)
    assert offered(flushed(one)) == {(hour + 1, 0): -1}


def test_only_the_current_generation_stays_in_memory() -> None:
    one = folded([record(0, contact="a")])
    flushed(one)
    before = set(one._cells)
    folded([record(1, BEGIN + HOUR, contact="b", time=BEGIN + HOUR)], one)
    flushed(one)
    assert before
    assert not before & {window for window in one._cells if window[0] != steps.DAY}
    assert set(one._dirty_cells) <= {((BEGIN + HOUR) // HOUR, 0)}


def test_a_finished_generation_stays_until_it_is_durable() -> None:
    one = folded([record(0, contact="a"), record(1, BEGIN + HOUR, contact="b")])
    lost = one.flush()
    assert lost is not None
    one.failed(lost)
    folded([record(2, BEGIN + 2 * HOUR, contact="c")], one)
    hour = BEGIN // HOUR
    assert offered(flushed(one)) == {(hour, 0): 1, (hour + 1, 0): 1, (hour + 2, 0): 1}


# ---- flushes


def test_a_cell_that_comes_back_to_what_it_was_is_written_all_the_same() -> None:
    one = folded([record(0), record(1, time=BEGIN - 1, channel="chat")])
    cells = {(row["channel"], row["resolution"]): row["keys"] for row in rows(flushed(one), CELL)}
    assert cells["phone", MINUTE] == [], "somebody may have written a 1 here after the first of the two"


def test_a_flush_that_failed_is_in_the_next_one() -> None:
    one = folded([Record(0, BEGIN, b"k", b"{"), record(1, contact="a")])
    lost = one.flush()
    assert lost is not None
    folded([record(2, contact="b")], one)
    one.failed(lost)
    flush = flushed(one)
    assert {row["key"] for row in rows(flush, steps.CONTACT)} == {"a", "b"}
    assert len(flush.dead_letters) == 1
    assert offered(flush) == {(BEGIN // HOUR, 0): 2}
    assert one.flush() is None


def test_a_flush_in_flight_does_not_change_with_what_is_folded_meanwhile() -> None:
    one = folded([record(0, contact="a")])
    flush = one.flush()
    assert flush is not None
    folded([record(1, contact="b")], one)
    assert offered(flush) == {(BEGIN // HOUR, 0): 1}
    one.flushed(flush)
    assert offered(flushed(one)) == {(BEGIN // HOUR, 0): 2}


def call(contact: str, offset: int, begins_ms: int) -> list[Record]:
    """A call of customer c, from question to answer."""
    types = ("contact.queued", "contact.answered", "contact.closed")
    return [
        record(offset + n, BEGIN + HOUR, contact, type=type_, time=begins_ms + n, customer_id="c")
        for n, type_ in enumerate(types)
    ]


def test_who_is_followed_is_published_even_if_the_flush_that_learned_of_it_failed() -> None:
    emissions = flushed(folded(call("a", 0, BEGIN) + call("b", 3, BEGIN + 60_000))).emissions
    first, second = (facts_record(n, emission) for n, emission in enumerate(emissions))
    one = folded([first], customer_engine(RULEBOOK))
    flushed(one)
    folded([second], one)
    lost = one.flush()
    assert lost is not None
    one.failed(lost)
    ((table, columns),) = flushed(one).published
    followed = dict(zip(columns["contact_id"], columns["followed_by_contact_id"], strict=True))
    assert (table, followed) == ("resolutions", {"a": "b", "b": ""})


def test_a_customer_who_was_wrong_is_told_that_the_contact_is_gone() -> None:
    one = folded([record(0, customer_id="wrong"), record(1, time=BEGIN - 1, customer_id="right")])
    told = {key: unpack(value).held for _, key, value in flushed(one).emissions}
    assert told == {b"right": True, b"wrong": False}


def test_a_contact_that_is_gone_is_in_no_issue() -> None:
    one = folded([record(0, customer_id="wrong"), record(1, time=BEGIN - 1, customer_id="right")])
    facts = [facts_record(n, emission) for n, emission in enumerate(flushed(one).emissions)]
    ((_, columns),) = flushed(folded(facts, customer_engine(RULEBOOK))).published
    issues = dict(zip(columns["customer_id"], zip(columns["held"], columns["issue_id"], strict=True), strict=True))
    assert issues == {"right": (1, columns["contact_id"][0]), "wrong": (0, "")}


# ---- recovery


def test_recovery_goes_on_where_the_ledger_stands() -> None:
    one = folded([record(0, contact="a"), record(1, contact="b")])
    flush = flushed(one)
    other = contact_engine(RULEBOOK)
    other.recover(recovered(flush))
    assert (other.position, other.marker) == (2, one.marker)
    folded([record(2, contact="b", type="contact.answered")], one)
    folded([record(2, contact="b", type="contact.answered")], other)
    assert minutes(flushed(one)) == minutes(flushed(other))


def test_recovery_writes_the_rows_of_the_last_flush_again_and_no_others() -> None:
    one = folded([record(0, contact="a")])
    flushes = [flushed(one)]
    folded([record(1, contact="b")], one)
    flushes.append(flushed(one))
    other = contact_engine(RULEBOOK)
    other.recover(recovered(*flushes))
    ((_, columns),) = flushed(other).published
    assert list(columns["contact_id"]) == ["b"]


def test_a_new_epoch_begins_at_its_beginning_with_the_contacts_it_knows() -> None:
    flush = flushed(folded([record(0, contact="a"), record(1, contact="b")]))
    other = contact_engine(RULEBOOK, epoch=2)
    other.recover(recovered(flush))
    assert other.position == 0
    folded([record(0, contact="a", id="t0"), record(1, contact="c")], other)
    assert (other.marker.duplicate, other.marker.applied) == (1, 3)
    again = flushed(other)
    assert epoch_of(again.version) == 2
    assert offered(again) == {(BEGIN // HOUR, 0): 1}, "cells of the other epoch stay where they are"


def test_other_definitions_are_refused() -> None:
    fold = ContactFold(RULEBOOK, CONTACT_COLUMNS, RULEBOOK.catalogue.channels.keys())
    other = Engine("touchpoints/0", 1, fold, RULEBOOK.zone, lambda _: "other", Limits(run=9, ratio=1.0), 20)
    with pytest.raises(OtherDefinitions, match=r"test.*other"):
        other.recover(recovered(flushed(folded([record(0)]))))


def test_a_topic_that_was_made_again_is_refused_even_if_it_has_grown_past_the_position() -> None:
    first = contact_engine(RULEBOOK)
    first.log_id = "made first"
    flush = flushed(folded([record(0), record(1)], first))
    again = contact_engine(RULEBOOK)
    again.log_id = "made again"
    with pytest.raises(OtherLog, match=r"made first.*made again.*TOUCHLINE_NEW_EPOCH=touchpoints"):
        again.recover(recovered(flush))
    new_epoch = contact_engine(RULEBOOK, epoch=2)
    new_epoch.log_id = "made again"
    new_epoch.recover(recovered(flush))
    assert new_epoch.position == 0


def test_who_has_the_facts_is_written_even_if_nothing_else_is_new() -> None:
    flush = flushed(folded([record(0)]))
    other = contact_engine(RULEBOOK)
    other.recover(recovered(flush))
    flushed(other)
    other.told(7, 0, {})
    (marker,) = rows(flushed(other), MARKER)
    assert msgspec.json.decode(marker["state"])["facts_epoch"] == 7


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_what_is_in_the_ledger_for_an_offset_does_not_depend_on_batches_and_owners(seed: int, rng: Random) -> None:
    log = [
        Record(a.offset, a.append_ms, a.touchpoint["contact_id"].encode(), msgspec.json.encode(a.touchpoint))
        for a in arrivals(generate(seed, 4), seed)
    ]
    at_once = flushed(folded(log))
    flushes: list[Flush] = []
    one = contact_engine(RULEBOOK)
    start = 0
    while start < len(log):
        end = min(start + rng.randrange(1, 9), len(log))
        folded(log[start:end], one)
        start = end
        if rng.random() < 0.3:
            flushes.append(flushed(one))
        elif rng.random() < 0.3:
            one = contact_engine(RULEBOOK)
            one.recover(recovered(*flushes))
            start = next((n for n, r in enumerate(log) if r.offset >= one.position), len(log))
    last = one.flush()
    found = recovered(*flushes, *([last] if last else []))
    expected = recovered(at_once)

    def states(of: Recovered) -> Mapping[str, bytes]:
        return {row.key: row.state for row in of.states}

    def totals(of: Recovered) -> Mapping[Any, dict[int, int]]:
        # Which cells were touched with nothing left in them does depend on batches, and makes no difference.
        return {(row.generation, row.window): row.cell for row in of.cells if row.cell}

    assert (found.marker, found.version, states(found)) == (expected.marker, expected.version, states(expected))
    assert totals(found) == totals(expected)


# ---- memory is a cache

DAY = 24 * HOUR


def later(offset: int, days: float, contact: str = "later", **fields: Any) -> Record:
    """Something of another contact, days on."""
    at_ms = BEGIN + int(days * DAY)
    return record(offset, at_ms, contact, time=at_ms, **fields)


def closed(offset: int, contact: str, **fields: Any) -> list[Record]:
    """A call that is over."""
    return [
        record(offset, contact=contact, **fields),
        record(offset + 1, contact=contact, type="contact.closed", **fields),
    ]


def test_only_what_is_quiet_and_written_is_evicted_and_what_is_live_stays_in_sight() -> None:
    one = folded([*closed(0, "quiet"), record(2, contact="open"), *closed(3, "unwritten")])
    flushed(one)
    fold = one.fold_
    assert isinstance(fold, ContactFold)
    folded([later(5, 0.4)], one)
    one.evict(100)
    assert all(fold.holds(name) for name in ("quiet", "open", "unwritten")), "within half a day"
    folded([later(6, 1.1), record(7, BEGIN + 2 * DAY, "unwritten", type="contact.reopened", time=BEGIN + 1)], one)
    one.evict(100)
    assert [fold.holds(name) for name in ("quiet", "open", "unwritten", "later")] == [False, False, True, True]
    under_way = one.flush()
    one.evict(100)
    assert fold.holds("unwritten"), "whether it is written is not known yet"
    assert under_way is not None
    one.flushed(under_way)
    assert set(fold.open) == {"open", "later", "unwritten"}, "and still somebody may be waiting there"


def test_what_was_evicted_is_cold_and_read_back_it_is_as_if_it_had_never_gone() -> None:
    log = [*closed(0, "k"), later(2, 9)]
    one, other = folded(log), folded(log)
    flush = flushed(one)
    flushed(other)
    one.evict(100)
    again = later(3, 9, "k", type="contact.reopened")
    strangers = [later(4, 9, "new"), Record(5, BEGIN, b"\xff", b"{"), Record(6, BEGIN, None, b"{")]
    assert one.cold([again, again, *strangers]) == ["k"]
    one.read_back(["k"], ReadBack(flush.version, list(recovered(flush).states)))
    assert one.cold([again]) == []
    assert flushed(folded([again], one)).ledger == flushed(folded([again], other)).ledger


def test_what_is_newer_than_what_we_have_folded_is_not_taken() -> None:
    one = folded([*closed(0, "k"), later(2, 9)])
    flush = flushed(one)
    one.evict(100)
    states = list(recovered(flush).states)
    with pytest.raises(BehindLedger, match="touchpoints/0"):
        one.read_back(["k"], ReadBack(version_of(1, 4), states))
    one.read_back(["k"], ReadBack(version_of(1, 3), states))


def test_recovery_forgets_what_was_held_before() -> None:
    one = folded([record(0, contact="a"), later(1, 0.01, "b")])
    flush = flushed(one)
    found = recovered(flush)
    folded([later(2, 0.02, "c")], one)
    once, twice = contact_engine(RULEBOOK), one
    for each in (once, twice, twice):
        each.recover(found)
    assert (twice.position, twice.recent, twice.dirty_rows) == (once.position, once.recent, once.dirty_rows)


def test_a_contact_silent_for_longer_than_retention_begins_anew_whether_its_row_is_there_or_not() -> None:
    days = RULEBOOK.settings.retention_ms // DAY
    first = [record(0, contact="k", customer_id="c")]
    on = [later(1, days + 1), later(2, days + 1, "k", type="contact.reopened")]
    there = folded([*first, *on])
    gone = contact_engine(RULEBOOK)
    flush = flushed(folded(first))
    gone.recover(msgspec.structs.replace(recovered(flush), states=[]))
    folded(on, gone)
    states = [{row["key"]: row["state"] for row in rows(flushed(one), steps.CONTACT)} for one in (there, gone)]
    assert states[0] == states[1]
    assert [touch.type for touch in unpack_contact("k", states[0]["k"]).touches] == [REOPENED]
    assert there.recent == gone.recent


def test_customers_come_and_go_as_a_whole() -> None:
    emissions = flushed(folded([*call("a", 0, BEGIN), *call("b", 3, BEGIN + 60_000)])).emissions
    one = folded([facts_record(n, emission) for n, emission in enumerate(emissions)], customer_engine(RULEBOOK))
    flush = flushed(one)
    told = flushed(folded([later(0, 30, "x", customer_id="d")])).emissions
    folded([facts_record(2, told[0])], one)
    flushed(one)
    one.evict(100)
    assert not one.fold_.holds("c")
    again = facts_record(3, emissions[0])
    assert one.cold([again]) == ["c"]
    one.read_back(["c"], ReadBack(flush.version, list(recovered(flush).states)))
    applied = one.marker.applied
    folded([again], one)
    assert one.marker.applied == applied, "known already: both contacts of the customer are there"
