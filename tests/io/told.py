"""A state provider for tests of what is served: its clock stands still, and a test changes its state."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from pipeline.answers.numbers import Definitions, definitions
from pipeline.answers.speech import Language
from pipeline.io.board import Telling
from pipeline.io.exposition import exposition
from pipeline.io.http import serve
from pipeline.live import Readiness, Summary, readiness
from pipeline.live.collect import collect
from pipeline.live.narrow import narrowed, narrowed_state
from pipeline.live.past import KEYS, Known, Past, Then, past, spans
from pipeline.live.present import Others, present
from tests.live.world import NOON, H, M, S, World
from tests.servers import free_ports

CATALOGUE = """
title: {de: Kundendienst, en: Customer service}
zone: Europe/Berlin
queues: {sales: {title: {de: Verkauf, en: Sales}}, billing: {}}
"""
_KEY = {name: key for key, name in KEYS.items()}


def busy(catalogue: str = CATALOGUE) -> World:
    """One waits too long, one within target, some were served, some left; a mail lies; a promise is late."""
    world = World(catalogue)
    world.call("waits", NOON - 45 * S, customer_id="person-1")
    world.call("soon", NOON - 12 * S, customer_id="person-2")
    for n in range(12):
        world.call(f"served-{n}", NOON - 10 * M - n * S, n * 3 * S, customer_id=f"person-{n}")
    world.call("gone", NOON - 30 * M, abandoned_after_ms=40 * S, customer_id="person-30")
    world.say(NOON - 2 * H, "promised", "contact.requested", "phone", queue="sales")
    world.say(NOON - 2 * H, "promised", "promise.made", "phone", promise_id="p", due=NOON - 5 * M, kind="callback")
    world.say(NOON - 5 * H, "mail", "message.received", "email", queue="billing")
    world.say(NOON - 3 * H - 50 * M, "letter", "message.received", "email", queue="sales")
    world.fold()
    return world


class Told:
    """The state of a world."""

    def __init__(self, world: World | None = None) -> None:
        self.world = busy() if world is None else world
        self.changes: dict[str, Any] = {}
        self.simulated = False
        self.expected: list[str] = []
        self.asked = 0
        self._text = exposition(lambda: self.summary(0))

    def _partitions(self) -> Any:
        return [self.world.partition(engine, **self.changes) for engine in (*self.world.contacts, self.world.customers)]

    def summary(self, now_ms: int, queues: frozenset[str] = frozenset()) -> Summary:
        """At noon, whatever the time."""
        self.asked += 1
        state = self.world.state(self._partitions(), simulated=self.simulated)
        found = [collect(narrowed_state(state, queues) if queues else state, NOON)]
        others = Others(expected=self.expected) if self.expected else None
        return present(narrowed(found, queues) if queues else found, state.rulebook, NOON, others)

    async def metrics(self) -> bytes:
        """Of noon."""
        return self._text()

    def ready(self) -> Readiness:
        """Whether all is counted."""
        return readiness(self._partitions())


class Beside:
    """What is shown beside it: as much of last week as a test needs."""

    def __init__(self, told: Told) -> None:
        self._rulebook = told.world.rulebook
        self.told: Telling | None = None
        self.version = 1
        place = ("phone", "sales")
        at = spans(self._rulebook, NOON)
        cell = {_KEY["offered"]: 10, _KEY["answered"]: 9, _KEY["answered_in_target"]: 8, _KEY["abandoned"]: 1}
        bins = {("week_ago", at.edge_week_ago_s, place): cell, ("now", at.edge_s, place): cell}
        steps = {("now", "waiting", place): {at.edge_s: 4, at.edge_s + 600: -1}}
        self.known = Known(at, bins, steps, {place: cell}, {place: Then(3, 61_000)}, {}, {place: (5, 4)})  # type: ignore[arg-type]

    def definitions(self, lang: Language) -> Definitions:
        """As the app gives them."""
        return definitions(self._rulebook.catalogue, lang)

    def past(self, queues: Collection[str] = ()) -> Past | None:
        """Of these queues."""
        return past(self.known, self._rulebook, queues)

    def past_version(self) -> int:
        """As a test sets it."""
        return self.version

    def telling(self) -> Telling | None:
        """As a test sets it."""
        return self.told


@asynccontextmanager
async def served(
    told: Told, beside: Beside | None = None, *, port: int | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """The page of a state, and a client of it."""
    port = free_ports(1)[0] if port is None else port
    runner = await serve(told, "127.0.0.1", port, aside=Beside(told) if beside is None else beside)
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield session
    finally:
        await runner.cleanup()


def summary_of(body: bytes) -> Summary:
    """A summary read back."""
    return msgspec.json.decode(body, type=Summary)
