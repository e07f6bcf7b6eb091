"""The data dictionary is up to date and names every measure once."""

import re

from dashboards import dictionary
from pipeline.measures import ALL


def test_the_file_is_up_to_date() -> None:
    assert dictionary.PATH.read_text(encoding="utf-8") == dictionary.markdown(), "run: python -m dashboards.dictionary"


def test_every_measure_has_one_row() -> None:
    names = re.findall(r"^\| `(\w+)` \|", dictionary.markdown(), re.MULTILINE)
    assert sorted(names) == sorted(measure.name for measure in ALL)


def test_a_row_tells_all_that_is_declared() -> None:
    (row,) = [line for line in dictionary.markdown().splitlines() if line.startswith("| `wait_ms` ")]
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "`wait_ms`",
        "Wait",
        "Wartezeit",
        "ms",
        "Time from the beginning of the wait to the answer; 0 where nobody had to wait.",
        "wait_began",
        "`answered`",
        "`wait_ms_buckets`",
    ]


def test_every_row_has_as_many_cells_as_its_head() -> None:
    rows = [line for line in dictionary.markdown().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
