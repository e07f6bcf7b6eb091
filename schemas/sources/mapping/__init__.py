"""A format of one's own without code: a mapping file (YAML) says how rows become touchpoints. Pure.

`load` reads the file and names every mistake with its line; the result is a `Source` like any other.
"""

from schemas.sources.mapping.plan import Plan
from schemas.sources.mapping.rows import read, source_of
from schemas.sources.mapping.text import load, parse

__all__ = ["Plan", "load", "parse", "read", "source_of"]
