"""Bad inputs 41 to 64: touchpoints that are odd. Each is either named with its reason, or accepted and counted in a
defined way, in any order.
"""

import itertools
import pickle
from typing import Any

import msgspec
import pytest

from agents.intake import Intake as FromKafka
from pipeline.core.poison import Limits
from pipeline.core.privacy import Privacy
from pipeline.ports import Batch, Record
from schemas.codec import MAX_BYTES, encode
from schemas.topics import RAW, TOUCHPOINTS
from schemas.touchpoint import Touchpoint
from schemas.vocabulary import CHANNELS
from tests.agents.fakes import FakeClock, FakeLedger, FakeLog
from tests.core.harness import run_all
from tests.oracle import Arrival, Promises, recount
from tests.receiving.server import NOW_MS, good, intake

DAY = 86_400_000


def touch(kind: str, at_ms: int = 0, **more: Any) -> bytes:
    """One of a contact's touchpoints, with an id made of its type."""
    return good(**{"id": kind, "type": kind, "time": NOW_MS + at_ms, "customer_id": "k-1", **more})


async def accepted(*values: bytes) -> list[Touchpoint]:
    """What of it was accepted; all has to be."""
    async with intake() as server:
        status, answer, _ = await server.post(b"[" + b",".join(values) + b"]")
        assert (status, answer["rejected"]) == (202, [])
        return server.written.touchpoints


def counted(touchpoints: list[Touchpoint]) -> dict[str, int]:
    """The sums of every column over all cells: the same in every order, and what the oracle counts."""
    sums: list[dict[str, Any]] = []
    for order in itertools.islice(itertools.permutations(touchpoints), 24):
        arrivals = [
            Arrival("touchpoints/0", n, NOW_MS + 3 * DAY, msgspec.json.decode(encode(each)))
            for n, each in enumerate(order)
        ]
        cells, _, _ = run_all(arrivals, Promises())
        totals = cells.totals()
        assert totals == recount(arrivals, Promises()).cells
        found: dict[str, int] = {}
        for cell in totals.values():
            for name, value in cell.items():
                if isinstance(value, int):
                    found[name] = found.get(name, 0) + value
        sums.append(found)
    assert all(each == sums[0] for each in sums)
    return sums[0]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param(good(id=""), "blank_id", id="42 empty id"),
        pytest.param(good(id=" \t"), "blank_id", id="42 blank id with a tab"),
        pytest.param(good(contact_id="   "), "blank_id", id="42 blank contact"),
        pytest.param(good(customer_id=""), "blank_id", id="42 empty customer"),
        pytest.param(good(id="x" * 1024), "bad_value", id="43 an id of 1 KB"),
        pytest.param(good(id="a\nb"), "control_character", id="44 newline"),
        pytest.param(good(type="contact.sang"), "unknown_type", id="45 unknown type"),
        pytest.param(good(time=...), "missing_field", id="47 no time"),
        pytest.param(good(time=NOW_MS // 1000), "bad_time", id="48 seconds"),
        pytest.param(good(time=NOW_MS * 1000), "bad_time", id="48 microseconds"),
        pytest.param(good(time=NOW_MS * 1_000_000), "bad_time", id="48 nanoseconds"),
        pytest.param(good(time=-1), "bad_time", id="49 negative"),
        pytest.param(good(time=0), "bad_time", id="49 zero"),
        pytest.param(good(time="2026-03-02T09:00:00"), "wrong_type", id="50 ISO without zone"),
        pytest.param(good(time="2026-06-30T23:59:60Z"), "wrong_type", id="50 leap second"),
        pytest.param(good(time=1.5), "wrong_type", id="50 a fraction"),
        pytest.param(good(channel="telepathy"), "unknown_channel", id="57 channel unseen"),
        pytest.param(good(type="promise.made", promise_id="p", due=NOW_MS + 500 * DAY), "promise_too_late", id="due"),
    ],
)
async def test_a_touchpoint_that_cannot_be_taken_is_named_and_the_good_ones_beside_it_are_kept(
    bad: bytes, reason: str
) -> None:
    async with intake() as server:
        status, answer, _ = await server.post(b"[" + bad + b"," + good() + b"]")
        assert (status, answer["accepted"]) == (202, 1)
        assert answer["rejected"][0]["place"] == "$[0]"
        assert answer["rejected"][0]["reason"] == reason, answer
        (letter,) = server.written.letters
        assert (letter.reason, letter.topic, letter.value) == (reason, "http/touchpoints", bad)


async def test_the_same_bad_touchpoint_again_makes_the_same_dead_letter() -> None:
    async with intake() as server:
        for _ in range(2):
            await server.post(good(time=0))
        await server.post(good(time=1))
        places = [(letter.topic, letter.number, letter.offset) for letter in server.written.letters]
        assert places[0] == places[1] != places[2]


async def test_41_without_a_customer_a_contact_counts_and_nothing_can_follow_it() -> None:
    found = counted(
        await accepted(touch("contact.answered", customer_id=...), touch("contact.closed", 60_000, customer_id=...))
    )
    assert (found["closed"], found["closed_unknown_customer"]) == (1, 1)
    assert "fcr_eligible" not in found


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("'; DROP TABLE x; --", id="44 SQL"),
        pytest.param('a"b', id="44 quote"),
        pytest.param("😀 \u200b\u202eabc", id="61 emoji"),
        pytest.param("\u0627\u0644\u0639", id="61 right to left"),
        pytest.param("back\\slash", id="62 backslash"),
        pytest.param("=cmd()", id="63 formula"),
        pytest.param("a,b;c", id="63 separators"),
    ],
)
async def test_odd_names_are_names(name: str) -> None:
    values = await accepted(touch("contact.queued", queue=name, contact_id=name if name.isprintable() else "c"))
    assert values[0].queue == name
    assert counted(values)["offered"] == 1


async def test_46_what_is_not_known_is_ignored() -> None:
    (found,) = await accepted(good(colour="red", weather={"rain": [1, 2]}))
    assert encode(found) == encode((await accepted(good()))[0])


async def test_49_the_year_2099_is_counted_when_it_arrived() -> None:
    far = 4_070_908_800_000
    assert counted(await accepted(touch("contact.queued", far - NOW_MS)))["offered"] == 1


async def test_51_an_end_before_the_start_is_no_negative_time() -> None:
    found = counted(await accepted(touch("contact.queued", 60_000), touch("contact.answered", 0)))
    assert found["offered"] == found["answered"] == found["negative_durations"] == 1
    assert found.get("wait_ms", 0) == 0


async def test_52_the_same_touchpoint_twice_counts_once() -> None:
    once = await accepted(touch("contact.queued"))
    assert counted(once) == counted([*once, *once])


async def test_53_of_one_id_with_two_bodies_the_same_one_counts_in_any_order() -> None:
    found = counted(await accepted(touch("contact.queued", 0, id="1"), touch("contact.queued", 5_000, id="1")))
    assert found["offered"] == 1


async def test_54_answered_without_a_queue_waited_nothing() -> None:
    found = counted(await accepted(touch("contact.answered")))
    assert (found["offered"], found["answered"], found.get("answered_queued", 0)) == (1, 1, 0)


async def test_55_closed_twice_and_reopened_is_one_contact_that_was_reopened() -> None:
    found = counted(
        await accepted(
            touch("contact.answered"),
            touch("contact.closed", 60_000, id="c1"),
            touch("contact.closed", 90_000, id="c2"),
            touch("contact.reopened", 70_000),
        )
    )
    assert (found["closed"], found["contacts_reopened"]) == (1, 1)


async def test_56_a_contact_that_names_two_customers_belongs_to_the_first_of_them() -> None:
    found = counted(
        await accepted(
            touch("contact.answered", customer_id="k-1"),
            touch("contact.closed", 60_000, customer_id="k-2"),
        )
    )
    assert found["fcr_eligible"] == 1


async def test_58_an_agent_who_is_a_customer_is_both() -> None:
    found = counted(await accepted(touch("contact.answered", agent_id="k-1"), touch("contact.closed", 60_000)))
    assert found["closed"] == found["fcr_eligible"] == 1


async def test_59_every_queue_is_stored_under_its_name() -> None:
    values = [touch("contact.queued", queue=f"queue {n}", contact_id=f"c{n}") for n in range(500)]
    taken = await accepted(*values)
    arrivals = [Arrival("touchpoints/0", n, NOW_MS, msgspec.json.decode(encode(each))) for n, each in enumerate(taken)]
    cells, _, _ = run_all(arrivals, Promises())
    assert len({queue for _, _, queue, _ in cells.totals()}) == 500


async def test_60_a_customer_of_thousands_of_contacts_is_counted() -> None:
    touchpoints = await accepted(
        *(
            touch(kind, n * 600_000 + at_ms, contact_id=f"c{n}")
            for n in range(300)
            for kind, at_ms in (("contact.answered", 0), ("contact.closed", 60_000))
        )
    )
    arrivals = [
        Arrival("touchpoints/0", n, NOW_MS + 30 * DAY, msgspec.json.decode(encode(each)))
        for n, each in enumerate(touchpoints)
    ]
    cells, _, _ = run_all(arrivals, Promises())
    totals = cells.totals().values()
    assert sum(cell.get("fcr_eligible", 0) for cell in totals) == 300
    assert sum(cell.get("issues", 0) for cell in totals) == 1


async def test_64_odd_kafka_records_are_dead_letters_and_good_ones_go_on() -> None:
    journal: list[Any] = []
    log, ledger = FakeLog(journal), FakeLedger(journal)
    agent = FromKafka(log, ledger, FakeClock(), CHANNELS, Limits(run=100, ratio=1.0), {RAW: 1}, Privacy())
    values = [
        None,
        b"",
        pickle.dumps({"id": 1}),
        b"\x00" * 100,
        b"\x00\x00\x00\x00\x01" + good(),
        b"x" * (MAX_BYTES + 1),
        good(),
    ]
    records = [Record(n, NOW_MS, None if n % 2 else b"any key", value) for n, value in enumerate(values)]
    await agent.handle(Batch("touchline.raw/0", 0, len(records), records))
    assert [each.key for each in log.produced[TOUCHPOINTS]] == [b"c-1"]
    assert agent.rejected == {"null_value": 1, "not_json": 4, "too_large": 1}
