"""Makes the extensions: for `python -m pipeline.compiled` (`make compile`) and for wheels (`setup.py`)."""

import os
import shutil
from contextlib import chdir, redirect_stdout
from importlib import metadata
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from sysconfig import get_config_var, get_path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from pipeline.compiled import FOLDER, MADE, SWITCH, Made, core_of, digests, switched_off

_CORE: Final = (
    "calendar", "cells", "column", "columnar", "contact", "contacts", "customer", "customers", "effort", "engine",
    "facts", "hand", "happened", "histogram", "ids", "kept", "linked", "msgpack", "murmur", "native", "poison",
    "promises", "reading", "record", "resolution", "response", "rows", "rules", "timeline", "view", "voice",
    "waiting", "zone",
)  # fmt: skip
"""The modules that run for every touchpoint. None declares a Struct: mypyc drops what it says beside its base class."""
_GROUP: Final = "pipeline.compiled.touchline"
"""All extensions share one library of this name: so they call each other as C does."""


class CannotCompile(Exception):
    """mypyc or the C compiler refused."""


def modules(root: Path) -> list[str]:
    """What is compiled, as paths below a root: the modules above and every measure."""
    measures = (path for path in (root / "pipeline" / "measures").glob("*.py") if path.stem != "__init__")
    named = (root / "pipeline" / "core" / f"{name}.py" for name in _CORE)
    return sorted(path.relative_to(root).as_posix() for path in (*named, *measures))


def missing() -> str:
    """What is not here to compile with; '' where nothing is."""
    if switched_off():
        return f"{SWITCH} says so"
    for library in ("mypyc", "setuptools"):
        if find_spec(library) is None:
            return f"there is no {library} (requirements-dev.txt has it)"
    compiler = (os.environ.get("CC") or str(get_config_var("CC"))).split()[0]
    if shutil.which(compiler) is None:
        return f"there is no C compiler {compiler} (Debian: apt-get install gcc)"
    if not Path(get_path("include"), "Python.h").exists():
        return "there are no headers of Python (Debian: apt-get install python3-dev)"
    return ""


def make(root: Path, into: Path) -> None:
    """The extensions of the sources below `root` come to be below `into`. Compiling takes about a minute; what has been
    compiled there is only copied. Raises CannotCompile.
    """
    if core_of(root).compiled:
        shutil.copytree(root / FOLDER, into / FOLDER, ignore=_sources, dirs_exist_ok=True)
        return
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.errors import BaseError, CompileError, LinkError

    said = StringIO()
    made = Made(metadata.version("mypy"), str(get_config_var("EXT_SUFFIX")), digests(root))
    with TemporaryDirectory() as work, chdir(root), redirect_stdout(said):
        try:
            extensions = mypycify(
                ["--config-file", str(root / "pyproject.toml"), *modules(root)],
                opt_level="2",
                debug_level="0",
                group_name=_GROUP,
                target_dir=work,
            )
            for extension in extensions:
                for room in ("core", "measures"):
                    extension.name = extension.name.replace(f"pipeline.{room}.", f"pipeline.compiled.{room}.")
            command = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
            command.build_lib, command.build_temp = f"{work}/lib", f"{work}/temp"
            command.parallel = os.cpu_count()
            command.ensure_finalized()
            command.run()
        except (SystemExit, BaseError, CompileError, LinkError) as error:
            raise CannotCompile(f"{said.getvalue()}{error}") from error
        _put(Path(work, "lib", FOLDER), into / FOLDER, made)


def _sources(_: str, names: list[str]) -> list[str]:
    return [name for name in names if name.endswith(".py") or name == "__pycache__"]


def _put(new: Path, place: Path, made: Made) -> None:
    """What was made before goes; `made.json` comes last, so at no time does it vouch for others."""
    (place / MADE).unlink(missing_ok=True)
    for old in place.rglob("*.so"):
        old.unlink()
    for path in new.rglob("*.so"):
        target = place / path.relative_to(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    (place / MADE).write_bytes(msgspec.json.encode(made))
