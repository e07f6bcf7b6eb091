import json

import pytest
from rich.console import Console

from tests.bench import output, profiling
from tests.bench.rows import RATE, Result, median_of, noise

RESULTS = [
    median_of("touchline_catch_up", [90_000, 120_000, 110_000], RATE, 100_000),
    median_of("decode_only", [300_000, 330_000, 310_000, 320_000], RATE),
    Result("kafka_streams", None, RATE, note="no javac on this machine"),
    Result("start", 3.5, "s", 3.0, at_least=False),
]


def shown() -> str:
    console = Console(width=160, record=True, file=None, quiet=True)
    with console.capture() as captured:
        console.quiet = False
        console.print(output.table(RESULTS))
    return captured.get()


def test_json_lines_name_value_unit_and_the_ratio_to_decoding() -> None:
    lines = [json.loads(line) for line in output.json_lines(RESULTS).splitlines()]
    assert lines == [
        {"name": "touchline_catch_up", "value": 110_000, "unit": RATE, "ratio_to_decode": 0.3492},
        {"name": "decode_only", "value": 315_000, "unit": RATE, "ratio_to_decode": 1.0},
        {"name": "kafka_streams", "value": None, "unit": RATE, "ratio_to_decode": None},
        {"name": "start", "value": 3.5, "unit": "s", "ratio_to_decode": None},
    ]


def test_without_a_yardstick_there_is_no_ratio() -> None:
    assert output.ratios(RESULTS[:1]) == {"touchline_catch_up": None}


def test_the_table_says_what_is_met_and_what_is_missing() -> None:
    rows = {line.split()[1]: line for line in shown().splitlines() if line.startswith("│")}
    assert ">= 100,000" in rows["touchline_catch_up"]
    assert "NOT met" not in rows["touchline_catch_up"]
    assert "met" in rows["touchline_catch_up"]
    assert "NOT met" in rows["start"]
    assert "not measured" in rows["kafka_streams"]


def test_notes_say_why_something_is_missing_and_how_far_runs_lie_apart() -> None:
    notes = output.notes(RESULTS)
    assert "kafka_streams: no javac on this machine\n" in notes
    assert "touchline_catch_up: 90,000 to 120,000 in 3 runs\n" in notes


@pytest.mark.parametrize(("value", "at_least", "met"), [(5.0, True, True), (4.9, True, False), (5.1, False, False)])
def test_a_bound_is_a_floor_or_a_ceiling(value: float, at_least: bool, met: bool) -> None:
    assert Result("x", value, "s", 5.0, at_least=at_least).met is met


def test_noise_is_the_spread_over_the_median() -> None:
    assert noise([90, 100, 120]) == pytest.approx(0.3)


def test_a_profile_counts_a_function_once_a_sample_however_often_it_is_below_itself() -> None:
    text = "main (a.py:1);fold (pipeline/x.py:2);fold (pipeline/x.py:2) 3\nmain (a.py:1);write (pipeline/y.py:5) 1\n"
    own, whole, total = profiling.shares(profiling.stacks(text))
    assert total == 4
    assert own == {"fold (pipeline/x.py:2)": 3, "write (pipeline/y.py:5)": 1}
    assert whole["fold (pipeline/x.py:2)"] == 3
    assert whole["main (a.py:1)"] == 4
    assert profiling.table(text).row_count == 2
