"""The kill loop: traffic flows, something is killed again and again, and in the end everything is counted once more."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final

from confluent_kafka import KafkaException
from msgspec import Struct

from agents.failpoints import STEPS
from pipeline.core.steps import Marker
from pipeline.ports import WarehouseDown
from tests.faults.servers import recount
from tests.faults.servers.cluster import BUG, Cluster, cluster, wait_until
from tests.faults.servers.recount import Counted, Differences, Logged
from tests.faults.servers.traffic import Sender, sender_of

_ORACLE_MOST: Final = 20_000
"""Touchpoints up to which the naive oracle counts as well."""
_STALE: Final = (1.2, 2.1)
"""How many sessions long a worker is stopped: its partitions are another's when it wakes."""
_CATCH_UP_SECONDS: Final = 1_800
_SLICE: Final = 500
Say = Callable[[str], None]


def say_nothing(_: str) -> None:
    """Tests are quiet."""


class Plan(Struct, frozen=True):
    """How a run goes; the same seed sends the same and draws the same faults, at other moments of other processes."""

    seed: int
    kills: int
    workers: int = 4
    touchpoints: int = 100_000
    partitions: int = 8
    session_seconds: float = 12.0
    weights: tuple[int, int, int, int, int] = (9, 2, 1, 3, 5)
    """Of workers killed at random moments, killed ClickHouse, killed Kafka, stopped workers, and workers that are
    killed at one step of the protocol.
    """


class Outcome(Struct, frozen=True):
    """What came of a run."""

    kills: int
    faults: dict[str, int]
    exits: dict[int, int]
    stored_seconds: float
    differences: Differences


def run(plan: Plan, home: Path, say: Say) -> Outcome:
    """Everything from start to recount. Raises Missing, and RuntimeError where it does not come to an end."""
    with cluster(home, workers=plan.workers, partitions=plan.partitions, session_seconds=plan.session_seconds) as found:
        sender = sender_of(found.broker.bootstrap, plan.seed, plan.touchpoints)
        say(f"{plan.workers} workers, {sender.left} touchpoints to send, logs in {home}")
        found.tend()
        faults = _Faults(plan, found, sender, say)
        faults.run()
        begun = time.monotonic()
        catch_up(found, say)
        stored_seconds = time.monotonic() - begun
        exits = Counter(code for worker in found.workers for code in worker.exits)
        slowest, refused = drain(found)
        say(f"all is stored, {stored_seconds:.0f} s after the last fault; drained in {slowest:.1f} s; counting again")
        differing = compare(found, sender, say)
        differing.others.extend(refused)
        return Outcome(faults.kills, dict(faults.done), dict(exits), stored_seconds, differing)


class _Faults:
    """Draws faults and sends between them."""

    def __init__(self, plan: Plan, found: Cluster, sender: Sender, say: Say) -> None:
        self.kills = 0
        self.done: Counter[str] = Counter()
        self._plan, self._cluster, self._sender, self._say = plan, found, sender, say
        self._rng = Random(plan.seed)
        # Faults that kill nothing and pauses without traffic are evened out, roughly.
        self._share = max(plan.touchpoints * 9 // (plan.kills * 10 + 10), 1)
        self._spoken = 0.0

    def run(self) -> None:
        """As many kills as planned, traffic all the while; then the rest of the traffic."""
        self._flow(self._share, until_stored=True)
        while self.kills < self._plan.kills:
            self._fault()
            # Twice in a row, in the midst of starting and recovering; or when something is being written again.
            if self._rng.random() < 0.25:
                self._flow(0, seconds=self._rng.uniform(0, 3))
            else:
                self._flow(self._share, until_stored=True, seconds=self._rng.uniform(0, 4))
        self._flow(self._sender.left)

    def _flow(self, count: int, *, until_stored: bool = False, seconds: float = 0) -> None:
        """Send so many in slices, wait until something was committed (a minute at most), then a random moment more."""
        before = self._cluster.versions()
        until_stored = until_stored and self._sender.left > 0
        while count > 0 and self._sender.left:
            self._sender.send(min(_SLICE, count))
            count -= _SLICE
            self._tend()
        if until_stored:
            wait_until(lambda: self._tend() and self._cluster.versions() not in (before, {}), 60)
        wait_until(lambda: not self._tend(), seconds, every=0.05)

    def _tend(self) -> bool:
        """Keep all running, say where we are; always true."""
        self._cluster.tend()
        if time.monotonic() - self._spoken > 5:
            self._spoken = time.monotonic()
            faults = ", ".join(f"{n} {name}" for name, n in sorted(self.done.items()))
            self._say(f"kills {self.kills} of {self._plan.kills} ({faults}); {self._sender.left} left to send")
        return True

    def _fault(self) -> None:
        names = ("worker killed", "clickhouse killed", "kafka killed", "worker stopped", "worker killed at a step")
        name = self._rng.choices(names, self._plan.weights)[0]
        rng, found = self._rng, self._cluster
        worker = rng.choice(found.workers)
        self.done[name] += 1
        if name == "worker stopped":
            worker.pause(time.monotonic() + rng.uniform(*_STALE) * found.session_seconds)
            return
        self.kills += 1
        if name == "worker killed at a step":
            worker.kill()
            worker.start(f"{rng.choice(STEPS)}:{rng.randint(1, 6)}")
        elif name == "worker killed":
            worker.kill()
            if rng.random() < 0.5:
                wait_until(lambda: False, rng.uniform(0, 2))
        elif name == "clickhouse killed":
            found.kill_clickhouse(rng.choice((0.0, 1.0, 10.0)))
        else:
            found.kill_kafka(rng.choice((0.0, 5.0)))


def catch_up(found: Cluster, say: Say, seconds: float = _CATCH_UP_SECONDS) -> None:
    """Until the group has read the raw topic and every marker stands at its log's end. Raises RuntimeError."""
    spoken = 0.0
    left: dict[str, int] = {}

    def stored() -> bool:
        nonlocal spoken, left
        found.tend()
        try:
            markers: dict[str, Marker] = asyncio.run(found.markers())
            left = found.lag(markers)
        except (WarehouseDown, KafkaException) as error:
            left = {str(error): 1}
        if left and time.monotonic() - spoken > 5:
            spoken = time.monotonic()
            say(f"{sum(left.values())} positions in {len(left)} partitions are not stored yet")
        # Ready: also the rows for people are written again that a kill may have cut off after the commit.
        return not left and all(worker.ready() for worker in found.workers)

    if not wait_until(stored, seconds, every=0.5):
        raise RuntimeError(f"not stored after {seconds:.0f} s: {left}")


def drain(found: Cluster) -> tuple[float, list[str]]:
    """SIGTERM to all workers at once: how long the last one took, and which did not end with 0."""
    begun = time.monotonic()
    for worker in found.workers:
        worker.ask_to_end()
    codes = {worker.number: worker.ended(60) for worker in found.workers}
    wrong = [
        f"worker {number} ended with {code} on SIGTERM, see {found.home}" for number, code in codes.items() if code
    ]
    return time.monotonic() - begun, wrong


def compare(
    found: Cluster, sender: Sender, say: Say, earlier: Sequence[Logged] = (), *, audit: bool = True
) -> Differences:
    """Recount the log (and what an earlier one held), and compare with everything the warehouse holds."""
    log = [*earlier, *recount.read_log(found.broker.bootstrap)]
    rulebook = recount.rulebook()
    wanted = recount.expected(log, rulebook)
    held, letters = asyncio.run(_held(found))
    differing = recount.differences(wanted, held)
    others: list[str] = []
    if lost := recount.missing(log, sender.sent.raw):
        others.append(f"{lost} touchpoints of the raw topic are not among the touchpoints")
    if letters != sender.sent.poison:
        others.append(f"{letters} dead letters, {sender.sent.poison} records were poison")
    if len(log) <= _ORACLE_MOST:
        others += recount.oracle_differs(log, held.cells)
    bugs = sum(worker.exits.count(BUG) for worker in found.workers)
    if bugs:
        others.append(f"{bugs} workers ended by a bug, see their logs in {found.home}")
    if not audit:
        return Differences(differing.cells, differing.contacts, others)
    audited = found.command("audit")
    verdict = audited.stdout.strip().rpartition("\n")[2] or audited.stderr.strip()[-300:]
    if audited.returncode:
        others.append(f"touchline audit: {verdict}")
    say(f"sent {sender.sent.touchpoints}, {len(log)} in the log, {len(wanted.contacts)} contacts,"
        f" {len(wanted.cells)} cells; audit: {verdict}")  # fmt: skip
    return Differences(differing.cells, differing.contacts, others)


async def _held(found: Cluster) -> tuple[Counted, int]:
    warehouse = found.warehouse()
    try:
        letters = await warehouse.query("SELECT count() FROM touchline_internal.dead_letters FINAL")
        return await recount.stored(warehouse), int(letters[0][0])
    finally:
        await warehouse.close()
