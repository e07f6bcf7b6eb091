"""Erasing a customer through the whole pipeline: gone from state and contacts, and gone however often it is sent."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.app import App
from pipeline.app.catalogues import choose
from pipeline.app.erasing import Here, erase
from pipeline.app.receiving import Receiver
from pipeline.cli.serve import pipeline_of
from pipeline.io.erasing import naming
from pipeline.settings import Settings
from schemas.codec import decode
from schemas.rejects import Reject
from schemas.touchpoint import Touchpoint
from tests.app.command import replay, rows, running, sentence, touchline, write
from tests.strategies import generate

NAME = "somebody who is to be erased"


def stream() -> list[dict[str, Any]]:
    made = generate(11, 80)
    named = [each["customer_id"] for each in made if each.get("customer_id")]
    frequent = max(sorted(set(named)), key=named.count)
    return [{**each, "customer_id": NAME} if each.get("customer_id") == frequent else each for each in made]


def named(data: Path) -> int:
    """Rows of any table in which the customer's name stands, physically, but for farewells."""
    return sum(
        int(rows(f"SELECT count() AS n FROM touchline_internal.{table} WHERE {where}", data)[0]["n"])
        for table, where in (
            ("contacts", f"customer_id = '{NAME}'"),
            ("ledger", f"kind = 2 AND position(state, '{NAME}') > 0"),
            ("dead_letters", f"position(value, '{NAME}') > 0"),
            ("resolutions", f"customer_id = '{NAME}' AND held = 1"),
        )
    )


@pytest.mark.process
@pytest.mark.parametrize("while_running", [False, True], ids=["on a folder", "in a running process"])
def test_an_erased_customer_is_gone_and_stays_gone(tmp_path: Path, *, while_running: bool) -> None:
    data, file = tmp_path / "data", tmp_path / "stream.jsonl"
    sent = stream()
    write(file, sent)
    file.write_bytes(file.read_bytes() + json.dumps({"id": NAME}).encode() + b"\n")
    contacts = {each["contact_id"] for each in sent if each.get("customer_id") == NAME}
    replay(file, data=data)
    assert named(data) > 0
    before = rows("SELECT sum(requested) AS n, sum(offered) AS m FROM touchline.measures", data)

    def erase() -> dict[str, Any]:
        done = touchline("erase", NAME, "--yes", "--json", "--data", str(data))
        assert done.returncode == 0, done.stderr
        receipt: dict[str, Any] = json.loads(done.stdout)
        return receipt

    if while_running:
        with running("run", data=data):
            receipt = erase()
    else:
        receipt = erase()
    assert (receipt["contacts"], receipt["left"]) == (len(contacts), 0)
    assert named(data) == 0
    write(file, sent)
    again = replay(file, data=data)
    assert again["applied"] == 0
    assert named(data) == 0
    assert rows("SELECT sum(requested) AS n, sum(offered) AS m FROM touchline.measures", data) == before
    audit = touchline("audit", "--data", str(data))
    assert audit.returncode == 0, audit.stdout
    (kept,) = rows("SELECT receipt, contacts FROM touchline_internal.erasures FINAL", data)
    assert (kept["receipt"], int(kept["contacts"])) == (receipt["receipt"], len(contacts))


@pytest.mark.process
async def test_who_is_erased_while_they_call_on_and_on_is_gone_and_stays_gone(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    values = [json.dumps(each).encode() for each in stream()]
    half = len(values) // 2

    async def feed(app: App, *, goes_on: asyncio.Event) -> None:
        receiver = Receiver(app)
        for start in range(0, len(values), 80):
            await app.feed(values[start : start + 40])
            await receiver.take([known(value) for value in values[start + 40 : start + 80]], [])
            if start >= half:
                goes_on.set()
            await asyncio.sleep(0)

    async def until_stored(app: App) -> None:
        async with asyncio.timeout(120):
            while not await app.drained():  # noqa: ASYNC110 - there is no event for it
                await asyncio.sleep(0.05)

    async with pipeline_of(settings, choose(settings)) as app:
        await app.start()
        try:
            await app.until_ready()
            goes_on = asyncio.Event()
            feeding = asyncio.create_task(feed(app, goes_on=goes_on))
            await goes_on.wait()
            assert not feeding.done()
            receipt = await erase(Here(app), NAME)
            await feeding
            assert (receipt.contacts > 0, receipt.left) == (True, 0)
            await until_stored(app)
            assert await naming(app.warehouse, NAME) == []
            await feed(app, goes_on=goes_on)
            await until_stored(app)
            assert await naming(app.warehouse, NAME) == []
        finally:
            await app.stop()
    assert named(tmp_path / "data") == 0
    audit = touchline("audit", "--data", str(tmp_path / "data"))
    assert audit.returncode == 0, audit.stdout


def known(value: bytes) -> Touchpoint:
    found = decode(value)
    assert not isinstance(found, Reject)
    return found


def test_nothing_is_erased_without_a_yes_or_an_id(tmp_path: Path) -> None:
    assert "the ID is empty" in sentence(touchline("erase", " ", "--yes", "--data", str(tmp_path)))
    assert touchline("erase", "k", "--data", str(tmp_path)).returncode != 0
