"""A world from a seed: processes that own partitions, die, are overtaken and write late, over simulated log and ledger.

The engine, both folds and `agents.folding` (recovery, batches, reading back, flushes) are the real ones. Their
coroutines are driven by hand: at every await of a port the world may let somebody else go on, or never come back.
Memory is tiny, so that what is not in use is evicted and read back all the time.
"""

from collections.abc import Coroutine
from contextlib import suppress
from random import Random
from typing import Any, Final, NamedTuple

from msgspec import Struct, structs

from agents.folding import Folding, LogLost, Pace
from pipeline.core import steps
from pipeline.core.contacts import ContactFold
from pipeline.core.engine import NewerLog
from pipeline.core.rules import Rulebook
from pipeline.ports import LogError, Record, WarehouseDown
from tests.core.harness import catalogue_of, contact_engine, customer_engine
from tests.faults.simulation.fakes import FACTS, PAUSE, TOUCHPOINTS, Clock, Consumer, Faults, Ledger, Topics
from tests.faults.simulation.traffic import Sent, traffic
from tests.oracle import DAY
from tests.strategies import PROMISES

PROMISE: Final = PROMISES["short"]
_CATALOGUE: Final = catalogue_of(PROMISE)
RULEBOOK: Final = Rulebook(
    structs.replace(_CATALOGUE, settings=structs.replace(_CATALOGUE.settings, store_touchpoints_ms=400 * DAY))
)
"""Rules without state (but a memo): all worlds share them. Touchpoints are kept."""
_STEPS_TO_THE_END: Final = 20_000
_STEPS_TO_LAND: Final = 200


class Received(NamedTuple):
    """A record that counts, and where it stood."""

    epoch: int
    partition: str
    record: Record
    sent: Sent


class Turns:
    """A lock for coroutines that are driven by hand."""

    def __init__(self) -> None:
        self._taken = False

    async def __aenter__(self) -> None:
        while self._taken:
            await PAUSE
        self._taken = True

    async def __aexit__(self, *_: object) -> None:
        self._taken = False

    async def breath(self) -> None:
        """All others may go on before we do."""
        await PAUSE


class Unhurried(Folding):
    """The real folding, driven by hand: it waits for the world, not for an event loop."""

    def own(self, facts_epoch: int) -> None:
        """What `start` does before it begins to flush."""
        self._facts_epoch = facts_epoch
        self._alone = Turns()  # type: ignore[assignment]
        self._turn = Turns()  # type: ignore[assignment]

    async def _rest(self, seconds: float) -> None:
        await PAUSE


class Owner:
    """A process that believes a partition is its own. Dead ones do nothing any more."""

    def __init__(self, world: "World", partition: str) -> None:
        topics = world.topics
        topic = partition.partition("/")[0]
        build = contact_engine if topic == TOUCHPOINTS else customer_engine
        self.engine = build(RULEBOOK, partition, topics.epochs[topic])
        self.consumer = Consumer(topics, partition)
        self.alive = True
        self.eager = world.rng.choice((0.1, 0.4, 0.8))
        """How soon it flushes."""
        self._most = world.rng.choice((1, 3, 8, 100))
        self._world = world
        self.engine.fold_.hot_ms = world.hot_ms
        if isinstance(self.engine.fold_, ContactFold):
            self.engine.fold_.kept_ms = world.kept_ms
        self._folding = Unhurried(self.engine, self.consumer, world.ledger, world.clock, Pace(), self._bug)
        self._folding.own(topics.epochs[FACTS])
        self._handling: Coroutine[Any, Any, None] | None = self._folding.recover()
        """Recovery, then batches: one at a time."""
        self._writing: Coroutine[Any, Any, None] | None = None

    def _bug(self, error: BaseException) -> None:
        raise error

    def die(self) -> None:
        """Kill -9."""
        self.alive = False
        for coroutine in (self._handling, self._writing):
            if coroutine is not None:
                coroutine.close()
        self._handling = self._writing = None

    @property
    def is_writing(self) -> bool:
        """Whether a flush is under way."""
        return self._writing is not None

    def finish_writing(self) -> None:
        """Let what is under way land, if anything is, and die."""
        with suppress(LogError):
            for _ in range(_STEPS_TO_LAND):
                if self.is_writing:
                    self._go_on_writing()
        self.die()

    @property
    def is_done(self) -> bool:
        """Dead, or everything is read and written."""
        if not self.alive:
            return True
        if self._handling or self._writing:
            return False
        at_end = self.engine.position == self._world.topics.end(self.consumer.partition)
        return at_end and self.engine.written_offset == self.engine.position and self.engine.dirty_rows == 1

    def step(self) -> None:
        """Go on to the next await."""
        if not self.alive:
            return
        try:
            odds = 0.5 if self.is_writing else self.eager if self._folding.ready else 0.0
            if self._world.rng.random() < odds:
                self._go_on_writing()
            else:
                self._go_on_handling()
        except (LogError, LogLost, NewerLog):
            self.die()

    def _go_on_handling(self) -> None:
        if self._handling is None:
            if self.consumer.position == self.engine.position == self._world.topics.end(self.consumer.partition):
                return
            self._handling = self._folding.handle(self.consumer.fetch(self._most))
        try:
            self._handling.send(None)
        except StopIteration:
            self._handling = None

    def _go_on_writing(self) -> None:
        if self._writing is None:
            if self.engine.dirty_rows == 1 and self.engine.written_offset == self.engine.position:
                return  # nothing is new
            self._writing = self._folding.flush()
        try:
            self._writing.send(None)
        except (StopIteration, WarehouseDown):
            self._writing = None


class Odds(Struct):
    """How often what happens in one turn of a world."""

    intake: float
    crash: float
    overtake: float
    stale: float
    lose_facts: float
    lose_touchpoints: float


class World:
    """One world. `run` lives it to its end."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = rng = Random(seed)
        self.faults = Faults(
            warehouse=rng.choice((0.0, 0.02, 0.2)),
            broker=rng.choice((0.0, 0.0, 0.02)),
            drop=rng.choice((0.0, 0.1)),
            repeat=rng.choice((0.0, 0.1)),
            back=rng.choice((0.0, 0.15, 0.4)),
        )
        self.to_send = traffic(rng)
        self.turns = rng.choice((100, 200, 400))
        self.odds = Odds(
            intake=rng.choice((0.7, 1.5, 5.0)) * len(self.to_send) / 4 / self.turns,
            crash=rng.choice((0.0, 0.01, 0.05)),
            overtake=rng.choice((0.0, 0.02, 0.05)),
            stale=rng.choice((0.02, 0.1, 0.2)),
            lose_facts=rng.choice((0.0, 0.0, 2.0)) / self.turns,
            lose_touchpoints=rng.choice((0.0, 0.0, 1.0)) / self.turns,
        )
        self.small: dict[str, Any] = {
            "_HOUR_MS": rng.choice((3_000, 10_000, 60_000, 3_600_000)),
            "_BLOCK_BITS": rng.choice((2, 4, 20)),
        }
        self.forgets = seed % 5 == 4
        """Retention so short that contacts are forgotten while they still are heard of."""
        self.kept_ms = rng.choice((2, 5, 11)) * 60_000 if self.forgets else 400 * DAY
        self.slices: dict[str, Any] = {
            "_TIDY_MS": 0,
            "_DAY_MS": 30_000,
            "_SLICE": rng.choice((1, 3, 500)),
            "_CHUNK": rng.choice((1, 4, 2_000)),
        }
        self.topics = Topics(rng, {TOUCHPOINTS: rng.choice((1, 1, 2)), FACTS: rng.choice((1, 1, 2))}, self.faults)
        self.ledger = Ledger(rng, self.faults)
        self.clock = Clock(rng)
        self.sent: dict[tuple[str, int], Sent] = {}
        self.received: list[Received] = []
        self.lost = False
        """Whether a topic was lost."""
        self.lost_places: set[tuple[str, int, int, int]] = set()
        self.hot_ms = rng.choice((-(1 << 60), -(1 << 60), 60_000, 5 * 60_000, 1 << 60))
        """From everything that is written is forgotten at once, to nothing ever is."""
        self.asks_for_all = seed % 7 == 3
        """Whether the filter of known ids says yes to every id, so that many are looked for who do not exist."""
        self.owners = {partition: Owner(self, partition) for partition in self.topics.records}
        self.stale: list[Owner] = []
        self.pace = {partition: rng.choice((0.1, 1.0)) for partition in self.owners}
        """How often the owners of a partition get a turn: some are far behind."""

    def run(self) -> None:
        """Live until everything sent is folded and written, by whoever is left."""
        try:
            for _ in range(self.turns):
                self._turn()
            while self.to_send:
                self._intake()
                self._turn()
            self._end()
        finally:
            for owner in [*self.owners.values(), *self.stale]:
                owner.die()

    def _turn(self) -> None:
        rng, odds = self.rng, self.odds
        luck = rng.random()
        for odd, what in (
            (odds.intake, self._intake),
            (odds.crash, self._crash),
            (odds.overtake, self._overtake),
            (odds.stale, self._step_stale),
            (odds.lose_facts, self._lose_facts),
            (odds.lose_touchpoints, self._lose_touchpoints),
        ):
            if luck < odd:
                what()
                return
            luck -= odd
        (partition,) = rng.choices(list(self.pace), list(self.pace.values()))
        for _ in range(rng.choice((1, 2, 5, 10))):
            self._step(partition)

    def _step(self, partition: str) -> None:
        owner = self.owners[partition]
        if not owner.alive:
            owner = self.owners[partition] = Owner(self, partition)
        owner.step()

    def _intake(self) -> None:
        for _ in range(self.rng.choice((1, 1, 3, 10))):
            if self.to_send:
                one = self.to_send.pop(0)
                partition, record = self.topics.append(TOUCHPOINTS, one.key, one.value)
                self.sent[partition, record.offset] = one

    def _crash(self) -> None:
        everybody = [*self.owners.values(), *self.stale]
        self.rng.choice(everybody).die()
        self.stale = [owner for owner in self.stale if owner.alive]

    def _overtake(self) -> None:
        """A rebalance: somebody else owns the partition; the one before has not noticed, and goes on some day."""
        writing = [partition for partition, owner in self.owners.items() if owner.is_writing]
        partition = self.rng.choice(writing if writing and self.rng.random() < 0.8 else list(self.owners))
        self.stale.append(self.owners[partition])
        self.owners[partition] = Owner(self, partition)

    def _step_stale(self) -> None:
        """Somebody overtaken goes on: for a while, or until what was under way has landed and they notice."""
        if not self.stale:
            return
        owner = self.rng.choice(self.stale)
        if self.rng.random() < 0.3:
            owner.finish_writing()
        for _ in range(self.rng.choice((1, 5, 20))):
            owner.step()
        self.stale = [owner for owner in self.stale if owner.alive]

    def _lose_facts(self) -> None:
        """Topic contact-facts begins anew. Who only produces to it may go on unaware; its consumers end."""
        self.lost = True
        self.topics.lose(FACTS)
        self._end_consumers(FACTS)
        for partition in self.topics.named(TOUCHPOINTS):
            if self.rng.random() < 0.5:
                self.stale.append(self.owners[partition])
            else:
                self.owners[partition].die()
            self.owners[partition] = Owner(self, partition)

    def _lose_touchpoints(self) -> None:
        """Topic touchpoints begins anew. What was not committed is sent again: its senders had no receipt for it."""
        again = self._keep_received()
        epoch = self.topics.epochs[TOUCHPOINTS]
        self.lost_places |= {(TOUCHPOINTS, int(p.rpartition("/")[2]), epoch, offset) for p, offset in self.sent}
        self.sent = {}
        self.rng.shuffle(again)
        self.to_send = again + self.to_send
        self.lost = True
        self.topics.lose(TOUCHPOINTS)
        self._end_consumers(TOUCHPOINTS)

    def _end_consumers(self, topic: str) -> None:
        """A new epoch asks for the end of everybody who folds the old one: the one thing that needs an operator."""
        for owner in [*self.owners.values(), *self.stale]:
            if owner.consumer.partition.startswith(f"{topic}/"):
                owner.die()
        self.stale = [owner for owner in self.stale if owner.alive]
        for partition in self.topics.named(topic):
            self.owners[partition] = Owner(self, partition)

    def _keep_received(self) -> list[Sent]:
        """Move what the ledger has counted of the current touchpoints to `received`; returns the others."""
        rest: list[Sent] = []
        epoch = self.topics.epochs[TOUCHPOINTS]
        for partition in self.topics.named(TOUCHPOINTS):
            marker, version = self.ledger.marker(partition)
            counted = marker.offset if marker is not None and steps.epoch_of(version) == epoch else 0
            for record in self.topics.records[partition]:
                one = self.sent[partition, record.offset]
                if record.offset < counted:
                    self.received.append(Received(epoch, partition, record, one))
                else:
                    rest.append(one)
        return rest

    def _end(self) -> None:
        """No more faults: all finish, whoever is stale as late as they like."""
        self.faults.warehouse = self.faults.broker = self.faults.drop = self.faults.repeat = 0.0
        self._finish(TOUCHPOINTS)
        self._finish(FACTS)
        assert not self._keep_received(), "everything is counted"

    def _finish(self, topic: str) -> None:
        mine = self.topics.named(topic)
        for _ in range(_STEPS_TO_THE_END):
            everybody = [self.owners[p] for p in mine] + [o for o in self.stale if o.consumer.partition in mine]
            busy = [owner for owner in everybody if not owner.is_done]
            if not busy and all(self.owners[p].alive for p in mine):
                return
            if busy and self.rng.random() < 0.95:
                owner = self.rng.choice(busy)
                if owner in self.stale and self.rng.random() < 0.1:
                    owner.finish_writing()
                else:
                    owner.step()
            else:
                self._step(self.rng.choice(mine))
        raise AssertionError(f"{topic}: does not come to an end")
