"""The row `cold`: what reading back costs a worker that catches up, where 1 % of the touchpoints are for contacts that
are in the ledger and not in memory, nor is their customer.
"""

import json
import time
from random import Random
from statistics import median
from typing import Final

from clickhouse_driver import Client

from tests.bench.catch_up import _first_recovered, _until_stored
from tests.bench.filled import contact_id, fill
from tests.bench.rows import Options, Report, Result, Stack
from tests.bench.workload import Made, produce, workload
from tests.faults.servers.cluster import Cluster

CONTACTS: Final = 1_000_000
TOUCHPOINTS: Final = 200_000
SHARE: Final = 0.01
_DAY_MS: Final = 86_400_000


def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """Without and with, in turn, as often as asked for; every time of other contacts, and after a restart."""
    rng = Random(options.seed)
    none: list[float] = []
    some: list[float] = []
    with stack.cluster("cold") as found:
        report.begin(f"cold contacts: {CONTACTS:,} in the ledger", 1 + 2 * options.repeat)
        fill(found, CONTACTS, open_permille=0)
        for number in range(options.repeat):
            for seconds, share in ((none, 0.0), (some, SHARE)):
                seed = options.seed + 1 + len(none) + len(some)
                produce(found.broker.bootstrap, _records(seed, share, rng))
                report.at(1 + 2 * number + (share > 0))
                seconds.append(_caught_up(found))
    extra = [100 * (late - early) / late for early, late in zip(none, some, strict=True)]
    note = (
        f"of the time; {TOUCHPOINTS:,} touchpoints in {median(none):.2f} s without, {median(some):.2f} s with"
        f" {SHARE:.0%} for cold contacts of {CONTACTS:,}; {min(extra):.1f} to {max(extra):.1f} in {len(extra)}"
    )
    return [Result("cold_read_back", median(extra), "%", 10, at_least=False, note=note)]


def _records(seed: int, share: float, rng: Random) -> list[Made]:
    """New contacts, and among them feedback on old ones."""
    now_ms = time.time_ns() // 1_000_000
    made = list(workload(int(TOUCHPOINTS * (1 - share)), seed, now_ms // _DAY_MS * _DAY_MS - _DAY_MS).records)
    for number in range(TOUCHPOINTS - len(made)):
        contact = contact_id(rng.randrange(CONTACTS))
        told = {
            "type": "feedback.given", "id": f"late-{seed}-{number}", "time": now_ms, "contact_id": contact,
            "channel": "phone", "source": "bench", "kind": "csat", "score": 4, "scale_max": 5,
        }  # fmt: skip
        made.append(Made(contact.encode(), json.dumps(told, separators=(",", ":")).encode()))
    rng.shuffle(made)
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
