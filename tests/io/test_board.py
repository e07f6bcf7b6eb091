"""The live page in a real browser: it shows the worker's numbers at every size, explains them, and is honest."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from msgspec import to_builtins
from playwright.async_api import Browser, Page

from pipeline.io.board import Telling
from pipeline.io.http import serve
from pipeline.live.summary import QueueRow, Summary, Total
from tests.io.browser import READY, chromium, opened
from tests.io.told import Beside, Told, busy, served
from tests.live.world import NOON, M, S
from tests.servers import free_ports

pytestmark = [pytest.mark.server, pytest.mark.asyncio(loop_scope="module")]

IDS = ("waits", "served", "promised", "mail", "letter")
CHECKS = Path(__file__).with_name("checks.js").read_text(encoding="utf-8")
SPACE = "\u00a0"
NONE = "\u2013"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


async def until(page: Page, expression: str) -> None:
    """Wait until it is true. Playwright's own way needs `eval`, which the page's policy forbids."""
    async with asyncio.timeout(60):
        while not await page.evaluate(expression):  # noqa: ASYNC110  (the page cannot wake us)
            await asyncio.sleep(0.05)


async def check(page: Page, name: str, argument: str = "") -> Any:
    """One of the functions of checks.js."""
    return await page.evaluate(f"({CHECKS}).{name}({argument!r})")


# ---- numbers


def written(name: str, value: Any, lang: str) -> str:
    """A number as a reader of the language expects it."""
    if value is None:
        return NONE
    if isinstance(value, float):
        text = f"{100 * value:.1f}"
        return f"{text.replace('.', ',')}{SPACE}%" if lang == "de" else f"{text}%"
    if not name.endswith("_ms"):
        return f"{value:,}".replace(",", "." if lang == "de" else ",")
    seconds = value // 1_000
    if seconds < 60:
        return f"{seconds}{SPACE}s"
    if seconds < 3_600:
        return f"{seconds // 60}:{seconds % 60:02}{SPACE}min"
    minutes = seconds // 60
    return f"{minutes // 60}:{minutes % 60:02}{SPACE}h"


def expected(summary: Summary, shown: dict[str, str], lang: str) -> str | None:
    """What the button has to say by the worker's numbers; None for targets, which are no numbers of it."""
    rows: list[QueueRow | Total] = [*summary.totals, *summary.by_queue, *summary.queues]
    (row,) = [
        row
        for row in rows
        if row.kind == shown["kind"]
        and getattr(row, "queue", None) == shown.get("queue")
        and (getattr(row, "channel", "") or None) == (shown.get("channel") or None)
    ]
    name, numbers = shown["number"], row.numbers
    if name in {"wait_target_ms", "response_target"}:
        return None
    if name.startswith("fcr"):
        fcr = numbers.fcr_provisional if name == "fcr_provisional" else numbers.fcr_confirmed
        return written(name, None if fcr is None else fcr.ratio, lang)
    if name == "longest_wait_ms" and not numbers.waiting_now:
        return NONE
    if name == "oldest_unanswered_ms" and not numbers.unanswered_now:
        return NONE
    if name == "service_level":
        window = numbers.recent if shown["period"] == "recent" else numbers.today
        return written(name, window.service_levels[summary.headline_service_level], lang)
    source = {"recent": numbers.recent, "today": numbers.today}.get(shown["period"], numbers)
    return written(name, getattr(source, name), lang)


@pytest.mark.parametrize(
    ("width", "height", "scheme", "lang", "path"),
    [
        (1920, 1080, "light", "de", "/?wall=1&lang=de"),
        (1366, 768, "dark", "en", "/?lang=en"),
        (1366, 768, "light", "de", "/?lang=de&by=channel"),
        (390, 844, "light", "de", "/?lang=de"),
    ],
)
async def test_numbers_are_the_workers_at_every_size(
    browser: Browser, width: int, height: int, scheme: Any, lang: str, path: str
) -> None:
    told = Told()
    async with served(told) as session:
        base = str(session._base_url).rstrip("/")
        async with opened(browser, base + path, width, height, scheme) as watched:
            page = watched.page
            shown = await check(page, "numbers")
            summary = told.summary(NOON)
            assert len(shown) >= 40
            for each in shown:
                wanted = expected(summary, each, lang)
                assert wanted is None or each["text"] == wanted, each
            assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            assert await check(page, "cut") == []
            assert await page.evaluate("document.documentElement.lang") == lang
    assert watched.problems == []
    assert {url for url in watched.requested if not url.startswith(base)} == set()


async def test_a_tile_names_its_target_its_period_and_last_week(browser: Browser) -> None:
    told = Told()
    async with served(told) as session, opened(browser, f"{session._base_url}?lang=de") as watched:
        tiles = await check(watched.page, "tiles", "live")
    assert list(tiles) == [
        "Warten jetzt",
        "Längste Wartezeit",
        "Servicelevel",
        "Beim Erstkontakt gelöst",
        "Zusagen überfällig",
    ]
    assert "jetzt" in tiles["Warten jetzt"]
    assert "▲ 1 über dem Ziel" in tiles["Warten jetzt"]
    assert "Mi 11.3. 12:00: 3" in tiles["Warten jetzt"]
    assert "▲ Ziel 20\u00a0s" in tiles["Längste Wartezeit"]
    assert "Mi 11.3. 12:00: 1:01\u00a0min" in tiles["Längste Wartezeit"]
    for part in ("letzte 30 min", "heute seit 0 Uhr", "Ziel 80\u00a0%", "Mi 11.3. bis 12:00: 80,0\u00a0%"):
        assert part in tiles["Servicelevel"]
    for part in ("vorläufig", "bestätigt", "Abschlüsse von je 7 Tagen", "Mi 11.3. 12:00: 80,0\u00a0%"):
        assert part in tiles["Beim Erstkontakt gelöst"]
    assert "▲ Ziel: keine" in tiles["Zusagen überfällig"]


async def test_lists_say_what_to_do_next_and_link_the_contact(browser: Browser) -> None:
    async with served(Told()) as session, opened(browser, f"{session._base_url}?lang=en") as watched:
        lists = await check(watched.page, "lists")
        links = await watched.page.evaluate("[...document.querySelectorAll('.list a')].map((a) => a.href)")
    assert lists["live-beyond"] == [["Sales Phone", "11:59 · 45\u00a0s", "▲ +25\u00a0s", "waits", "answer"]]
    assert lists["live-promises"][0][3:] == ["promised", "keep it or say no"]
    assert "callback" in lists["live-promises"][0][0]
    assert [row[3] for row in lists["deferred-open"]] == ["mail", "letter"]
    assert [row[3:] for row in lists["deferred-soon"]] == [["letter", "reply"]]
    assert any(link.endswith("/contact?id=waits&lang=en") for link in links)


# ---- the wall


async def test_a_wall_shows_all_at_once_and_no_ids(browser: Browser) -> None:
    world = busy()
    for n in range(25):
        world.call(f"more-{n}", NOON - 5 * M - n * S, queue=f"queue-{n}")
        world.say(NOON - 6 * M, f"text-{n}", "message.received", "email", queue=f"queue-{n}")
    world.fold()
    async with served(Told(world)) as session, opened(browser, f"{session._base_url}?wall=1", 1920, 1080) as watched:
        page = watched.page
        assert await check(page, "fits")
        queues = await check(page, "queues", "live")
        assert 3 <= len(queues) < 26
        assert f"and {26 - len(queues)} more" in await page.inner_text("section[aria-labelledby=live] .scroll")
        assert queues[0].startswith("queue-"), "those that wait longest first"
        text = await page.inner_text("body")
        assert not re.search(rf"\b(more-\d+|text-\d+|{'|'.join(IDS)})\b", text)
        assert await page.locator("a[href^='/contact']").count() == 0


async def test_a_wall_of_one_queue_shows_that_queue(browser: Browser) -> None:
    address = "?wall=1&queue=billing&lang=de"
    async with served(Told()) as session, opened(browser, f"{session._base_url}{address}", 1920, 1080) as watched:
        page = watched.page
        assert "nur billing" in await page.inner_text(".brand")
        assert await check(page, "queues", "deferred") == ["billing"]
        assert await page.locator(".half").count() == 1
        assert await page.title() == "▲ Eine Nachricht wartet zu lange auf Antwort."


# ---- what a number is


async def test_every_number_says_what_it_is_by_mouse_and_by_keyboard(browser: Browser) -> None:
    async with served(Told()) as session, opened(browser, f"{session._base_url}?lang=en") as watched:
        page = watched.page
        await until(page, "document.querySelector('button[data-number=service_level][data-period=today]')")
        await page.click("section[aria-labelledby=live] .tile button[data-number=service_level][data-period=today]")
        told = await page.inner_text("#about")
        for part in (
            "Service level",
            "sl_net:",
            "answered_in_target",
            "abandoned_short",
            "undecided",
            "touchline.measures_day",
            "channel IN ('phone', 'chat'",
        ):
            assert part in told
        parts = await check(page, "parts")
        assert parts[0].endswith("answered_in_target 7")
        assert parts[1].endswith("offered 15")
        assert parts[-1].endswith("undecided 1")
        await page.keyboard.press("Escape")
        assert not await page.evaluate("document.getElementById('about').open")

        await page.focus(".queues[data-roving=live] button.num")
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Enter")
        told = await page.inner_text("#about")
        assert "Longest wait now" in told
        assert "queue = 'sales'" in told
        await page.keyboard.press("Escape")
        focused = await check(page, "focused")
        assert (focused["number"], focused["queue"]) == ("longest_wait_ms", "sales")
        await page.wait_for_timeout(1_200)
        assert await check(page, "focused") == focused, "a second later, too"
        assert set(await check(page, "stops")) == {1}
    assert watched.problems == []


async def test_numbers_within_sentences_are_the_workers_too(browser: Browser) -> None:
    told = Told()
    async with served(told) as session, opened(browser, f"{session._base_url}?lang=en") as watched:
        found = await check(watched.page, "sentences")
    numbers = {total.kind: total.numbers for total in told.summary(NOON).totals}
    words = {(kind, name): text for kind, name, text in found}
    for (kind, name), text in words.items():
        if name.endswith("_now") or name == "promises_due_soon":
            value = getattr(numbers[kind], name)
            assert str(value) in text or (value == 0 and re.match("no", text)), (kind, name, text)
    assert words["live", "overdue_now"] == "1 beyond target"
    assert words["deferred", "unanswered_overdue_now"] == "1 beyond target"
    assert words["live", "waiting_age_p50_ms"].startswith("half below")
    assert "1 waits within target still" in words["live", "undecided"]


async def test_there_is_a_definition_of_every_number_shown(browser: Browser) -> None:
    told = Told()
    known = Beside(told).definitions("de").numbers
    async with served(told) as session, opened(browser, f"{session._base_url}?lang=de") as watched:
        shown = {each["number"] for each in await check(watched.page, "numbers")}
        shown |= {name for _, name, _ in await check(watched.page, "sentences")}
    assert shown - set(known) == set()
    assert all(part.name in known for each in known.values() for part in (*each.above, *each.below))


# ---- an honest face


async def test_the_page_has_an_honest_face(browser: Browser) -> None:
    told = Told()
    told.simulated = True
    beside = Beside(told)
    (port,) = free_ports(1)
    runner = await serve(told, "127.0.0.1", port, aside=beside)
    try:
        async with opened(browser, f"http://127.0.0.1:{port}/?lang=en") as watched:
            page = watched.page
            title = "document.title.startsWith({})"
            assert await page.title() == "▲ One person has waited too long, Sales: 45\u00a0s."
            assert (await page.inner_text("#demo")) == "DEMO made-up data"
            beside.told = Telling(2, 8, {"de": "Es fällt aus.", "en": "It fails."})
            await until(page, "document.getElementById('demo').innerText === 'DEMO act 2 of 8: It fails.'")
            told.changes = {"warehouse_up": False}
            await until(page, "document.getElementById('why').innerText.startsWith('The database cannot be reached')")
            told.changes = {"ready": False}
            await until(page, "document.querySelectorAll('tbody tr').length === 0")
            assert await page.title() == "… No numbers yet: the state is being recovered."
            assert await page.inner_text("#why") == "2 partitions: being recovered"
            told.changes = {}
            told.expected = ["touchpoints/0", "touchpoints/1", "contact-facts/0"]
            await page.wait_for_selector(READY)
            assert "Incomplete: 2 of 3 partitions are there." in await page.inner_text("#verdict")
            assert "2 of 3 partitions" in await page.inner_text("footer")
            assert "◐ incomplete" in await page.inner_text(".queues tbody tr")
            told.expected = []
            await runner.cleanup()
            await until(page, title.format("'✕ No connection'"))
            runner = await serve(told, "127.0.0.1", port, aside=beside)
            await until(page, title.format("'▲'"))
    finally:
        await runner.cleanup()


async def test_a_choice_of_which_nothing_is_known_says_so(browser: Browser) -> None:
    async with (
        served(Told()) as session,
        opened(browser, f"{session._base_url}?lang=en&queue=nobody", ready="#verdict[data-state=wait]") as watched,
    ):
        await until(watched.page, "document.title === '… Nothing is known of this choice.'")


async def test_what_is_replayed_from_long_ago_is_no_alarm(browser: Browser) -> None:
    told = Told()
    told.changes = {"marker": _later(told)}
    async with served(told) as session, opened(browser, f"{session._base_url}?lang=en") as watched:
        assert (await watched.page.title()).startswith("… Reading what happened before: has come to")


def _later(told: Told) -> Any:
    """The marker of a partition whose newest record happened hours before it was appended."""
    marker = to_builtins(told.world.contacts[0].marker)
    return type(told.world.contacts[0].marker)(**{**marker, "append_ms": marker["watermark_ms"] + 3_600_000})


# ---- for everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_it(browser: Browser, scheme: Any) -> None:
    async with served(Told()) as session, opened(browser, f"{session._base_url}?lang=de", scheme=scheme) as watched:
        page = watched.page
        assert await check(page, "faint") == []
        assert await check(page, "outline") == {
            "landmarks": [1, 1, 1, 1],
            "headings": 1,
            "announced": 1,
            **dict.fromkeys(("tables", "sections", "buttons", "plots", "ids", "states"), True),
        }
        assert await page.inner_text("#said") == "Eine Person wartet zu lange, Verkauf: 45\u00a0s."
        await page.keyboard.press("Tab")
        assert await check(page, "outlineOfFocus") == ["solid", 3]


async def test_the_language_is_that_of_the_address_else_of_the_browser(browser: Browser) -> None:
    async with served(Told()) as session:
        base = str(session._base_url)
        for locale, path, said in (("de-AT", "", "wartet"), ("fr-FR", "", "waited"), ("de-DE", "?lang=en", "waited")):
            context = await browser.new_context(locale=locale)
            page = await context.new_page()
            await page.goto(base + path)
            await page.wait_for_selector(READY)
            assert said in await page.inner_text("h1")
            await context.close()
