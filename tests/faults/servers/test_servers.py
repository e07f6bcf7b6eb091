"""The kill loop in short, and single faults, on a real Kafka and a real ClickHouse. `make faults` is the long form."""

import asyncio
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from schemas.topics import TOUCHPOINTS
from tests.app.command import get, sentence
from tests.faults.servers.cluster import Cluster, wait_until
from tests.faults.servers.conftest import SESSION_SECONDS
from tests.faults.servers.kafka import Missing
from tests.faults.servers.loop import Plan, catch_up, compare, drain, run, say_nothing
from tests.faults.servers.recount import read_log
from tests.faults.servers.traffic import Sender, sender_of

pytestmark = [pytest.mark.server, pytest.mark.process]


HANDOVER_SECONDS = 5.0
"""The longest a partition may stand still because a worker comes or goes, on a machine that has nothing else to do."""
SHARE_OF_START = 1.5
"""The same on one that has: of the time that a worker takes from its start until it is ready, which is 3 s there."""


@pytest.mark.timeout(600)
def test_killed_workers_and_a_killed_clickhouse_leave_every_cell_and_contact_exact(tmp_path: Path) -> None:
    plan = Plan(
        seed=7,
        kills=4,
        workers=2,
        touchpoints=5_000,
        partitions=4,
        session_seconds=SESSION_SECONDS,
        weights=(3, 2, 0, 1, 0),
    )
    try:
        outcome = run(plan, tmp_path, say_nothing)
    except Missing as missing:
        pytest.skip(str(missing))
    assert outcome.differences.none, outcome.differences
    assert outcome.kills == 4
    assert outcome.faults["clickhouse killed"]
    assert outcome.faults["worker killed"]


@pytest.mark.timeout(600)
def test_a_worker_that_is_told_to_end_under_load_drains_and_nothing_is_delivered_again(two_workers: Cluster) -> None:
    found = two_workers
    sender = sender_of(found.broker.bootstrap, 8, 6_000)
    found.tend()
    sender.send(2_000)
    assert wait_until(lambda: all(worker.ready() for worker in found.workers), 60)
    sender.send(3_000)

    begun = time.monotonic()
    found.workers[0].ask_to_end()
    assert found.workers[0].ended(30) == 0
    assert time.monotonic() - begun < 15

    sender.send(1_000)
    catch_up(found, say_nothing, 120)  # starts it again
    _, refused = drain(found)
    assert not refused
    markers = asyncio.run(found.markers())
    assert found.committed(TOUCHPOINTS) == {p: m.offset for p, m in markers.items() if p.startswith(f"{TOUCHPOINTS}/")}
    differences = compare(found, sender, say_nothing)
    assert differences.none, differences
    assert not any(worker.exits for worker in found.workers)


class Watched:
    """Traffic, and how long each partition of the touchpoints stood still meanwhile."""

    def __init__(self, found: Cluster, sender: Sender) -> None:
        self.longest_seconds = 0.0
        self._found, self._sender = found, sender
        self._seen: dict[str, tuple[int, float]] = {}

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Whether it came true in time; traffic goes on, and stillness is measured."""
        return wait_until(lambda: self._look() and condition(), seconds, every=0.05)

    def _look(self) -> bool:
        self._sender.send(20)
        now = time.monotonic()
        for partition, version in self._found.versions().items():
            before, at = self._seen.get(partition, (0, now))
            if version != before:
                self._seen[partition] = version, now
            elif partition.startswith(f"{TOUCHPOINTS}/"):
                self.longest_seconds = max(self.longest_seconds, now - at)
        return True


@pytest.mark.timeout(600)
def test_partitions_are_handed_over_within_seconds_when_workers_come_and_go_under_load(two_workers: Cluster) -> None:
    found = two_workers
    steady, guest = found.workers
    sender = sender_of(found.broker.bootstrap, 11, 20_000)
    steady.start()
    sender.send(500)
    assert wait_until(steady.ready, 60)
    watched = Watched(found, sender)
    watched.until(lambda: False, 2)
    started_seconds = 0.0
    for _ in range(2):
        begun = time.monotonic()
        guest.start()
        assert watched.until(guest.ready, 60)
        started_seconds = max(started_seconds, time.monotonic() - begun)
        watched.until(lambda: False, 1)
        guest.ask_to_end()
        assert watched.until(lambda: not guest.running, 30)
        assert guest.ended(1) == 0
        assert watched.until(steady.ready, 30)
    assert watched.longest_seconds < max(HANDOVER_SECONDS, SHARE_OF_START * started_seconds)
    catch_up(found, say_nothing, 120)
    drain(found)
    differences = compare(found, sender, say_nothing)
    assert differences.none, differences


def total(found: Cluster, metric: str) -> float:
    """The sum of a gauge over partitions and workers."""
    pages = [get(f"http://127.0.0.1:{worker.port}/metrics") for worker in found.workers]
    values = re.findall(rf"^{metric}(?:{{.*}})? (\S+)$", "\n".join(pages), re.MULTILINE)
    assert values, f"no {metric} in what the workers export"
    return sum(map(float, values))


@pytest.mark.timeout(600)
def test_while_clickhouse_or_kafka_is_away_workers_go_on_and_then_catch_up(two_workers: Cluster) -> None:
    found = two_workers
    sender = sender_of(found.broker.bootstrap, 12, 4_000)
    found.tend()
    sender.send(1_000)
    catch_up(found, say_nothing, 120)

    found.clickhouse.process.kill()
    found.clickhouse.process.wait()
    sender.send(1_000)
    assert wait_until(lambda: total(found, "touchline_dirty_rows") > 500, 30)  # folded, and not written
    assert wait_until(lambda: total(found, "touchline_log_lag_records") == 0, 30)
    found.kill_clickhouse(0)
    catch_up(found, say_nothing, 60)

    found.kill_kafka(8)
    sender.send(2_000)
    catch_up(found, say_nothing, 120)
    assert not any(worker.exits for worker in found.workers)
    drain(found)
    differences = compare(found, sender, say_nothing)
    assert differences.none, differences


@pytest.mark.timeout(600)
def test_what_the_log_lost_is_counted_exactly_and_two_sets_of_definitions_do_not_mix(two_workers: Cluster) -> None:
    found = two_workers
    sender = sender_of(found.broker.bootstrap, 9, 3_000)
    found.tend()
    sender.send(1_000)
    catch_up(found, say_nothing, 120)
    drain(found)

    other = found.home / "other.yaml"
    other.write_text("zone: UTC\n")
    mixed = found.command("worker", "--catalogue", str(other), "--port", str(found.workers[0].port))
    assert "definitions" in sentence(mixed)

    sender.send(2_000)
    stored = asyncio.run(found.markers())["touchpoints/0"].offset
    admin = AdminClient({"bootstrap.servers": found.broker.bootstrap, "log_level": 2})
    lost = TopicPartition(TOUCHPOINTS, 0, stored + 7)
    admin.delete_records([lost])[lost].result()
    said = sentence(found.command("worker", "--port", str(found.workers[0].port)))
    assert f"touchpoints/0: offsets {stored} to {stored + 6} (7 positions)" in said
    assert "TOUCHLINE_ACCEPT_LOSS" in said

    found.env["TOUCHLINE_ACCEPT_LOSS"] = "1"
    catch_up(found, say_nothing, 120)
    drain(found)
    markers = asyncio.run(found.markers())
    assert {p: m.lost for p, m in markers.items() if m.lost} == {"touchpoints/0": 7}


@pytest.mark.timeout(600)
def test_a_topic_that_was_made_again_is_refused_and_then_counted_as_a_new_log(two_workers: Cluster) -> None:
    found = two_workers
    sender = sender_of(found.broker.bootstrap, 10, 3_000)
    found.tend()
    sender.send(2_000)
    catch_up(found, say_nothing, 120)
    drain(found)
    old_log = list(read_log(found.broker.bootstrap))

    admin = AdminClient({"bootstrap.servers": found.broker.bootstrap, "log_level": 2})
    admin.delete_topics([TOUCHPOINTS])[TOUCHPOINTS].result()
    assert wait_until(lambda: TOUCHPOINTS not in admin.list_topics(timeout=10).topics, 30)
    assert found.command("apply").returncode == 0
    said = sentence(found.command("worker", "--port", str(found.workers[0].port)))
    assert "TOUCHLINE_NEW_EPOCH" in said

    found.env["TOUCHLINE_NEW_EPOCH"] = TOUCHPOINTS
    sender.send(400)
    catch_up(found, say_nothing, 120)
    # Whoever starts again while the setting is still there goes on with the same log, as the other does.
    first, other = found.workers
    for _ in range(2):
        first.kill()
        sender.send(150)
        catch_up(found, say_nothing, 120)
    first.kill()
    sender.send(300)
    assert wait_until(lambda: not found.lag(asyncio.run(found.markers())), 90), "the other does not go on"
    other.ask_to_end()
    assert other.ended(60) == 0
    differences = compare(found, sender, say_nothing, earlier=old_log)
    assert differences.none, differences
