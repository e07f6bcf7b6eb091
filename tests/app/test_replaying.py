"""Replays that are broken off and go on, in the order of time, by a mapping file; and following what passes."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.app import Counts, replaying
from pipeline.app.replaying import Positions, Replay
from pipeline.io.mappings import SourceError, source_named
from schemas.rejects import DeadLetter
from tests.app.command import background, replay, rows, running, touchline, until
from tests.receiving.server import NOW_MS, good

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "tests" / "data" / "anonymous_bank_small.txt"


class Target:
    """Keeps what is fed to it; breaks after so many values."""

    def __init__(self, breaks_after: int = 10**9) -> None:
        self.values: list[bytes] = []
        self.letters: list[DeadLetter] = []
        self.left = breaks_after

    async def feed(self, values: Sequence[bytes]) -> None:
        if len(values) > self.left:
            raise ConnectionError("broken off")
        self.left -= len(values)
        self.values += values

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        self.letters += letters

    async def counts(self) -> Counts:
        return Counts()

    async def drained(self) -> tuple[bool, list[str]]:
        return True, []


def lines_of(path: Path, n: int) -> list[bytes]:
    values = [good(id=str(number), contact_id=f"c{number}", time=NOW_MS + number) for number in range(n)]
    path.write_bytes(b"\n".join(values))
    return values


async def replayed(target: Any, path: Path, folder: Path, **options: Any) -> replaying.Done:
    return await Replay(target, source_named("canonical"), positions=Positions(folder), **options).files([path])


async def test_what_was_broken_off_goes_on_after_what_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_CHUNK", 10)
    monkeypatch.setattr(replaying, "_CHECKPOINT_EVERY", 100)
    values = lines_of(tmp_path / "f.jsonl", 450)
    broken = Target(breaks_after=325)
    with pytest.raises(ConnectionError):
        await replayed(broken, tmp_path / "f.jsonl", tmp_path)
    rest = Target()
    done = await replayed(rest, tmp_path / "f.jsonl", tmp_path)
    assert done.resumed == 300
    assert rest.values == values[300:]
    again = Target()
    assert (await replayed(again, tmp_path / "f.jsonl", tmp_path)).resumed == 0
    assert again.values == values


async def test_another_file_of_the_same_name_is_read_from_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "_CHUNK", 10)
    monkeypatch.setattr(replaying, "_CHECKPOINT_EVERY", 10)
    lines_of(tmp_path / "f.jsonl", 50)
    with pytest.raises(ConnectionError):
        await replayed(Target(breaks_after=25), tmp_path / "f.jsonl", tmp_path)
    other = lines_of(tmp_path / "f.jsonl", 60)
    target = Target()
    assert (await replayed(target, tmp_path / "f.jsonl", tmp_path)).resumed == 0
    assert target.values == other


async def test_at_a_speed_touchpoints_go_in_the_order_of_time_and_not_before_it(tmp_path: Path) -> None:
    late = good(id="late", time=NOW_MS + 60_000)
    early = good(id="early", time=NOW_MS)
    (tmp_path / "f.jsonl").write_bytes(b"\n".join([late, b"{", early]))
    target = Target()
    loop = asyncio.get_running_loop()
    began = loop.time()
    done = await replayed(target, tmp_path / "f.jsonl", tmp_path, speed=120.0)
    assert loop.time() - began >= 0.5
    assert target.values == [b"{", early, late]  # what has no time goes first, and is rejected by intake
    assert done.rejected == {}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing", "there is no source 'nothing'; known are canonical"),
        ("gone.yaml", "cannot be read: No such file or directory"),
        ("bad.yaml", "line 1: format 'xlsx' is not known"),
        ("binary.yml", "is not UTF-8"),
    ],
)
def test_a_source_that_is_none_is_one_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    (tmp_path / "bad.yaml").write_text("format: xlsx\ntouchpoints: []\n")
    (tmp_path / "binary.yml").write_bytes(b"\xff\xff")
    with pytest.raises(SourceError, match=sentence):
        source_named(name, tmp_path)


def test_map_check_shows_rows_and_problems_with_their_lines(tmp_path: Path) -> None:
    mapping = ROOT / "schemas" / "sources" / "anonymous_bank.yaml"
    good_one = touchline("map", "check", str(mapping), str(SMALL), "--rows", "1")
    assert good_one.returncode == 0, good_one.stdout
    assert "990301-AA0101-501" in good_one.stdout
    assert "0 problems" in good_one.stdout
    odd = tmp_path / "odd.txt"
    odd.write_bytes(SMALL.read_bytes() + b"one\ttwo\r\n")
    bad_row = touchline("map", "check", str(mapping), str(odd))
    assert bad_row.returncode == 1
    assert f"{odd} line 14: the row cannot be read: 2 columns, expected 17" in bad_row.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(mapping.read_text().replace("contact.queued", "contact.qeued"))
    bad_map = touchline("map", "check", str(wrong))
    assert bad_map.returncode == 1
    assert "is not known; did you mean 'contact.queued'?" in bad_map.stdout
    assert touchline("map", "check", str(SMALL)).returncode == 2


@pytest.mark.process
def test_tail_prints_what_passes_and_a_replay_into_a_running_process_goes_by_a_mapping(tmp_path: Path) -> None:
    mapping = ROOT / "schemas" / "sources" / "anonymous_bank.yaml"
    data, output = tmp_path / "data", tmp_path / "tail.jsonl"
    with running("run", data=data):
        replay(SMALL, data=data, source=str(mapping))
        following = background(
            "tail", "--data", str(data), "--from-start", "--json", "--type", "contact.abandoned", output=output
        )
        try:
            until(lambda: output.read_bytes().count(b"contact.abandoned") == 3, "tail has printed all three")
        finally:
            following.kill()
            following.wait()
    printed = [msgspec.json.decode(line) for line in output.read_bytes().splitlines() if line.startswith(b"{")]
    assert {each["type"] for each in printed} == {"contact.abandoned"}
    (counted,) = rows("SELECT sum(abandoned) + sum(ended_in_menu) AS n FROM touchline.measures", data)
    assert int(counted["n"]) == len(printed) == 3


def test_tail_where_nothing_runs_is_one_sentence(tmp_path: Path) -> None:
    done = touchline("tail", "--data", str(tmp_path))
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
