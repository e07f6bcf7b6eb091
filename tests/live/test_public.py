"""What the organisation's website may show: waits in whole minutes, hours, how far off they were; no ids, no counts."""

import msgspec

from pipeline.live import summarise
from pipeline.live.public import PublicWaits, public_waits
from tests.live.world import NOON, D, H, M, S, World

CATALOGUE = """
zone: Europe/Berlin
queues: {sales: {title: {de: Verkauf, en: Sales}}, billing: {}}
calendars:
  office: {weekly: {monday-friday: 08:00-18:00}}
opening_hours: [{calendar: office, queue: sales}]
"""


def world() -> World:
    made = World(CATALOGUE)
    for n in range(15):
        made.call(f"c{n}", NOON - 20 * M - n * S, 30 * S, queue="sales", customer_id=f"person-{n}")
    for n in range(2):
        made.call(f"w{n}", NOON - (n + 1) * 10 * S, queue="sales", customer_id=f"waiting-{n}")
    made.say(NOON - 2 * H, "mail", "message.received", "email", queue="billing")
    made.fold()
    return made


def waits(made: World, now_ms: int = NOON) -> PublicWaits:
    return public_waits(summarise(made.state(), now_ms), made.rulebook)


def test_the_expected_wait_is_said_in_whole_minutes_upwards() -> None:
    (sales,) = waits(world()).queues
    assert (sales.channel, sales.queue, sales.title["de"]) == ("phone", "sales", "Verkauf")
    assert sales.open
    assert sales.open_today == ((8 * 60, 18 * 60),)
    assert sales.expected_wait_minutes == 6  # third in the queue, one answer in two minutes


def test_when_it_is_closed_it_says_when_it_opens_and_promises_no_wait() -> None:
    (sales,) = waits(world(), NOON + 7 * H).queues
    assert not sales.open
    assert sales.expected_wait_minutes is None
    assert sales.opens_at_ms == NOON + D - 4 * H


def test_nothing_of_people_is_in_it() -> None:
    text = msgspec.json.encode(waits(world())).decode()
    for word in ("person", "waiting-", "w0", "c1", "customer", "waiting_now", "agent"):
        assert word not in text


def test_while_contacts_are_missing_nothing_is_said() -> None:
    made = world()
    (partition, *_), *_ = ([made.partition(engine, ready=False) for engine in made.contacts],)
    found = public_waits(summarise(made.state([partition, made.partition(made.customers)]), NOON), made.rulebook)
    assert not found.available
    assert found.queues == ()


def test_how_far_announced_waits_were_off_is_told() -> None:
    made = world()
    for n, said_s in enumerate((30, 150)):
        began = NOON - 30 * M - n * M
        made.say(began, f"e{n}", "contact.queued", queue="sales")
        made.say(began, f"e{n}", "contact.informed", reason="estimate", estimate_ms=said_s * S)
        made.say(began + 90 * S, f"e{n}", "contact.answered")
    made.fold()
    (sales,) = waits(made).queues
    assert (sales.estimates_judged, sales.estimate_error_minutes) == (2, 1.0)
