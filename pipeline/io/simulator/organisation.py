"""The organisation as a whole: who turns to it and why, and how far the simulation has gone."""

import random
from typing import Final

from pipeline.io.simulator import plan
from pipeline.io.simulator.engine import Events, Pool, Process, shifts
from pipeline.io.simulator.live import live_contact
from pipeline.io.simulator.world import HOUR, MINUTE, SECOND, Matter, World
from pipeline.io.simulator.written import written_contact
from schemas.touchpoint import Closed, OutreachSent, Touchpoint

_CUSTOMERS: Final = 2_000_000
_INCIDENT_FACTOR: Final = 2.5
_MOST_TRIES: Final = 5


class Organisation:
    """A service organisation from `start_ms` on. `rate` multiplies customers and staff; 1 gives 1 to 5 touchpoints/s.

    Ids are unique among organisations that start at different seconds, but customers come back. Raises ValueError for a
    rate of 0 or less.
    """

    def __init__(self, seed: int, start_ms: int, *, rate: float = 1.0) -> None:
        if rate <= 0:
            raise ValueError(f"rate is {rate}, expected more than 0")
        chance = random.Random(seed)  # noqa: S311  (nothing here is a secret)
        self._world = world = World(chance, Events(start_ms), rate, f"{start_ms // 1000:x}", self._matter)
        for queue in plan.QUEUES:
            world.live[queue.name] = Pool(world.events, f"agent-{queue.name}", plan.live_staff(queue, rate))
            world.writing[queue.name] = Pool(world.events, f"writer-{queue.name}", plan.writing_staff(queue, rate))
            world.start(self._arrivals(queue))
        world.start(shifts([*world.live.values(), *world.writing.values()]))
        world.start(self._incidents())

    def advance(self, until_ms: int) -> list[Touchpoint]:
        """What happened since the last call and before `until_ms`, in order of time. How it is cut changes nothing."""
        self._world.events.run(until_ms)
        made, self._world.made = self._world.made, []
        return made

    def waiting(self) -> dict[str, int]:
        """How many stand in line for an agent on phone and chat, by queue."""
        return {name: pool.waiting for name, pool in self._world.live.items()}

    def _arrivals(self, queue: plan.Queue) -> Process:
        """New matters at random moments, as many as the plan says for the time of day."""
        world = self._world
        most = plan.most_arrivals_per_second(queue, world.rate) * _INCIDENT_FACTOR
        while True:
            yield world.about_ms(1000 / most)
            expected = plan.arrivals_per_second(queue, world.now_ms, world.rate)
            if world.incident == queue.name:
                expected *= _INCIDENT_FACTOR
            if world.random.random() * most < expected:
                world.start(self._matter(self._new_matter(queue), world.pick(plan.CHANNEL_SHARES)))

    def _new_matter(self, queue: plan.Queue) -> Matter:
        world = self._world
        number = world.random.randrange(_CUSTOMERS)
        segment = plan.SEGMENTS[number % len(plan.SEGMENTS)]  # a customer keeps it
        return Matter(f"k-{number:07d}", segment, queue, world.random.choice(queue.topics))

    def _matter(self, matter: Matter, channel: str) -> Process:
        """A contact, and after hours or days the next, while the matter is not solved and the customer persists."""
        world = self._world
        while True:
            matter.tries += 1
            contact = world.contact(channel, matter)
            part = live_contact if channel in plan.LIVE else written_contact
            content = yield from part(world, contact)
            if content or matter.tries >= _MOST_TRIES or not world.chance(0.72):
                return
            matter.trouble += 1
            yield world.about_ms(world.random.choice((2 * HOUR, 12 * HOUR, 40 * HOUR)))
            if world.chance(0.3):
                channel = world.pick(plan.CHANNEL_SHARES)

    def _incidents(self) -> Process:
        """Now and then something breaks: many more customers ask for technical support, and some are told first."""
        world = self._world
        queue = next(queue for queue in plan.QUEUES if queue.name == "technical_support")
        while True:
            yield world.about_ms(20 * HOUR)
            world.incident = queue.name
            for _ in range(max(1, round(30 * world.rate))):
                contact = world.contact("email", self._new_matter(queue))
                world.requested(contact, direction="outbound")
                world.emit(contact, OutreachSent, reason=world.random.choice(("problem", "delay")))
                world.emit(contact, Closed)
                yield world.about_ms(2 * SECOND)
            yield world.between_ms(30 * MINUTE, 80 * MINUTE)
            world.incident = None
