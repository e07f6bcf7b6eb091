"""The token that page and metrics ask for, where other machines can reach them.

Programs send `Authorization: Bearer TOKEN`. People type it once: the browser then keeps a cookie that is derived from
the token and holds until the token is changed. Health checks and intake, which has proofs of its own, stay outside.
"""

import hashlib
import hmac
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

COOKIE: Final = "touchline"
_OPEN: Final = ("/health/", "/v1/")
_FORM: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>touchline</title>
<meta name="viewport" content="width=device-width"><form method="get">
<p><label>Token <input name="token" type="password" autocomplete="current-password" autofocus required></label>
<button>Open / Öffnen</button></p></form></html>
"""
_POLICY: Final = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class Entry:
    """Adds the check to an application."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._cookie = hmac.new(self._token, b"touchline page", hashlib.sha256).hexdigest()

    def add_to(self, app: web.Application) -> None:
        """Add the check before every route but the open ones."""
        app.middlewares.append(self._check)

    @web.middleware
    async def _check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_OPEN) or self._known(request):
            return await handler(request)
        if self._is_token(request.query.get("token", "")):
            return self._let_in(request)
        if "text/html" in request.headers.get("Accept", ""):
            return web.Response(
                status=401, text=_FORM, content_type="text/html", headers={"Content-Security-Policy": _POLICY}
            )
        return web.Response(
            status=401,
            text="touchline asks for its token here: send `Authorization: Bearer ...`\n",
            headers={"WWW-Authenticate": "Bearer"},
        )

    def _known(self, request: web.Request) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(given.strip()):
            return True
        return hmac.compare_digest(_bytes(request.cookies.get(COOKIE, "")), self._cookie.encode())

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(_bytes(given), self._token)

    def _let_in(self, request: web.Request) -> web.Response:
        """Go on without the token in the address, where it would stay in the browser's history."""
        query = {name: value for name, value in request.query.items() if name != "token"}
        response = web.Response(status=303, headers={"Location": str(request.rel_url.with_query(query))})
        encrypted = request.secure or request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(COOKIE, self._cookie, httponly=True, samesite="Strict", secure=encrypted, path="/")
        return response


def _bytes(text: str) -> bytes:
    """A header need not be UTF-8; one that is not is no token, and no error either."""
    return text.encode(errors="backslashreplace")
