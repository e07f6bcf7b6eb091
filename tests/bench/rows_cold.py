"""The row `cold`: what reading back costs a worker that catches up, where 1 % of the touchpoints are for contacts that
are in the ledger and not in memory, nor is their customer; beside the same where they are for contacts and customers of
whom nobody has heard, so that as much is written.
"""

import json
import time
from random import Random
from statistics import median
from typing import Final

from clickhouse_driver import Client

from tests.bench.catch_up import _first_recovered, _until_stored
from tests.bench.filled import contact_id, customer_id, fill
from tests.bench.rows import Options, Report, Result, Stack
from tests.bench.workload import Made, produce, workload
from tests.faults.servers.cluster import Cluster

CONTACTS: Final = 1_000_000
TOUCHPOINTS: Final = 200_000
SHARE: Final = 0.01
_HOURS_MS: Final = 11 * 3_600_000
"""The workload begins at 8 o'clock of its first day, and ends after two hours."""


def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """Without and with, in turn, as often as asked for; every time of other contacts, and after a restart."""
    rng = Random(options.seed)
    none: list[float] = []
    some: list[float] = []
    with stack.cluster("cold") as found:
        report.begin(f"cold contacts: {CONTACTS:,} in the ledger", 1 + 2 * options.repeat)
        fill(found, CONTACTS, open_permille=0)
        for number in range(options.repeat):
            turns = ((none, False), (some, True))
            for seconds, cold in turns if number % 2 == 0 else reversed(turns):  # who comes later has more to recover
                seed = options.seed + 1 + len(none) + len(some)
                produce(found.broker.bootstrap, _records(seed, rng, cold=cold))
                report.at(1 + len(none) + len(some))
                seconds.append(_caught_up(found))
    extra = [100 * (late - early) / late for early, late in zip(none, some, strict=True)]
    note = (
        f"of the time; {TOUCHPOINTS:,} touchpoints, {SHARE:.0%} of them for cold contacts of {CONTACTS:,}, in"
        f" {median(some):.2f} s, for new ones in {median(none):.2f} s; {min(extra):.1f} to {max(extra):.1f}"
    )
    return [Result("cold_read_back", median(extra), "%", 10, at_least=False, note=note)]


def _records(seed: int, rng: Random, *, cold: bool) -> list[Made]:
    """New contacts of the last hours, in the order in which they come, and among them feedback on single ones, which
    are cold or not known at all. None of it is long ago beside the rest, or all would be cold.
    """
    now_ms = time.time_ns() // 1_000_000
    made = list(workload(int(TOUCHPOINTS * (1 - SHARE)), seed, now_ms - _HOURS_MS).records)
    late: list[Made] = []
    for number in range(TOUCHPOINTS - len(made)):
        other = rng.randrange(CONTACTS) + (0 if cold else seed * CONTACTS)
        contact = contact_id(other)
        told = {
            "type": "feedback.given", "id": f"late-{seed}-{number}", "time": now_ms, "contact_id": contact,
            "customer_id": customer_id(other), "channel": "phone", "source": "bench",
            "kind": "csat", "score": 4, "scale_max": 5,
        }  # fmt: skip
        late.append(Made(contact.encode(), json.dumps(told, separators=(",", ":")).encode()))
    places = sorted(rng.randrange(TOUCHPOINTS) for _ in late)
    for place, one in zip(places, late, strict=True):
        made.insert(place, one)
    return made


def _caught_up(found: Cluster) -> float:
    """Seconds from being recovered until everything is stored."""
    (worker,) = found.workers
    worker.start()
    begun = _first_recovered(worker)
    with Client("127.0.0.1", found.clickhouse.port) as client:
        ended = _until_stored(found, worker, client, lambda _: None)
    worker.ask_to_end()
    if code := worker.ended(90):
        raise RuntimeError(f"the worker ended with {code}: {worker.said()[-300:]}")
    return ended - begun
