"""`touchline demo --story`: told on the terminal, counted, and over."""

from pathlib import Path

import pytest

from pipeline.io.simulator.story import ACTS
from tests.app.command import free_port, rows, sentence, touchline

pytestmark = pytest.mark.process


def test_a_story_is_told_counted_and_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    arguments = ("--story", "monday-morning", "--once", "--speed", "60", "--lang", "de", "--port", str(free_port()))
    done = touchline("demo", *arguments, "--data", str(data))
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    at = [told.index(act.text["de"]) for act in ACTS]
    assert at == sorted(at)
    assert "DEMO" in told
    assert "Ended: all that was folded is written." in told
    (counted,) = rows(
        "SELECT sum(offered) AS offered, sum(abandoned) AS abandoned, sum(promises_due) AS promised"
        " FROM touchline.measures WHERE queue = 'orders' AND channel = 'phone'",
        data,
    )
    assert int(counted["offered"]) > 100
    assert int(counted["abandoned"]) >= 8
    assert int(counted["promised"]) >= 10
    audit = touchline("audit", "--data", str(data))
    assert audit.returncode == 0, audit.stdout + audit.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--story", "friday-evening"), "there is no story 'friday-evening'; there is: monday-morning"),
        (("--once",), "add --story monday-morning"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    assert said in sentence(touchline("demo", *arguments, "--data", str(tmp_path / "data")))
