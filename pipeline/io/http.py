"""One small HTTP server: the live page, /metrics, health, and the live values as JSON and as a stream of them.

It serves only what is in the package and what the process knows of itself; it makes no requests and takes none that
change anything. Contact ids are in the live values, customer ids are not.
"""

import asyncio
import ipaddress
import time
from importlib.resources import files
from typing import Final, Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from pipeline.io.exposition import CONTENT_TYPE
from pipeline.live.summary import Readiness, Summary

PERIOD_SECONDS: Final = 1.0
"""How often the stream says how things stand."""
KEEPALIVE_SECONDS: Final = 15.0
_PAGE: Final = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/words.js": ("words.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_ENCODER: Final = msgspec.json.Encoder()


class StateProvider(Protocol):
    """What the process tells about itself. All three are called in the event loop and must not wait for anything."""

    def summary(self, now_ms: int) -> Summary:
        """The live values at that moment."""

    def metrics(self) -> bytes:
        """The text of /metrics."""

    def ready(self) -> Readiness:
        """Whether every partition assigned here is read and counted."""


class CannotListen(Exception):
    """The address is taken or not ours; says which, and what to do."""


class _Current:
    """The live values as JSON, computed at most once per period however many are watching."""

    def __init__(self, state: StateProvider) -> None:
        self._state = state
        self._until = 0.0
        self._json = b""
        self.closing = asyncio.Event()

    def json(self) -> bytes:
        """Not older than a period."""
        now = time.monotonic()
        if now >= self._until:
            summary = self._state.summary(time.time_ns() // 1_000_000)
            self._json = _ENCODER.encode(msgspec.structs.replace(summary, labelled=()))
            self._until = now + 0.9 * PERIOD_SECONDS
        return self._json


class Routes(Protocol):
    """More routes than the page's own: intake, explanations."""

    def add_to(self, app: web.Application) -> None:
        """Add them."""


async def serve(
    state: StateProvider, host: str = "127.0.0.1", port: int = 8090, *routes: Routes, known_as: str = ""
) -> web.AppRunner:
    """Start serving; `await runner.cleanup()` ends it, open streams included. `known_as`: the host in the URL under
    which a proxy offers this. Raises CannotListen.
    """
    # The keep-alive time is also how long a connection may take to send its first request's headers.
    runner = web.AppRunner(
        application(state, host, *routes, known_as=known_as),
        access_log=None,
        shutdown_timeout=2.0,
        keepalive_timeout=KEEPALIVE_SECONDS,
        auto_decompress=False,  # intake unpacks under its own limit
        lingering_time=2.0,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise CannotListen(
            f"cannot listen on {host}:{port} ({error.strerror or error}): another program may have the port, choose a"
            " different one with --port"
        ) from error
    return runner


def application(state: StateProvider, host: str, *routes: Routes, known_as: str = "") -> web.Application:
    """The routes. On a loopback address only requests that ask for one are answered, so that no web page can read
    along by giving its own name this machine's address.
    """
    current = _Current(state)
    app = web.Application(middlewares=[_guard(loopback_only=is_loopback(host), known_as=known_as)])
    for more in routes:
        more.add_to(app)
    for path, (name, content_type) in _PAGE.items():
        app.router.add_get(path, _static(name, content_type))
    app.router.add_get("/metrics", _metrics(state))
    app.router.add_get("/health/live", _alive)
    app.router.add_get("/health/ready", _ready(state))
    app.router.add_get("/live.json", _live_json(current))
    app.router.add_get("/live", _stream(current), allow_head=False)

    async def close(_: web.Application) -> None:
        current.closing.set()

    app.on_shutdown.append(close)
    return app


def is_loopback(host: str) -> bool:
    """Whether the address can be reached from this machine only."""
    name = host.strip("[]")
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _guard(*, loopback_only: bool, known_as: str) -> Middleware:
    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        name = request.url.host or ""
        if loopback_only and not is_loopback(name) and (not known_as or name != known_as):
            return web.Response(
                status=421, text="touchline answers only to localhost and 127.0.0.1 here: use one of them.\n"
            )
        try:
            response = await handler(request)
        except web.HTTPException as error:
            error.headers.update(_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    return guard


def _static(name: str, content_type: str) -> Handler:
    body = files("pipeline.io").joinpath("page", name).read_bytes()

    async def static(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return static


def _metrics(state: StateProvider) -> Handler:
    async def metrics(_: web.Request) -> web.StreamResponse:
        return web.Response(body=state.metrics(), headers={"Content-Type": CONTENT_TYPE})

    return metrics


async def _alive(_: web.Request) -> web.StreamResponse:
    return web.Response(body=b'{"live":true}', content_type="application/json")


def _ready(state: StateProvider) -> Handler:
    async def ready(_: web.Request) -> web.StreamResponse:
        found = state.ready()
        return web.Response(
            body=_ENCODER.encode(found), status=200 if found.ready else 503, content_type="application/json"
        )

    return ready


def _live_json(current: _Current) -> Handler:
    async def live_json(_: web.Request) -> web.StreamResponse:
        return web.Response(body=current.json(), content_type="application/json")

    return live_json


def _stream(current: _Current) -> Handler:
    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        await response.write(b"retry: 1000\n\n")
        while not current.closing.is_set():
            try:
                await response.write(b"data: " + current.json() + b"\n\n")
            except ConnectionError:
                break
            try:
                await asyncio.wait_for(current.closing.wait(), PERIOD_SECONDS)
            except TimeoutError:
                continue
        return response

    return stream
