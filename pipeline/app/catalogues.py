"""Which catalogue holds: the one given, else the one the folder was counted by, else a built-in one.

A folder keeps its catalogue beside the data, so that whoever comes later (an audit, a restart) need not know it.
"""

import hashlib
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

from msgspec import Struct

from pipeline.app.stack import CannotStart
from pipeline.core.engine import OtherDefinitions
from pipeline.io import swap
from pipeline.io.ledger import SqlLedger
from pipeline.measures import ALL
from pipeline.ports import Warehouse
from pipeline.settings import Settings
from schemas.catalogue import Catalogue, default_text, fingerprint, load

KEPT: Final = "catalogue.yaml"
"""The catalogue's file in a data folder."""
DEFINITIONS: Final = 1
"""Raise it when what a measure counts changes without its definition text changing."""


class Chosen(Struct, frozen=True):
    """A catalogue and its text. `name` is for messages."""

    catalogue: Catalogue
    text: str
    name: str


def choose(settings: Settings, usual: str | None = None) -> Chosen:
    """The catalogue that holds; `usual` is the text of a built-in one other than the default.

    Raises CatalogueError (wrong), CannotStart (unreadable).
    """
    kept = settings.data / KEPT
    path = settings.catalogue
    if path is None and settings.embedded_warehouse and kept.exists():
        path = kept
    if path is not None:
        text, name = _read(path), str(path)
    else:
        text, name = (default_text(), "the default catalogue") if usual is None else (usual, "the demo's catalogue")
    return Chosen(load(text, name), text, name)


def simulated() -> str:
    """The text of the catalogue of the simulated organisation."""
    return files("schemas").joinpath("demo_catalogue.yaml").read_text(encoding="utf-8")


def keep(settings: Settings, chosen: Chosen) -> None:
    """Let the folder remember by which catalogue it is counted."""
    if settings.embedded_warehouse:
        new = settings.data / f"{KEPT}.new"
        new.write_text(chosen.text, encoding="utf-8")
        os.replace(new, settings.data / KEPT)  # noqa: PTH105  (atomic, on every system)


def definitions(catalogue: Catalogue) -> Callable[[int], str]:
    """The fingerprint of measures and catalogue up to a watermark: numbers of two fingerprints are never mixed."""
    text = "\n".join(f"{m.name} {m.moment} {m.unit} {m.definition}" for m in ALL)
    measures = hashlib.blake2b(f"{DEFINITIONS}\n{text}".encode(), digest_size=8).hexdigest()
    known: dict[int, str] = {}

    def of(watermark_ms: int) -> str:
        minute = watermark_ms // 60_000
        if minute not in known:
            known.clear()
            known[minute] = f"{measures}-{fingerprint(catalogue, minute * 60_000)[:16]}"
        return known[minute]

    return of


async def refuse_others(warehouse: Warehouse, catalogue: Catalogue) -> None:
    """Before anything is changed: are the numbers that are there of these definitions? Raises OtherDefinitions, and
    CannotStart where a rebuild has not ended.
    """
    if "ledger" in await refuse_interrupted(warehouse):
        own = definitions(catalogue)
        for partition, (marker, _) in sorted((await SqlLedger(warehouse).markers()).items()):
            if marker.fingerprint != own(marker.watermark_ms):
                raise OtherDefinitions(partition, marker.fingerprint, own(marker.watermark_ms))


async def refuse_interrupted(warehouse: Warehouse) -> set[str]:
    """Names of the engine's tables. Raises CannotStart where a rebuild has not ended: some of them are missing."""
    names = await swap.there(warehouse)
    if swap.is_interrupted(names):
        raise CannotStart(
            "a rebuild was interrupted while it put its tables in place: run `touchline rebuild` again, which ends it"
        )
    return names


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"the catalogue {path} cannot be read: {error}") from error
