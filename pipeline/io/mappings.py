"""Sources by name: those in the package, and mapping files of one's own."""

from pathlib import Path
from typing import Final

from schemas.catalogue_types import CatalogueError
from schemas.sources import SOURCES, Source
from schemas.sources.mapping import load, source_of

_ENDINGS: Final = (".yaml", ".yml")


class SourceError(Exception):
    """There is no such source, or the mapping file is wrong: a sentence each, with the line."""


def source_named(name: str, beside: Path = Path()) -> Source:
    """The source of that name; a name that ends in .yaml is a mapping file, looked for in folder `beside`.

    Raises SourceError.
    """
    if not name.endswith(_ENDINGS):
        if name not in SOURCES:
            raise SourceError(f"there is no source {name!r}; known are {', '.join(SOURCES)}, or a mapping file (.yaml)")
        return SOURCES[name]
    path = beside / name
    try:
        return source_of(load(path.read_text(encoding="utf-8"), str(path)))
    except OSError as error:
        raise SourceError(f"the mapping {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"the mapping {path} is not UTF-8") from error
    except CatalogueError as error:
        raise SourceError(str(error)) from error
