"""The command `replay` and what can be asked afterwards, from outside, on the embedded stack."""

import gzip
import random
from pathlib import Path
from typing import Any

import pytest

from tests.app.command import replay, rows, touchline, write
from tests.oracle import Arrival, Promises, recount
from tests.strategies import generate

SUMS = """SELECT channel, queue, segment, toUnixTimestamp(window_start) AS at, sum(offered) AS offered,
sum(answered) AS answered, sum(abandoned) AS abandoned, sum(wait_ms) AS wait_ms, sum(closed) AS closed,
sum(fcr_eligible) AS fcr_eligible, sum(fcr_resolved) AS fcr_resolved, sum(first_responses_due) AS first_responses_due
FROM touchline.measures GROUP BY channel, queue, segment, at ORDER BY channel, queue, segment, at"""


@pytest.fixture(scope="module")
def stream() -> list[dict[str, Any]]:
    return generate(5, 150)


@pytest.mark.process
def test_a_replay_equals_the_oracle_and_a_second_one_changes_nothing(
    tmp_path: Path, stream: list[dict[str, Any]]
) -> None:
    data = tmp_path / "data"
    file = write(tmp_path / "stream.jsonl", stream)
    first = replay(file, data=data)
    assert first["applied"] + first["duplicate"] == len(stream)
    assert first["rejected"] == 0
    stored = rows(SUMS, data)
    # A replay is appended now, long after all of it happened: nothing is clamped.
    newest_ms = max(touchpoint["time"] for touchpoint in stream)
    want = recount([Arrival("touchpoints/0", n, newest_ms, t) for n, t in enumerate(stream)], Promises()).cells
    assert sum(int(row["offered"]) for row in stored) == sum(cell.get("offered", 0) for cell in want.values())
    assert sum(int(row["closed"]) for row in stored) == sum(cell.get("closed", 0) for cell in want.values())
    assert sum(int(row["fcr_resolved"]) for row in stored) == sum(cell.get("fcr_resolved", 0) for cell in want.values())

    again = replay(file, data=data)
    assert (again["applied"], again["duplicate"]) == (0, len(stream))
    assert rows(SUMS, data) == stored
    audit = touchline("audit", "--data", str(data))
    assert audit.returncode == 0, audit.stdout
    assert "0 differences" in audit.stdout

    shuffled = list(stream)
    random.Random(1).shuffle(shuffled)
    packed = tmp_path / "shuffled.jsonl.gz"
    packed.write_bytes(gzip.compress(write(tmp_path / "plain.jsonl", shuffled).read_bytes()))
    other = tmp_path / "other"
    replay(packed, data=other)
    assert rows(SUMS, other) == stored
