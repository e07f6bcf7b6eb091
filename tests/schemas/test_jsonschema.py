"""The schema file is the one the classes give, is a valid schema, and agrees with the codec on examples."""

import json

import pytest
from jsonschema import Draft202012Validator

from schemas import jsonschema as ours
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.touchpoint import TYPES
from tests.schemas.test_codec import FURTHER, PLAIN

SCHEMA = json.loads(ours.PATH.read_text(encoding="utf-8"))
validator = Draft202012Validator(SCHEMA)


def test_the_file_is_up_to_date() -> None:
    assert ours.PATH.read_text(encoding="utf-8") == ours.rendered(), "run: python -m schemas.jsonschema"


def test_it_is_a_valid_schema_that_names_and_describes_every_type() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert [definition["title"] for definition in SCHEMA["$defs"].values()] == [
        kind.__struct_config__.tag for kind in TYPES
    ]
    assert all(definition["description"] for definition in SCHEMA["$defs"].values())


@pytest.mark.parametrize("kind", [str(kind.__struct_config__.tag) for kind in TYPES])
def test_an_example_of_every_type_is_valid(kind: str) -> None:
    validator.validate({**PLAIN, "type": kind, **FURTHER.get(kind, {}), "unknown": 1})


@pytest.mark.parametrize(
    "change",
    [
        {"type": "contact.exploded"},
        {"id": ""},
        {"id": 5},
        {"time": "2023-11-14"},
        {"time": -1},
        {"type": "contact.menu"},
        {"type": "contact.refused", "reason": "bored"},
        {"revision": -1},
        {"queue": "x" * 129},
    ],
)
def test_what_the_schema_refuses_the_codec_refuses(change: dict[str, object]) -> None:
    example = {**PLAIN, **change}
    assert not validator.is_valid(example)
    assert isinstance(decode(json.dumps(example).encode()), Reject)
