"""The page of a contact: found, not found, not asked for, not readable; in the language of the link or the browser."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from pipeline.answers.explanation import Explanation
from pipeline.io.explaining import ContactPage
from pipeline.ports import WarehouseDown
from tests.answers.test_explain import story
from tests.measures.scenes import contact


async def explain(contact_id: str) -> Explanation | None:
    if contact_id == "down":
        raise WarehouseDown("ClickHouse does not answer")
    return story(contact(("contact.queued", 0, {"queue": "q"}), customer_id="k-1", name="a")).get(contact_id)


@pytest.mark.parametrize(
    ("path", "accept", "status", "part"),
    [
        ("/contact?id=a", "en-GB,en", 200, '<html lang="en">'),
        ("/contact?id=a", "de-AT,de;q=0.9", 200, '<html lang="de">'),
        ("/contact?id=a&lang=en", "de", 200, '<html lang="en">'),
        ("/contact?id=nobody", "", 404, "There is no contact of this id."),
        ("/contact?id=nobody&lang=de", "", 404, "Einen Kontakt mit dieser Nummer gibt es nicht."),
        ("/contact", "", 400, "Give the id of a contact"),
        ("/contact?id=down", "", 503, "The contact cannot be read now: ClickHouse does not answer"),
        ("/contact.css", "", 200, ".contact"),
    ],
)
async def test_every_question_has_its_answer(path: str, accept: str, status: int, part: str) -> None:
    app = web.Application()
    ContactPage(explain).add_to(app)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get(path, headers={"Accept-Language": accept})
        text = await answer.text()
    assert answer.status == status
    assert part in text
    assert "k-1" not in text
