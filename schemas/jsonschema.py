"""The JSON Schema of the touchpoint (Draft 2020-12), generated from the classes: `python -m schemas.jsonschema`.

It says what can be said in JSON Schema. What the codec also refuses stands in its description: wrong units
of time, unknown channels, blank identifiers, promises too far ahead.
"""

import inspect
from pathlib import Path
from typing import Any, Final, Union

import msgspec

from schemas.touchpoint import TYPES, Touchpoint

PATH: Final = Path(__file__).with_name("touchpoint.schema.json")
_ID: Final = "urn:touchline:touchpoint"
_REF: Final = "#/$defs/{name}"


def schema() -> dict[str, Any]:
    """The schema: one definition per type, told apart by `type`. Unknown fields are allowed."""
    every_type = Union[TYPES]  # type: ignore[valid-type]  # noqa: UP007  (built from the tuple)
    (union,), components = msgspec.json.schema_components([every_type], ref_template=_REF)
    definitions: dict[str, Any] = {}
    for kind in TYPES:
        definition = components[kind.__name__]
        description = inspect.getdoc(kind) or ""
        definitions[kind.__name__] = {
            **definition,
            "title": str(kind.__struct_config__.tag),
            "description": description,
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _ID,
        "title": "Touchpoint",
        "description": (
            f"{inspect.getdoc(Touchpoint)} Beyond this schema: `channel` must be one the catalogue has, times must be "
            "milliseconds (1973 to 5138), identifiers must not be blank or hold control characters, a promise is due "
            "at most 400 days after it was made."
        ),
        **union,
        "$defs": definitions,
    }


def rendered() -> str:
    """The schema file's text."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"


if __name__ == "__main__":
    PATH.write_text(rendered(), encoding="utf-8")
