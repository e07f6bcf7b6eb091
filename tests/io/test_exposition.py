"""What Prometheus is told: names, labels and units hold, what is not known is absent, and the series stay few."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.core.cells import Cell, Tally, tally_of
from pipeline.core.histogram import bucket
from pipeline.core.measure import column_key
from pipeline.core.steps import DAY, MINUTE, WindowKey
from pipeline.io.exposition import Collector, exposition
from pipeline.live import LiveState, PartitionState, Summary, summarise
from pipeline.live.around import Aged, Around, CalendarNow, IntakeNow
from pipeline.measures import ALL
from schemas.catalogue import load
from schemas.rejects import REASONS
from tests.live.world import NOON, H, M, S, World, berlin

CLOSED_SETS = {
    "window": {"5m", "30m", "1h", "today", "2d"},
    "percentile": {"50", "90", "95"},
    "formula": {"sl_offered", "sl_net", "sl_without_quick", "sl_answered", "sl_connect"},
    "state": {"provisional", "confirmed"},
    "counted_in": {"clock", "open"},
    "objective": {"wait", "stay", "response"},
    "calendar": {"none", "office"},
    "result": {"applied", "duplicate", "late", "rejected", "clamped"},
    "reason": {*REASONS, "other"},
    "partition": {"touchpoints/0", "contact-facts/0", "touchline.raw", "touchline.raw/0"},
    "source": {"asterisk", "zendesk"},
}


def busy() -> World:
    world = World()
    world.call("a", NOON - 45 * S)
    world.call("b", NOON - 10 * M, 12 * S)
    world.call("c", NOON - 10 * M, abandoned_after_ms=30 * S)
    for n in range(3):
        world.say(NOON - 5 * H, f"m{n}", "message.received", "email", queue="sales")
    world.say(NOON - 4 * H, "m0", "message.sent", "email")
    world.say(NOON - 3 * H, "m0", "contact.closed", "email", customer_id="somebody")
    world.fold()
    return world


def scraped(text: bytes) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def values(text: bytes) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in scraped(text).values()
        for sample in family.samples
    }


def page(summary: Summary) -> bytes:
    return exposition(lambda: summary)()


def value(text: bytes, name: str, **labels: str) -> float | None:
    return values(text).get((f"touchline_{name}", frozenset(labels.items())))


def test_numbers_are_those_of_the_summary_in_seconds_and_ratios() -> None:
    world = busy()
    text = page(summarise(world.state(sources={"asterisk": NOON - M}), NOON))
    sales = {"channel": "phone", "queue": "sales"}
    assert value(text, "waiting_now", **sales) == 1
    assert value(text, "overdue_now", **sales) == 1
    assert value(text, "longest_wait_seconds", **sales) == 45.0
    assert value(text, "waiting_age_seconds", **sales, percentile="90") == 45.0
    assert value(text, "expected_wait_seconds", **sales) == 3600.0
    assert value(text, "offered", **sales, window="30m") == 3
    assert value(text, "service_level_ratio", **sales, window="30m", formula="sl_offered") == pytest.approx(1 / 3)
    assert value(text, "asa_seconds", **sales, window="today") == 12.0
    assert value(text, "wait_target_seconds", **sales) == 20.0
    mails = {"channel": "email", "queue": "sales"}
    assert value(text, "unanswered_now", **mails) == 2
    assert value(text, "oldest_unanswered_seconds", **mails) == 5 * 3600
    assert value(text, "response_target_seconds", **mails, counted_in="open") == 4 * 3600
    assert value(text, "fcr_ratio", **mails, state="provisional") == 1.0
    assert value(text, "source_silence_seconds", source="asterisk") == 60.0
    assert value(text, "data_age_seconds", partition="touchpoints/0") == 45.0
    assert value(text, "ready") == 1


def test_announced_waits_are_judged_against_what_came() -> None:
    world = busy()
    for name, said in (("e1", 60 * S), ("e2", 35 * S)):
        world.call(name, NOON - 10 * M, 30 * S)
        world.say(NOON - 10 * M, name, "contact.informed", reason="estimate", estimate_ms=said)
    world.fold()
    text = page(summarise(world.state(), NOON))
    sales = {"channel": "phone", "queue": "sales", "window": "today"}
    assert value(text, "estimates_judged", **sales) == 2
    assert value(text, "estimate_error_seconds", **sales) == 17.5
    mails = {"channel": "email", "queue": "sales", "window": "today"}
    assert (value(text, "estimates_judged", **mails), value(text, "estimate_error_seconds", **mails)) == (0, None)


def test_what_is_not_known_is_absent() -> None:
    text = page(summarise(busy().state(), NOON))
    assert value(text, "fcr_ratio", channel="email", queue="sales", state="confirmed") is None
    assert value(text, "fcr_eligible", channel="email", queue="sales", state="confirmed") == 0
    assert value(text, "asa_seconds", channel="email", queue="sales", window="today") is None
    assert value(text, "flush_seconds", partition="touchpoints/0") is None
    assert b"NaN" not in text
    assert b"Inf" not in text


def test_while_a_partition_recovers_the_live_values_are_not_there() -> None:
    world = busy()
    states = [world.partition(world.contacts[0], ready=False), world.partition(world.customers)]
    text = page(summarise(world.state(states), NOON))
    assert value(text, "ready") == 0
    assert value(text, "partition_ready", partition="touchpoints/0") == 0
    assert value(text, "partition_ready", partition="contact-facts/0") == 1
    assert value(text, "data_age_seconds", partition="touchpoints/0") is None
    about_itself = (
        "ready partition_ready warehouse_up simulated labels_dropped data_until_timestamp_seconds data_age_seconds"
        " event_lag_seconds log_lag_records behind_seconds log_holes catch_up_seconds dirty_rows flushes touchpoints"
        " rejected"
    )
    assert set(scraped(text)) <= {f"touchline_{name}" for name in about_itself.split()}


def test_counters_count_from_the_first_scrape_and_never_step_back() -> None:
    world = busy()
    read = exposition(lambda: summarise(world.state(), NOON))
    labels = {"partition": "touchpoints/0", "result": "applied"}
    assert value(read(), "touchpoints_total", **labels) == 0
    world.say(NOON, "d", "contact.requested")
    world.fold()
    assert value(read(), "touchpoints_total", **labels) == 1
    world.contacts[0].marker.applied -= 5
    assert value(read(), "touchpoints_total", **labels) == 0


def test_the_text_is_that_of_the_library() -> None:
    summary = summarise(busy().state(), NOON)
    around = Around(silence_open_ms={'a "source"\\ of two\nlines': 30 * M}, intake_rejected={"not_json": 3})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector(lambda: summary, lambda _: around))
    text = generate_latest(registry)
    assert b'{source="a \\"source\\"\\\\ of two\\nlines"} 1800.0' in text
    assert exposition(lambda: summary, lambda _: around)() == text


def test_what_alerts_read_beside_the_live_values() -> None:
    world = busy()
    shop = Aged((40, 30), ((20, 16), (20, 15), (20, 18), (20, 17)))
    around = Around(
        calendars=[CalendarNow("none", True, None), CalendarNow("office", False, NOON + H)],
        objectives={"wait": 80},
        silence_open_ms={"asterisk": 30 * M},
        intake=[IntakeNow("touchline.raw/0", True, 12)],
        intake_rejected={"not_json": 3, "a reason of yesterday": 1},
        resolution={("phone", "sales"): shop, ("phone", "another worker's"): shop},
    )
    read = exposition(lambda: summarise(world.state(), NOON), lambda _: around)
    text = read()
    assert value(text, "calendar_open", calendar="none") == 1
    assert value(text, "calendar_open", calendar="office") == 0
    assert value(text, "next_opening_timestamp_seconds", calendar="office") == (NOON + H) / 1_000
    assert value(text, "next_opening_timestamp_seconds", calendar="none") is None
    assert value(text, "objective_ratio", objective="wait") == 0.8
    assert value(text, "source_silence_open_seconds", source="asterisk") == 1800
    assert value(text, "partition_ready", partition="touchline.raw/0") == 0
    assert value(text, "log_lag_records", partition="touchline.raw/0") == 12
    assert value(text, "rejected_total", partition="touchline.raw", reason="not_json") == 3
    assert value(text, "rejected_total", partition="touchline.raw", reason="other") == 1
    assert value(text, "touchpoints_total", partition="touchline.raw", result="rejected") == 4
    sales = {"channel": "phone", "queue": "sales"}
    assert value(text, "fcr_yesterday_ratio", **sales) == 0.75
    assert value(text, "fcr_yesterday_eligible", **sales) == 40
    assert value(text, "fcr_usual_ratio", **sales) == pytest.approx(0.825)
    assert value(text, "fcr_yesterday_eligible", channel="phone", queue="other") is None
    assert value(text, "open", **sales) == 1
    assert value(text, "objective_due", **sales, objective="wait", window="today") == 3
    assert value(text, "objective_missed", **sales, objective="wait", window="today") == 2
    assert value(text, "oldest_unanswered_target_ratio", channel="email", queue="sales") == 1.25
    assert value(text, "behind_seconds", partition="touchpoints/0") == 0


def test_while_not_ready_opening_hours_are_known_all_the_same() -> None:
    world = busy()
    states = [world.partition(world.contacts[0], ready=False)]
    around = Around(calendars=[CalendarNow("office", False, NOON + H)], objectives={"wait": 80})
    text = exposition(lambda: summarise(world.state(states), NOON), lambda _: around)()
    assert value(text, "calendar_open", calendar="office") == 0
    assert value(text, "objective_ratio", objective="wait") == 0.8
    assert value(text, "open", channel="phone", queue="sales") is None


def test_rejects_are_told_by_reason() -> None:
    world = busy()
    marker = world.contacts[0].marker
    read = exposition(lambda: summarise(world.state(), NOON))
    read()
    marker.rejected = {"not_json": 3, "a reason of yesterday": 2}
    text = read()
    assert value(text, "rejected_total", partition="touchpoints/0", reason="not_json") == 3
    assert value(text, "rejected_total", partition="touchpoints/0", reason="other") == 2
    assert value(text, "touchpoints_total", partition="touchpoints/0", result="rejected") == 5


def test_a_name_from_outside_cannot_break_the_text() -> None:
    world = World()
    world.call("a", NOON - M, queue='a"b\\c\nd {e="f"}')
    text = page(world.summary(NOON))
    assert value(text, "waiting_now", channel="phone", queue='a"b\\c\nd {e="f"}') == 1


def test_sources_are_at_most_fifty() -> None:
    text = page(World().summary(NOON, sources={f"s{n:03}": NOON - n * S for n in range(80)}))
    sources = scraped(text)["touchline_source_silence_seconds"].samples
    assert len(sources) == 51
    assert value(text, "source_silence_seconds", source="other") == 50.0


# -- form


def everything() -> bytes:
    """A scrape in which every series there can be is there."""
    world = busy()
    world.call("old", berlin(2026, 3, 9, 10), 5 * S, customer_id="x")
    world.fold()
    world.contacts[0].marker.rejected = {"not_json": 1}
    states = [
        world.partition(engine, flushes=1, flush_seconds=0.1, flush_rows=5)
        for engine in (world.contacts[0], world.customers)
    ]
    around = Around(
        calendars=[CalendarNow("none", True, None), CalendarNow("office", False, NOON + H)],
        objectives={"wait": 80, "stay": 95, "response": 90},
        silence_open_ms={"asterisk": 30 * M},
        intake=[IntakeNow("touchline.raw/0", False, 0)],
        intake_rejected={"not_json": 3},
        resolution={("phone", "sales"): Aged((40, 30), ((20, 16), (20, 15), (20, 18), (20, 17)))},
        audit_differences=0,
        audit_age_ms=M,
    )
    state = world.state(states, sources={"asterisk": NOON, "zendesk": NOON})
    return exposition(lambda: summarise(state, NOON), lambda _: around)()


def test_names_units_and_labels_keep_the_rules() -> None:
    for family in scraped(everything()).values():
        name = family.name
        assert re.fullmatch(r"touchline_[a-z][a-z0-9_]*", name), name
        assert not re.search(r"_(ms|milliseconds|minutes|percent|bucket|count|sum|info)(_|$)", name), name
        assert family.documentation, name
        assert family.type in {"gauge", "counter"}, name
        assert not name.endswith("_total"), "the parser takes it off counters; a gauge must not carry it"
        for sample in family.samples:
            assert set(sample.labels) <= {"channel", "queue", *CLOSED_SETS}, name
            for label, known in CLOSED_SETS.items():
                assert sample.labels.get(label, next(iter(known))) in known, (name, label)


def test_what_can_be_revised_is_a_gauge() -> None:
    counters = {family.name for family in scraped(everything()).values() if family.type == "counter"}
    assert counters == {"touchline_touchpoints", "touchline_rejected", "touchline_flushes"}


@pytest.mark.server
def test_promtool_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("no promtool on this machine (Debian: apt-get install prometheus)")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=everything(), capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


# -- size


def crowded(queues: int, channels: int, per_queue: int) -> LiveState:
    """Every measure in every cell of the last 75 minutes and 17 days: `queues` queues, each on `per_queue` channels."""
    kinds = list(load("zone: Europe/Berlin\n", "c").channels)[:channels]
    listed = "".join(f"  queue-{n:02}: {{}}\n" for n in range(queues))
    world = World(f"zone: Europe/Berlin\nqueues:\n{listed}")
    full: Cell = {}
    for measure in ALL:
        full[measure.key] = 7
        if measure.histogram:
            base = column_key(measure.buckets_name)
            full.update({base + bucket(n * n * 1_000): 1 for n in range(1, 40)})
    recent: dict[WindowKey, list[Tally]] = {}
    tally = tally_of(full)
    for place in range(queues * per_queue):
        channel, name = kinds[place % channels], f"queue-{place // per_queue:02}"
        for minute in range(75):
            recent[MINUTE, NOON // 1_000 - minute * 60, channel, name, "unknown"] = [tally]
        for day in range(17):
            start_s = world.rulebook.zone.day_start_ms(NOON - day * 24 * H) // 1_000
            recent[DAY, start_s, channel, name, "unknown"] = [tally]
    world.say(NOON, "watermark", "contact.requested", queue="queue-00")
    world.fold()

    def partition(engine: Any) -> PartitionState:
        return world.partition(engine, recent=recent, flushes=1, flush_rows=1)

    return world.state([partition(world.contacts[0]), partition(world.customers)])


@pytest.mark.parametrize("per_queue", [2, 10])
def test_fifty_queues_on_ten_channels_are_few_series_and_quick_to_scrape(per_queue: int) -> None:
    state = crowded(50, 10, per_queue)
    best = 60.0
    text = b""
    for _ in range(3):
        begun = time.perf_counter()
        text = exposition(lambda: summarise(state, NOON))()
        best = min(best, time.perf_counter() - begun)
    series = sum(1 for line in text.splitlines() if not line.startswith(b"#"))
    assert series <= 20_000
    assert len(set(lines(text))) == series
    if per_queue == 2:
        assert value(text, "labels_dropped") == 0
        assert best < 1.0
    else:
        assert value(text, "labels_dropped") == 200


def lines(text: bytes) -> Iterator[bytes]:
    return (line.rpartition(b" ")[0] for line in text.splitlines() if not line.startswith(b"#"))
