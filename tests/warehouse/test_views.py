"""The views for people on chDB, against the same numbers worked out in Python."""

import random
import time
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from pipeline.core.histogram import bounds, bucket
from pipeline.core.measure import column_key
from pipeline.io.embedded import EmbeddedWarehouse
from pipeline.io.schema import Declared, ensure
from pipeline.measures import ALL
from pipeline.ports import Block
from schemas.tables import MeasureColumn, measure_key, tables
from schemas.view import Setting
from schemas.views import views

ZONE = ZoneInfo("Europe/Berlin")
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
NOW_MS = int(time.time() * 1_000)


def all_measures() -> list[MeasureColumn]:
    found = []
    for measure in ALL:
        found.append(MeasureColumn(measure.name, measure.key, measure.definition, nullable=measure.optional))
        if measure.histogram:
            name = measure.buckets_name
            found.append(MeasureColumn(name, column_key(name), f"{measure.name} by bucket", histogram=True))
    return found


def opening() -> dict[int, list[tuple[int, int]]]:
    """Mondays to Fridays 8 to 12 and 13 to 18 in 2023, Christmas closed; nothing is known of other years."""
    first = date(2023, 1, 1)
    days = [first + timedelta(n) for n in range(365)]
    closed = {date(2023, 12, 25), date(2023, 12, 26)}
    return {
        (day - date(1970, 1, 1)).days: [] if day.weekday() > 4 or day in closed else [(480, 720), (780, 1_080)]
        for day in days
    }


async def prepared(embedded: EmbeddedWarehouse) -> EmbeddedWarehouse:
    measures = all_measures()
    setting = Setting(zone="Europe/Berlin", opening=True, touchpoints=True)
    await ensure(embedded, Declared(tables(measures, store_touchpoints=True), views(measures, setting), opening()))
    return embedded


async def cell(warehouse: EmbeddedWarehouse, window_s: int, measures: dict[str, int], **other: Any) -> None:
    row = {
        "kind": 1, "p": "touchpoints/0", "resolution": 1, "window_s": window_s, "channel": "phone", "queue": "a",
        "segment": "unknown", "keys": [measure_key(name) for name in measures], "values": list(measures.values()),
        "version": 1, **other,
    }  # fmt: skip
    await warehouse.insert(Block("ledger", {name: [value] for name, value in row.items()}))


async def marker(warehouse: EmbeddedWarehouse, p: str, version: int, **fields: Any) -> None:
    state = msgspec.json.encode(fields)
    await warehouse.insert(Block("ledger", {"kind": [0], "p": [p], "state": [state], "version": [version << 48 | 17]}))


async def contact(warehouse: EmbeddedWarehouse, contact_id: str, **fields: Any) -> None:
    row = {
        "contact_id": contact_id,
        "p": "touchpoints/0",
        "channel": "phone",
        "queue": "a",
        "segment": "unknown",
        **fields,
    }
    await warehouse.insert(Block("contacts", {name: [value] for name, value in {"version": 1, **row}.items()}))


@pytest.mark.asyncio
async def test_every_view_has_the_columns_it_declares_each_with_a_comment(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    for view in views(all_measures(), Setting(zone="Europe/Berlin", opening=True, touchpoints=True)):
        found = await embedded.query(
            "SELECT name, type, comment FROM system.columns WHERE database = 'touchline' AND table = %(name)s "
            "ORDER BY position",
            {"name": view.name},
        )
        assert found == [(column.name, column.type, column.comment) for column in view.columns]
        assert all(comment for _, _, comment in found)
        assert await embedded.query(f"SELECT * FROM {view.full_name}") == []


@pytest.mark.asyncio
async def test_sums_over_generations_partitions_and_replaced_versions(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    chance = random.Random(5)
    plain = ["offered", "answered", "abandoned", "wait_ms"]
    expected: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    buckets: dict[tuple[int, str], Counter[int]] = defaultdict(Counter)
    columns: dict[str, list[Any]] = defaultdict(list)
    blocks = []
    for p in range(3):
        for generation in range(4):
            for version in (2, 1, 3):
                columns = defaultdict(list)
                for window_s in (60, 120, 86_400):
                    for queue in ("a", "b"):
                        values = {measure_key(name): chance.randint(-5, 50) for name in plain}
                        waits = {bucket(chance.randrange(100_000)): chance.randint(1, 3) for _ in range(3)}
                        if version == 3:
                            expected[window_s, queue].update({name: values[measure_key(name)] for name in plain})
                            buckets[window_s, queue].update(waits)
                        values |= {measure_key("wait_ms_buckets") + index: n for index, n in waits.items()}
                        for name, value in {
                            "kind": 1, "p": f"touchpoints/{p}", "resolution": 1, "window_s": window_s,
                            "channel": "phone", "queue": queue, "segment": "unknown", "epoch": 1,
                            "generation_hour": generation, "keys": list(values), "values": list(values.values()),
                            "version": version,
                        }.items():  # fmt: skip
                            columns[name].append(value)
                blocks.append(Block("ledger", columns))
    chance.shuffle(blocks)
    for block in blocks:
        await embedded.insert(block)
    rows = await embedded.query(
        "SELECT toUnixTimestamp(window_start), queue, offered, answered, abandoned, wait_ms, wait_ms_buckets, "
        "wait_open_ms, requested FROM touchline.measures ORDER BY window_start, queue"
    )
    assert rows == [
        (*place, *(sums[name] for name in plain), {k: n for k, n in buckets[place].items() if n}, None, 0)
        for place, sums in sorted(expected.items())
    ]


@pytest.mark.asyncio
async def test_absent_is_not_zero(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    given = {"keys": [measure_key("wait_open_ms"), measure_key("wait_open_ms") + 1]}
    await cell(embedded, 60, {}, **given, values=[0, 1])
    await cell(embedded, 120, {}, **given, values=[7, 1])
    await cell(embedded, 120, {}, **given, values=[-7, -1], generation_hour=9)
    await cell(embedded, 180, {"offered": 1})
    rows = await embedded.query("SELECT toUnixTimestamp(window_start), wait_open_ms FROM touchline.measures ORDER BY 1")
    assert rows == [(60, 0), (120, None), (180, None)]


@pytest.mark.asyncio
async def test_ratios_are_quotients_of_sums_and_never_inf_or_nan(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    await cell(
        embedded, 60,
        {"offered": 10, "answered": 6, "answered_queued": 5, "answered_in_target": 4, "abandoned_short": 1,
         "abandoned_in_target": 2, "wait_ms": 60_000, "requested": 12, "discarded": 1, "self_service_contained": 2},
    )  # fmt: skip
    await cell(embedded, 120, {"answered_in_target": 3})
    names = "sl_offered, sl_net, sl_without_quick, sl_answered, sl_connect, asa_ms, asa_queued_ms, reachability, fcr"
    full, empty = await embedded.query(f"SELECT {names} FROM touchline.measures ORDER BY window_start")
    assert full == (4 / 10, 4 / 9, 4 / 8, 4 / 6, 6 / 10, 10_000, 12_000, 8 / 11, None)
    assert empty == (None,) * 9
    floats = [
        name
        for name, type_ in await embedded.query(
            "SELECT name, type FROM system.columns WHERE database = 'touchline' AND table = 'measures'"
        )
        if "Float64" in type_
    ]
    assert len(floats) >= 13
    bad = " + ".join(f"countIf(isNaN({name}) OR isInfinite({name}))" for name in floats)
    assert await embedded.query(f"SELECT {bad} FROM touchline.measures") == [(0,)]


@pytest.mark.asyncio
async def test_windows_carry_the_calendar_of_the_zone(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    chance = random.Random(11)
    start = int(datetime(2022, 12, 30, tzinfo=UTC).timestamp()) // 60
    moments = sorted(chance.sample(range(start, start + 370 * 1_440), 400))
    # The hours around both changes of the clock, midnight, and the edges of opening.
    for day in (
        datetime(2023, 3, 26, tzinfo=UTC),
        datetime(2023, 10, 29, tzinfo=UTC),
        datetime(2023, 5, 2, 6, tzinfo=UTC),
    ):
        moments += [int((day + timedelta(minutes=n)).timestamp()) // 60 for n in range(0, 240, 5)]
    moments = sorted(set(moments))
    for resolution in (1, 2):
        windows = sorted({m * 60 if resolution == 1 else m // 60 * 3_600 for m in moments})
        n = len(windows)
        await embedded.insert(
            Block("ledger", {"kind": [1] * n, "p": ["t/0"] * n, "resolution": [resolution] * n, "window_s": windows,
                             "keys": [[measure_key("offered")]] * n, "values": [[1]] * n, "version": [1] * n})
        )  # fmt: skip
        view = {1: "measures", 2: "measures_hour"}[resolution]
        rows = await embedded.query(
            "SELECT toUnixTimestamp(window_start), day, week_start, month, hour, weekday, is_open "
            f"FROM touchline.{view} ORDER BY window_start"
        )
        assert rows == [(w, *_local(w, 1 if resolution == 1 else 60)) for w in windows]


def _local(window_s: int, minutes: int) -> tuple[Any, ...]:
    local = datetime.fromtimestamp(window_s, ZONE)
    day, minute = local.date(), local.hour * 60 + local.minute
    hours = opening().get((day - date(1970, 1, 1)).days)
    is_open = None if hours is None else int(any(f < minute + minutes and t > minute for f, t in hours))
    return day, day - timedelta(day.weekday()), day.replace(day=1), local.hour, day.isoweekday(), is_open


@pytest.mark.asyncio
async def test_a_day_is_the_zones_day(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    days = [datetime(2023, 12, 22, tzinfo=ZONE) + timedelta(n) for n in range(6)]
    for day in days:
        await cell(embedded, int(day.timestamp()), {"offered": 1}, resolution=3)
    rows = await embedded.query("SELECT day, hour, is_open, offered FROM touchline.measures_day ORDER BY day")
    assert rows == [(day.date(), 0, int(day.day in {22, 27}), 1) for day in days]


@pytest.mark.asyncio
async def test_who_waits_within_the_target_is_neither_hit_nor_miss(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    began_ms = NOW_MS - 5_000
    minute, hour = began_ms // 60_000 * 60, began_ms // 3_600_000 * 3_600
    day = int(
        datetime.fromtimestamp(began_ms / 1_000, ZONE).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    )
    for resolution, window_s in ((1, minute), (2, hour), (3, day)):
        values = {"offered": 5, "answered_in_target": 2, "first_responses_due": 3, "first_response_in_target": 1}
        await cell(embedded, window_s, values, resolution=resolution)
    waiting = {"wait_began_ms": began_ms, "target_ms": 3_600_000}
    await contact(embedded, "waits", **waiting)
    await contact(embedded, "waits too", **waiting)
    await contact(embedded, "was answered since", **waiting)
    await contact(embedded, "was answered since", **waiting, wait_ended_ms=began_ms + 1, version=2)
    await contact(embedded, "beyond the target", wait_began_ms=began_ms, target_ms=1_000)
    await contact(embedded, "no target", wait_began_ms=began_ms)
    mail = {"first_clock_ms": began_ms, "response_due": 1}
    await contact(embedded, "unanswered", **mail, response_deadline_ms=NOW_MS + 3_600_000)
    await contact(embedded, "late", **mail, response_deadline_ms=NOW_MS - 1)
    for view in ("measures", "measures_hour", "measures_day", "measures_week", "measures_month"):
        rows = await embedded.query(
            f"SELECT offered, undecided, sl_offered, responses_undecided, sl_response FROM touchline.{view}"
        )
        assert rows == [(5, 2, 2 / 3, 1, 1 / 2)]


@pytest.mark.asyncio
async def test_fcr_is_confirmed_once_read_far_enough(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    window_s = 1_700_000_040
    settled_ms = (window_s + 60) * 1_000 + WEEK_MS + DAY_MS
    await cell(embedded, window_s, {"fcr_eligible": 4, "fcr_resolved": 3})
    sql = "SELECT fcr, fcr_eligible_confirmed, fcr_resolved_confirmed, fcr_confirmed FROM touchline.measures"
    assert await embedded.query(sql) == [(0.75, 0, 0, None)]
    await marker(embedded, "touchpoints/0", 1, watermark_ms=settled_ms)
    assert await embedded.query(sql) == [(0.75, 4, 3, 0.75)]
    await marker(embedded, "contact-facts/1", 1, watermark_ms=settled_ms - 1)
    assert await embedded.query(sql) == [(0.75, 0, 0, None)]
    await marker(embedded, "contact-facts/1", 2, watermark_ms=settled_ms)
    await marker(embedded, "contact-facts/2", 1, offset=0)
    assert await embedded.query(sql) == [(0.75, 4, 3, 0.75)]


@pytest.mark.asyncio
async def test_contacts_with_what_their_holder_knows(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    closed_ms = 1_700_000_000_123
    await contact(
        embedded, "c1", customer_id="anna", topic="card", direction="inbound", source="crm",
        requested_ms=closed_ms - 9_000, queued_ms=closed_ms - 8_000, answered_ms=closed_ms - 7_000,
        first_closed_ms=closed_ms - 1, last_closed_ms=closed_ms, wait_ms=1_000, target_ms=20_000, in_target=1,
        transfers=2, revised_ms=closed_ms + 50, version=2,
    )  # fmt: skip
    await contact(embedded, "c1", customer_id="", requested_ms=1, version=1)
    await contact(
        embedded, "c2", requested_ms=closed_ms, response_in_target=0, is_open=1, refused_reason="out_of_hours"
    )
    for customer_id, held, fcr, issue_id, version in (
        ("anna", 1, "followed", "c1", 1),
        ("bert", 0, "resolved", "c9", 9),
        ("anna", 1, "resolved", "c0", 2),
    ):
        row = {
            "contact_id": "c1", "customer_id": customer_id, "p": "contact-facts/0", "held": held, "fcr": fcr,
            "issue_id": issue_id, "follows_contact_id": "c0", "last_closed_ms": closed_ms, "version": version,
        }  # fmt: skip
        await embedded.insert(Block("resolutions", {name: [value] for name, value in row.items()}))
    rows = await embedded.query("SELECT * FROM touchline.contacts ORDER BY contact_id")

    def at(ms: int) -> datetime:
        return datetime.fromtimestamp(ms // 1_000, UTC).replace(microsecond=ms % 1_000 * 1_000)

    first = (
        "c1", "anna", "phone", "a", "unknown", "card", "inbound", "crm", at(closed_ms - 9_000), at(closed_ms - 8_000),
        at(closed_ms - 7_000), None, None, at(closed_ms), 1_000, None, 2, 0, 20_000, 1, "", "c0", "c0", "",
        "resolved", None, at(closed_ms + 50),
    )  # fmt: skip
    assert rows[0] == first
    assert rows[1][0:2] == ("c2", "")
    assert (rows[1][17], rows[1][19:]) == (1, (0, "out_of_hours", "", "", "", "", None, at(0)))
    await marker(embedded, "touchpoints/0", 1, watermark_ms=closed_ms + WEEK_MS + DAY_MS)
    confirmed = await embedded.query("SELECT contact_id, fcr_confirmed_at FROM touchline.contacts ORDER BY contact_id")
    assert confirmed == [("c1", at(closed_ms + WEEK_MS + DAY_MS)), ("c2", None)]


@pytest.mark.asyncio
async def test_histograms_name_the_bounds_of_every_bucket(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    indexes = sorted({bucket(v) for v in [*range(70), *(2**n for n in range(48)), *(3**n for n in range(28))]})
    wait, patience = measure_key("wait_ms_buckets"), measure_key("patience_ms_buckets")
    for generation, factor in ((1, 3), (2, -1)):
        keys = [wait + index for index in indexes] + [patience + 5, patience + 6]
        values = [factor * (n + 1) for n in range(len(indexes))] + [factor, 3 if factor == 3 else -3]
        await cell(embedded, 60, {}, keys=keys, values=values, generation_hour=generation)
    rows = await embedded.query("SELECT measure, from_ms, to_ms, n FROM touchline.histograms ORDER BY measure, from_ms")
    expected = [("wait_ms", *bounds(index), 2 * (n + 1)) for n, index in enumerate(indexes)]
    assert rows == [("patience_ms", 5, 6, 2), *expected]


@pytest.mark.asyncio
async def test_the_status_of_a_partition(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    await marker(embedded, "touchpoints/1", 1, offset=5, applied=5)
    append_ms = NOW_MS - 10_000
    counts = {"rejected": {"not_json": 2, "too_old": 1}, "clamped": {"crm": 4}}
    await marker(
        embedded, "touchpoints/1", 3, offset=12, watermark_ms=1_700_000_000_007, append_ms=append_ms, fingerprint="f00",
        applied=9, duplicate=1, late=2, **counts,
    )  # fmt: skip
    await marker(embedded, "touchpoints/0", 1)
    empty, (p, until, position, epoch, lag, versions, *rest) = await embedded.query(
        "SELECT * FROM touchline.pipeline_status ORDER BY partition"
    )
    assert empty[:5] == ("touchpoints/0", None, 0, 1, None)
    assert (p, position, epoch) == ("touchpoints/1", 12, 3)
    assert until == datetime(2023, 11, 14, 22, 13, 20, 7_000, tzinfo=UTC)
    assert 10_000 <= lag < 3_600_000
    assert versions["fingerprint"] == "f00"
    assert rest == [9, 1, 2, 0, counts["rejected"], counts["clamped"]]


@pytest.mark.asyncio
async def test_dead_letters_and_touchpoints_show_the_latest_only(embedded: EmbeddedWarehouse) -> None:
    await prepared(embedded)
    for version, reason in ((2, "not_json"), (1, "too_old")):
        row = {"topic": "touchpoints", "number": 3, "epoch": 1, "offset": 7, "reason": reason, "value": b"\xff",
               "size": 10_000_000, "append_ms": 1_500, "version": version}  # fmt: skip
        await embedded.insert(Block("dead_letters", {name: [value] for name, value in row.items()}))
        touchpoint = {"contact_id": "c", "id": "1", "p": "touchpoints/0", "type": reason, "version": version}
        await embedded.insert(Block("touchpoints", {name: [value] for name, value in touchpoint.items()}))
    sql = (
        "SELECT topic, partition, `offset`, reason, value, size, toUnixTimestamp64Milli(appended_at) "
        "FROM touchline.dead_letters"
    )
    assert await embedded.query(sql) == [("touchpoints", 3, 7, "not_json", b"\xff", 10_000_000, 1_500)]
    assert await embedded.query("SELECT type, agent_id FROM touchline.touchpoints") == [("not_json", "")]
