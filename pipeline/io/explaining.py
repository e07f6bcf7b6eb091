"""`/contact?id=...`: one contact explained, on the page's own server. Contact ids are on it, customer ids are not."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

from aiohttp import web

from pipeline.answers import explain_page
from pipeline.answers.explanation import Explanation
from pipeline.answers.speech import Language
from pipeline.ports import WarehouseDown, WarehouseRefused

Explain = Callable[[str], Awaitable[Explanation | None]]


class ContactPage:
    """`pipeline.io.http.Routes`: the page of a contact, asked of `explain`."""

    def __init__(self, explain: Explain) -> None:
        self._explain = explain
        self._style = files("pipeline.io").joinpath("page", "contact.css").read_bytes()

    def add_to(self, app: web.Application) -> None:
        """The page and its style sheet."""
        app.router.add_get("/contact", self._page)
        app.router.add_get("/contact.css", self._styled)

    async def _styled(self, _: web.Request) -> web.StreamResponse:
        return web.Response(body=self._style, content_type="text/css", charset="utf-8")

    async def _page(self, request: web.Request) -> web.StreamResponse:
        lang = _language(request)
        contact_id = request.query.get("id", "").strip()
        if not contact_id:
            return _html(explain_page.said("ask", lang), 400)
        try:
            found = await self._explain(contact_id)
        except (WarehouseDown, WarehouseRefused) as error:
            return web.Response(status=503, text=f"The contact cannot be read now: {error}\n")
        if found is None:
            return _html(explain_page.said("none", lang), 404)
        return _html(explain_page.page(found, lang), 200)


def _html(text: str, status: int) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html")


def _language(request: web.Request) -> Language:
    """What the link says, else what the browser prefers."""
    wanted = request.query.get("lang") or str(request.headers.get("Accept-Language", ""))
    return "de" if wanted.lower().startswith("de") else "en"
