"""The OpenAPI 3.1 document of what can be sent over HTTP. Its schemas are the touchpoint's own."""

from typing import Any, Final

from schemas.jsonschema import schema
from schemas.rejects import REASONS
from schemas.sources import SOURCES

_JSON: Final = "application/json"
_PREFIX: Final = "#/components/schemas/"


def document() -> dict[str, Any]:
    """The document."""
    touchpoint = _moved(schema())
    definitions = touchpoint.pop("$defs")
    for name in ("$schema", "$id"):
        touchpoint.pop(name)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "touchline: touchpoints over HTTP",
            "version": "1",
            "description": (
                "202: what is named as accepted is stored durably. 4xx: nothing was taken, the same request will not do"
                " better. 429 and 503: send the same again after Retry-After; nothing is counted twice."
            ),
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {}],
        "paths": {"/v1/touchpoints": {"post": _touchpoints()}, "/v1/sources/{name}": {"post": _sources()}},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {**definitions, "Touchpoint": touchpoint, "Answer": _ANSWER, "Problem": _PROBLEM},
            "responses": {
                name: {
                    "description": text,
                    "content": {_JSON: {"schema": {"$ref": f"{_PREFIX}Problem"}}},
                    **({"headers": {"Retry-After": {"schema": {"type": "string"}}}} if name in {"429", "503"} else {}),
                }
                for name, text in _PROBLEMS.items()
            },
        },
    }


_PROBLEMS: Final = {
    "400": "The body is not what its Content-Type says.",
    "401": "The token or signature is missing or not ours.",
    "404": "There is no source of this name.",
    "408": "The body was not there in time.",
    "413": "The body is too large.",
    "415": "Another Content-Type or Content-Encoding than those listed.",
    "429": "More requests than this sender may make.",
    "503": "It cannot be stored now, or too much is under way.",
}
_PROBLEM: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "One sentence."}},
}
_ANSWER: Final = {
    "type": "object",
    "required": ["accepted", "rejected", "rejected_total", "left_out"],
    "properties": {
        "accepted": {"type": "integer", "minimum": 0, "description": "Touchpoints that are stored."},
        "rejected_total": {"type": "integer", "minimum": 0},
        "rejected": {
            "type": "array",
            "description": "The first 1,000 that were not taken. They are kept as dead letters.",
            "items": {
                "type": "object",
                "required": ["place", "reason", "detail"],
                "properties": {
                    "place": {"type": "string", "description": "Where in the body: $, $[3], line 4."},
                    "reason": {"enum": list(REASONS)},
                    "detail": {"type": "string", "description": "One sentence that names the field."},
                },
            },
        },
        "left_out": {
            "type": "object",
            "additionalProperties": {"type": "integer"},
            "description": "Payloads of a vendor that mean nothing to touchline, by why.",
        },
    },
}


def _touchpoints() -> dict[str, Any]:
    one = {"$ref": f"{_PREFIX}Touchpoint"}
    event = {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string"},
            "source": {"type": "string"},
            "type": {"type": "string"},
            "time": {"type": "string", "format": "date-time"},
            "data": {"type": "object", "description": "The touchpoint; id, type and time may be the event's."},
        },
    }
    return {
        "operationId": "sendTouchpoints",
        "summary": "One touchpoint, an array, JSON lines, or CloudEvents",
        "description": "Content-Encoding gzip is understood. Sending the same again does no harm.",
        "requestBody": {
            "required": True,
            "content": {
                _JSON: {"schema": {"anyOf": [one, {"type": "array", "items": one, "minItems": 1}]}},
                "application/x-ndjson": {"schema": {"type": "string", "description": "A touchpoint a line."}},
                "application/cloudevents+json": {"schema": event},
                "application/cloudevents-batch+json": {"schema": {"type": "array", "items": event, "minItems": 1}},
            },
        },
        "responses": {
            "202": _answer("What is accepted is durable; the rest is named."),
            "422": _answer("Nothing in it is a touchpoint that can be taken."),
            **_refs("400", "401", "408", "413", "415", "429", "503"),
        },
    }


def _sources() -> dict[str, Any]:
    return {
        "operationId": "sendPayload",
        "summary": "A vendor's webhook, as the vendor sends it",
        "parameters": [
            {
                "name": "name",
                "in": "path",
                "required": True,
                "schema": {"type": "string"},
                "description": f"A sender of the file of senders; without one: {', '.join(SOURCES)}.",
            }
        ],
        "requestBody": {"required": True, "content": {_JSON: {"schema": {}}}},
        "responses": {
            "200": {"description": "Amazon Data Firehose: all of it is durable.", "content": {_JSON: {"schema": {}}}},
            "202": _answer("What is accepted is durable; what could not be read is named and kept."),
            **_refs("400", "401", "404", "408", "413", "415", "429", "503"),
        },
    }


def _answer(description: str) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": {"$ref": f"{_PREFIX}Answer"}}}}


def _refs(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/responses/{name}"} for name in names}


def _moved(found: Any) -> Any:
    """The same schema with its definitions where OpenAPI keeps them."""
    if isinstance(found, dict):
        return {
            name: value.replace("#/$defs/", _PREFIX) if isinstance(value, str) and value.startswith("#/$defs/")
            else _moved(value)
            for name, value in found.items()
        }  # fmt: skip
    if isinstance(found, list):
        return [_moved(each) for each in found]
    return found
