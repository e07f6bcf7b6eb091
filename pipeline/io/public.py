"""GET /v1/public/wait: for the organisation's own website, from any page in any browser, and from caches in between."""

import time
from collections.abc import Callable
from typing import Final

import msgspec
from aiohttp import web

from pipeline.live.public import PublicWaits

FRESH_SECONDS: Final = 10.0
_HEADERS: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": f"public, max-age={FRESH_SECONDS:.0f}",
}


class PublicPage:
    """The route. However many ask, it is computed once in ten seconds."""

    def __init__(self, waits: Callable[[], PublicWaits]) -> None:
        self._waits = waits
        self._until = 0.0
        self._body = b""
        self._status = 503

    def add_to(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_get("/v1/public/wait", self._wait)

    async def _wait(self, _: web.Request) -> web.StreamResponse:
        now = time.monotonic()
        if now >= self._until:
            found = self._waits()
            self._body = msgspec.json.encode(found)
            self._status = 200 if found.available else 503
            self._until = now + FRESH_SECONDS
        retry = {} if self._status == 200 else {"Retry-After": f"{FRESH_SECONDS:.0f}", "Cache-Control": "no-store"}
        return web.Response(
            body=self._body, status=self._status, content_type="application/json", headers={**_HEADERS, **retry}
        )
