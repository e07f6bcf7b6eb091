"""A real headless Chromium for tests, driven over its debugging socket: open a page, ask it something."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--remote-debugging-port=0",
)  # fmt: skip


class Tab:
    """One page. `problems`: what the console complained about, and every exception."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._n = 0
        self.problems: list[str] = []
        self.requested: list[str] = []

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the debugging protocol; notes events that come in meanwhile."""
        self._n += 1
        await self._socket.send_json({"id": self._n, "method": method, "params": parameters})
        while True:
            said = await self._socket.receive_json(timeout=30)
            if said.get("id") == self._n:
                assert "error" not in said, said
                return dict(said["result"])
            if said.get("method") in {"Runtime.exceptionThrown", "Log.entryAdded"}:
                self.problems.append(str(said["params"]))
            elif said.get("method") == "Network.requestWillBeSent":
                self.requested.append(said["params"]["request"]["url"])

    async def open(self, url: str, width: int, height: int, *, dark: bool = False) -> None:
        """Show a page at a size."""
        for domain in ("Runtime", "Log", "Page", "Network"):
            await self.call(f"{domain}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = "dark" if dark else "light"
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        await self.call("Page.navigate", url=url)

    async def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, expression: str, seconds: float = 20.0) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(seconds):
            while not await self.ask(expression):  # noqa: ASYNC110 -- the page cannot wake us
                await asyncio.sleep(0.05)


@asynccontextmanager
async def browser(home: Path) -> AsyncIterator[Tab]:
    """A tab of a browser of its own; skips the test where none is installed."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no chromium on this machine (Debian: apt-get install chromium)")
    process = await asyncio.create_subprocess_exec(
        chromium,
        *_FLAGS,
        f"--user-data-dir={home}",
        "about:blank",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port = await _port(home / "DevToolsActivePort")
        async with (
            aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
            session.put("/json/new?about:blank") as answer,
            session.ws_connect((await answer.json())["webSocketDebuggerUrl"], max_msg_size=0) as socket,
        ):
            yield Tab(socket)
    finally:
        process.terminate()
        await process.wait()


async def _port(path: Path) -> int:
    async with asyncio.timeout(30):
        while True:
            if path.exists() and "\n" in (text := path.read_text()):  # noqa: ASYNC240 -- a tiny local file
                return int(text.split()[0])
            await asyncio.sleep(0.05)
