"""The OpenAPI document: valid, and the process does what it says, whatever schemathesis makes up."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pipeline.io.receiving.openapi import document
from tests.receiving.server import Intake, good, intake


@schemathesis.serializer("application/x-ndjson")
def as_lines(_: object, value: object) -> bytes:
    """Lines are sent as they were made up."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


SCHEMA = schemathesis.openapi.from_dict(document())
# Its 8,700 systematic requests take longer than all else here; the made-up ones find the same kinds of mistakes.
SCHEMA.config.phases.coverage.enabled = False


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server in a thread of its own, since schemathesis waits for its answers."""
    with _running() as server:
        yield f"http://127.0.0.1:{server.port}"


@contextmanager
def _running() -> Iterator[Intake]:
    ready, told = threading.Event(), threading.Event()
    found: list[Intake] = []

    async def serve() -> None:
        async with intake() as server:
            found.append(server)
            ready.set()
            await asyncio.to_thread(told.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    try:
        yield found[0]
    finally:
        told.set()
        thread.join(20)


@SCHEMA.parametrize()
@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_request_that_can_be_made_up_is_answered_as_the_document_says(
    case: schemathesis.Case[Any], url: str
) -> None:
    response = case.call(base_url=url)
    assert response.status_code < 500
    case.validate_response(
        response,
        checks=[status_code_conformance, content_type_conformance, response_schema_conformance],
    )


async def test_the_document_is_served_and_says_which_paths_there_are() -> None:
    async with intake() as server, server.session.get("/v1/openapi.json") as response:
        assert response.content_type == "application/json"
        found = msgspec.json.decode(await response.read())
    assert found == msgspec.json.decode(msgspec.json.encode(document()))
    assert sorted(found["paths"]) == ["/v1/sources/{name}", "/v1/touchpoints"]


def test_what_the_schema_calls_a_touchpoint_is_one() -> None:
    import jsonschema

    found = document()
    schema = {"$ref": "#/components/schemas/Touchpoint", "components": found["components"]}
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(msgspec.json.decode(good()))
    for bad in (good(time=...), good(type="contact.sang"), good(id="")):
        assert not validator.is_valid(msgspec.json.decode(bad))
