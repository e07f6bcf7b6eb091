"""The token of page and metrics: programs send it, people type it once, health checks need none."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from pipeline.io.entry import Entry
from tests.app.command import sentence, touchline
from tests.servers import free_ports

TOKEN = "a-token-of-the-wall"


async def said(request: web.Request) -> web.Response:
    return web.Response(text=f"here is {request.path_qs}")


@asynccontextmanager
async def served() -> AsyncIterator[aiohttp.ClientSession]:
    app = web.Application()
    Entry(TOKEN).add_to(app)
    app.router.add_get("/{tail:.*}", said)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}", cookie_jar=jar) as session:
            yield session
    finally:
        await runner.cleanup()


async def status(session: aiohttp.ClientSession, path: str, headers: Mapping[str, str] | None = None) -> int:
    async with session.get(path, headers=headers, allow_redirects=False) as response:
        return response.status


@pytest.mark.parametrize("path", ["/", "/metrics", "/live", "/live.json", "/contact?id=1", "/v2", "/healthy"])
async def test_without_the_token_there_is_nothing(path: str) -> None:
    async with served() as session:
        assert await status(session, path) == 401
        for wrong in (f"Basic {TOKEN}", "Bearer ", "Bearer wrong", TOKEN):
            assert await status(session, path, {"Authorization": wrong}) == 401
        for unreadable in ("%FF", "%ED%A0%80", "%00"):
            assert await status(session, f"{path}{'&' if '?' in path else '?'}token={unreadable}") == 401
        assert await status(session, path, {"Authorization": f"Bearer {TOKEN}"}) == 200
        assert await status(session, path, {"Cookie": f"touchline={TOKEN}"}) == 401


@pytest.mark.parametrize("path", ["/health/ready", "/health/live", "/v1/touchpoints", "/v1/public/wait"])
async def test_health_checks_and_intake_need_none(path: str) -> None:
    async with served() as session:
        assert await status(session, path) == 200


async def test_a_browser_is_asked_once_and_the_token_does_not_stay_in_the_address() -> None:
    async with served() as session:
        async with session.get("/?wall=1", headers={"Accept": "text/html"}) as asked:
            assert asked.status == 401
            assert 'type="password"' in await asked.text()
            assert "form-action 'self'" in asked.headers["Content-Security-Policy"]
        async with session.get(f"/?wall=1&token={TOKEN}") as opened:
            assert opened.status == 200
            assert await opened.text() == "here is /?wall=1"
        assert await status(session, "/metrics") == 200
        (cookie,) = session.cookie_jar
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert TOKEN not in cookie.value


def test_open_to_other_machines_without_a_token_is_refused(tmp_path: Path) -> None:
    done = touchline("run", "--host", "0.0.0.0", "--port", "0", "--data", str(tmp_path))  # noqa: S104  (the point)
    assert "set TOUCHLINE_TOKEN" in sentence(done)
