"""What the page asks for: the live values as JSON and as a stream of them, the past, and what every number means.

`?queue=...` (repeated for several) narrows all of it to some queues.
"""

import asyncio
import time
from collections.abc import Collection, Mapping
from typing import Final, Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct

from pipeline.answers.numbers import Definitions
from pipeline.answers.speech import Language
from pipeline.live.past import Past
from pipeline.live.summary import Summary

PERIOD_SECONDS: Final = 1.0
"""How often the stream says how things stand."""
MOST_CHOICES: Final = 16
"""So many different choices of queues are served at a time; who asks for one more may wait a period longer."""
MOST_QUEUES: Final = 50
_ENCODER: Final = msgspec.json.Encoder()

Queues = frozenset[str]


class LiveValues(Protocol):
    """Who knows the live values. Called in the event loop, must not wait for anything."""

    def summary(self, now_ms: int, queues: Queues = frozenset()) -> Summary:
        """The live values at that moment, of these queues (none named: of all)."""


class Telling(Struct, frozen=True):
    """Where the demo's story is: act `number` of `of`, told by language."""

    number: int
    of: int
    text: Mapping[str, str]


class Aside(Protocol):
    """What is shown beside the live values. Called in the event loop, must not wait for anything."""

    def definitions(self, lang: Language) -> Definitions:
        """What the numbers mean."""

    def past(self, queues: Collection[str] = ()) -> Past | None:
        """The last hours and last week, of these queues; None while not known."""

    def past_version(self) -> int:
        """Another one when `past` may have changed."""

    def telling(self) -> Telling | None:
        """What the demo tells just now, if it tells anything."""


class Board:
    """Routes /live, /live.json, /past.json and /definitions.json. Every choice of queues is computed at most once per
    period, however many are watching.
    """

    def __init__(self, state: LiveValues, aside: Aside | None = None) -> None:
        self._state = state
        self._aside = aside
        self._known: dict[Queues, tuple[float, bytes]] = {}
        self._closing = asyncio.Event()

    def add_to(self, app: web.Application) -> None:
        """The routes; streams end with the application."""
        app.router.add_get("/live.json", self._live_json)
        app.router.add_get("/live", self._stream, allow_head=False)
        if self._aside is not None:
            app.router.add_get("/past.json", _past_json(self._aside))
            app.router.add_get("/definitions.json", _definitions_json(self._aside))

        async def close(_: web.Application) -> None:
            self._closing.set()

        app.on_shutdown.append(close)

    def _json(self, queues: Queues) -> bytes:
        """The live values, not older than a period."""
        now = time.monotonic()
        until, known = self._known.get(queues, (0.0, b""))
        if now < until:
            return known
        summary = self._state.summary(time.time_ns() // 1_000_000, queues)
        known = _ENCODER.encode(msgspec.structs.replace(summary, labelled=()))
        self._known.pop(queues, None)
        while len(self._known) >= MOST_CHOICES:
            self._known.pop(next(iter(self._known)))
        self._known[queues] = (now + 0.9 * PERIOD_SECONDS, known)
        return known

    async def _live_json(self, request: web.Request) -> web.StreamResponse:
        return _answer(self._json(_queues(request)))

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        queues = _queues(request)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        told: dict[str, object] = {}
        try:
            await response.write(b"retry: 1000\n\n")
            while not self._closing.is_set():
                await response.write(self._news(queues, told) + b"data: " + self._json(queues) + b"\n\n")
                try:
                    await asyncio.wait_for(self._closing.wait(), PERIOD_SECONDS)
                except TimeoutError:
                    continue
        except ConnectionError:
            pass
        return response

    def _news(self, queues: Queues, told: dict[str, object]) -> bytes:
        """Events for what has changed beside the live values since this listener was told."""
        if self._aside is None:
            return b""
        found = b""
        telling, version = self._aside.telling(), self._aside.past_version()
        if told.get("telling") != telling:
            told["telling"] = telling
            found += b"event: telling\ndata: " + _ENCODER.encode(telling) + b"\n\n"
        if told.get("past") != version and (past := self._aside.past(queues)) is not None:
            told["past"] = version
            found += b"event: past\ndata: " + _ENCODER.encode(past) + b"\n\n"
        return found


def _queues(request: web.Request) -> Queues:
    return frozenset(request.query.getall("queue", [])[:MOST_QUEUES])


def _answer(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


def _past_json(aside: Aside) -> Handler:
    async def past_json(request: web.Request) -> web.StreamResponse:
        return _answer(_ENCODER.encode(aside.past(_queues(request))))

    return past_json


def _definitions_json(aside: Aside) -> Handler:
    async def definitions_json(request: web.Request) -> web.StreamResponse:
        lang: Language = "de" if request.query.get("lang") == "de" else "en"
        return _answer(_ENCODER.encode(aside.definitions(lang)))

    return definitions_json
