"""What all parts of the simulation share: chance, time, the pools, and the touchpoints made so far."""

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline.io.simulator import plan
from pipeline.io.simulator.engine import Events, Pool, Process, Seek
from schemas import touchpoint as t

SECOND: Final = 1000
MINUTE: Final = 60_000
HOUR: Final = 3_600_000
DAY: Final = 86_400_000

Part = Generator[int | Seek, str | None, bool]
"""A part of a contact's process. True: the customer is content for now."""


@dataclass(slots=True)
class Matter:
    """What a customer wants; it may take several contacts."""

    customer_id: str
    segment: str
    queue: plan.Queue
    topic: str
    tries: int = 0
    trouble: int = 0
    """What went wrong so far: long waits, vain attempts."""


@dataclass(slots=True)
class Contact:
    """One contact while it is simulated."""

    contact_id: str
    channel: str
    matter: Matter
    touchpoints: int = 0


@dataclass(eq=False, slots=True)
class World:
    """The state of one simulation. `begin` starts a matter with a contact on a channel."""

    random: random.Random
    events: Events
    rate: float
    run: str
    begin: Callable[[Matter, str], Process]
    made: list[t.Touchpoint] = field(default_factory=list)
    contacts: int = 0
    incident: str | None = None
    """The queue at which something is broken just now."""
    live: dict[str, Pool] = field(default_factory=dict)
    writing: dict[str, Pool] = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        """The time of what is happening."""
        return self.events.now_ms

    def start(self, process: Process, after_ms: int = 0) -> None:
        """Let a process begin, besides the one that says so."""
        self.events.start(process, after_ms)

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return self.random.random() < probability

    def pick(self, shares: dict[str, float]) -> str:
        """One of the keys, by their shares."""
        return self.random.choices(list(shares), list(shares.values()))[0]

    def about_ms(self, mean: float) -> int:
        """An exponential time, at least a millisecond."""
        return max(1, round(self.random.expovariate(1 / mean)))

    def between_ms(self, least: int, most: int) -> int:
        """A uniform time."""
        return self.random.randint(least, most)

    def contact(self, channel: str, matter: Matter) -> Contact:
        """A new contact. Its id tells runs apart that began at different seconds."""
        self.contacts += 1
        return Contact(f"{self.run}-{self.contacts:07d}", channel, matter)

    def emit(self, contact: Contact, kind: type[t.Touchpoint], /, **fields: Any) -> None:
        """A touchpoint happens now. Ids are numbered: touchpoints of one contact at one time keep their order."""
        contact.touchpoints += 1
        touchpoint_id = f"{contact.contact_id}-{contact.touchpoints:03d}"
        contact_id, channel = contact.contact_id, contact.channel
        self.made.append(kind(id=touchpoint_id, time=self.now_ms, contact_id=contact_id, channel=channel, **fields))

    def requested(
        self, contact: Contact, *, direction: str = "inbound", queue: str | None = None, known: bool = True
    ) -> None:
        """The contact begins, perhaps without saying whose it is."""
        matter = contact.matter
        self.emit(
            contact,
            t.Requested,
            direction=direction,
            topic=matter.topic,
            queue=queue,
            **(who(contact) if known else {}),
        )

    def closed(self, contact: Contact, *, solved: bool) -> None:
        """The contact ends. Agents note what they believe, if they note anything."""
        noted = None if self.chance(0.4) else solved or self.chance(0.6)
        self.emit(contact, t.Closed, resolved=noted, scope="out" if self.chance(0.015) else "in")

    def promised(self, contact: Contact, kind: str, within_ms: int) -> str:
        """Something is promised; the promise's id."""
        promise = f"{contact.contact_id}-p{contact.touchpoints}"
        self.emit(contact, t.PromiseMade, promise_id=promise, kind=kind, due=self.now_ms + within_ms)
        return promise


def who(contact: Contact) -> dict[str, str]:
    """The fields that say whose contact it is."""
    return {"customer_id": contact.matter.customer_id, "segment": contact.matter.segment}


def solving(matter: Matter) -> float:
    """The probability that the next contact solves the matter."""
    return min(0.95, matter.queue.solved_ratio + 0.05 * (matter.tries - 1))
