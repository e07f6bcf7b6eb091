"""The Dockerfile: pinned, not root, and everything it copies and starts is there. It is not built here: no engine."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
LINES: Final = re.sub(r"\\\n\s*", "", (ROOT / "deploy" / "Dockerfile").read_text()).splitlines()
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instructions(name: str) -> list[str]:
    return [line.removeprefix(f"{name} ") for line in LINES if line.startswith(f"{name} ")]


def test_the_base_is_pinned_and_a_python_the_project_knows() -> None:
    bases = {base.partition(" ")[0] for base in instructions("FROM")}
    assert len(bases) == 1
    version = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-bookworm", bases.pop())
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["classifiers"]


def test_it_does_not_run_as_root() -> None:
    user = instructions("USER")[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert LINES.index(f"USER {user}") < LINES.index(next(line for line in LINES if line.startswith("ENTRYPOINT")))


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    ignored = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    for copied in instructions("COPY"):
        if copied.startswith("--from="):
            continue
        *sources, _ = shlex.split(copied)
        for source in sources:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignored, source
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert {f"!{package}" for package in packages} <= set(ignored)


def test_the_entry_point_is_the_projects_command() -> None:
    (entry,) = instructions("ENTRYPOINT")
    (name,) = json.loads(entry)
    assert name in PROJECT["scripts"]
    assert json.loads(instructions("CMD")[-1]) == ["worker"]


def test_all_it_installs_is_pinned() -> None:
    (install,) = [line for line in instructions("RUN") if "pip install" in line]
    assert "--constraint requirements.txt" in install
    extras = re.search(r"\[([a-z,]+)\]", install)
    assert extras
    wanted = PROJECT["dependencies"] + [
        requirement for extra in extras[1].split(",") for requirement in PROJECT["optional-dependencies"][extra]
    ]
    pinned = {line.partition("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert {canonicalize_name(Requirement(text).name) for text in wanted} <= pinned
