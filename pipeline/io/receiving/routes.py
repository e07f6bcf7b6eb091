"""The routes: POST /v1/touchpoints, POST /v1/sources/NAME, GET /v1/openapi.json.

What an answer means: 202, all named as accepted is durable; 4xx, nothing was taken and sending the same again will not
help; 429 and 503 with Retry-After, send the same again later: what was taken already is not counted twice.
"""

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import Struct

from pipeline.io.receiving import bodies, sns
from pipeline.io.receiving.bodies import Document, Unreadable
from pipeline.io.receiving.limits import Busy, Limits, Repeats
from pipeline.io.receiving.openapi import document as openapi
from pipeline.io.receiving.senders import CANONICAL, Sender, Senders
from pipeline.io.receiving.signatures import Refused, Signed, decode_base64, token, verify
from pipeline.ports import LogError, WarehouseDown
from schemas.cloudevents import from_binary, from_structured
from schemas.codec import MAX_DEPTH, decode, too_deep
from schemas.rejects import DeadLetter, Reject, dead_letter
from schemas.sources import SOURCES, BadLine, Item, Skipped
from schemas.touchpoint import Touchpoint

FORM: Final = "application/x-www-form-urlencoded"
RETRY_SECONDS: Final = 5
MOST_REJECTS_TOLD: Final = 1_000
_OFFSET_BITS: Final = 48
_CE: Final = "ce-"
_ENCODER: Final = msgspec.json.Encoder()
log_ = logging.getLogger("touchline.receiving")


class Receiver(Protocol):
    """What the process does with touchpoints that came over HTTP."""

    def channels(self) -> Collection[str]:
        """The channels of the catalogue."""

    async def take(self, touchpoints: Sequence[Touchpoint], letters: Sequence[DeadLetter]) -> None:
        """Returns when all of both is durable. Raises LogError or WarehouseDown: then some of it may be."""


class Rejected(Struct, frozen=True):
    """One document that was not taken, and why."""

    place: str
    reason: str
    detail: str


class Answer(Struct):
    """What became of a request. `left_out`: payloads that mean nothing to us, by why."""

    accepted: int = 0
    rejected: list[Rejected] = []
    rejected_total: int = 0
    left_out: dict[str, int] = {}


class _Taken(Struct):
    """What a request holds, sorted."""

    touchpoints: list[Touchpoint] = []
    rejects: list[tuple[str, Reject, bytes]] = []
    left_out: dict[str, int] = {}


class Receiving:
    """The handlers and what they remember: rates, and deliveries seen."""

    def __init__(
        self,
        receiver: Receiver,
        senders: Senders,
        fetch: sns.Fetch = sns.fetch,
        body_seconds: float = bodies.BODY_SECONDS,
    ) -> None:
        self._receiver = receiver
        self._senders = senders
        self._body_seconds = body_seconds
        self._limits = Limits()
        self._repeats = Repeats()
        self._topics = sns.Verifier(fetch)

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_post("/v1/touchpoints", self._guarded(self._touchpoints))
        app.router.add_post("/v1/sources/{name}", self._guarded(self._source))
        app.router.add_route("HEAD", "/v1/sources/{name}", self._here)  # Intercom asks before it sends
        app.router.add_get("/v1/openapi.json", self._openapi)

    async def _here(self, request: web.Request) -> web.StreamResponse:
        if self._senders.of_source(request.match_info["name"]) is None:
            raise web.HTTPNotFound
        return web.Response()

    async def _openapi(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=_ENCODER.encode(openapi()), content_type="application/json")

    def _guarded(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> Any:
        """Turns what may go wrong into an answer. A bug is not one of these: it is logged and answered with 500."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                with self._limits.under_way():
                    return await handler(request)
            except Unreadable as error:
                return _problem(error.status, str(error), closing=error.status in {400, 408, 413})
            except Refused as error:
                log_.warning("%s from %s refused: %s", request.path, request.remote, error)
                return _problem(401, "the request does not prove who sent it", {"WWW-Authenticate": "Bearer"})
            except Busy as error:
                return _problem(error.status, str(error), {"Retry-After": str(error.retry_seconds)})
            except (LogError, WarehouseDown) as error:
                log_.warning("%s: not taken in: %s", request.path, error)
                return _problem(
                    503,
                    "it cannot be stored now; send it again, nothing is counted twice",
                    {"Retry-After": str(RETRY_SECONDS)},
                )

        return guarded

    # -- touchpoints as they are

    async def _touchpoints(self, request: web.Request) -> web.Response:
        sender = self._token_of(request)
        self._limits.admit(sender)
        kind = bodies.content_type(request, bodies.TOUCHPOINT_TYPES)
        body = await bodies.body_of(request, self._body_seconds)
        attributes = {
            name[len(_CE) :].lower(): value for name, value in request.headers.items() if name.lower().startswith(_CE)
        }
        taken = _Taken()
        for each in bodies.documents(kind, body):
            value = _unwrapped(kind, attributes, each.value)
            self._sort(value if isinstance(value, Reject) else Document(each.place, value), each, sender, taken)
        answer = await self._store(sender, taken)
        return _answered(answer, 202 if answer.accepted else 422)

    def _token_of(self, request: web.Request) -> Sender:
        """Whose token it is. Every sender's is compared. Raises Refused."""
        if self._senders.open:
            return Sender("", CANONICAL, None)
        signed = Signed("", bodies.header_lists(request), b"", 0)
        found: Sender | None = None
        for sender in self._senders.with_tokens():
            try:
                token(sender.secrets, signed)
            except Refused:
                continue
            found = found or sender
        if found is None:
            raise Refused("the token is missing or none of ours")
        return found

    def _sort(self, read: Document | Reject, each: Document, sender: Sender, taken: _Taken) -> None:
        """Put one document among the touchpoints or the rejects."""
        if isinstance(read, Reject):
            taken.rejects.append((each.place, read, each.value))
            return
        name = bodies.repeated_name(read.value)
        found = (
            decode(read.value, self._receiver.channels())
            if name is None
            else Reject("bad_value", f"the name {name[:100]!r} is given twice in one object")
        )
        if isinstance(found, Reject):
            taken.rejects.append((each.place, found, each.value))
        elif sender.proof is not None or found.source is None:
            taken.touchpoints.append(msgspec.structs.replace(found, source=sender.name or "http"))
        else:
            taken.touchpoints.append(found)

    # -- vendors' webhooks

    async def _source(self, request: web.Request) -> web.Response:
        sender = self._senders.of_source(request.match_info["name"])
        if sender is None:
            if self._senders.open:
                raise Unreadable(404, f"there is no source of this name; known are {', '.join(SOURCES)}")
            raise Refused("there is no such sender")
        own = {bodies.CSV} if sender.has_own_format else set()
        kind = bodies.content_type(request, bodies.JSON | bodies.LINES | {FORM, "text/plain", bodies.EVENT} | own)
        if sender.proof is None and kind in {FORM, "text/plain"}:
            # Without a proof any page in a browser could send these two here.
            raise Unreadable(415, "without a signature Content-Type has to be application/json")
        body = await bodies.body_of(request, self._body_seconds)
        headers = bodies.header_lists(request)
        delivery = ""
        if sender.proof == "sns":
            message = await self._topics.message(body, sender.topics)
            self._limits.admit(sender)
            if message is None:
                return _answered(Answer(), 202)
            body, kind, delivery = message.body, "application/json", message.id
        elif sender.proof is not None:
            url = (self._senders.public_url or f"{request.scheme}://{request.host}") + request.path_qs
            delivery = verify(sender.proof, sender.secrets, Signed(url, headers, body, time.time_ns() // 1_000_000))
            self._limits.admit(sender)  # not before: nobody else uses up what a sender may send
        if delivery and self._repeats.seen(sender.name, delivery):
            return _answered(Answer(left_out={"delivered before": 1}), 202)
        answer = await self._store(sender, self._read(sender, _payloads(sender, kind, body), body))
        if delivery:
            self._repeats.remember(sender.name, delivery)
        return _firehose(headers) if sender.proof == "firehose" else _answered(answer, 202)

    def _read(self, sender: Sender, lines: Sequence[bytes], body: bytes) -> _Taken:
        taken = _Taken()
        for number, output in enumerate(sender.read(lines)):
            if number == bodies.MAX_DOCUMENTS:
                raise bodies.too_many()
            place = f"line {output.line}"
            if isinstance(output, Item):
                self._sort(Document(place, output.value), Document(place, output.value), sender, taken)
            elif isinstance(output, Skipped):
                taken.left_out[output.why] = taken.left_out.get(output.why, 0) + 1
            elif isinstance(output, BadLine):
                taken.rejects.append((place, output.reject, output.value))
        return taken

    # -- both

    async def _store(self, sender: Sender, taken: _Taken) -> Answer:
        now_ms = time.time_ns() // 1_000_000
        letters = [_letter(sender, place, reject, value, now_ms) for place, reject, value in taken.rejects]
        await self._receiver.take(taken.touchpoints, letters)
        told = [Rejected(place, reject.reason, reject.detail) for place, reject, _ in taken.rejects[:MOST_REJECTS_TOLD]]
        return Answer(len(taken.touchpoints), told, len(taken.rejects), taken.left_out)


def _unwrapped(kind: str, attributes: Mapping[str, str], value: bytes) -> bytes | Reject:
    """A CloudEvent's touchpoint; anything else as it is."""
    if too_deep(value, MAX_DEPTH):
        return Reject("not_json", f"arrays and objects are nested more than {MAX_DEPTH} deep")
    if kind in {bodies.EVENT, bodies.EVENTS}:
        return from_structured(value)
    return from_binary(attributes, value) if "specversion" in attributes else value


def _payloads(sender: Sender, kind: str, body: bytes) -> list[bytes]:
    """The body as the lines that a source reads. Raises Unreadable."""
    if sender.proof == "firehose":
        return _records(body)
    if kind == FORM:
        try:
            return [_ENCODER.encode(dict(parse_qsl(body.decode(), keep_blank_values=True)))]
        except UnicodeDecodeError as error:
            raise Unreadable(400, "the form is not UTF-8") from error
    if body.count(b"\n") >= bodies.MAX_LINES:
        raise bodies.too_many()
    return body.split(b"\n")


def _records(body: bytes) -> list[bytes]:
    if too_deep(body, MAX_DEPTH):
        raise Unreadable(400, "the body is no Firehose request")
    try:
        envelope = msgspec.json.decode(body, type=_Firehose)
        return [line for record in envelope.records for line in decode_base64(record.data).split(b"\n")]
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError) as error:
        raise Unreadable(400, "the body is no Firehose request") from error


class _Record(Struct):
    data: str


class _Firehose(Struct):
    records: list[_Record]


def _firehose(headers: Mapping[str, Sequence[str]]) -> web.Response:
    """Firehose takes an answer for one only in this form."""
    found = {"requestId": headers["x-amz-firehose-request-id"][0], "timestamp": time.time_ns() // 1_000_000}
    return web.Response(body=_ENCODER.encode(found), content_type="application/json")


def _letter(sender: Sender, place: str, reject: Reject, value: bytes, now_ms: int) -> DeadLetter:
    """A dead letter has what was sent for an origin, so sending the same again makes no second one."""
    digest = hashlib.blake2b(place.encode() + b"\0" + value, digest_size=_OFFSET_BITS // 8).digest()
    return dead_letter(
        reject,
        topic=f"http/{sender.name or 'touchpoints'}",
        number=0,
        epoch=0,
        offset=int.from_bytes(digest, "big"),
        step="receiving",
        source=sender.name,
        key=None,
        value=value,
        append_ms=now_ms,
    )


def _answered(answer: Answer, status: int) -> web.Response:
    return web.Response(body=_ENCODER.encode(answer), status=status, content_type="application/json")


def _problem(
    status: int, sentence: str, headers: Mapping[str, str] | None = None, *, closing: bool = False
) -> web.Response:
    response = web.Response(
        body=_ENCODER.encode({"error": sentence}), status=status, headers=headers, content_type="application/json"
    )
    if closing:
        response.force_close()
    return response
