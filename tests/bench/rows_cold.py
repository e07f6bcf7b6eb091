"""The row `cold`: what reading back costs a worker that catches up, where 1 % of the touchpoints are for contacts that
are in the ledger and not in memory, nor is their customer; beside the same where they are for contacts and customers of
whom nobody has heard, so that as much is written.
"""

import json
import math
import time
from random import Random
from statistics import median
from typing import Final

from clickhouse_driver import Client
from msgspec import Struct

from tests.bench.catch_up import quiet, until_stored, used
from tests.bench.filled import contact_id, customer_id, fill
from tests.bench.rows import Options, Report, Result, Stack
from tests.bench.workload import Made, produce, workload
from tests.faults.servers.cluster import Cluster, wait_until

CONTACTS: Final = 1_000_000
TOUCHPOINTS: Final = 500_000
SHARE: Final = 0.01
_HOURS_MS: Final = 15 * 3_600_000
"""The workload begins at 8 o'clock of its first day, and ends after six hours."""
_START_SECONDS: Final = 120.0


class _Took(Struct, frozen=True):
    """One catch-up. CPU seconds are of worker and of ClickHouse."""

    seconds: float
    worker_s: float
    clickhouse_s: float


def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """Without and with, in turn, as often as asked for; every time of other contacts, and after a restart. The first
    catch-up of all is not counted: the servers have nothing else to do then, and it is faster than any later.
    """
    rng = Random(options.seed)
    none: list[_Took] = []
    some: list[_Took] = []
    with stack.cluster("cold") as found:
        report.begin(f"cold contacts: {CONTACTS:,} in the ledger", 2 + 2 * options.repeat)
        fill(found, CONTACTS, open_permille=0)
        report.at(1)
        _caught_up(found, _records(options.seed, rng, cold=False))
        for number in range(options.repeat):
            turns = ((none, False), (some, True))
            for took, cold in turns if number % 2 == 0 else reversed(turns):  # who comes later has a larger ledger
                report.at(2 + len(none) + len(some))
                seed = options.seed + 1 + len(none) + len(some)
                took.append(_caught_up(found, _records(seed, rng, cold=cold)))
                report.say(_line(cold, took[-1]))
    return _results(none, some)


def _results(none: list[_Took], some: list[_Took]) -> list[Result]:
    """Of the pairs, since every catch-up takes a little longer than the one before."""
    each = [100 * (1 - one.seconds / other.seconds) for one, other in zip(none, some, strict=True)]
    new_s, cold_s = (median([one.seconds for one in took]) for took in (none, some))
    note = (
        f"of the time; {TOUCHPOINTS:,} touchpoints, {SHARE:.0%} of them for cold contacts of {CONTACTS:,}, in"
        f" {cold_s:.2f} s, for new ones in {new_s:.2f} s; {min(each):.1f} to {max(each):.1f} in {len(each)} pairs"
    )
    return [
        Result("cold_read_back", median(each), "%", 10, at_least=False, note=note),
        _cpu("worker", [one.worker_s for one in none], [one.worker_s for one in some]),
        _cpu("clickhouse", [one.clickhouse_s for one in none], [one.clickhouse_s for one in some]),
    ]


def _cpu(whose: str, none: list[float], some: list[float]) -> Result:
    """What it is in CPU of one process; of the pairs as well."""
    each = [1e6 * (other - one) / TOUCHPOINTS for one, other in zip(none, some, strict=True)]
    new_us, cold_us = (1e6 * median(cpu_s) / TOUCHPOINTS for cpu_s in (none, some))
    note = f"CPU; {cold_us:.1f} with cold contacts, {new_us:.1f} with new ones"
    return Result(f"cold_read_back_{whose}", median(each), "us/touchpoint", note=note)


def _line(cold: bool, took: _Took) -> str:
    of_whom = "cold" if cold else "new"
    return f"{of_whom}: {took.seconds:.2f} s; CPU: worker {took.worker_s:.2f}, ClickHouse {took.clickhouse_s:.2f}"


def _records(seed: int, rng: Random, *, cold: bool) -> list[Made]:
    """New contacts of the last hours, in the order in which they come, and among them feedback on single ones, which
    are cold or not known at all. None of it is long ago beside the rest, or all would be cold.
    """
    begin_ms = time.time_ns() // 1_000_000 - _HOURS_MS
    made = list(workload(int(TOUCHPOINTS * (1 - SHARE)), seed, begin_ms).records)
    late = TOUCHPOINTS - len(made)
    places = sorted(rng.sample(range(len(made)), late), reverse=True)
    for number, place in enumerate(places):
        other = rng.randrange(CONTACTS) + (0 if cold else seed * CONTACTS)
        contact = contact_id(other)
        told = {
            "type": "feedback.given", "id": f"late-{seed}-{number}", "time": json.loads(made[place].value)["time"],
            "contact_id": contact, "customer_id": customer_id(other), "channel": "phone", "source": "bench",
            "kind": "csat", "score": 4, "scale_max": 5,
        }  # fmt: skip
        made.insert(place, Made(contact.encode(), json.dumps(told, separators=(",", ":")).encode()))
    return made


def _caught_up(found: Cluster, records: list[Made]) -> _Took:
    """From going on behind all these until everything is stored. The worker is held while they are produced, and has
    recovered before: what that costs is another row's. Raises RuntimeError.
    """
    (worker,) = found.workers
    worker.start()
    try:
        if not wait_until(worker.ready, _START_SECONDS):
            raise RuntimeError(f"the worker did not start: {worker.said()[-500:]}")
        quiet(found)
        worker.pause(math.inf)
        produce(found.broker.bootstrap, records)
        before, begun = used(found), time.monotonic()
        worker.wake()
        with Client("127.0.0.1", found.clickhouse.port) as client:
            ended = until_stored(found, client, lambda _: None)
        after = used(found)
        worker.ask_to_end()
        if code := worker.ended(90):
            raise RuntimeError(f"the worker ended with {code}: {worker.said()[-300:]}")
    finally:
        worker.kill()
    return _Took(ended - begun, after[0] - before[0], after[2] - before[2])
