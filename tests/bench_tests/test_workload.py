from collections import Counter

import pytest

from schemas.codec import decode
from schemas.touchpoint import Closed, Requested, Touchpoint
from tests.bench.workload import BEGIN_MS, PER_DAY, QUEUES, Workload, workload

COUNT = 40_000


@pytest.fixture(scope="module")
def made() -> Workload:
    return workload(COUNT, 7)


@pytest.fixture(scope="module")
def touchpoints(made: Workload) -> list[Touchpoint]:
    found = [decode(record.value, folded=True) for record in made.records]
    assert all(isinstance(each, Touchpoint) for each in found)
    return [each for each in found if isinstance(each, Touchpoint)]


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(made: Workload) -> None:
    again, other = workload(COUNT, 7), workload(COUNT, 8)
    assert again == made
    assert other.records != made.records


def test_fewer_are_the_beginning_of_more(made: Workload) -> None:
    assert workload(5_000, 7).records == made.records[:5_000]


def test_another_first_day_moves_the_times_and_nothing_else(made: Workload) -> None:
    later = workload(COUNT, 7, BEGIN_MS + 86_400_000)
    assert later.known == made.known
    assert [record.key for record in later.records] == [record.key for record in made.records]


def test_records_are_as_intake_writes_them(made: Workload, touchpoints: list[Touchpoint]) -> None:
    assert all(r.key == t.contact_id.encode() for r, t in zip(made.records, touchpoints, strict=True))
    assert all(t.source for t in touchpoints)
    for name in ("id", "contact_id"):
        assert {len(getattr(t, name)) for t in touchpoints} == {36}
    assert {len(t.customer_id) for t in touchpoints if t.customer_id is not None} == {36}


@pytest.fixture(scope="module")
def more() -> Workload:
    return workload(PER_DAY // 8, 11)


def test_means_are_as_promised(more: Workload) -> None:
    known = more.known
    assert known.bytes_total / known.records == pytest.approx(215, abs=5)
    assert known.contacts / known.customers == pytest.approx(2, abs=0.05)
    assert known.duplicates / known.records == pytest.approx(0.005, abs=0.001)
    assert 2_000 < known.most_open < 20_000


def test_contacts_that_had_time_to_end_have_eight_touchpoints_on_average(more: Workload) -> None:
    firsts = {record.key for record in more.records[: PER_DAY // 80]}
    counted = sum(record.key in firsts for record in more.records)
    # Whoever lasts for longer is cut off here: a little less than 8.
    assert counted / len(firsts) == pytest.approx(7.8, abs=0.4)


def test_what_is_known_is_what_is_in_the_records(made: Workload, touchpoints: list[Touchpoint]) -> None:
    known = made.known
    times = Counter((t.contact_id, t.id) for t in touchpoints)
    assert known.records == COUNT
    assert known.duplicates == COUNT - len(times)
    assert known.contacts == len({t.contact_id for t in touchpoints})
    assert known.customers == len({t.customer_id for t in touchpoints} - {None})
    assert known.closed == len({t.contact_id for t in touchpoints if isinstance(t, Closed)})
    assert known.queue_minutes == len({(t.queue, t.time // 60_000) for t in touchpoints})
    assert {t.queue for t in touchpoints} == {*QUEUES, None}


def test_it_comes_in_order_but_for_what_is_late(touchpoints: list[Touchpoint]) -> None:
    newest_ms = 0
    late = 0
    for touchpoint in touchpoints:
        late += touchpoint.time < newest_ms
        assert touchpoint.time > newest_ms - 240_000  # a repetition of one that is late, late
        newest_ms = max(newest_ms, touchpoint.time)
    assert 0.01 < late / len(touchpoints) < 0.05


def test_every_contact_begins_with_a_request(touchpoints: list[Touchpoint]) -> None:
    first: dict[str, Touchpoint] = {}
    for touchpoint in touchpoints:
        before = first.get(touchpoint.contact_id)
        if before is None or touchpoint.time < before.time:
            first[touchpoint.contact_id] = touchpoint
    begun = sum(isinstance(each, Requested) for each in first.values())
    assert begun / len(first) > 0.95  # the others' requests are late, and cut off at the end
