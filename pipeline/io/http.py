"""One small HTTP server: the live page, /metrics, health, and the live values as JSON and as a stream of them.

It serves only what is in the package and what the process knows of itself; it makes no requests and takes none that
change anything. Contact ids are in the live values, customer ids are not.
"""

import ipaddress
from importlib.resources import files
from typing import Final, Protocol

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from pipeline.io.board import Aside, Board, LiveValues
from pipeline.io.exposition import CONTENT_TYPE
from pipeline.live.summary import Readiness

KEEPALIVE_SECONDS: Final = 15.0
_PAGE: Final = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/board.js": ("board.js", "text/javascript"),
    "/about.js": ("about.js", "text/javascript"),
    "/plot.js": ("plot.js", "text/javascript"),
    "/tree.js": ("tree.js", "text/javascript"),
    "/verdict.js": ("verdict.js", "text/javascript"),
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


class StateProvider(LiveValues, Protocol):
    """What the process tells about itself. Called in the event loop, and nothing else has to wait for it."""

    async def metrics(self) -> bytes:
        """The text of /metrics."""

    def ready(self) -> Readiness:
        """Whether every partition assigned here is read and counted."""


class CannotListen(Exception):
    """The address is taken or not ours; says which, and what to do."""


class Routes(Protocol):
    """More routes than the page's own: intake, explanations."""

    def add_to(self, app: web.Application) -> None:
        """Add them."""


async def serve(
    state: StateProvider,
    host: str = "127.0.0.1",
    port: int = 8090,
    *routes: Routes,
    known_as: str = "",
    aside: Aside | None = None,
) -> web.AppRunner:
    """Start serving; `await runner.cleanup()` ends it, open streams included. `known_as`: the host in the URL under
    which a proxy offers this; `aside`: what the page shows beside the live values. Raises CannotListen.
    """
    # The keep-alive time is also how long a connection may take to send its first request's headers.
    runner = web.AppRunner(
        application(state, host, *routes, Board(state, aside), known_as=known_as),
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
    app = web.Application(middlewares=[_guard(loopback_only=is_loopback(host), known_as=known_as)])
    for more in routes:
        more.add_to(app)
    for path, (name, content_type) in _PAGE.items():
        app.router.add_get(path, _static(name, content_type))
    app.router.add_get("/metrics", _metrics(state))
    app.router.add_get("/health/live", _alive)
    app.router.add_get("/health/ready", _ready(state))
    app.on_response_prepare.append(_secured)
    return app


async def _secured(_: web.Request, response: web.StreamResponse) -> None:
    """Every answer, streams and errors included, is under the strict headers; a route may have its own."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


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
        return await handler(request)

    return guard


def _static(name: str, content_type: str) -> Handler:
    body = files("pipeline.io").joinpath("page", name).read_bytes()

    async def static(_: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return static


def _metrics(state: StateProvider) -> Handler:
    async def metrics(_: web.Request) -> web.StreamResponse:
        return web.Response(body=await state.metrics(), headers={"Content-Type": CONTENT_TYPE})

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
