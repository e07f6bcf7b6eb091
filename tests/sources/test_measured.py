"""What the measures make of the twins, by the oracle: numbers that can be added up from the payloads by hand."""

import json
from collections import Counter
from pathlib import Path

import pytest

from pipeline.io.files import lines
from schemas.sources import SOURCES, Item
from tests.oracle import Arrival, Promises, recount

TWINS = Path(__file__).parents[1] / "data" / "sources"
AFTER_ALL_MS = 2_000_000_000_000

EXPECTED = {
    # Answered after 25, 60 + 30 (a second queue) and, by `hold` alone, 605 s; a leg more after the transfer, 22 s.
    "asterisk.txt": {
        "offered": 6,
        "answered": 3,
        "abandoned": 1,
        "left_queue": 2,
        "wait_ms": 720_000,
        "patience_ms": 48_000,
        "legs_offered": 8,
        "legs_wait_ms": 682_000,
        "transfers": 1,
    },
    # Durations 100 and 30 s, 60 s in the second leg; 90 s until a callback was wanted.
    "amazon-connect.jsonl": {
        "offered": 4,
        "answered": 2,
        "abandoned": 1,
        "left_queue": 1,
        "ended_in_menu": 1,
        "wait_ms": 130_000,
        "patience_ms": 45_000,
        "legs_offered": 5,
        "legs_wait_ms": 190_000,
    },
    "amazon-connect-events.json": {"offered": 1, "answered": 1, "wait_ms": 30_500},
    # tAnswered 30,250 and 20,000; tHeld 60,000.
    "genesys.json": {
        "offered": 3,
        "answered": 1,
        "abandoned": 1,
        "ended_in_menu": 1,
        "wait_ms": 30_250,
        "patience_ms": 45_000,
        "legs_wait_ms": 50_250,
        "hold_ms": 60_000,
    },
    "twilio.txt": {"offered": 2, "answered": 1, "abandoned": 1, "wait_ms": 24_500, "patience_ms": 59_900},
    # From 08:00:00.672 to 08:30:00.250, past a bot and a private note; the comment of 09:00 was never answered.
    "zendesk.jsonl": {
        "first_responses_due": 1,
        "first_responses": 1,
        "first_response_ms": 1_799_578,
        "next_responses_due": 1,
        "closed_unanswered": 1,
        "replies": 1,
    },
    "intercom.jsonl": {"first_responses": 2, "first_response_ms": 120_000, "next_responses_due": 1, "replies": 2},
    "chatwoot.jsonl": {"first_responses": 1, "first_response_ms": 70_000, "next_responses_due": 1, "replies": 1},
    "freshdesk.jsonl": {"first_response_ms": 1_800_000, "next_response_ms": 1_200_000, "replies": 2},
}


def measured(twin: Path, times: int) -> Counter[str]:
    source = max((name for name in SOURCES if twin.name.startswith(name)), key=len)
    values = [output.value for output in SOURCES[source].read(lines(twin)) if isinstance(output, Item)] * times
    arrivals = [Arrival("0", offset, AFTER_ALL_MS, json.loads(value)) for offset, value in enumerate(values)]
    sums: Counter[str] = Counter()
    for cell in recount(arrivals, Promises()).cells.values():
        sums.update({measure: value for measure, value in cell.items() if isinstance(value, int)})
    return sums


@pytest.mark.parametrize("name", EXPECTED)
def test_the_measures_of_a_twin_delivered_once_or_twice(name: str) -> None:
    for times in (1, 2):
        sums = measured(TWINS / name, times)
        assert {measure: sums[measure] for measure in EXPECTED[name]} == EXPECTED[name]
        assert sums["negative_durations"] == 0
