"""What is wrong is said in one sentence, or kept as a dead letter, and the rest goes on."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from pipeline.app import App
from pipeline.app.catalogues import choose
from pipeline.cli.serve import pipeline_of
from pipeline.ports import OutRecord
from pipeline.settings import Settings
from schemas.topics import RAW, TOUCHPOINTS
from tests.app.command import free_port, replay, rows, sentence, touchline, write
from tests.strategies import BEGIN

pytestmark = pytest.mark.process

KEEPING = "zone: Asia/Tokyo\nsettings:\n  retention: 800d\n  store_touchpoints: 90d\n"


def told(contact_id: str, type_: str, seconds: int = 0, **fields: Any) -> dict[str, Any]:
    """A touchpoint; its id is its type."""
    return {
        "id": type_,
        "type": type_,
        "time": BEGIN + seconds * 1_000,
        "contact_id": contact_id,
        "channel": "phone",
        **fields,
    }


def good(contact_id: str) -> list[dict[str, Any]]:
    """A whole call."""
    return [
        told(contact_id, "contact.requested"),
        told(contact_id, "contact.queued", 1, queue="sales"),
        told(contact_id, "contact.answered", 8, queue="sales"),
        told(contact_id, "contact.closed", 60),
    ]


def line(touchpoint: dict[str, Any]) -> bytes:
    return json.dumps(touchpoint).encode()


BAD: dict[str, tuple[str, bytes]] = {
    "cut": ("not_json", b'{"id": "a", "type": "contact.requ'),
    "not JSON": ("not_json", b"Dear Sir or Madam"),
    "a list": ("not_an_object", b"[" + line(told("x", "contact.requested")) + b"]"),
    "a missing field": ("missing_field", b'{"id": "a", "type": "contact.requested", "time": 1800000000000}'),
    "a time in seconds": ("bad_time", line({**told("x", "contact.requested"), "time": 1_800_000_000})),
    "an unknown type": ("unknown_type", line(told("x", "contact.danced"))),
    "an unknown channel": ("unknown_channel", line({**told("x", "contact.requested"), "channel": "pigeon"})),
    "10 MiB": ("too_large", line(told("x", "contact.requested", text="x" * 10 * 1024 * 1024))),
}
REASONS = Counter(reason for reason, _ in BAD.values())


class Mixed(Struct, frozen=True):
    """A folder that good and bad lines were replayed into."""

    data: Path
    report: dict[str, Any]
    catalogue: Path
    number_of_the_large: int


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Mixed:
    """Good lines, bad ones and blank ones between them; touchpoints are kept."""
    folder = tmp_path_factory.mktemp("mixed")
    lines: list[bytes] = []
    for number, (_, bad) in enumerate(BAD.values()):
        lines += [*(line(each) for each in good(f"k{number}")), bad, b"", b"  "]
    file = folder / "mixed.jsonl"
    file.write_bytes(b"\r\n".join(lines))
    catalogue = folder / "catalogue.yaml"
    catalogue.write_text(KEEPING)
    data = folder / "data"
    report = replay(file, data=data, more=("--catalogue", str(catalogue)))
    large = next(n for n, each in enumerate(lines, 1) if len(each) > 1024 * 1024)
    return Mixed(data, report, catalogue, large)


def test_good_lines_are_applied_and_bad_ones_counted_by_reason(mixed: Mixed) -> None:
    assert mixed.report["applied"] == 4 * len(BAD)
    assert mixed.report["duplicate"] == 0
    assert mixed.report["rejected"] == len(BAD)
    assert mixed.report["rejected_by_reason"] == REASONS
    (row,) = mixed.report["numbers"]
    assert (row["queue"], row["offered"], row["answered"], row["closed"]) == ("sales", len(BAD), len(BAD), len(BAD))


def test_each_bad_line_is_a_dead_letter_with_its_place(mixed: Mixed) -> None:
    letters = rows("SELECT * FROM touchline.dead_letters ORDER BY topic, partition, offset", mixed.data)
    assert Counter(each["reason"] for each in letters) == REASONS
    large = [each for each in letters if each["reason"] == "too_large"]
    assert [(each["topic"], int(each["offset"]), each["step"]) for each in large] == [
        ("mixed.jsonl", mixed.number_of_the_large, "replay")
    ]
    others = [each for each in letters if each["reason"] != "too_large"]
    assert {(each["topic"], each["step"]) for each in others} == {(RAW, "intake")}
    assert len({(each["partition"], each["offset"]) for each in others}) == len(BAD) - 1
    values = {each["value"]: each for each in others}
    for reason, bad in BAD.values():
        if reason != "too_large":
            assert values[bad.decode()]["reason"] == reason
            assert values[bad.decode()]["detail"]


def test_touchpoints_are_kept_where_the_catalogue_says_so(mixed: Mixed) -> None:
    sql = "SELECT contact_id, type, toUnixTimestamp64Milli(time) AS at, queue, body FROM touchline.touchpoints"
    kept = rows(f"{sql} ORDER BY contact_id, at", mixed.data)
    wanted = [each for number in range(len(BAD)) for each in good(f"k{number}")]
    assert [(each["contact_id"], each["type"], int(each["at"]), each["queue"]) for each in kept] == [
        (each["contact_id"], each["type"], each["time"], each.get("queue", "")) for each in wanted
    ]
    assert json.loads(kept[0]["body"])["contact_id"] == "k0"


def test_whoever_looks_needs_no_catalogue(mixed: Mixed) -> None:
    """What was made by one catalogue (its zone, its retention, its tables) is not made anew by the default one."""
    hours = rows("SELECT DISTINCT hour, toString(day) AS day FROM touchline.measures", mixed.data)
    assert hours == [{"hour": 17, "day": "2026-03-27"}]


def test_an_audit_by_another_catalogue_is_refused(mixed: Mixed) -> None:
    other = mixed.data.parent / "other.yaml"
    other.write_text("zone: Europe/Berlin\n")
    for command in (("audit",), ("replay", str(other))):
        said = sentence(touchline(*command, "--data", str(mixed.data), "--catalogue", str(other)))
        assert "counted under other definitions" in said
        assert "--catalogue" in said


def test_a_folder_knows_the_catalogue_it_was_counted_by(mixed: Mixed) -> None:
    audit = touchline("audit", "--data", str(mixed.data))
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert f"{len(BAD)} contacts" in audit.stdout


def test_every_view_is_exported_as_parquet(mixed: Mixed, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    done = touchline("export", "--to", str(tmp_path / "out"), "--data", str(mixed.data))
    assert done.returncode == 0, done.stderr
    written = {path.stem: pq.read_table(path) for path in (tmp_path / "out").iterdir()}
    counts = rows(
        " UNION ALL ".join(f"SELECT '{view}' AS view, count() AS n FROM touchline.{view}" for view in written),
        mixed.data,
    )
    assert {each["view"]: int(each["n"]) for each in counts} == {view: t.num_rows for view, t in written.items()}
    assert {"measures", "measures_hour", "measures_day", "contacts", "histograms", "touchpoints"} <= written.keys()
    assert {"pipeline_status", "dead_letters"} <= written.keys()
    assert sum(written["measures"].column("offered").to_pylist()) == len(BAD)
    assert (
        written["contacts"].column("contact_id").to_pylist().count(b"k0") == 1
        or "k0" in written["contacts"].column("contact_id").to_pylist()
    )
    assert written["dead_letters"].num_rows == len(BAD)


# ---- the wire


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    """The whole pipeline in this process."""
    settings = Settings(data=tmp_path / "data")
    async with pipeline_of(settings, choose(settings)) as found:
        await found.start()
        try:
            await found.until_ready()
            yield found
        finally:
            await found.stop()


async def test_what_other_producers_send_to_touchpoints_is_dead_lettered_with_its_offset(app: App) -> None:
    import asyncio

    def sent(key: bytes | None, value: bytes | None) -> OutRecord:
        return OutRecord(key, value, app.clock.now_ms(), partition=2)

    first, *rest = (line(each) for each in good("k"))
    records = [
        sent(b"k", first),
        sent(b"k", None),
        sent(None, rest[0]),
        sent(b"another", rest[0]),
        sent(b"k", b"\xff"),
        *(sent(b"k", each) for each in rest),
    ]
    await app.log.produce(TOUCHPOINTS, records)
    async with asyncio.timeout(60):
        while not await app.drained():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.05)
    letters = await app.warehouse.query(
        "SELECT topic, number, `offset`, reason, step FROM touchline_internal.dead_letters FINAL ORDER BY `offset`"
    )
    assert letters == [
        (TOUCHPOINTS, 2, 1, "null_value", "fold"),
        (TOUCHPOINTS, 2, 2, "key_mismatch", "fold"),
        (TOUCHPOINTS, 2, 3, "key_mismatch", "fold"),
        (TOUCHPOINTS, 2, 4, "not_json", "fold"),
    ]
    counts = app.counts()
    assert (counts.applied, counts.rejected_total) == (4, 4)
    stored = await app.warehouse.query("SELECT contact_id, wait_ms, touchpoints FROM touchline_internal.contacts FINAL")
    assert stored == [("k", 7_000, 4)]


# ---- too much of it


def test_a_file_of_nothing_but_bad_lines_stops_the_intake_before_it_is_drained(tmp_path: Path) -> None:
    file = tmp_path / "poison.jsonl"
    file.write_bytes(b"\n".join(b"<row>%d</row>" % n for n in range(5_000)))
    said = sentence(touchline("replay", str(file), "--data", str(tmp_path / "data")))
    assert f"{RAW}/" in said
    assert "records in a row" in said
    assert "not_json" in said
    assert said.count("Look at the dead letters") == 1
    (row,) = rows("SELECT count() AS n, max(offset) AS newest FROM touchline.dead_letters", tmp_path / "data")
    # Half a thousand records tell the ratio; how far the other partitions came by then is chance.
    assert 499 <= int(row["n"]) <= 4 * 499
    assert int(row["newest"]) == 498


# ---- what cannot be done


class Wrong(Struct, frozen=True):
    """A command that cannot be done, and what its sentence has to name."""

    arguments: tuple[str, ...]
    names: tuple[str, ...]
    env: dict[str, str] = {}


WRONG = {
    "missing file": Wrong(("replay", "nowhere.jsonl"), ("nowhere.jsonl: there is no such file",)),
    "no gzip": Wrong(("replay", "plain.jsonl.gz"), ("plain.jsonl.gz is not gzip", "rename it")),
    "unknown source": Wrong(
        ("replay", "plain.jsonl", "--source", "sap"), ("there is no source 'sap'", "canonical", "anonymous-bank")
    ),
    "unknown setting": Wrong(
        ("doctor",), ("there is no setting TOUCHLINE_CLIKHOUSE", "TOUCHLINE_CLICKHOUSE?"), {"TOUCHLINE_CLIKHOUSE": "x"}
    ),
    "setting that is no number": Wrong(
        ("doctor",), ("TOUCHLINE_PORT is 'http'", "write a number"), {"TOUCHLINE_PORT": "http"}
    ),
    "wrong catalogue": Wrong(
        ("replay", "plain.jsonl", "--catalogue", "wrong.yaml"), ("wrong.yaml line 4: ", "20 parsecs")
    ),
    "no catalogue": Wrong(("run", "--catalogue", "nowhere.yaml"), ("the catalogue nowhere.yaml cannot be read",)),
    "worker without servers": Wrong(("worker",), ("a worker needs real servers", "TOUCHLINE_KAFKA")),
    "wrong SQL": Wrong(("query", "SELECT nothing FROM nowhere"), ("ClickHouse says", "nowhere")),
}


@pytest.fixture(scope="module")
def wrong_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrong")
    write(folder / "plain.jsonl", good("k"))
    write(folder / "plain.jsonl.gz", good("k"))
    (folder / "wrong.yaml").write_text("zone: UTC\ntargets:\n  - channel: phone\n    wait: 20 parsecs\n")
    return folder


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_done_is_said_in_one_sentence(what: str, wrong_files: Path) -> None:
    wrong = WRONG[what]
    said = sentence(touchline(*wrong.arguments, cwd=wrong_files, env=wrong.env))
    for name in wrong.names:
        assert name in said, said


@pytest.mark.parametrize("command", ["query", "replay", "apply"])
def test_a_clickhouse_that_is_not_there_is_named(command: str, wrong_files: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    arguments = {"query": ("SELECT 1",), "replay": ("plain.jsonl",), "apply": ()}[command]
    said = sentence(touchline(command, *arguments, cwd=wrong_files, env={"TOUCHLINE_CLICKHOUSE": address}))
    assert address in said


def test_a_kafka_that_is_not_there_is_named(wrong_files: Path, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    done = touchline(
        "replay", "plain.jsonl", "--data", str(tmp_path / "data"), cwd=wrong_files, env={"TOUCHLINE_KAFKA": address}
    )
    assert address in sentence(done)
