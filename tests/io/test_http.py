"""What the process serves: page, metrics, health and live values; to whom, under which headers, and how it ends."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from pipeline.io.exposition import exposition
from pipeline.io.http import CannotListen, serve
from pipeline.live import Readiness, Summary, readiness, summarise
from pipeline.live.collect import collect
from pipeline.live.narrow import narrowed, narrowed_state
from pipeline.live.present import present
from tests.io.browser import browser
from tests.live.world import NOON, H, M, S, World
from tests.servers import free_ports

CATALOGUE = """
title: {de: Kundendienst, en: Customer service}
zone: Europe/Berlin
queues: {sales: {title: {de: Verkauf, en: Sales}}, billing: {}}
"""


class Told:
    """A state provider whose clock stands still and whose state a test changes."""

    def __init__(self) -> None:
        self.world = World(CATALOGUE)
        self.world.call("waits", NOON - 45 * S, customer_id="person-1")
        for n in range(12):
            self.world.call(f"c{n}", NOON - 10 * M - n * S, n * 3 * S, customer_id=f"person-{n}")
        self.world.say(NOON - 5 * H, "mail", "message.received", "email", queue="billing")
        self.world.fold()
        self.changes: dict[str, Any] = {}
        self.simulated = False
        self.asked = 0
        self.metrics = exposition(lambda: self.summary(0))

    def _partitions(self) -> Any:
        return [self.world.partition(engine, **self.changes) for engine in (*self.world.contacts, self.world.customers)]

    def summary(self, now_ms: int, queues: frozenset[str] = frozenset()) -> Summary:
        self.asked += 1
        state = self.world.state(self._partitions(), simulated=self.simulated)
        if not queues:
            return summarise(state, NOON)
        return present(narrowed([collect(narrowed_state(state, queues), NOON)], queues), state.rulebook, NOON)

    def ready(self) -> Readiness:
        return readiness(self._partitions())


@asynccontextmanager
async def served(told: Told) -> AsyncIterator[aiohttp.ClientSession]:
    (port,) = free_ports(1)
    runner = await serve(told, "127.0.0.1", port)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield session
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/words.js", "text/javascript"),
        ("/icon.svg", "image/svg+xml"),
        ("/metrics", "text/plain"),
        ("/live.json", "application/json"),
        ("/health/live", "application/json"),
        ("/health/ready", "application/json"),
    ],
)
async def test_every_path_answers_under_strict_headers(path: str, content_type: str) -> None:
    async with served(Told()) as session, session.get(path) as answer:
        assert (answer.status, answer.content_type) == (200, content_type)
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(await answer.read()) > 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_changed_over_http(method: str) -> None:
    async with served(Told()) as session:
        for path in ("/", "/metrics", "/live.json", "/live"):
            async with session.request(method, path) as answer:
                assert answer.status == 405


@pytest.mark.parametrize("path", ["/nothing", "/../pyproject.toml", "/page/../http.py", "/%2e%2e/http.py"])
async def test_there_is_nothing_else(path: str) -> None:
    async with served(Told()) as session, session.get(path) as answer:
        assert answer.status == 404


async def test_not_ready_says_which_partition_and_why() -> None:
    told = Told()
    told.changes = {"ready": False}
    async with served(told) as session:
        async with session.get("/health/ready") as answer:
            assert answer.status == 503
            assert await answer.json() == {
                "ready": False,
                "missing": [
                    {"partition": "touchpoints/0", "reason": "recovering"},
                    {"partition": "contact-facts/0", "reason": "recovering"},
                ],
            }
        async with session.get("/health/live") as answer:
            assert answer.status == 200
        async with session.get("/live.json") as answer:
            said = await answer.json()
            assert (said["live"], said["queues"]) == (False, [])


async def test_metrics_are_in_the_text_format() -> None:
    async with served(Told()) as session, session.get("/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'touchline_waiting_now{channel="phone",queue="sales"} 1.0' in await answer.text()


async def test_live_json_is_the_summary_without_customers() -> None:
    told = Told()
    async with served(told) as session, session.get("/live.json") as answer:
        body = await answer.read()
    summary = told.summary(NOON)
    assert msgspec.json.decode(body, type=Summary) == msgspec.structs.replace(summary, labelled=())
    assert b"person" not in body


async def test_the_stream_speaks_at_once_and_every_second_to_any_number_of_listeners() -> None:
    told = Told()
    async with served(told) as session:

        async def two() -> float:
            async with session.get("/live") as answer:
                assert answer.content_type == "text/event-stream"
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
                at = []
                async for line in answer.content:
                    if line.startswith(b"data: "):
                        assert json.loads(line[6:])["queues"][0]["queue"] == "sales"
                        at.append(asyncio.get_running_loop().time())
                    if len(at) == 2:
                        return at[1] - at[0]
            raise AssertionError("the stream ended")

        gaps = await asyncio.gather(*(two() for _ in range(5)))
    assert all(0.8 < gap < 2.0 for gap in gaps)
    assert told.asked <= 4


async def test_ending_the_server_ends_open_streams() -> None:
    (port,) = free_ports(1)
    runner = await serve(Told(), "127.0.0.1", port)
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/live") as answer:
        await answer.content.readline()
        async with asyncio.timeout(3):
            await runner.cleanup()
            await answer.read()


async def test_a_web_page_that_calls_itself_by_this_address_gets_nothing() -> None:
    async with served(Told()) as session:
        for host, status in (("evil.example", 421), ("localhost:8090", 200), ("[::1]:8090", 200), ("10.0.0.1", 421)):
            async with session.get("/live.json", headers={"Host": host}) as answer:
                assert answer.status == status, host


async def test_a_port_that_is_taken_is_told_in_one_sentence() -> None:
    (port,) = free_ports(1)
    runner = await serve(Told(), "127.0.0.1", port)
    try:
        with pytest.raises(CannotListen, match=rf"cannot listen on 127\.0\.0\.1:{port} .*--port"):
            await serve(Told(), "127.0.0.1", port)
    finally:
        await runner.cleanup()


# -- the page


def page(name: str) -> str:
    return files("pipeline.io").joinpath("page", name).read_text(encoding="utf-8")


def test_the_page_asks_nobody_else() -> None:
    for name in ("index.html", "page.css", "page.js", "words.js"):
        assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]", page(name)), name
        assert not re.search(r"\bon[a-z]+=|style=|javascript:|innerHTML|eval\(", page(name)), name


def test_everything_is_said_in_both_languages() -> None:
    german, english = page("words.js").split("\n  en: {")
    english = english.split("\n};")[0]

    def keys(text: str) -> set[str]:
        return set(re.findall(r"(?:^|[{,])\s*(\w+): [\"{]", text, re.MULTILINE)) - {"de"}

    assert keys(german) == keys(english)
    spoken = set(re.findall(r"say\(\"(\w+)", page("page.js")))
    assert spoken
    assert spoken <= keys(english)


NUMBERS = """(() => {
    const read = (half) => Object.fromEntries([...document.querySelectorAll(`section[aria-labelledby=${half}] .tile`)]
        .map((tile) => [tile.querySelector("h3").textContent, [...tile.querySelectorAll(".value")].map((v) => v.textContent)]));
    return {live: read("live"), deferred: read("deferred"), title: document.title, lang: document.documentElement.lang,
        rows: [...document.querySelectorAll("tbody th")].map((th) => th.textContent),
        demo: !document.getElementById("demo").hidden, why: document.getElementById("why").textContent,
        fits: document.documentElement.scrollWidth <= innerWidth};
})()"""  # noqa: E501


@pytest.mark.server
async def test_numbers_on_the_page_are_the_workers_at_every_size(tmp_path: Path) -> None:
    told = Told()
    told.simulated = True
    async with served(told) as session, browser(tmp_path / "browser") as tab:
        home = str(session._base_url)
        for width, height, dark in ((1920, 1080, False), (1366, 768, True), (390, 844, False)):
            await tab.open(f"{home}?lang=de", width, height, dark=dark)
            await tab.until("document.querySelectorAll('tbody tr').length === 2")
            shown = await tab.ask(NUMBERS)
            assert shown["title"] == "▲ Eine Person wartet zu lange, Verkauf: 45\u00a0s."
            assert shown["live"]["Warten jetzt"] == ["1"]
            assert shown["live"]["Längste Wartezeit"] == ["45\u00a0s"]
            assert shown["live"]["Servicelevel"] == ["53,8\u00a0%", "53,8\u00a0%"]
            assert shown["deferred"]["Unbeantwortet"] == ["1"]
            assert shown["deferred"]["Älteste Nachricht"] == ["5:00\u00a0h"]
            assert shown["rows"] == ["Verkauf Telefon", "billing E-Mail"]
            assert (shown["lang"], shown["demo"], shown["fits"]) == ("de", True, True)
        assert tab.problems == []
        assert all(url.startswith(home) for url in tab.requested)


@pytest.mark.server
async def test_the_page_has_an_honest_face(tmp_path: Path) -> None:
    told = Told()
    (port,) = free_ports(1)
    runner = await serve(told, "127.0.0.1", port)
    try:
        async with browser(tmp_path / "browser") as tab:
            await tab.open(f"http://127.0.0.1:{port}/?lang=en", 1366, 768)
            await tab.until("document.querySelectorAll('tbody tr').length === 2")
            told.changes = {"warehouse_up": False}
            await tab.until("document.getElementById('why').textContent.startsWith('The database cannot be reached')")
            told.changes = {"ready": False}
            await tab.until("document.querySelectorAll('tbody tr').length === 0")
            shown = await tab.ask(NUMBERS)
            assert shown["title"] == "… No numbers yet: the state is being recovered."
            assert "touchpoints/0: is being recovered" in shown["why"]
            told.changes = {}
            await tab.until("document.querySelectorAll('tbody tr').length === 2")
            await runner.cleanup()
            await tab.until("document.title.startsWith('✕ No connection')")
            runner = await serve(told, "127.0.0.1", port)
            await tab.until("document.title.startsWith('▲')")
    finally:
        await runner.cleanup()
