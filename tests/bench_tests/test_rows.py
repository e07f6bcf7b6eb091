import json
import os
import subprocess
import sys

import pytest

from tests.bench.catch_up import CaughtUp
from tests.bench.output import json_lines
from tests.bench.peers.toy import Said
from tests.bench.rows import Options, Result, kept_on_one_core
from tests.bench.rows_catch_up import as_measured, between, own_results, peer_results, wrong
from tests.bench.workload import Known

OURS = [CaughtUp(1_000, 1.0, seconds, (0.5, 0.1, 0.2), []) for seconds in (0.01, 0.02, 0.04)]
KNOWN = Known(records=1_000, contacts=120, queue_minutes=300)


def of(name: str, results: list[Result]) -> Result:
    (found,) = [each for each in results if each.name == name]
    return found


def said(seconds: float, records: int = 1_000) -> Said:
    return Said("1.0", records, seconds, seconds)


def test_beside_us_is_the_faster_variant_and_of_each_the_median() -> None:
    runs = {
        "decode_only": [said(0.004), said(0.005), said(0.006)],
        "kafka_streams": [said(0.1)],
        "kafka_streams_memory": [said(0.05), said(0.08), said(0.01)],
        "faust": [said(1.0)],
    }
    found = between(OURS, runs, ["kafka_streams", "kafka_streams_memory", "faust"])
    assert of("touchline_to_decode", found).value == 0.25
    assert of("touchline_to_kafka_streams", found).value == 2.5
    assert of("touchline_to_faust", found).value == 50
    assert [each.met for each in found] == [False, True, False]


@pytest.mark.parametrize(
    ("options", "met", "unusual"),
    [
        (Options(), False, ""),
        (Options(workers=2), None, "2 workers"),
        (Options(workers=2, one_core=True), None, "2 workers, one core"),
    ],
)
def test_what_is_promised_is_promised_of_one_worker_on_all_cores(
    options: Options, met: bool | None, unusual: str
) -> None:
    assert options.unusual == unusual
    own = as_measured(own_results(OURS), options)
    beside = as_measured(between(OURS, {"decode_only": [said(0.004)]}, []), options)
    assert of("touchline_catch_up", own).met is met
    assert of("touchline_catch_up_differences", own).met
    assert of("touchline_to_decode", beside).met is met
    lines = json_lines(own, unusual).decode().splitlines()
    assert [json.loads(line).get("measured_with", "") for line in lines] == [unusual] * len(own)


def test_what_is_started_meanwhile_stays_on_one_core() -> None:
    cores = os.sched_getaffinity(0)
    count = [sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"]
    for wanted, seen in ((True, 1), (False, len(cores))):
        with kept_on_one_core(wanted):
            assert int(subprocess.check_output(count)) == seen
    assert os.sched_getaffinity(0) == cores


def test_a_peer_that_is_missing_is_said_and_so_is_the_ratio_to_it() -> None:
    runs = {"decode_only": [said(0.004)]}
    ratio = of("touchline_to_faust", between(OURS, runs, ["faust"]))
    assert (ratio.value, ratio.met) == (None, None)
    assert "faust" in ratio.note
    missing = of("faust", peer_results(KNOWN, runs, {"faust": "no wheel for this machine"}, ["faust"]))
    assert (missing.value, missing.note) == (None, "no wheel for this machine")


def test_who_is_slow_gets_fewer_records_and_the_note_says_so() -> None:
    runs = {"decode_only": [said(0.004)], "faust": [said(0.1, records=100)]}
    found = peer_results(KNOWN, runs, {}, ["faust"])
    assert of("faust", found).value == 1_000
    assert "only 100 touchpoints" in of("faust", found).note
    assert "only" not in of("decode_only", found).note


def test_a_peer_that_counts_wrongly_is_not_compared() -> None:
    assert wrong(Said("1", 1_000, 1, 1, counted=999, queue_minutes=300, contacts=120), KNOWN)
    assert wrong(Said("1", 1_000, 1, 1, counted=1_000, queue_minutes=300, contacts=121), KNOWN)
    assert not wrong(Said("1", 1_000, 1, 1, counted=1_000, queue_minutes=300, contacts=120), KNOWN)
    assert not wrong(Said("1", 100, 1, 1, counted=100, queue_minutes=30, contacts=12), KNOWN)
    assert not wrong(said(1), KNOWN)
