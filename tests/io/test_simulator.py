"""The simulated organisation is the same for one seed, its waits come about by themselves, its numbers believable."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.io.simulator import QUEUES, SEGMENTS, Organisation
from pipeline.io.simulator.engine import Events, Pool, Process, Seek, Ticket, next_agent
from schemas.codec import decode, encode
from schemas.touchpoint import (
    TYPES,
    Abandoned,
    Answered,
    CallbackRequested,
    Closed,
    MessageSent,
    Queued,
    Refused,
    SelfService,
    Touchpoint,
)

MONDAY = 1_767_567_600_000  # 2026-01-05, midnight in Berlin
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
END = MONDAY + 4 * DAY


@pytest.fixture(scope="module")
def made() -> list[Touchpoint]:
    """Four days of an organisation half the usual size."""
    return Organisation(7, MONDAY, rate=0.5).advance(END)


@pytest.fixture(scope="module")
def contacts(made: list[Touchpoint]) -> dict[str, list[Touchpoint]]:
    grouped: dict[str, list[Touchpoint]] = defaultdict(list)
    for touchpoint in made:
        grouped[touchpoint.contact_id].append(touchpoint)
    return grouped


def ratio(part: int, whole: int) -> float:
    assert whole > 500, "too few to say anything"
    return part / whole


def first(contact: list[Touchpoint], kind: type[Touchpoint]) -> int | None:
    return next((touchpoint.time for touchpoint in contact if isinstance(touchpoint, kind)), None)


def test_the_same_seed_gives_the_same_touchpoints_and_another_seed_others() -> None:
    def day(seed: int) -> list[Touchpoint]:
        return Organisation(seed, MONDAY + 8 * HOUR, rate=0.2).advance(MONDAY + 14 * HOUR)

    assert day(1) == day(1)
    assert day(1) != day(2)


@settings(max_examples=15)
@given(st.lists(st.integers(0, 4 * HOUR), max_size=8), st.integers(0, 1000))
def test_how_the_time_is_cut_changes_nothing(cuts: list[int], seed: int) -> None:
    start = MONDAY + 9 * HOUR
    whole = Organisation(seed, start, rate=0.1).advance(start + 4 * HOUR)
    piecewise = Organisation(seed, start, rate=0.1)
    parts: list[Touchpoint] = []
    for cut in [*sorted(cuts), 4 * HOUR]:
        part = piecewise.advance(start + cut)
        assert all(touchpoint.time < start + cut for touchpoint in part)
        parts += part
    assert parts == whole


def test_every_touchpoint_is_valid_and_every_type_occurs(made: list[Touchpoint]) -> None:
    for touchpoint in made:
        assert decode(encode(touchpoint)) == touchpoint
    assert {type(touchpoint) for touchpoint in made} == set(TYPES)


def test_ids_are_unique_and_times_in_order(made: list[Touchpoint], contacts: dict[str, list[Touchpoint]]) -> None:
    assert len({touchpoint.id for touchpoint in made}) == len(made)
    assert [touchpoint.time for touchpoint in made] == sorted(touchpoint.time for touchpoint in made)
    assert made[0].time >= MONDAY
    assert made[-1].time < END
    for contact in contacts.values():
        assert contact == sorted(contact, key=lambda touchpoint: (touchpoint.time, touchpoint.id))


def test_another_run_has_other_contacts_but_the_same_customers() -> None:
    one, two = (Organisation(3, start, rate=0.1).advance(start + 2 * HOUR) for start in (MONDAY, MONDAY + DAY))
    assert not {touchpoint.contact_id for touchpoint in one} & {touchpoint.contact_id for touchpoint in two}
    assert one[0].customer_id == two[0].customer_id


def test_queues_and_segments_are_the_ones_named(made: list[Touchpoint]) -> None:
    assert {touchpoint.queue for touchpoint in made} - {None} == {queue.name for queue in QUEUES}
    assert {touchpoint.segment for touchpoint in made} - {None} == set(SEGMENTS)


def test_every_wait_ends(contacts: dict[str, list[Touchpoint]]) -> None:
    ends = (Answered, Abandoned, CallbackRequested)
    for contact in contacts.values():
        began = first(contact, Queued)
        if began is not None and began < END - 2 * HOUR:
            assert any(isinstance(touchpoint, ends) for touchpoint in contact), contact


def test_who_is_answered_was_waiting_and_what_is_served_is_closed(contacts: dict[str, list[Touchpoint]]) -> None:
    for contact in contacts.values():
        answered = first(contact, Answered)
        if answered is not None and contact[0].direction == "inbound":
            queued = first(contact, Queued)
            assert queued is not None
            assert queued <= answered
            if answered < END - 6 * HOUR and not isinstance(contact[-1], Abandoned):
                assert first(contact, Closed) is not None or first(contact, CallbackRequested) is not None


def test_waiting_is_believable(contacts: dict[str, list[Touchpoint]]) -> None:
    offered = answered = in_target = abandoned = 0
    for contact in contacts.values():
        began = first(contact, Queued)
        if began is None:
            continue
        answer, left = first(contact, Answered), first(contact, Abandoned)
        offered += 1
        answered += answer is not None
        in_target += answer is not None and answer - began <= 20_000
        abandoned += answer is None and left is not None
    assert 0.60 < ratio(in_target, offered) < 0.95
    assert 0.02 < ratio(abandoned, offered) < 0.15
    assert ratio(answered, offered) > 0.8


def test_mails_are_answered_within_hours_and_some_late(contacts: dict[str, list[Touchpoint]]) -> None:
    replies = sorted(
        reply - contact[0].time
        for contact in contacts.values()
        if contact[0].channel == "email"
        for reply in [next((t.time for t in contact if isinstance(t, MessageSent) and t.author == "agent"), None)]
        if reply is not None
    )
    assert len(replies) > 500
    assert 2 * MINUTE < replies[len(replies) // 2] < 12 * HOUR
    assert replies[len(replies) * 98 // 100] > 8 * HOUR


def test_most_matters_are_solved_the_first_time(contacts: dict[str, list[Touchpoint]]) -> None:
    by_customer: dict[str, list[list[Touchpoint]]] = defaultdict(list)
    for contact in contacts.values():
        customer = next((touchpoint.customer_id for touchpoint in contact if touchpoint.customer_id), None)
        if customer and contact[0].direction == "inbound":
            by_customer[customer].append(contact)
    eligible = followed = 0
    for theirs in by_customer.values():
        for contact in theirs:
            closed = first(contact, Closed)
            if closed is None or closed > MONDAY + 2 * DAY or first(contact, SelfService) or first(contact, Refused):
                continue
            eligible += 1
            followed += any(closed < other[0].time <= closed + 2 * DAY for other in theirs)
    assert 0.05 < ratio(followed, eligible) < 0.30


def test_the_day_has_a_shape_and_the_night_is_not_silent(made: list[Touchpoint]) -> None:
    tuesday = [(touchpoint.time - MONDAY - DAY) // HOUR for touchpoint in made]
    night = sum(2 <= hour < 4 for hour in tuesday) / 7200
    morning = sum(10 <= hour < 12 for hour in tuesday) / 7200
    assert 0.1 < night < 0.5 * morning  # at half the usual rate
    assert 1 < morning < 5


def test_the_rate_is_more_than_nothing() -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        Organisation(1, MONDAY, rate=0)


def test_a_line_is_served_in_turn_and_patience_ends() -> None:
    events = Events(0)
    pool = Pool(events, "agent", lambda _: 1)
    log: list[tuple[int, str, str]] = []

    def customer(name: str, patience: int | None) -> Process:
        ticket = Ticket()
        agent = yield Seek(pool, ticket, patience)
        if agent is None:
            pool.leave(ticket)
            log.append((events.now_ms, name, "left"))
            return
        log.append((events.now_ms, name, agent))
        yield 100
        pool.release(agent)

    for delay, (name, patience) in enumerate([("ann", None), ("bob", 50), ("cem", 150), ("dea", None)]):
        events.start(customer(name, patience), delay)
    events.run(1_000)
    assert log == [(0, "ann", "agent-01"), (51, "bob", "left"), (100, "cem", "agent-01"), (200, "dea", "agent-01")]
    assert (pool.waiting, pool.busy) == (0, 0)


def test_a_place_in_line_survives_news_and_nobody_is_served_by_more_agents_than_there_are() -> None:
    events = Events(0)
    pool = Pool(events, "agent", lambda now_ms: 2 if now_ms < 500 else 0)
    served: list[tuple[int, int]] = []
    most_busy = 0

    def customer(number: int) -> Process:
        nonlocal most_busy
        ticket = Ticket()
        while (agent := (yield Seek(pool, ticket, 7))) is None:  # hears something every 7 ms
            pass
        most_busy = max(most_busy, pool.busy)
        served.append((number, events.now_ms))
        yield 100
        pool.release(agent)

    for number in range(20):
        events.start(customer(number), number)
    events.run(10_000)
    assert [number for number, _ in served] == list(range(10))
    assert all(time < 500 for _, time in served)
    assert (most_busy, pool.waiting) == (2, 10)


def test_the_next_agent_comes_however_long_it_takes() -> None:
    events = Events(0)
    pool = Pool(events, "agent", lambda now_ms: int(now_ms >= DAY))
    came: list[int] = []

    def writer() -> Process:
        agent = yield from next_agent(pool)
        came.append(events.now_ms)
        pool.release(agent)

    def morning() -> Process:
        yield DAY
        pool.fill()

    events.start(writer())
    events.start(morning())
    events.run(2 * DAY)
    assert came == [DAY]
