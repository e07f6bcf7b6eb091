"""A real headless Chromium for tests, driven by Playwright: Debian's, since Playwright's own is not downloaded."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from msgspec import Struct
from playwright.async_api import Browser, Page, async_playwright

READY = ".half .tiles"


class Watched(Struct):
    """A page, what its console complained about, and what it asked for."""

    page: Page
    problems: list[str] = []
    requested: list[str] = []


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser of its own; skips the test where none is installed."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(
    browser: Browser,
    url: str,
    width: int = 1366,
    height: int = 768,
    scheme: Literal["light", "dark"] = "light",
    ready: str = READY,
) -> AsyncIterator[Watched]:
    """A page at a size, once it shows something."""
    context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = await context.new_page()
    page.set_default_timeout(60_000)
    watched = Watched(page)
    page.on("pageerror", lambda error: watched.problems.append(str(error)))
    page.on("console", lambda said: watched.problems.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: watched.requested.append(request.url))
    try:
        await page.goto(url)
        await page.wait_for_selector(ready)
        yield watched
    finally:
        await context.close()
