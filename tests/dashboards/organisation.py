"""A small organisation in the middle of a Tuesday: its touchpoints, simulated, and what the simulator never does.

The same for warehouse and live values: five days until `NOW_MS`, 11 o'clock of the last.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import msgspec

from pipeline.core.engine import Engine
from pipeline.io.exposition import exposition
from pipeline.io.simulator import Organisation
from pipeline.live import summarise
from pipeline.live.around import Around, calendars_now
from pipeline.live.inputs import Reading
from pipeline.live.summary import Summary
from schemas.codec import encode
from tests.live.world import World

MONDAY_MS: Final = 1_767_567_600_000
"""2026-01-05, midnight in Berlin."""
DAY_MS: Final = 86_400_000
NOW_MS: Final = MONDAY_MS + 8 * DAY_MS + 11 * 3_600_000
_BEGIN_MS: Final = MONDAY_MS + 4 * DAY_MS

CATALOGUE: Final = """
zone: Europe/Berlin
calendars: {office: {weekly: {monday-friday: 08:00-18:00}}}
opening_hours: [{calendar: office}]
targets: [{channel: phone, wait: 20s, response: 1h}, {channel: chat, wait: 60s}]
settings: {follow_up_window: 1d, lateness: 1d}
"""


def touchpoints(rate: float = 0.012) -> list[dict[str, Any]]:
    """All that happened, as JSON objects."""
    made = Organisation(7, _BEGIN_MS, rate=rate).advance(NOW_MS)
    return [*(msgspec.json.decode(encode(each)) for each in made), *_by_hand()]


def _by_hand() -> list[dict[str, Any]]:
    """What is rare: many who wait now, an answer before the question, asking twice, a score that is none."""
    told: list[tuple[int, str, str, dict[str, Any]]] = [
        (NOW_MS - 90_000 - n * 5_000, f"waiting-{n}", "contact.queued", {"queue": "billing"}) for n in range(6)
    ]
    for n in range(8):
        began = NOW_MS - 600_000 + n * 30_000
        told.append((began, f"served-{n}", "contact.queued", {"queue": "billing"}))
        told.append((began + 9_000, f"served-{n}", "contact.answered", {}))
    told += [
        (NOW_MS - DAY_MS, "twisted", "contact.queued", {"queue": "billing"}),
        (NOW_MS - DAY_MS - 5_000, "twisted", "contact.answered", {}),
        (NOW_MS - DAY_MS + 5_000, "twisted", "feedback.given", {"kind": "csat", "score": 99}),
        (NOW_MS - DAY_MS, "asks", "contact.requested", {"customer_id": "k", "topic": "bill"}),
        (NOW_MS - DAY_MS + 60_000, "asks-again", "contact.requested", {"customer_id": "k", "topic": "bill"}),
        (NOW_MS - DAY_MS + 120_000, "asks", "contact.closed", {}),
        (NOW_MS - DAY_MS, "late", "promise.made", {"promise_id": "p", "kind": "callback", "due": NOW_MS - DAY_MS + 1}),
        (NOW_MS - DAY_MS + 900_000, "late", "promise.kept", {"promise_id": "p"}),
        (NOW_MS - DAY_MS, "shopper", "audit.scored", {"criterion": "courtesy", "score": 4, "scale_max": 5}),
        (NOW_MS - 2 * DAY_MS, "bad", "complaint.raised", {"customer_id": "u"}),
        (NOW_MS - 2 * DAY_MS + 60_000, "bad", "complaint.settled", {}),
        (NOW_MS - 2 * DAY_MS + 90_000, "good", "complaint.raised", {"customer_id": "v"}),
        (NOW_MS - 2 * DAY_MS + 95_000, "good", "complaint.settled", {}),
        (NOW_MS - DAY_MS, "good", "feedback.given", {"kind": "nps", "score": 10, "scale_max": 10}),
        (NOW_MS - DAY_MS, "bad", "customer.left", {}),
        (NOW_MS - DAY_MS, "told", "outreach.sent", {"reason": "delay", "customer_id": "w", "topic": "bill"}),
        (NOW_MS - DAY_MS + 60_000, "asks-too", "contact.requested", {"customer_id": "w", "topic": "bill"}),
        *((NOW_MS - days * DAY_MS, f"on-day-{days}", "contact.requested", {}) for days in (5, 6)),
    ]
    return [
        {"id": f"h{n}", "type": kind, "time": at, "contact_id": contact, "channel": "phone", **fields}
        for n, (at, contact, kind, fields) in enumerate(told)
    ]


def live_pages() -> tuple[list[bytes], Summary]:
    """What two workers of that organisation export, each scraped twice, so that counters have begun to count; and what
    one that had all partitions would see.
    """
    world = World(CATALOGUE, partitions=2)
    said = touchpoints()
    half = len(said) // 2
    first, second = world.contacts
    shares = ([first, world.customers], [second])
    pages = [exposition(partial(_summary, world, share), partial(_around, world)) for share in shares]

    def scrape(part: list[dict[str, Any]]) -> list[bytes]:
        world._said.extend(part)
        world.say(NOW_MS, "unheard", "contact.unheard_of")
        world.say(NOW_MS, "unheard-too", "contact.unheard_of")
        world.fold()
        return [page() for page in pages]

    scrape(said[:half])
    return scrape(said[half:]), _summary(world, [first, second, world.customers])


def _summary(world: World, engines: Sequence[Engine]) -> Summary:
    partitions = [
        world.partition(
            engine,
            log_end=engine.position + 50,
            earlier=Reading(NOW_MS - 10_000, engine.position - 500, engine.position),
            flush_seconds=0.04,
            flush_rows=120,
            flushes=9,
        )
        for engine in engines
    ]
    summary = summarise(world.state(partitions, sources={"demo": NOW_MS - 3_000}), NOW_MS)
    return msgspec.structs.replace(summary, event_loop_blocked_seconds=0.02)


def _around(world: World, summary: Summary) -> Around:
    return Around(
        calendars=calendars_now(world.rulebook, summary.labelled, NOW_MS),
        objectives={"wait": 80, "stay": 95, "response": 90},
        silence_open_ms={"demo": 3_000},
    )
