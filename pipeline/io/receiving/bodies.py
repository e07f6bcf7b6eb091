"""From a request's body to documents: limits first, then decompression under the same limit, then the form.

Nothing is parsed before it is known to be small enough, and nothing is decompressed without a bound.
"""

import asyncio
import json
import zlib
from collections.abc import Mapping
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from schemas.codec import MAX_DEPTH, too_deep

MAX_BODY_BYTES: Final = 4 * 1024 * 1024
"""Of a body, as sent and as decompressed."""
MAX_DOCUMENTS: Final = 10_000
MAX_LINES: Final = 100_000
"""Of a vendor's payload, which may be one document written over many lines."""
BODY_SECONDS: Final = 10.0
"""A body is there within this time, or the connection is not worth keeping."""

JSON: Final = frozenset({"application/json"})
LINES: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})
CSV: Final = "text/csv"
EVENT: Final = "application/cloudevents+json"
EVENTS: Final = "application/cloudevents-batch+json"
TOUCHPOINT_TYPES: Final = JSON | LINES | {EVENT, EVENTS}


class Unreadable(Exception):
    """The request as a whole cannot be taken: the status to answer with, and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Document(Struct, frozen=True):
    """One document of a body: its place in the request (`$[3]`, `line 4`), and its bytes."""

    place: str
    value: bytes


async def body_of(request: web.Request, seconds: float = BODY_SECONDS) -> bytes:
    """The body, decompressed. Raises Unreadable."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise Unreadable(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes; send fewer at once")
    encodings = request.headers.getall("Content-Encoding", [])
    if encodings not in ([], ["gzip"], ["identity"]):
        raise Unreadable(415, "Content-Encoding is neither gzip nor absent")
    found = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                found += chunk
                if len(found) > MAX_BODY_BYTES:
                    raise Unreadable(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes; send fewer at once")
    except TimeoutError as error:
        raise Unreadable(408, f"the body was not there within {seconds:g} s") from error
    except web.RequestPayloadError as error:
        raise Unreadable(400, "the body ended before it was complete") from error
    return _gunzip(bytes(found)) if encodings == ["gzip"] else bytes(found)


def _gunzip(packed: bytes) -> bytes:
    machine = zlib.decompressobj(wbits=31)
    try:
        found = machine.decompress(packed, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise Unreadable(400, "the body is not gzip") from error
    if len(found) > MAX_BODY_BYTES or machine.unconsumed_tail:
        raise Unreadable(413, f"the body is larger than {MAX_BODY_BYTES:,} bytes when decompressed")
    if not machine.eof or machine.unused_data:
        raise Unreadable(400, "the gzip stream is cut, or something follows it")
    return found


def content_type(request: web.Request, allowed: frozenset[str]) -> str:
    """The type without its parameters. Raises Unreadable (415)."""
    values = request.headers.getall("Content-Type", [])
    kind, _, parameters = (values[0] if len(values) == 1 else "").partition(";")
    kind = kind.strip().lower()
    charset = parameters.partition("charset=")[2].strip().strip('"').lower()
    if kind not in allowed or charset not in ("", "utf-8", "utf8"):
        raise Unreadable(415, f"Content-Type has to be one of {', '.join(sorted(allowed))}, in UTF-8")
    return kind


def documents(kind: str, body: bytes) -> list[Document]:
    """The documents of a body: one, an array of them, or one a line. Raises Unreadable."""
    if kind in LINES:
        found = [Document(f"line {number}", line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    elif body.lstrip()[:1] == b"[":
        found = [Document(f"$[{index}]", raw) for index, raw in enumerate(_array(body))]
    else:
        _text(body)
        found = [Document("$", body)]
    if not found or not body.strip():
        raise Unreadable(400, "the body has no touchpoint in it")
    if len(found) > MAX_DOCUMENTS:
        raise too_many()
    return found


def too_many() -> Unreadable:
    """More than a request may hold."""
    return Unreadable(413, f"the body has more than {MAX_DOCUMENTS:,} touchpoints or payloads; send fewer at once")


def _array(body: bytes) -> list[bytes]:
    if too_deep(body, MAX_DEPTH + 1):
        raise Unreadable(400, f"arrays and objects are nested more than {MAX_DEPTH} deep")
    try:
        return [bytes(each) for each in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(400, f"the body is no JSON array: {error}") from error


def _text(body: bytes) -> None:
    """A single document has to be JSON at all, or the request is at fault and not what it carries."""
    if too_deep(body, MAX_DEPTH):
        raise Unreadable(400, f"arrays and objects are nested more than {MAX_DEPTH} deep")
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreadable(400, f"the body is no JSON document in UTF-8: {error}") from error


def repeated_name(value: bytes) -> str | None:
    """A name that one object of the document has twice. Which of the two is meant, nobody can tell."""
    found: list[str] = []

    def look(pairs: list[tuple[str, object]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            found.append(next(name for name in names if names.count(name) > 1))

    try:
        json.loads(value, object_pairs_hook=look)
    except (ValueError, RecursionError):
        return None  # the codec says what is wrong with it
    return found[0] if found else None


def header_lists(request: web.Request) -> Mapping[str, list[str]]:
    """Every value of every header, by lower-case name."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        found.setdefault(name.lower(), []).append(value)
    return found
