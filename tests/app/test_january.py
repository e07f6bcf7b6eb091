"""A month of real calls: the counts that its README gives, twice and in any order."""

import gzip
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from schemas.sources import SOURCES, Item
from tests.app.command import replay, rows, touchline

TOTALS = """SELECT sum(m.offered) AS offered, sum(m.answered) AS answered, sum(m.abandoned) AS abandoned,
round(sum(m.wait_ms) / sum(m.answered) / 1000, 1) AS mean_wait_s,
round(100 * sum(m.answered_in_target) / sum(m.offered), 2) AS sl_offered_percent FROM touchline.measures AS m"""
EXPECTED = {
    "offered": 30_161,
    "answered": 27_060,
    "abandoned": 3_101,
    "mean_wait_s": 35.0,
    "sl_offered_percent": 54.38,
}
APPENDED = "revised_at"
"""What depends on when the replay was, not on what was replayed."""

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def file() -> Path:
    named = os.environ.get("TOUCHLINE_BANK_FILE")
    path = Path(named) if named else Path(__file__).parents[3] / "shared" / "data" / "anonymous_bank_january.txt"
    if not path.exists():
        pytest.skip("the calls of January are not part of the repository; TOUCHLINE_BANK_FILE may name the file")
    return path


@pytest.fixture(scope="module")
def january(file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder it was replayed into, and the report."""
    data = tmp_path_factory.mktemp("january") / "data"
    return data, replay(file, data=data, source="anonymous-bank")


def counted(row: dict[str, Any]) -> dict[str, float]:
    """ClickHouse writes 64-bit integers as text."""
    return {name: float(value) for name, value in row.items()}


def shown(view: str, data: Path) -> set[str]:
    """All rows of a view."""
    but = f" EXCEPT {APPENDED}" if view == "contacts" else ""
    done = touchline("query", f"SELECT *{but} FROM touchline.{view}", "--data", str(data), "--format", "TSV")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def assert_same(one: set[str], other: set[str]) -> None:
    """Both sets, without pytest's comparing of megabytes."""
    differing = sorted(one ^ other)
    assert not differing, f"{len(differing)} rows differ, the first: {differing[0]}"


def test_january_has_the_numbers_its_readme_gives(january: tuple[Path, dict[str, Any]]) -> None:
    data, report = january
    assert report["rejected"] == report["duplicate"] == 0
    assert report["skipped"] == {"phantom": 240}
    assert counted(rows(TOTALS, data)[0]) == EXPECTED
    of_replay = {name: sum(row[name] for row in report["numbers"]) for name in ("offered", "answered", "abandoned")}
    assert of_replay == {name: EXPECTED[name] for name in of_replay}


def test_every_cell_of_january_is_the_sum_of_its_contacts(january: tuple[Path, dict[str, Any]]) -> None:
    data, _ = january
    audit = touchline("audit", "--data", str(data))
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert " 0 differences" in audit.stdout
    assert "31359 contacts" in audit.stdout


def test_january_again_and_january_in_random_order_change_no_number(
    january: tuple[Path, dict[str, Any]], file: Path, tmp_path: Path
) -> None:
    data, report = january
    total = report["applied"]
    before = {view: shown(view, data) for view in ("measures", "contacts")}

    again = replay(file, data=data, source="anonymous-bank")
    assert (again["applied"], again["duplicate"], again["rejected"]) == (0, total, 0)
    assert again["numbers"] == report["numbers"]
    assert_same(shown("measures", data), before["measures"])

    read = SOURCES["anonymous-bank"].read(file.read_bytes().splitlines())
    touchpoints = [output.value for output in read if isinstance(output, Item)]
    Random(1999).shuffle(touchpoints)
    mixed = tmp_path / "mixed.jsonl.gz"
    mixed.write_bytes(gzip.compress(b"\n".join(touchpoints), 1))
    other = tmp_path / "data"
    assert replay(mixed, data=other)["applied"] == total
    for view, found in before.items():
        assert_same(shown(view, other), found)
