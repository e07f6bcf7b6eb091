"""docs/faults.md: every line of the matrix is there, and every test and file it names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^\| (\d+) \| (.+) \|$", re.MULTILINE)
DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def told() -> str:
    return (ROOT / "docs" / "faults.md").read_text()


def names_in(folder: Path) -> set[str]:
    return {name for path in folder.rglob("test_*.py") for name in DEFINED.findall(path.read_text())}


def test_every_line_says_what_shows_it() -> None:
    lines = {int(number): text for number, text in LINE.findall(told())}
    assert sorted(lines) == list(range(1, 45))
    shows = re.compile(r"`test_|\bsteps\b|\bsimulation\b|\bkill loop\b|the latter of line|[Nn]ot (?:yet|here)")
    assert [number for number, text in lines.items() if not shows.search(text)] == []


def test_every_test_it_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", told()))
    assert len(named) > 40
    assert named - names_in(ROOT / "tests") == set()


def test_those_without_a_file_are_on_real_servers_and_files_hold_what_is_said_of_them() -> None:
    on_servers = names_in(ROOT / "tests" / "faults" / "servers")
    text = told()
    for match in re.finditer(r"((?:`test_\w+`(?:, | and |; )?)+)(?: \([^)]*\))? in `(tests/[\w/]+\.py)`", text):
        held = set(DEFINED.findall((ROOT / match[2]).read_text()))
        assert set(re.findall(r"`(test_\w+)`", match[1])) & held, match[0]
    for number, line in LINE.findall(text):
        if "`tests/" not in line:
            assert set(re.findall(r"`(test_\w+)`", line)) <= on_servers, number
