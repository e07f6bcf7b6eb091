"""What the process serves: page, metrics, health and live values; to whom, under which headers, and how it ends."""

import asyncio
import json
import re
from importlib.resources import files

import aiohttp
import msgspec
import pytest

from pipeline.answers.numbers import Definitions, definitions
from pipeline.answers.speech import Language
from pipeline.io.board import MOST_CHOICES, Telling
from pipeline.io.http import CannotListen, serve
from tests.io.told import Beside, Told, served, summary_of
from tests.live.world import NOON
from tests.servers import free_ports


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html"),
        ("/page.css", "text/css"),
        ("/page.js", "text/javascript"),
        ("/words.js", "text/javascript"),
        ("/board.js", "text/javascript"),
        ("/about.js", "text/javascript"),
        ("/plot.js", "text/javascript"),
        ("/tree.js", "text/javascript"),
        ("/verdict.js", "text/javascript"),
        ("/past.json", "application/json"),
        ("/definitions.json", "application/json"),
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
        assert 'touchline_waiting_now{channel="phone",queue="sales"} 2.0' in await answer.text()


async def test_live_json_is_the_summary_without_customers() -> None:
    told = Told()
    async with served(told) as session, session.get("/live.json") as answer:
        body = await answer.read()
    summary = told.summary(NOON)
    assert summary_of(body) == msgspec.structs.replace(summary, labelled=())
    assert b"person" not in body


async def test_queues_that_are_named_are_all_there_is() -> None:
    told = Told()
    async with served(told) as session:
        async with session.get("/live.json", params={"queue": "billing"}) as answer:
            narrow = summary_of(await answer.read())
        async with session.get("/live.json", params=[("queue", "billing"), ("queue", "sales")]) as answer:
            both = summary_of(await answer.read())
        async with session.get("/live.json", params={"queue": "nobody knows"}) as answer:
            none = summary_of(await answer.read())
        async with session.get("/past.json", params={"queue": "billing"}) as answer:
            assert (await answer.json())["kinds"] == []
    assert {row.queue for row in narrow.queues} == {"billing"}
    assert [case.contact_id for case in narrow.cases.unanswered] == ["mail"]
    assert narrow.cases.beyond_target == ()
    assert (narrow.totals[0].numbers.unanswered_now, narrow.totals[0].kind) == (1, "deferred")
    assert {row.queue for row in both.queues} == {"billing", "sales"}
    assert (none.live, none.queues, none.totals) == (True, (), ())


async def test_no_number_of_choices_makes_the_process_grow() -> None:
    told = Told()
    async with served(told) as session:
        for n in range(MOST_CHOICES + 3):
            async with session.get("/live.json", params={"queue": f"q{n}"}) as answer:
                assert answer.status == 200
        asked = told.asked
        async with session.get("/live.json", params={"queue": f"q{MOST_CHOICES + 2}"}):
            assert told.asked == asked, "known still"
        async with session.get("/live.json", params={"queue": "q0"}):
            assert told.asked == asked + 1, "the oldest was given up"


async def test_definitions_come_in_both_languages_from_the_declarations() -> None:
    told = Told()
    async with served(told) as session:
        for lang, title in (("de", "Warten jetzt"), ("en", "Waiting now"), ("fr", "Waiting now")):
            async with session.get("/definitions.json", params={"lang": lang}) as answer:
                said = msgspec.json.decode(await answer.read(), type=Definitions)
                assert said.numbers["waiting_now"].title == title
                language: Language = "de" if lang == "de" else "en"
                assert said == definitions(told.world.rulebook.catalogue, language)


async def test_the_stream_tells_the_past_and_the_story_once_and_again_when_they_change() -> None:
    told = Told()
    beside = Beside(told)
    async with served(told, beside) as session, session.get("/live") as answer:

        async def until(events: int) -> list[str]:
            found: list[str] = []
            while found.count("data") < events:
                line = (await answer.content.readline()).decode()
                if line.startswith("event: "):
                    found.append(line[7:-1])
                elif line.startswith('data: {"now_ms"'):
                    found.append("data")
            return found

        assert await until(2) == ["past", "data", "data"]
        beside.told = Telling(1, 8, {"de": "Es beginnt.", "en": "It begins."})
        assert await until(2) in (["telling", "data", "data"], ["data", "telling", "data"])
        beside.version += 1
        assert await until(2) in (["past", "data", "data"], ["data", "past", "data"])


async def test_the_stream_speaks_at_once_and_every_second_to_any_number_of_listeners() -> None:
    told = Told()
    async with served(told) as session:

        async def two() -> float:
            async with session.get("/live") as answer:
                assert answer.content_type == "text/event-stream"
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
                at = []
                async for line in answer.content:
                    if line.startswith(b'data: {"now_ms"'):
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


SCRIPTS = ("page.js", "board.js", "about.js", "plot.js", "tree.js", "verdict.js", "words.js")


def test_the_page_asks_nobody_else() -> None:
    for name in (*SCRIPTS, "index.html", "page.css"):
        said = page(name).replace('"http://www.w3.org/2000/svg"', "")
        assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]", said), name
        assert not re.search(r"\bon[a-z]+=|style=|javascript:|innerHTML|eval\(", said), name


def test_everything_is_said_in_both_languages() -> None:
    german, english = page("words.js").split("\n  en: {")
    english = english.split("\n};")[0]

    def keys(text: str) -> set[str]:
        return set(re.findall(r"(?:^|[{,])\s*(\w+): [\"{]", text, re.MULTILINE)) - {"de"}

    assert keys(german) == keys(english)
    spoken = set(re.findall(r"say\(\"(\w+)", "".join(map(page, SCRIPTS))))
    assert "waitingNow" in spoken
    assert spoken <= keys(english)
