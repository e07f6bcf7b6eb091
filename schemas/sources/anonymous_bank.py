"""The call records of the "Anonymous Bank" call centre, 1999. The mapping file beside this one says how it is read."""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from typing import Final

from schemas.sources.mapping import Plan, load, read
from schemas.sources.source import Output, Source

_FILE: Final = "anonymous_bank.yaml"


@cache
def _plan() -> Plan:
    return load(files("schemas.sources").joinpath(_FILE).read_text(encoding="utf-8"), _FILE)


def _read(lines: Iterable[bytes]) -> Iterator[Output]:
    """Two to four touchpoints per call; phantom rows are skipped, rows of another form are bad lines."""
    return read(_plan(), lines)


SOURCE: Final = Source("anonymous-bank", 'call records of the "Anonymous Bank", 1999 (Technion)', _read)
