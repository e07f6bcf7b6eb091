"""docs/intake.md: its curl commands get the answers it shows, its files are read without a mistake, its tests exist."""

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from pipeline.io.receiving.senders import load
from pipeline.io.receiving.signatures import SCHEMES
from schemas.sources import SOURCES
from tests.app.command import touchline
from tests.receiving.server import intake

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "intake.md").read_text()
CALLS = re.findall(r"```bash\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
SECRETS = {name: "a-secret" for name in re.findall(r"env:(\w+)", PAGE) if name != "NAME"}


def block(kind: str, beginning: str) -> str:
    (found,) = [text for text in re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) if text.startswith(beginning)]
    return str(found)


async def test_every_call_shown_gets_the_answer_shown() -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    assert len(CALLS) == 3
    async with intake() as server:
        for call, answer in CALLS:
            process = await asyncio.create_subprocess_exec(
                "bash", "-c", call.replace("127.0.0.1:8090", f"127.0.0.1:{server.port}"), stdout=asyncio.subprocess.PIPE
            )
            said, _ = await process.communicate()
            assert json.loads(said) == json.loads(answer)
        assert [each.id for each in server.written.touchpoints] == ["1", "2", "4"]


def test_the_files_shown_are_read_without_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "senders.yaml").write_text(block("yml", "public_url"))
    (tmp_path / "shop.yaml").write_text(block("yml", "about"))
    (tmp_path / "shop.csv").write_text(block("csv", ""))
    senders = load(tmp_path / "senders.yaml", SECRETS)
    assert {each.proof for each in senders.by_name.values()} == {"token", "zendesk", "sns", "url-token"}
    checked = touchline("map", "check", "shop.yaml", "shop.csv", cwd=tmp_path, env={"COLUMNS": "200"})
    assert checked.returncode == 0, checked.stdout
    for words in ("contact.abandoned", "orders", "returns", "test call"):
        assert words in checked.stdout, words
    replayed = touchline("replay", "shop.csv", "--source", "shop.yaml", "--json", cwd=tmp_path)
    report = json.loads(replayed.stdout)
    assert (report["applied"], report["rejected"], report["skipped"]) == (8, 0, {"test call": 1})
    by_queue = {row["queue"]: (row["offered"], row["wait_ms"]) for row in report["numbers"]}
    assert by_queue == {"orders": (2, 85_000), "returns": (1, 30_000)}


def test_every_proof_source_and_test_is_named_as_it_is() -> None:
    for proof in SCHEMES:
        assert f"\n| `{proof}` " in PAGE, proof
    for source in SOURCES.keys() - {"canonical", "anonymous-bank"}:
        assert f"`{source}`" in PAGE, source
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    for name in set(re.findall(r"`(test_\w+)`", PAGE)):
        assert f"def {name}(" in tests, name
