"""The views of notes on chDB, filled by the real folds, against the same worked out naively from the touchpoints."""

import time
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from pipeline.app.declared import declared
from pipeline.core.rules import Rulebook
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.schema import ensure
from pipeline.ports import Block
from schemas.catalogue import Catalogue, load
from tests import strategies
from tests.core.harness import catalogue_of, contact_engine, record_of
from tests.measures.scenes import DAY, HOUR, MONDAY_MS, contact
from tests.oracle import (
    Arrival,
    Contact,
    Promises,
    answers_of,
    bad_times,
    clocks_of,
    date_of,
    first_word,
    gather,
    is_unresolved,
    wait_of,
)

MONTH_MS: Final = 30 * 86_400_000
SILENT = ("complaint.raised", "message.received", "contact.answered", "contact.callback_requested", "customer.left",
          "customer.stayed")  # fmt: skip


class Filled:
    """A warehouse, filled through the contact fold."""

    def __init__(self, warehouse: EmbeddedWarehouse, catalogue: Catalogue) -> None:
        self.warehouse = warehouse
        self.engine = contact_engine(Rulebook(catalogue))

    async def fold(self, log: list[Arrival]) -> None:
        """Fold, flush and write."""
        start = self.engine.position
        records = [record_of(arrival._replace(offset=start + n)) for n, arrival in enumerate(log)]
        self.engine.fold(start, start + len(records), records)
        flush = self.engine.flush()
        assert flush is not None
        await self.warehouse.insert(Block("ledger", flush.ledger))
        for table, columns in flush.published:
            await self.warehouse.insert(Block(table, columns))
        self.engine.flushed(flush)

    async def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return [tuple(row) for row in await self.warehouse.query(sql)]


async def filled(warehouse: EmbeddedWarehouse, catalogue: Catalogue) -> Filled:
    await ensure(warehouse, declared(catalogue, 2026))
    return Filled(warehouse, catalogue)


def told(*contacts: list[dict[str, Any]]) -> list[Arrival]:
    """Contacts as arrivals; nothing is clamped."""
    touchpoints = sorted((t for each in contacts for t in each), key=lambda t: t["time"])
    return [Arrival("touchpoints/0", n, touchpoints[-1]["time"], t) for n, t in enumerate(touchpoints)]


@pytest.fixture(scope="module")
def bulk() -> tuple[list[Arrival], list[Contact], Promises]:
    promises = strategies.PROMISES["office"]
    stream = strategies.generate(11, 400)
    log = strategies.arrivals(stream, 11)
    return log, gather(log), promises


def by_customer(contacts: list[Contact]) -> dict[str, list[Contact]]:
    found: dict[str, list[Contact]] = defaultdict(list)
    for each in contacts:
        found[each.customer_id].append(each)
    return found


def promised(each: Contact) -> list[tuple[str, int, str, int]]:
    """(kind, due, fate, when it was bad or when it ended)."""
    found, seen = [], set()
    for made in each.all("promise.made"):
        if made["promise_id"] in seen:
            continue
        seen.add(made["promise_id"])
        kept, broken = first_word(each, "promise.kept", made), first_word(each, "promise.broken", made)
        kind, due = made.get("kind", "other"), made["due"]
        if kept is not None and (broken is None or kept <= broken):
            found.append((kind, due, "kept" if kept <= due else "late", kept))
        elif broken is not None:
            found.append((kind, due, "broken", min(broken, due)))
        else:
            found.append((kind, due, "open", due))
    return found


def heard(each: Contact) -> int | None:
    times = [t["time"] for t in each.touchpoints if t["type"] in SILENT]
    times += [t["time"] for t in each.all("feedback.given") if t.get("from", "customer") == "customer"]
    if each.inbound:
        times += [each.requested, *each.times("contact.requested")]
    return max(times, default=None)


def silently_bad(each: Contact, promises: Promises) -> list[tuple[int, str]]:
    found = [(t, "refused") for t in each.times("contact.refused")]
    wait = wait_of(each, promises)
    if wait is not None and wait.outcome == "abandoned" and wait.end is not None:
        found.append((wait.end, "abandoned"))
    if is_unresolved(each):
        found.append((each.last_closed or 0, "unresolved"))
    ends = [c.end for c in clocks_of(each) if c.ended_by == "closing" and c.end is not None]
    served = each.times("contact.answered") + each.replies()
    found += [(end, "closed_unanswered") for end in ends if not any(t <= end for t in served)]
    found += [
        (at if fate != "late" else due, f"promise_{fate}") for _, due, fate, at in promised(each) if fate != "kept"
    ]
    return found


@pytest.mark.asyncio
async def test_a_stream_of_everything(
    embedded: EmbeddedWarehouse, bulk: tuple[list[Arrival], list[Contact], Promises]
) -> None:
    log, contacts, promises = bulk
    world = await filled(embedded, catalogue_of(promises))
    half = len(log) // 2
    await world.fold(log[:half])
    await world.fold(log[half:])  # later states replace earlier ones
    newest = min(world.engine.marker.watermark_ms, int(time.time() * 1_000))
    await promises_agree(world, contacts, promises, newest)
    await scores_agree(world, contacts, promises)
    await risks_agree(world, contacts, promises, newest)
    await silence_agrees(world, contacts, promises, newest)
    await leavings_agree(world, contacts, promises)
    await demand_agrees(world, contacts, promises)


async def promises_agree(world: Filled, contacts: list[Contact], promises: Promises, newest: int) -> None:
    expected: dict[tuple[Any, ...], Counter[str]] = defaultdict(Counter)
    for each in contacts:
        for kind, due, fate, at in promised(each):
            row = expected[date_of(due, promises.zone), each.channel, each.queue, each.segment, kind]
            row.update(["due", fate if fate != "open" else "overdue" if due < newest else "open"])
            row["late_ms"] += at - due if fate == "late" else 0
    names = ("due", "kept", "late", "late_ms", "broken", "overdue", "open")
    rows = await world.ask(
        "SELECT day, channel, queue, segment, kind, promises_due, promises_kept, promises_late, promise_late_ms, "
        "promises_broken, promises_overdue, promises_open, kept_ratio FROM touchline.promises"
    )
    assert len(rows) > 20
    assert {row[:5]: row[5:12] for row in rows} == {
        place: tuple(row[name] for name in names) for place, row in expected.items()
    }
    for *_, due, kept, _, _, _, _, still, share in rows:
        assert share == (None if due == still else kept / (due - still))
    (sums,) = await world.ask(
        "SELECT sum(promises_due), sum(promises_kept), sum(promises_late), sum(promise_late_ms), sum(promises_broken) "
        "FROM touchline.measures_day"
    )
    assert sums == tuple(sum(row[name] for row in expected.values()) for name in names[:5])


async def scores_agree(world: Filled, contacts: list[Contact], promises: Promises) -> None:
    audits: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    topics: Counter[tuple[str, str]] = Counter()
    for each in contacts:
        for t in each.all("audit.scored"):
            if t["scale_max"] >= 1:
                into = audits[date_of(t["time"], promises.zone), each.channel, each.queue, each.segment, t["criterion"]]
                into[0] += 1
                into[1] += min(max(10_000 * t["score"] // t["scale_max"], 0), 10_000)
        topic = each.topic or "unknown"
        topics[topic, "refused"] += sum(t.get("reason") == "out_of_scope" for t in each.all("contact.refused"))
        topics[topic, "done"] += any(t.get("scope") == "out" for t in each.all("contact.closed"))
    rows = await world.ask("SELECT * FROM touchline.audits")
    assert rows
    assert {row[:5]: [*row[5:7]] for row in rows} == dict(audits)
    assert all(row[7] == row[6] / row[5] for row in rows)
    rows = await world.ask(
        "SELECT topic, sum(refused_out_of_scope), sum(out_of_scope_done) FROM touchline.misunderstandings "
        "GROUP BY topic"
    )
    assert {topic: (refused, done) for topic, refused, done in rows} == {
        topic: (topics[topic, "refused"], topics[topic, "done"]) for topic, _ in topics if topics[topic, "done"]
        or topics[topic, "refused"]
    }  # fmt: skip


async def risks_agree(world: Filled, contacts: list[Contact], promises: Promises, newest: int) -> None:
    expected: dict[str, set[str]] = {}
    since = newest - MONTH_MS
    for customer, theirs in by_customer(contacts).items():
        reasons = set()
        abandons, topics = 0, Counter[str]()
        for each in theirs:
            wait = wait_of(each, promises)
            if wait is not None and wait.outcome == "abandoned" and wait.end is not None:
                abandons += wait.end > since
            if each.inbound and each.topic and not each.all("contact.discarded") and each.requested > since:
                topics[each.topic] += 1
            settled = 0
            raised: list[int] = []
            for t in each.all("complaint.raised", "complaint.settled"):
                if t["type"] == "complaint.raised":
                    raised.append(t["time"])
                elif settled < len(raised):
                    settled += 1
            if any(since < t <= newest for t in raised[settled:]):
                reasons.add("unsettled_complaint")
            if any(score * 10 // top <= 6 and since < t <= newest for t, score, top in answers_of(each, "nps")):
                reasons.add("detractor")
            if any(fate in ("broken", "open") and since < at <= newest for _, _, fate, at in promised(each)):
                reasons.add("broken_promise")
        if abandons >= 2:
            reasons.add("two_abandons")
        if max(topics.values(), default=0) >= 3:
            reasons.add("three_contacts_on_one_topic")
        if customer and reasons:
            expected[customer] = reasons
    rows = await world.ask("SELECT customer_id, reasons, reason_count FROM touchline.customers_at_risk")
    assert {reason for _, reasons, _ in rows for reason in reasons} == {
        "unsettled_complaint", "detractor", "broken_promise", "two_abandons", "three_contacts_on_one_topic",
    }  # fmt: skip
    assert {row[0]: (list(row[1]), row[2]) for row in rows} == {
        customer: (sorted(reasons), len(reasons)) for customer, reasons in expected.items()
    }


async def silence_agrees(world: Filled, contacts: list[Contact], promises: Promises, newest: int) -> None:
    expected: dict[str, tuple[int, str, int]] = {}
    for customer, theirs in by_customer(contacts).items():
        last = max((t for each in theirs if (t := heard(each)) is not None), default=None)
        bad = [
            (at, what, each.contact_id)
            for each in theirs
            for at, what in silently_bad(each, promises)
            if at <= newest and (last is None or at >= last)
        ]
        if customer and bad:
            at, what, _ = max(bad)
            expected[customer] = (at, what, len(bad))
    rows = await world.ask(
        "SELECT customer_id, toUnixTimestamp64Milli(bad_at), what, bad_count FROM touchline.customers_silent"
    )
    assert len(rows) > 10
    assert {row[0]: row[1:] for row in rows} == expected


async def leavings_agree(world: Filled, contacts: list[Contact], promises: Promises) -> None:
    expected = []
    for customer, theirs in by_customer(contacts).items():
        bad = sorted(t for each in theirs for t in bad_times(each, promises)) if customer else []
        for each in theirs:
            for at in each.times("customer.left"):
                before = [b for b in bad if at - MONTH_MS <= b <= at]
                expected.append((customer, each.contact_id, at, len(before), before[-1] if before else None))
    rows = await world.ask(
        "SELECT customer_id, contact_id, toUnixTimestamp64Milli(left_at), length(after), "
        "toUnixTimestamp64Milli(last_bad_at) FROM touchline.customers_left"
    )
    assert len(rows) > 5
    assert sorted(rows, key=str) == sorted(expected, key=str)


async def demand_agrees(world: Filled, contacts: list[Contact], promises: Promises) -> None:
    expected: Counter[tuple[int, int, str]] = Counter()
    dates = set()
    for each in contacts:
        if each.inbound:
            local = datetime.fromtimestamp(each.requested // 1_000, ZoneInfo(promises.zone))
            expected[local.isoweekday(), local.hour, each.channel] += 1
            dates.add(local.date())
    rows = await world.ask(
        "SELECT weekday, hour, channel, sum(requested), any(days) FROM touchline.demand_by_hour GROUP BY 1, 2, 3 "
        "HAVING sum(requested) > 0"
    )
    assert {row[:3]: row[3] for row in rows} == expected
    first, last = min(dates).toordinal(), max(dates).toordinal()
    weekdays = Counter(1 + (ordinal - 1) % 7 for ordinal in range(first, last + 1))
    assert {(row[0], row[4]) for row in rows} == {(row[0], weekdays[row[0]]) for row in rows}


@pytest.mark.asyncio
async def test_a_correction_takes_a_customer_off_the_list_again(embedded: EmbeddedWarehouse) -> None:
    world = await filled(embedded, load("zone: UTC", "test"))
    unhappy = contact(
        ("contact.answered", 0), ("feedback.given", 60, {"kind": "nps", "score": 3}), ("complaint.raised", 90),
        name="k", customer_id="ann", topic="move",
    )  # fmt: skip
    await world.fold(told(unhappy))
    sql = "SELECT customer_id, reasons, contact_ids, topics FROM touchline.customers_at_risk"
    assert await world.ask(sql) == [("ann", ["detractor", "unsettled_complaint"], ["k"], ["move"])]
    settled = contact(("complaint.settled", 600, {"goodwill": 1_000}), name="k", customer_id="ann")
    settled[0]["id"] = "settled"
    await world.fold(told(settled))
    assert await world.ask(sql) == [("ann", ["detractor"], ["k"], ["move"])]
    corrected = {**unhappy[1], "score": 9, "revision": 1}
    await world.fold(told([corrected]))
    assert await world.ask(sql) == []
    # Thirty days without a word make all of it history: the newest touchpoint says how late it is.
    await world.fold(told([unhappy[1] | {"revision": 2}]))
    assert [row[0] for row in await world.ask(sql)] == ["ann"]
    await world.fold(told(contact(("contact.requested", 31 * DAY), name="other")))
    assert await world.ask(sql) == []


@pytest.mark.asyncio
async def test_silent_is_who_gave_up_and_no_longer_once_they_write(embedded: EmbeddedWarehouse) -> None:
    world = await filled(embedded, load("zone: UTC", "test"))
    call = contact(
        ("contact.queued", 0), ("contact.abandoned", 90), name="k", customer_id="ann", queue="sales", topic="move"
    )
    await world.fold(told(call))
    columns = "customer_id, what, contact_id, queue, topic, bad_count, isNull(reached_at)"
    sql = f"SELECT {columns} FROM touchline.customers_silent"
    assert await world.ask(sql) == [("ann", "abandoned", "k", "sales", "move", 1, 1)]
    called = contact(
        ("contact.requested", HOUR), ("message.sent", HOUR), name="ours", customer_id="ann", direction="outbound"
    )
    await world.fold(told(called))
    assert await world.ask(sql) == [("ann", "abandoned", "k", "sales", "move", 1, 0)]
    await world.fold(told(contact(("message.received", 2 * HOUR), name="mail", customer_id="ann", channel="email")))
    assert await world.ask(sql) == []


@pytest.mark.asyncio
async def test_weeks_and_months_are_those_of_the_zone_and_add_up(embedded: EmbeddedWarehouse) -> None:
    zone = "America/New_York"
    world = await filled(embedded, load(f"zone: {zone}", "test"))
    # Monday 2026-03-02 10:00 UTC + days: around the change of the clock, the end of the month and of the year.
    after = [0, 6.7, 6.79, 6.8, 13.75, 29.74, 29.77, 29.79, 298, 304.78, 304.8, 308]
    calls = [contact(("contact.requested", round(days * DAY)), name=f"k{n}") for n, days in enumerate(after)]
    await world.fold(told(*calls))
    weeks: Counter[Any] = Counter()
    months: Counter[Any] = Counter()
    for days in after:
        local = datetime.fromtimestamp(MONDAY_MS // 1_000 + round(days * DAY), ZoneInfo(zone)).date()
        iso = local.isocalendar()
        weeks[iso.year, iso.week] += 1
        months[local.replace(day=1)] += 1
    rows = await world.ask("SELECT year, week, requested FROM touchline.measures_week")
    assert {row[:2]: row[2] for row in rows} == weeks
    rows = await world.ask("SELECT month, requested FROM touchline.measures_month")
    assert dict(rows) == months
    starts = await world.ask("SELECT toUnixTimestamp(window_start), week_start FROM touchline.measures_week")
    for start, monday in starts:
        local = datetime.fromtimestamp(start, ZoneInfo(zone))
        assert (local.date(), local.hour, monday.weekday()) == (monday, 0, 0)


@pytest.mark.asyncio
async def test_a_mean_over_open_time_divides_by_those_that_have_one(embedded: EmbeddedWarehouse) -> None:
    catalogue = """
zone: UTC
calendars: {office: {weekly: {monday-friday: 09:00-17:00}}}
opening_hours: [{calendar: office, queue: sales}]
"""
    world = await filled(embedded, load(catalogue, "test"))
    waits = [("sales", 0, 60), ("sales", 10, 110), ("service", 20, 500), ("sales", 12 * HOUR, 12 * HOUR + 30)]
    calls = [
        contact(("contact.queued", begin), ("contact.answered", end), name=f"k{n}", queue=queue)
        for n, (queue, begin, end) in enumerate(waits)
    ]
    await world.fold(told(*calls))
    rows = await world.ask(
        "SELECT queue, answered, wait_ms, wait_open_ms, wait_open_n, wait_open_mean_ms FROM touchline.measures_day "
        "ORDER BY queue"
    )
    assert rows == [("sales", 3, 190_000, 160_000, 3, 160_000 / 3), ("service", 1, 480_000, None, 0, None)]
