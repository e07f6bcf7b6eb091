"""Which core runs, and that nothing stale ever does."""

import importlib
import os
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

from pipeline.compiled import FOLDER, MADE, ROOT, SWITCH, Made, core, core_of, digests, making
from pipeline.compiled.making import make, missing, modules

SUFFIX = EXTENSION_SUFFIXES[0]
MODULES = modules(ROOT)


def module_of(path: str) -> ModuleType:
    return importlib.import_module(path.removesuffix(".py").replace("/", "."))


@pytest.mark.parametrize("path", MODULES)
def test_every_module_is_the_one_it_is_said_to_be(path: str) -> None:
    file = module_of(path).__file__
    assert file is not None
    assert file.endswith(tuple(EXTENSION_SUFFIXES)) == core().compiled, file


@pytest.mark.skipif("CI" not in os.environ, reason="outside CI it is enough that the sources run")
def test_in_ci_the_core_is_compiled() -> None:
    assert core_of(ROOT).compiled, core_of(ROOT).words


@pytest.mark.parametrize("path", MODULES)
def test_no_compiled_module_declares_a_struct(path: str) -> None:
    """mypyc drops what a Struct says beside its base class, and msgspec then decodes what it should refuse."""
    declared = [each for each in vars(module_of(path)).values() if isinstance(each, type)]
    own = [each for each in declared if each.__module__ == module_of(path).__name__]
    assert not [each for each in own if issubclass(each, msgspec.Struct)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The sources, with a `made.json` that vouches for them."""
    for name in digests(ROOT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / FOLDER).mkdir()
    vouch(tmp_path)
    return tmp_path


def vouch(tree: Path, suffix: str = SUFFIX) -> None:
    (tree / FOLDER / MADE).write_bytes(msgspec.json.encode(Made("1.2.3", suffix, digests(tree))))


def test_what_was_made_of_these_very_sources_runs(tree: Path) -> None:
    assert core_of(tree).compiled
    assert core_of(tree).words == "compiled (mypyc 1.2.3)"


@pytest.mark.parametrize(
    "name", ["pipeline/core/engine.py", "pipeline/measures/nps.py", "pipeline/core/packed.py", "schemas/vocabulary.py"]
)
def test_a_changed_source_runs_itself_and_not_what_was_made_of_it_before(tree: Path, name: str) -> None:
    with (tree / name).open("a") as source:
        source.write("\n")
    assert core_of(tree).words == f"pure Python, because {name} has changed since it was compiled (make compile)"


def test_a_source_that_is_gone_or_new_is_a_change(tree: Path) -> None:
    (tree / "pipeline/core/engine.py").unlink()
    assert "pipeline/core/engine.py has changed" in core_of(tree).words
    vouch(tree)
    assert core_of(tree).compiled
    (tree / "pipeline/measures/new.py").touch()
    assert "pipeline/measures/new.py has changed" in core_of(tree).words


def test_another_python_runs_the_sources(tree: Path) -> None:
    vouch(tree, ".cpython-399-x86_64-linux-gnu.so")
    assert "compiled for another one (*.cpython-399-x86_64-linux-gnu.so" in core_of(tree).words


def test_where_nothing_is_compiled_the_sources_run(tree: Path) -> None:
    (tree / FOLDER / MADE).unlink()
    assert core_of(tree).words == "pure Python, because it has not been compiled here (make compile)"


@pytest.mark.parametrize(("value", "pure"), [("1", True), ("true", True), ("0", False), ("", False)])
def test_the_switch(value: str, pure: bool) -> None:
    code = "from pipeline.compiled import core; from pipeline.core import engine; print(core().words, engine.__file__)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, SWITCH: value},
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    ).stdout
    if pure:
        assert told.startswith(f"pure Python, because {SWITCH} says so")
        assert told.strip().endswith("engine.py")
    else:
        assert told.startswith(core_of(ROOT).words)


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_compiled_already_is_only_copied_and_its_sources_are_not(tree: Path, tmp_path: Path) -> None:
    (tree / FOLDER / "core").mkdir()
    (tree / FOLDER / "core" / f"engine{SUFFIX}").touch()
    (tree / FOLDER / "making.py").touch()
    make(tree, tmp_path / "wheel")
    assert names(tmp_path / "wheel" / FOLDER) == {MADE, f"core/engine{SUFFIX}"}


def test_what_was_made_before_goes_when_something_is_made(tree: Path, tmp_path: Path) -> None:
    place, new = tree / FOLDER, tmp_path / "new"
    for path in (place / "core" / f"gone{SUFFIX}", place / "__init__.py", new / "measures" / f"nps{SUFFIX}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    making._put(new, place, Made("2", SUFFIX, {}))
    assert names(place) == {"__init__.py", MADE, f"measures/nps{SUFFIX}"}
    assert core_of(tree).words.endswith("has changed since it was compiled (make compile)")


def test_what_is_missing_is_said_with_a_way_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, "false")
    monkeypatch.setenv("CC", "no-such-compiler --fast")
    assert missing() == "there is no C compiler no-such-compiler (Debian: apt-get install gcc)"
    monkeypatch.setenv(SWITCH, "true")
    assert missing() == "TOUCHLINE_PURE says so"
