"""What README.md and docs/ tell people to type works: commands, SQL, JSON and YAML, settings, paths and links.

`python -m tests.test_readme` writes the table of settings into README.md.
"""

import json
import re
import shlex
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import pipeline.cli  # noqa: F401  (declares the commands)
from pipeline.cli.base import app
from pipeline.settings import load, reference
from schemas.catalogue import load as load_catalogue
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.vocabulary import CHANNELS
from tests.app.command import touchline

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
TABLE = re.compile(r"(<!-- settings: .*? -->\n).*?(<!-- /settings -->)", re.DOTALL)
COMMANDS = get_command(app).commands  # type: ignore[attr-defined]
STAYS = {"run", "demo", "worker"}
"""Commands that go on until they are told to end: only their options are looked at."""


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
    return [str(block) for block in found]


def lines(page: Path) -> Iterator[list[str]]:
    """The words of every line somebody is to type, without comments."""
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def settings_table() -> str:
    """The table of settings as Markdown."""
    rows = [f"| `{name}` | {f'`{default}`' if default else ''} | {what} |" for name, default, what in reference()]
    return "\n".join(["| Setting | Default | What it does |", "| --- | --- | --- |", *rows, ""])


def as_file(page: Path) -> str:
    """A page with the table of settings as it should be."""
    return TABLE.sub(lambda found: f"{found[1]}{settings_table()}{found[2]}", page.read_text())


def to_run() -> list[list[str]]:
    """The README's commands in their order, but for those that stay and those that are about real servers."""
    there: list[list[str]] = []
    for block in blocks(README, "sh"):
        if "export TOUCHLINE_" in block:
            continue
        typed = [shlex.split(line, comments=True) for line in block.splitlines()]
        there += [words[1:] for words in typed if words[:1] == ["touchline"] and words[1] not in STAYS]
    return there


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the README's reader has it: its JSON in a file, its YAML in another; real calls beside them."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "calls.jsonl").write_text(blocks(README, "json")[0])
    (folder / "catalogue.yaml").write_text(blocks(README, "yaml")[0])
    shutil.copy(ROOT / "tests" / "data" / "anonymous_bank_small.txt", folder / "bank.txt")
    return folder


def typed(words: Sequence[str], home: Path) -> str:
    """What a command prints; it has to end with 0."""
    done = touchline(*words, cwd=home)
    assert done.returncode == 0, f"touchline {shlex.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.process
def test_every_command_and_query_of_the_readme_works_in_the_order_it_is_told(home: Path) -> None:
    said = {shlex.join(words): typed(words, home) for words in to_run()}
    assert "5 applied, 0 duplicate, 0 rejected" in said["replay calls.jsonl --data example"]
    asked = next(text for command, text in said.items() if command.startswith("query"))
    assert "85000" in asked
    assert "followed" in asked
    assert "0 differences" in said["audit --data example"]
    assert (home / "parquet" / "contacts.parquet").stat().st_size

    typed(("replay", "bank.txt", "--source", "anonymous-bank", "--data", "example"), home)
    queries = blocks(README, "sql")
    assert len(queries) >= 3
    for query in queries:
        assert typed(("query", query, "--data", "example", "--format", "TSV"), home).strip(), query


def test_the_touchpoints_shown_are_touchpoints() -> None:
    shown = [line for page in PAGES for block in blocks(page, "json") for line in block.splitlines()]
    assert shown
    for line in shown:
        found = decode(line.encode(), CHANNELS)
        assert not isinstance(found, Reject), f"{line}: {found}"
        fields = set(json.loads(line)) - {"type"}
        assert fields <= set(found.__struct_fields__), f"{line}: fields nobody reads"


def test_the_catalogues_shown_are_catalogues() -> None:
    shown = [block for page in PAGES for block in blocks(page, "yaml")]
    assert shown
    for block in shown:
        load_catalogue(block, "catalogue.yaml")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_settings_shown_exist(page: Path) -> None:
    """Options are asked of the commands themselves; nothing is started."""
    targets = re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in lines(page):
        assigned = [word.split("=", 1) for word in words if word.startswith("TOUCHLINE_")]
        load(dict(assigned))
        rest = [word for word in words if not word.startswith("TOUCHLINE_")]
        if rest[:1] == ["make"]:
            assert rest[1] in targets, words
        elif rest[:1] == ["touchline"]:
            command, arguments = COMMANDS[rest[1]], rest[2:]
            while hasattr(command, "commands"):
                command, arguments = command.commands[arguments[0]], arguments[1:]
            with typer.Context(command, info_name=rest[1]) as context:
                command.parse_args(context, arguments)
        else:
            assert rest in ([], ["export"], [".", ".venv/bin/activate"]), f"{page.name}: no test knows {words}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_commands_files_and_links_named_exist(page: Path) -> None:
    text = page.read_text()
    known = {name for name, _, _ in reference()}
    assert set(re.findall(r"\bTOUCHLINE_[A-Z_]+\b", text)) <= known
    planned = {"rebuild"}
    assert set(re.findall(r"`touchline ([a-z-]+)", text)) <= {*COMMANDS, *planned}
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), f"{page.name}: {target}"
    for name in re.findall(r"`((?:agents|dashboards|docs|pipeline|schemas|tests)/[\w./]*)`", text):
        assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_the_table_of_settings_is_the_settings() -> None:
    assert as_file(README) == README.read_text(), "run `python -m tests.test_readme`"


def test_the_picture_is_small() -> None:
    pictures = list((ROOT / "docs" / "images").glob("*"))
    assert pictures
    assert all(picture.stat().st_size < 300_000 for picture in pictures)


if __name__ == "__main__":
    README.write_text(as_file(README))
