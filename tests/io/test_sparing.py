"""In an outage a line is said once in a while, and nothing important is left out."""

import logging

import pytest

from pipeline.io.sparing import Sparing


def said(levels: list[tuple[float, str, int]]) -> list[str]:
    """What gets through of lines at these moments, by these loggers, at these levels, all of one place in the code."""
    now = 0.0
    sparing = Sparing(seconds=lambda: now)
    found = []
    for now, name, level in levels:
        record = logging.LogRecord(name, level, "conn.py", 7, "cannot\n connect to %s", (now,), None)
        if sparing.filter(record):
            found.append(record.getMessage())
    return found


def test_one_line_of_a_kind_in_thirty_seconds_with_the_number_of_those_left_out() -> None:
    lines = [(float(second), "aiokafka.conn", logging.ERROR) for second in range(61)]
    assert said(lines) == [
        "cannot connect to 0.0",
        "cannot connect to 30.0 (29 more of this kind before)",
        "cannot connect to 60.0 (29 more of this kind before)",
    ]


@pytest.mark.parametrize(("name", "level"), [("aiokafka.conn", logging.CRITICAL), ("somebody.else", logging.WARNING)])
def test_critical_lines_and_those_of_others_are_all_said(name: str, level: int) -> None:
    assert len(said([(0.0, name, level)] * 5)) == 5


def test_lines_stay_lines_however_long_they_are() -> None:
    record = logging.LogRecord("pipeline.io.log", logging.WARNING, "log.py", 1, "a\n" * 5_000, (), None)
    assert Sparing().filter(record)
    assert "\n" not in record.getMessage()
    assert len(record.getMessage()) < 500
