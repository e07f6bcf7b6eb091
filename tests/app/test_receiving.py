"""What an answer to a sender means in the whole pipeline: 202 is for what is stored, also where a partition stopped."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pipeline.app import App
from pipeline.app.catalogues import choose
from pipeline.app.receiving import Receiver
from pipeline.cli.serve import pipeline_of
from pipeline.core.murmur import partition_of
from pipeline.ports import LogError
from pipeline.settings import Settings
from schemas.topics import TOUCHPOINTS
from schemas.touchpoint import Requested, Touchpoint
from tests.strategies import BEGIN

pytestmark = pytest.mark.process


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    settings = Settings(data=tmp_path / "data")
    async with pipeline_of(settings, choose(settings)) as found:
        await found.start()
        try:
            await found.until_ready()
            yield found
        finally:
            await found.stop()


def touch(contact_id: str) -> Touchpoint:
    return Requested(id="1", time=BEGIN, contact_id=contact_id, channel="phone")


async def stored(app: App) -> set[str]:
    return {
        key for (key,) in await app.warehouse.query("SELECT key FROM touchline_internal.ledger FINAL WHERE kind = 2")
    }


async def test_what_a_stopped_partition_would_not_count_is_not_accepted_and_all_else_is(app: App) -> None:
    partitions = await app.log.partitions(TOUCHPOINTS)
    ids = [f"c-{n}" for n in range(40)]
    of = {each: partition_of(each.encode(), partitions) for each in ids}
    before, behind, beside = (
        ids[0],
        [each for each in ids if of[each] == of[ids[0]]][1],
        next(each for each in ids if of[each] != of[ids[0]]),
    )
    receiver = Receiver(app)
    await receiver.take([touch(before)], [])
    app.foldings[f"{TOUCHPOINTS}/{of[before]}"].stopped_because = "too many rejects"
    with pytest.raises(LogError, match="too many rejects"):
        await receiver.take([touch(behind)], [])
    await receiver.take([touch(beside)], [])
    assert app.intake is not None
    app.intake.stopped["touchline.raw/0"] = "too many rejects of raw records"
    await receiver.take([touch(next(each for each in ids if of[each] == of[beside] and each != beside))], [])
    assert {before, beside} < await stored(app)
    assert behind not in await stored(app)
