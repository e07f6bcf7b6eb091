"""The tree itself: what is committed, how it is declared, and what the wheel holds."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline.compiled import SWITCH, core_of, making

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("agents", "dashboards", "pipeline", "schemas")
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, BUILD = DECLARED["project"], DECLARED["build-system"]["requires"]
EXTRAS = PROJECT["optional-dependencies"]

# Written so that these lines do not find themselves.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:wor[k]|roo[t]|hom[e]/\w+|User[s]/\w+|tm[p]/bash_job[s])(?:/|\b)")
REGISTRY = re.compile(
    r"py[p]i\.org|pythonhoste[d]\.org|--(?:extra-)?index-ur[l]|--find-link[s]|proxy\.golan[g]\.org|registry\.npmj[s]\.org"
    r"|repo1?\.maven\.apach[e]\.org|artifactor[y]|/simpl[e]/"
)


def files() -> list[Path]:
    """What is committed or could be: tracked files and new ones that are not ignored."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    return sorted(Path(name) for name in listed if name and (ROOT / name).is_file())


def lines(pattern: re.Pattern[str]) -> Iterator[str]:
    for path in files():
        try:
            text = (ROOT / path).read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                yield f"{path}:{number}: {line.strip()}"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE_PATH, "see /" + "work/shared"),
        (MACHINE_PATH, "'/" + "root/.cache'"),
        (MACHINE_PATH, "/" + "home/ann/data"),
        (REGISTRY, "https://" + "pypi" + ".org/simple"),
        (REGISTRY, "pip install --index-" + "url x"),
    ],
)
def test_what_must_not_be_in_the_tree_would_be_found(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize("text", ["../shared/data", "docs/work/x", "if a or /roots", "homework/a"])
def test_ordinary_paths_are_no_machine_paths(text: str) -> None:
    assert not MACHINE_PATH.search(text)


def test_no_file_names_a_path_of_one_machine() -> None:
    assert list(lines(MACHINE_PATH)) == []


def test_no_file_names_a_package_registry() -> None:
    assert list(lines(REGISTRY)) == []


def pins(name: str) -> dict[str, str]:
    found = {}
    for line in (ROOT / name).read_text().splitlines():
        if line and not line.startswith(("#", "-r ")):
            match = re.fullmatch(r"([a-z0-9]+(?:-[a-z0-9]+)*)==(\d[\w.+!]*)", line)
            assert match, f"{name} has a line that is not name==version: {line}"
            assert match[1] not in found, f"{name} names {match[1]} twice"
            found[match[1]] = match[2]
    return found


def test_the_readme_is_declared_as_soon_as_there_is_one() -> None:
    assert PROJECT.get("readme") == ("README.md" if (ROOT / "README.md").exists() else None)


RUN = [*PROJECT["dependencies"], *EXTRAS["embedded"], *EXTRAS["dashboards"], *EXTRAS["reports"]]
DEV = [*RUN, *EXTRAS["dev"]]
PINS = {"requirements.txt": RUN, "requirements-dev.txt": DEV}


def pinned(name: str) -> dict[str, str]:
    """The pins of the file and, for the second one, those of the first, which it includes."""
    return pins("requirements.txt") | pins(name)


@pytest.mark.parametrize("name", PINS)
def test_every_declared_dependency_is_pinned_to_a_version_it_allows(name: str) -> None:
    versions = pinned(name)
    for text in PINS[name]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), text


def test_a_wheel_is_built_with_what_the_tests_passed_with() -> None:
    versions = pinned("requirements-dev.txt")
    for text in BUILD:
        requirement = Requirement(text)
        if requirement.name != "setuptools":
            assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), text


@pytest.mark.parametrize("name", PINS)
def test_everything_the_dependencies_need_is_pinned(name: str) -> None:
    todo, seen = [Requirement(text) for text in PINS[name]], set[str]()
    while todo:
        requirement = todo.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        extras = (*requirement.extras, "")
        for text in distribution(requirement.name).requires or ():
            needed = Requirement(text)
            if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
                assert canonicalize_name(needed.name) in pinned(name), f"{requirement.name} needs {needed}"
                todo.append(needed)


def test_the_second_requirements_file_includes_the_first_and_repeats_nothing() -> None:
    assert "-r requirements.txt" in (ROOT / "requirements-dev.txt").read_text().splitlines()
    assert pins("requirements.txt").keys() & pins("requirements-dev.txt").keys() == set()


def test_every_measure_has_a_test_of_its_name() -> None:
    measures = {path.stem for path in (ROOT / "pipeline" / "measures").glob("*.py") if not path.stem.startswith("_")}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "measures").glob("test_*.py")}
    assert measures - tests == set()


@pytest.fixture(scope="module")
def clean_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what goes into a wheel: the tree stays as it is, and nothing left over from a build gets in."""
    clean = tmp_path_factory.mktemp("tree")
    for path in files():
        if path.parts[0] in PACKAGES or str(path) in {"pyproject.toml", "setup.py", "LICENSE", "README.md"}:
            (clean / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, clean / path)
    if core_of(ROOT).compiled:
        making.make(ROOT, clean)
    return clean


@pytest.fixture(scope="module")
def wheel(clean_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled if the checkout is; nothing is compiled for it."""
    out = tmp_path_factory.mktemp("wheel")
    arguments = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *arguments, "--wheel-dir", str(out), str(clean_tree)],
        env={**os.environ, SWITCH: str(not core_of(ROOT).compiled)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (path,) = out.iterdir()
    return path


def test_the_wheel_holds_every_file_of_the_packages(clean_tree: Path, wheel: Path) -> None:
    present = {path.relative_to(clean_tree) for package in PACKAGES for path in (clean_tree / package).rglob("*")}
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == {path.as_posix() for path in present if (clean_tree / path).is_file()}
    assert {f"{package}/py.typed" for package in PACKAGES} <= held


def test_a_wheel_that_holds_the_core_compiled_runs_it(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = "from pipeline.compiled import core; from pipeline.core import engine; print(core().words, engine.__file__)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), SWITCH: ""}
    arguments = [sys.executable, "-c", code]
    ran = subprocess.run(arguments, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert ran.stdout.startswith(f"{core_of(ROOT).words} {tmp_path}") or not core_of(ROOT).compiled, ran.stdout
    assert wheel.name.endswith("-none-any.whl") != core_of(ROOT).compiled, "for one platform and one Python, or for all"


def test_the_wheel_declares_the_command_and_the_transport(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        declared = ConfigParser()
        declared.read_string(archive.read(name).decode())
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    assert dict(declared["console_scripts"]) == {"touchline": "pipeline.cli:main"}
    assert dict(declared["faust.transports"]) == {"batch": "pipeline.io.transport:Transport"}
