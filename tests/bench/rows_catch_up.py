"""The row `catch_up`: workers that begin with a full topic, one if nothing else is asked for, and the peers on the same
topic, in turn.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient
from msgspec import structs

from schemas.topics import CONTACT_FACTS, DEAD_LETTERS, LIVE, RAW, TOUCHPOINTS
from tests.bench.catch_up import CaughtUp, catch_up, quiet
from tests.bench.output import DECODE, DIFFERENCES
from tests.bench.peers.toy import Said, Task
from tests.bench.programs import PEERS, Peer
from tests.bench.programs import run as run_peer
from tests.bench.rows import RATE, Options, Report, Result, Stack, kept_on_one_core, median_of, noise
from tests.bench.workload import PER_DAY, Known, Workload, produce, workload
from tests.faults.servers.cluster import Cluster, applied, wait_until
from tests.faults.servers.kafka import Kafka, Missing, kafka
from tests.servers import clickhouse_server

PARTITIONS: Final = 4
_DAY_MS: Final = 86_400_000
_OWN: Final = "touchline_catch_up"


def run(stack: Stack, options: Options, report: Report) -> list[Result]:
    """Everything in turn, as often as asked for: the yardstick before and after us, then the peers."""
    made = _workload(options, report)
    chosen = {name: peer for name, peer in PEERS.items() if name != DECODE and name in (options.peers or PEERS)}
    if options.profile is not None:
        chosen = {}
    ours: list[CaughtUp] = []
    said: dict[str, list[Said]] = defaultdict(list)
    lacking = _lacking(chosen, report)
    home = stack.folder("catch-up")
    with kafka(home) as broker:
        for number in range(1 if options.profile is not None else options.repeat):
            with _fresh(home, broker, number, options.workers) as found:
                if number == 0:
                    produce(broker.bootstrap, made.records)
                quiet(found)
                _beside({DECODE: PEERS[DECODE]}, found, made, options, report, said, lacking)
                report.begin(f"touchline, {number + 1} of {options.repeat}", made.known.records)
                audit = number == 0  # it reads everything: once is enough
                ours.append(catch_up(found, made.known, report.at, audit, options.profile, one_core=options.one_core))
                report.say(_line(_OWN, ours[-1].rate, "; ".join(ours[-1].differences)))
                quiet(found)
                _beside({DECODE: PEERS[DECODE], **chosen}, found, made, options, report, said, lacking)
    theirs = peer_results(made.known, said, lacking, chosen)
    return as_measured([*own_results(ours), *theirs, *between(ours, said, chosen)], options)


def as_measured(results: list[Result], options: Options) -> list[Result]:
    """What is promised is promised of one worker on whatever cores there are; otherwise all that is asked of it is to
    be exact, and the notes say how it was measured.
    """
    if not options.unusual:
        return results
    return [
        structs.replace(
            each,
            bound=each.bound if each.unit == DIFFERENCES else None,
            note=f"{options.unusual}; {each.note}",
        )
        for each in results
    ]


def _lacking(chosen: Mapping[str, Peer], report: Report) -> dict[str, str]:
    """Who cannot be run here, and why; the others are made ready."""
    found: dict[str, str] = {}
    report.begin("making the peers ready (the first time some minutes)", len(chosen))
    for number, (name, peer) in enumerate(chosen.items()):
        report.at(number)
        try:
            peer.ready()
        except Missing as missing:
            found[name] = str(missing)
            report.say(f"{name}: {missing}")
    return found


def _workload(options: Options, report: Report) -> Workload:
    """Of the days before yesterday: what a worker that was away catches up with."""
    days = 2 + options.touchpoints // PER_DAY
    begin_ms = (time.time_ns() // 1_000_000 // _DAY_MS - days) * _DAY_MS
    report.begin("making the workload", 1)
    made = workload(options.touchpoints, options.seed, begin_ms)
    known = made.known
    report.say(
        f"{known.records:,} touchpoints of {known.contacts:,} contacts and {known.customers:,} customers, at most"
        f" {known.most_open:,} contacts at once; {known.bytes_total / known.records:.0f} bytes each,"
        f" {known.duplicates:,} of them twice"
        + ("" if known.records >= PER_DAY else "; so few are for looking, not for quoting (docs/speed.md)")
    )
    return made


@contextmanager
def _fresh(home: Path, broker: Kafka, number: int, workers: int) -> Iterator[Cluster]:
    """An empty ClickHouse, and of the topics only touchpoints with anything in it."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 2})
    others: list[str] = [topic for topic in (RAW, CONTACT_FACTS, DEAD_LETTERS, LIVE) if topic in _topics(admin)]
    for done in admin.delete_topics(others).values() if others else ():
        done.result()
    wait_until(lambda: not set(others) & _topics(admin), 30)
    folder = home / str(number)
    folder.mkdir()
    with clickhouse_server(folder) as clickhouse:
        found = Cluster(folder, broker, clickhouse, workers, PARTITIONS)
        found.env["TOUCHLINE_GROUP"] = f"bench-{number}"
        with applied(found):
            yield found


def _topics(admin: AdminClient) -> set[str]:
    return set(admin.list_topics(timeout=20).topics)


def _beside(
    peers: Mapping[str, Peer],
    found: Cluster,
    made: Workload,
    options: Options,
    report: Report,
    said: dict[str, list[Said]],
    lacking: dict[str, str],
) -> None:
    """Let these do their toy job, one after the other. Who cannot is in `lacking`, with the reason."""
    for name, peer in peers.items():
        if name in lacking:
            continue
        report.begin(name, 1)
        records = min(made.known.records, peer.most or made.known.records)
        task = Task(found.broker.bootstrap, TOUCHPOINTS, records, PARTITIONS, str(found.home))
        try:
            with kept_on_one_core(options.one_core):
                one = run_peer(peer, task)
        except RuntimeError as error:
            lacking[name] = str(error)
            report.say(f"{name}: {error}")
            continue
        if differing := wrong(one, made.known):
            lacking[name] = differing
        else:
            said[name].append(one)
        report.say(_line(name, one.records / one.seconds, differing))


def _line(name: str, rate: float, besides: str) -> str:
    return f"{name}: {rate:,.0f}/s{f'; {besides}' if besides else ''}"


def wrong(one: Said, known: Known) -> str:
    """What it counted wrongly."""
    if one.counted not in (-1, one.records):
        return f"counted {one.counted}, not {one.records}"
    whole = one.records == known.records and one.counted >= 0
    if whole and (one.queue_minutes, one.contacts) != (known.queue_minutes, known.contacts):
        return (
            f"{one.queue_minutes} queues and minutes, {one.contacts} contacts, not {known.queue_minutes},"
            f" {known.contacts}"
        )
    return ""


def own_results(ours: Sequence[CaughtUp]) -> list[Result]:
    """What we did."""
    differences = [each for one in ours for each in one.differences]
    touchpoints = ours[0].touchpoints

    def micros(name: str, used: Sequence[float]) -> Result:
        return median_of(name, [1e6 * seconds / touchpoints for seconds in used], "µs/touchpoint")

    return [
        median_of(_OWN, [one.rate for one in ours], RATE, 100_000, note=f"{touchpoints:,} touchpoints, both folds"),
        Result(
            f"{_OWN}_differences",
            len(differences),
            DIFFERENCES,
            0,
            at_least=False,
            note="; ".join(differences) or "the warehouse holds what the workload knows; touchline audit: 0",
        ),
        micros("touchline_cpu", [one.cpu_seconds[0] for one in ours]),
        micros("kafka_cpu", [one.cpu_seconds[1] for one in ours]),
        micros("clickhouse_cpu", [one.cpu_seconds[2] for one in ours]),
        median_of(
            "touchline_start",
            [one.start_seconds for one in ours],
            "s",
            note="process, group, empty recovery; not in the rate",
        ),
    ]


def peer_results(
    known: Known, said: Mapping[str, Sequence[Said]], lacking: Mapping[str, str], chosen: Collection[str]
) -> list[Result]:
    """The yardstick, those who were asked for, and the noise."""
    found: list[Result] = []
    for name in (DECODE, *chosen):
        if name in lacking:
            found.append(Result(name, None, RATE, note=lacking[name]))
            continue
        runs = said[name]
        note = runs[0].version
        if runs[0].records < known.records:
            note += f"; slow, so only {runs[0].records:,} touchpoints"
        found.append(median_of(name, _rates(runs), RATE, note=note))
    if len(said[DECODE]) > 1:
        found.append(
            Result(
                "noise",
                noise(_rates(said[DECODE])),
                "(max - min)/median",
                note=f"of {DECODE}, {len(said[DECODE])} times before and after us",
            )
        )
    return found


def _rates(runs: Sequence[Said]) -> list[float]:
    return [one.records / one.seconds for one in runs]


def between(ours: Sequence[CaughtUp], said: Mapping[str, Sequence[Said]], chosen: Collection[str]) -> list[Result]:
    """Our rate divided by others' of the same run, of those that were asked for."""
    own = statistics.median(one.rate for one in ours)
    rates = {name: statistics.median(_rates(runs)) for name, runs in said.items() if runs}

    def beside(what: str, names: Collection[str], bound: float, note: str = "") -> Result:
        """Beside the fastest of them."""
        fastest = max((rates[name] for name in names if name in rates), default=None)
        if fastest is None:
            return Result(what, None, "ratio", bound, note=f"{' and '.join(names)}: not measured")
        return Result(what, own / fastest, "ratio", bound, note=note)

    found = [beside("touchline_to_decode", [DECODE], 0.3, "aim: 0.5")]
    if streams := [name for name in chosen if name.startswith("kafka_streams")]:
        found.append(beside("touchline_to_kafka_streams", streams, 1.3, f"the faster of {', '.join(streams)}"))
    if "faust" in chosen:
        found.append(beside("touchline_to_faust", ["faust"], 90))
    return found
