import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bench.fold import measure
from tests.bench.peers.toy import Said, Task
from tests.bench.programs import PEERS, Peer, run
from tests.bench.workload import workload

SAID = '{"version": "1", "records": 5, "seconds": 0.5, "cpu_seconds": 0.25}'


def peer(code: str) -> Peer:
    def command(task: Task) -> Sequence[str]:
        return [sys.executable, "-c", code, task.scratch]

    return Peer(command, lambda: None)


def task(folder: Path) -> Task:
    return Task("127.0.0.1:1", "touchpoints", 5, 4, str(folder))


def test_the_last_line_a_program_prints_is_what_it_says(tmp_path: Path) -> None:
    assert run(peer(f"print('starting'); print('{SAID}')"), task(tmp_path)) == Said("1", 5, 0.5, 0.25)


def test_a_program_has_a_folder_of_its_own_that_is_gone_afterwards(tmp_path: Path) -> None:
    run(peer(f"import sys; open(sys.argv[1] + '/state', 'w').close(); print('{SAID}')"), task(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"^exit code 1: ValueError: no broker$"):
        run(peer("raise ValueError('no broker')"), task(tmp_path))


@pytest.mark.parametrize("name", PEERS)
def test_every_program_says_what_it_does_and_what_it_does_not(name: str, tmp_path: Path) -> None:
    command = PEERS[name].command(task(tmp_path))
    folder = Path(__file__).parents[1] / "bench" / "peers"
    source = (
        folder / "kafka_streams" / "src" / "main" / "java" / "Peer.java"
        if command[0] == "java"
        else folder / f"{command[2].rpartition('.')[2]}.py"
    )
    text = source.read_text()
    assert "Does:" in text
    assert "Does not:" in text.replace("\n", " ")


def test_the_folds_measured_alone_take_in_everything_once() -> None:
    made = workload(3_000, 3)
    watch, engines = measure(made.records, 2)
    assert sum(engine.marker.applied for engine in engines[:2]) == 3_000 - made.known.duplicates
    assert sum(engine.marker.offset for engine in engines[:2]) == 3_000
    named = {record.key for record in made.records if b'"customer_id"' in record.value}
    assert sum(engine.marker.applied for engine in engines[2:]) >= len(named)
    assert set(watch.seconds) == {"contact fold", "contact write", "customer fold", "customer write"}
