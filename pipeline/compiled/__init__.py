"""The core as C extensions, made by mypyc from the same sources: whether they run, and why not.

They lie in this folder, with `made.json`, which says from what they were made. They go before the sources only while
every source is still the same, so nothing stale ever runs, and only in the Python they were made for. TOUCHLINE_PURE
is read here, before anything else: docs/decisions/0010.
"""

import os
from functools import cache
from hashlib import sha256
from pathlib import Path
from sysconfig import get_config_var
from typing import Final

import msgspec
from msgspec import Struct

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = "pipeline/compiled"
MADE: Final = "made.json"
SWITCH: Final = "TOUCHLINE_PURE"


class Made(Struct, frozen=True):
    """What the extensions were made with, how their names end, and the SHA-256 of every source by its path."""

    mypyc: str
    suffix: str
    sources: dict[str, str]


class Core(Struct, frozen=True):
    """Which core runs. `words`: for people."""

    compiled: bool
    words: str


@cache
def core() -> Core:
    """Which core runs in this process: decided once, before any of it is imported."""
    return Core(False, f"pure Python, because {SWITCH} says so") if switched_off() else core_of(ROOT)


def switched_off() -> bool:
    """Whether only sources are wanted, whatever is here."""
    return os.environ.get(SWITCH, "").lower() not in {"", "0", "false", "no", "off"}


def with_extensions(path: list[str], room: str) -> list[str]:
    """The `__path__` of a package, its extensions first where they are to run."""
    return [str(ROOT / FOLDER / room), *path] if core().compiled else path


def core_of(root: Path) -> Core:
    """Which core can run of what is below a root."""
    try:
        made = msgspec.json.decode((root / FOLDER / MADE).read_bytes(), type=Made)
    except FileNotFoundError:
        return Core(False, "pure Python, because it has not been compiled here (make compile)")
    if made.suffix != get_config_var("EXT_SUFFIX"):
        return Core(False, f"pure Python, because it was compiled for another one (*{made.suffix}; make compile)")
    now = digests(root)
    changed = sorted(name for name in made.sources.keys() | now.keys() if made.sources.get(name) != now.get(name))
    if changed:
        return Core(False, f"pure Python, because {changed[0]} has changed since it was compiled (make compile)")
    return Core(True, f"compiled (mypyc {made.mypyc})")


def digests(root: Path) -> dict[str, str]:
    """What extensions depend on: all of ours that they import, since constants are compiled in."""
    rooms = ("pipeline/core", "pipeline/measures", "schemas")
    files = sorted(path for room in rooms for path in (root / room).glob("*.py"))
    return {path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}
