"""Workers harmed at one step of the protocol each, by failpoints, on real servers; what comes after is exact."""

import signal
from collections.abc import Sequence

import pytest

from agents.failpoints import STEPS
from tests.app.command import get
from tests.faults.servers.cluster import BUG, Cluster, wait_until
from tests.faults.servers.loop import catch_up, compare, say_nothing
from tests.faults.servers.traffic import Sender, sender_of

pytestmark = [pytest.mark.server, pytest.mark.process, pytest.mark.timeout(600)]

SESSION_SECONDS = 4.0
CLUSTER = {"workers": 3, "partitions": 3, "session_seconds": SESSION_SECONDS}
KILLED = -signal.SIGKILL
ROUNDS = (STEPS[0:3], STEPS[3:6], (*STEPS[6:], "during_ledger:2:lose"))


@pytest.fixture(scope="module")
def sender(shared: Cluster) -> Sender:
    """One stream for all tests of the module."""
    return sender_of(shared.broker.bootstrap, 21, 20_000)


def armed(found: Cluster, failpoints: Sequence[str]) -> None:
    """Start every worker, with one failpoint each; the rest without."""
    for worker in found.workers:
        if worker.running:
            worker.ask_to_end()
    for worker in found.workers:
        if worker.running:
            worker.ended(60)
    for worker, failpoint in zip(found.workers, (*failpoints, "", "", "")[:3], strict=True):
        worker.start(failpoint)


def exact(found: Cluster, sender: Sender) -> None:
    """Start again what has ended, let it catch up, and count everything again."""
    catch_up(found, say_nothing, 120)
    differences = compare(found, sender, say_nothing, audit=False)
    assert differences.none, differences
    for worker in found.workers:
        worker.exits.clear()


def test_workers_killed_at_each_step_of_the_protocol_leave_every_cell_and_contact_exact(
    shared: Cluster, sender: Sender
) -> None:
    """Three at a time, the next three while they recover from that: so also twice in a row."""
    for steps in ROUNDS:
        armed(shared, [step if ":" in step else f"{step}:2" for step in steps])
        doomed = [worker for worker, step in zip(shared.workers, steps, strict=False) if "lose" not in step]
        for _ in range(90):
            sender.send(60)
            if wait_until(lambda those=doomed: not any(worker.running for worker in those), 1):  # type: ignore[misc]
                break
        ends = {step: worker.ended(1) for worker, step in zip(doomed, steps, strict=False)}
        assert set(ends.values()) == {KILLED}, ends
    exact(shared, sender)
    assert "the answer got lost" in "".join(worker.log.read_text() for worker in shared.workers)


def test_a_bug_ends_its_process_and_a_blocked_event_loop_is_measured_and_loses_nothing(
    shared: Cluster, sender: Sender
) -> None:
    armed(shared, ["before_fold:2:raise", f"after_fold:2:block={SESSION_SECONDS + 3}"])
    broken, blocked, _ = shared.workers
    for _ in range(60):
        sender.send(60)
        if wait_until(lambda: not broken.running, 1):
            break
    assert broken.ended(1) == BUG, broken.said()
    assert "failpoint before_fold" in broken.said()
    wait_until(lambda: longest_blocked_seconds(blocked.port) > SESSION_SECONDS, SESSION_SECONDS + 15)
    assert longest_blocked_seconds(blocked.port) > SESSION_SECONDS
    exact(shared, sender)
    assert "block=" in blocked.said().split("\n", 1)[0]  # the same process still: nobody has put it out


def longest_blocked_seconds(port: int) -> float:
    """What the worker exports; waits while it is blocked."""
    metrics = get(f"http://127.0.0.1:{port}/metrics")
    (line,) = [line for line in metrics.splitlines() if line.startswith("touchline_event_loop_blocked_seconds ")]
    return float(line.split()[1])
