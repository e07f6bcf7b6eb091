"""The row `latency`: from producing a touchpoint until /metrics tells of it, and until its contact's row is read in
ClickHouse, at 5,000 touchpoints/s.

Counted per touchpoint: offsets are known from the producer's acknowledgements, both places are looked at again and
again, and a touchpoint is there when the first look that has it is answered. So looking often enough is part of it.
"""

import http.client
import json
import re
import threading
import time
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate, count, islice
from random import Random
from statistics import quantiles
from typing import Any, Final

from clickhouse_driver import Client
from confluent_kafka import Producer
from msgspec import Struct

from schemas.topics import TOUCHPOINTS
from tests.bench.catch_up import cpu_seconds
from tests.bench.filled import contact_id, steps_total, touchpoint
from tests.bench.rows import Options, Report, Result, Stack
from tests.faults.servers.cluster import Cluster, wait_until

RATE: Final = 5_000
_SPREAD_SECONDS: Final = 20
"""How long a contact takes: some 12,000 are open at once."""
_WARM_SECONDS: Final = 10.0
_SECONDS: Final = 30.0
_LOOK_SECONDS: Final = 0.05
_LAST_SECONDS: Final = 15.0
_TICK_SECONDS: Final = 0.01
_LOOK_AT_ROWS_SECONDS: Final = 0.25
_OFFSET: Final = (1 << 48) - 1
_APPLIED: Final = re.compile(rf'touchline_touchpoints_total{{partition="{TOUCHPOINTS}/(\d+)",result="applied"}} (\S+)')

Counts = Mapping[int, int]
"""By number of partition: how many of its records are there."""


class Look(Struct, frozen=True):
    """What was there at a time."""

    at: float
    counts: Counts


class Looking:
    """A thread that looks again and again."""

    def __init__(self, look: Callable[[], Counts], every_seconds: float) -> None:
        self.looks: list[Look] = []
        self.took: list[float] = []
        self.every_seconds = every_seconds
        self._look = look
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._over.is_set():
            begun = time.time()
            counts = self._look()
            ended = time.time()
            self.looks.append(Look(ended, counts))
            self.took.append(ended - begun)
            self._over.wait(max(self.every_seconds - (ended - begun), 0.01))

    def sees(self, ends: Counts) -> bool:
        """Whether all of these are there."""
        return bool(self.looks) and all(self.looks[-1].counts.get(number, 0) >= end for number, end in ends.items())

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join(10)


def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """One stretch; every touchpoint after the warm-up counts."""
    with stack.cluster("latency") as found:
        (worker,) = found.workers
        worker.start()
        if not wait_until(worker.ready, 60):
            raise RuntimeError(f"the worker did not become ready: {worker.said()[-500:]}")
        metrics, rows = Looking(_scrapes(worker.port), _LOOK_SECONDS), Looking(_rows(found), _LOOK_AT_ROWS_SECONDS)
        # Counters of /metrics begin at 0 with the first look: what came before it would never be seen.
        if not wait_until(lambda: bool(metrics.looks and rows.looks), 60, every=0.01):
            raise RuntimeError(f"/metrics or ClickHouse did not answer: {worker.said()[-500:]}")
        process = worker._process
        assert process is not None
        report.begin(f"{RATE:,} touchpoints/s", _WARM_SECONDS + _SECONDS)
        before, begun = cpu_seconds(process.pid), time.time()
        sent = _produce(found.broker.bootstrap, options.seed, report)
        used = (cpu_seconds(process.pid) - before) / (time.time() - begun)
        ends = {number: len(times) for number, times in sent.items()}
        wait_until(lambda: metrics.sees(ends) and rows.sees(ends), _LAST_SECONDS)
        metrics.stop()
        rows.stop()
    warm = begun + _WARM_SECONDS
    total = sum(ends.values())
    what = f"{total / (_WARM_SECONDS + _SECONDS):,.0f} touchpoints/s, worker at {100 * used:.0f} % of a core"
    return [
        _judged("latency_metrics_p99", sent, metrics, warm, 250, what),
        _judged("latency_rows_p99", sent, rows, warm, 2_000, what),
    ]


def _judged(
    name: str, sent: Mapping[int, Sequence[float]], looking: Looking, warm: float, bound: float, what: str
) -> Result:
    found = list(delays(sent, looking.looks, warm))
    lacking = sum(each is None for each in found)
    if lacking:
        return Result(
            name, None, "ms", bound, at_least=False, note=f"{lacking:,} of {len(found):,} were never seen; {what}"
        )
    cuts = quantiles([1e3 * each for each in found if each is not None], n=100)
    answered_ms = 1e3 * quantiles(looking.took, n=100)[98]
    looks = f"looked at every {1e3 * looking.every_seconds:.0f} ms, answered in {answered_ms:.0f} ms (p99)"
    return Result(
        name, cuts[98], "ms", bound, at_least=False, note=f"p50 {cuts[49]:.0f}, p90 {cuts[89]:.0f}; {looks}; {what}"
    )


def delays(sent: Mapping[int, Sequence[float]], looks: Sequence[Look], warm: float) -> Iterator[float | None]:
    """Of every touchpoint produced after `warm`: seconds until the first look that has it; None: no look has."""
    for number, times in sent.items():
        # What was seen once stays: a worker that was started anew begins to count at 0.
        seen = list(accumulate((look.counts.get(number, 0) for look in looks), max))
        for offset, at in enumerate(times):
            if at >= warm:
                place = bisect_right(seen, offset)
                yield looks[place].at - at if place < len(looks) else None


def _scrapes(port: int) -> Callable[[], Counts]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def scrape() -> Counts:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        return {int(number): int(float(applied)) for number, applied in _APPLIED.findall(text)}

    return scrape


def _rows(found: Cluster) -> Callable[[], Counts]:
    """The version of a row says up to which offset everything is written."""
    client = Client("127.0.0.1", found.clickhouse.port)
    sql = f"SELECT p, max(version) FROM touchline_internal.contacts WHERE p LIKE '{TOUCHPOINTS}/%' GROUP BY p"

    def read() -> Counts:
        return {int(p.rpartition("/")[2]): int(version) & _OFFSET for p, version in client.execute(sql)}

    return read


def _touchpoints(seed: int) -> Iterator[tuple[str, bytes]]:
    """Contacts begin evenly, and each has its next touchpoint a little later: (contact, value with a place for the
    time).
    """
    rng, numbers, steps = Random(seed), count(), steps_total()
    at_once = RATE * _SPREAD_SECONDS // steps // steps
    going: deque[list[int]] = deque(maxlen=steps)
    while True:
        going.appendleft([next(numbers) for _ in range(at_once)])
        told = [(number, step) for step, group in enumerate(going) for number in group]
        rng.shuffle(told)
        for number, step in told:
            contact = contact_id(number)
            yield contact, touchpoint(contact, number, step, _NOW)


_NOW: Final = 1_111_111_111_111
"""Stands for the time until the touchpoint is produced."""


def _produce(bootstrap: str, seed: int, report: Report) -> dict[int, list[float]]:
    """At an even rate; when each was produced, by partition and offset. Raises RuntimeError."""
    producer = Producer(
        {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 5, "compression.type": "lz4"}
    )
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    refused: list[str] = []

    def note(error: Any, message: Any) -> None:
        if error is not None:
            refused.append(str(error))
        else:
            found[message.partition()].append((message.offset(), message.timestamp()[1] / 1e3))

    begun, placeholder = time.time(), json.dumps(_NOW).encode()
    touchpoints = _touchpoints(seed)
    number = 0
    while (now := time.time()) - begun < _WARM_SECONDS + _SECONDS:
        now_ms = int(1e3 * now)
        told = str(now_ms).encode()
        for contact, value in islice(touchpoints, int(RATE * (now - begun)) - number):
            producer.produce(TOUCHPOINTS, value.replace(placeholder, told), contact, on_delivery=note, timestamp=now_ms)
            number += 1
        producer.poll(0)
        report.at(now - begun)
        time.sleep(_TICK_SECONDS)  # a turn for each would take this machine's time from the worker
    if producer.flush(60) or refused:
        raise RuntimeError(f"Kafka did not take the touchpoints: {refused[:1]}")
    return {number: [at for _, at in sorted(times)] for number, times in found.items()}
