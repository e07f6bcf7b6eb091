"""What objectives are judged by: in the short windows all are decided, nobody counts twice, slow is not left out."""

import random

import pytest

from pipeline.io.gauges import GAUGES
from pipeline.live import Summary
from pipeline.live.around import Aged, CalendarNow, calendars_now, promised_percent, silence_open_ms, under_labels
from tests.live.world import NOON, D, H, M, S, World, berlin

OFFICE = """zone: Europe/Berlin
calendars: {office: {weekly: {monday-friday: 08:00-18:00}}, shop: {weekly: {monday-saturday: 10:00-20:00}}}
opening_hours: [{calendar: office}, {queue: shop, calendar: shop}]
"""


def judged(summary: Summary, queue: str = "sales", channel: str = "phone") -> dict[tuple[str, str], tuple[int, int]]:
    (row,) = [row for row in summary.queues if (row.channel, row.queue) == (channel, queue)]
    return {(one.objective, one.window): (one.due, one.missed) for one in row.numbers.judged}


def test_short_windows_end_as_long_ago_as_the_target_is_long() -> None:
    world = World()
    world.call("answered at once", NOON - 30 * S, 5 * S)
    world.call("waits within target", NOON - 10 * S)
    assert ("wait", "5m") not in judged(world.summary(NOON)), "nobody of the last twenty seconds is decided"
    world.call("answered in target", NOON - 3 * M, 20 * S)
    world.call("answered late", NOON - 3 * M, 21 * S)
    world.call("waits beyond target", NOON - 4 * M)
    world.call("gave up", NOON - 4 * M, abandoned_after_ms=40 * S)
    world.call("hung up at once", NOON - 4 * M, abandoned_after_ms=2 * S)
    world.call("earlier", NOON - 40 * M, 90 * S)
    found = judged(world.summary(NOON))
    assert found["wait", "5m"] == (4, 3)
    assert found["wait", "1h"] == (5, 4)
    assert found["stay", "5m"] == (4, 1)
    assert found["stay", "1h"] == (5, 1)


def test_today_leaves_out_who_waits_within_target_still() -> None:
    world = World()
    world.call("within", NOON - 10 * S)
    world.call("beyond", NOON - 50 * S)
    world.call("answered", NOON - 3 * H, 5 * S)
    world.call("yesterday", NOON - 26 * H, 500 * S)
    found = judged(world.summary(NOON))
    assert found["wait", "today"] == (2, 1)
    assert found["stay", "today"] == (3, 0)
    assert found == judged(world.summary(NOON))


@pytest.mark.parametrize("seed", range(10))
def test_as_many_as_a_plain_count_over_the_calls_finds(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    windows = {"5m": 5 * M, "1h": H}
    plain: dict[tuple[str, str], list[int]] = {}
    edge = (NOON - 20 * S) // M * M
    for n in range(150):
        queued = NOON - chance.randrange(80 * M)
        length = chance.choice([chance.randrange(8 * S), chance.randrange(40 * S), chance.randrange(10 * M)])
        outcome = chance.choice(["answered", "answered", "abandoned"]) if queued + length < NOON else "waits"
        world.call(
            f"c{n}",
            queued,
            length if outcome == "answered" else None,
            abandoned_after_ms=length if outcome == "abandoned" else None,
            talk_ms=None,
        )
        if outcome == "abandoned" and length <= 5 * S:
            continue
        late = not (outcome == "answered" and length <= 20 * S)
        within = outcome == "waits" and NOON - queued <= 20 * S
        for name in [name for name, window in windows.items() if edge - window <= queued < edge] + ["today"]:
            if not (name == "today" and within):
                found = plain.setdefault(("wait", name), [0, 0])
                found[0] += 1
                found[1] += late
            found = plain.setdefault(("stay", name), [0, 0])
            found[0] += 1
            found[1] += outcome == "abandoned"
    assert judged(world.summary(NOON)) == {key: tuple(pair) for key, pair in plain.items()}


@pytest.mark.parametrize(
    ("formula", "due", "missed"),
    [("sl_offered", 5, 4), ("sl_net", 4, 3), ("sl_without_quick", 3, 2), ("sl_answered", 2, 1), ("sl_connect", 5, 2)],
)
def test_by_the_formula_of_the_headline(formula: str, due: int, missed: int) -> None:
    world = World(f"zone: Europe/Berlin\nsettings: {{headline_service_level: {formula}}}\n")
    world.call("hit", NOON - 5 * M, 10 * S)
    world.call("late", NOON - 5 * M, 30 * S)
    world.call("short", NOON - 5 * M, abandoned_after_ms=2 * S)
    world.call("quick", NOON - 5 * M, abandoned_after_ms=15 * S)
    world.call("gone", NOON - 5 * M, abandoned_after_ms=60 * S)
    found = judged(world.summary(NOON))
    assert found["wait", "1h"] == found["wait", "today"] == (due, missed)


def test_first_replies_of_two_days_the_unanswered_beyond_target_missed() -> None:
    world = World()
    for n, received_ms in enumerate((NOON - H, NOON - 5 * H, NOON - 20 * H, NOON - 40 * H)):
        world.say(received_ms, f"m{n}", "message.received", "email", queue="sales")
    world.say(NOON - 17 * H, "m2", "message.sent", "email")
    found = judged(world.summary(NOON), channel="email")
    assert found["response", "today"] == (1, 1), "one is within target still"
    assert found["response", "2d"] == (2, 1)
    assert not [key for key in found if key[0] != "response"], "nobody waits there in person"


def test_targets_of_a_segment_decide_when_it_is_decided() -> None:
    world = World("zone: Europe/Berlin\ntargets: [{segment: slow, wait: 10min}]\n")
    world.call("usual", NOON - 3 * M, 60 * S)
    world.call("slow", NOON - 3 * M, 60 * S, segment="slow")
    assert judged(world.summary(NOON))["wait", "5m"] == (1, 1)


def test_places_that_become_one_label_are_added_up() -> None:
    world = World("zone: Europe/Berlin\nqueues: {known: {}}\n")
    for queue in ("a", "b"):
        world.call(f"of {queue}", NOON - 3 * M, 60 * S, queue=queue)
    summary = world.summary(NOON)
    (other,) = summary.labelled
    assert {(one.objective, one.window): one.due for one in other.numbers.judged}["wait", "5m"] == 2


def test_the_message_furthest_beyond_its_target_is_told_in_parts_of_it() -> None:
    world = World()
    world.say(NOON - 6 * H, "late", "message.received", "email", queue="sales")
    world.say(NOON - H, "new", "message.received", "email", queue="sales")
    world.say(NOON - 3 * D, "letter", "message.received", "letter", queue="sales")
    rows = {row.channel: row.numbers.unanswered_target_permille for row in world.summary(NOON).queues}
    assert rows == {"email": 1_500, "letter": 1_500}


# -- opening hours


def test_open_by_the_calendar_of_the_place() -> None:
    world = World(OFFICE)
    world.call("a", NOON - M)
    world.call("b", NOON - M, queue="shop")
    evening = berlin(2026, 3, 18, 19)
    world.fold()
    assert {row.queue: row.open for row in world.summary(NOON).queues} == {"sales": True, "shop": True}
    assert {row.queue: row.open for row in world.summary(evening).queues} == {"sales": False, "shop": True}


def test_calendars_say_when_they_open_next() -> None:
    world = World(OFFICE)
    evening, friday = berlin(2026, 3, 18, 19), berlin(2026, 3, 20, 12)
    assert calendars_now(world.rulebook, (), evening) == (
        CalendarNow("office", open=False, opens_ms=berlin(2026, 3, 19, 8)),
        CalendarNow("shop", open=True, opens_ms=berlin(2026, 3, 19, 10)),
    )
    assert calendars_now(world.rulebook, (), friday)[0].opens_ms == berlin(2026, 3, 23, 8)
    assert calendars_now(World().rulebook, (), NOON) == (CalendarNow("none", open=True, opens_ms=None),)


def test_a_queue_without_a_calendar_is_always_open() -> None:
    world = World(OFFICE.replace("[{calendar: office}", "[{channel: phone, calendar: office}"))
    world.say(NOON, "m", "message.received", "email", queue="sales")
    found = calendars_now(world.rulebook, world.summary(NOON).queues, NOON)
    assert [each.name for each in found] == ["none", "office", "shop"]


def test_silence_counts_opening_hours_only() -> None:
    world = World(OFFICE)
    morning = berlin(2026, 3, 19, 9)
    found = silence_open_ms(world.rulebook, (), {"asterisk": morning - NOON, "zendesk": 5 * M}, morning)
    assert found == {"asterisk": 8 * H, "zendesk": 5 * M}, "the shop had open until eight"
    assert silence_open_ms(World().rulebook, (), {"asterisk": H, "sold": 9 * D}, NOON) == {"asterisk": H}


# -- yesterday against four weeks


def test_usual_is_the_median_of_weeks_that_say_something() -> None:
    assert Aged((10, 9), ((20, 10), (20, 14), (20, 18), (20, 16))).usual == pytest.approx(0.75)
    assert Aged((10, 9), ((20, 10), (20, 14), (20, 18), (9, 0))).usual == pytest.approx(0.7)
    assert Aged((10, 9), ((20, 10), (20, 14), (9, 9), (0, 0))).usual is None
    assert Aged((0, 0), ()).ratio is None


def test_names_that_may_not_be_labels_are_put_together() -> None:
    one, two = Aged((3, 2), ((4, 4),)), Aged((1, 1), ((5, 0),))
    resolution = {("phone", "known"): one, ("phone", "a"): one, ("phone", "b"): two, ("fax", "a"): two}
    places = [*resolution, ("phone", "without closings")]
    found = under_labels(resolution, places, [("phone", "known"), ("phone", "other")])
    assert found[("phone", "known")] == one
    assert found[("phone", "other")] == Aged((4, 3), ((9, 4),))
    assert found[("other", "other")] == two
    assert sum(aged.yesterday[0] for aged in found.values()) == 8
    assert under_labels(resolution, places[:1], places[:1]) == {("phone", "known"): one}, "others tell of the others"


def test_what_is_promised_is_the_catalogues() -> None:
    assert promised_percent(World().rulebook) == {"wait": 80, "stay": 95, "response": 90}
    world = World("zone: UTC\nsettings: {stay_objective: 97%}\n")
    assert promised_percent(world.rulebook)["stay"] == 97
    assert {gauge.name for gauge in GAUGES} >= {"objective_due", "objective_missed", "open"}
