"""Monday morning: a story of three minutes. The ordering system fails, the queue fills, the first give up, the alarm is
due, callbacks are offered, and it is over.

For training, for showing, and for tests of everything between a touchpoint and an alert. One seed, one story: times are
relative to the start, whatever the hour. Conversations are short, so that much happens in little time.
"""

import random
from collections.abc import Generator, Mapping
from typing import Final

from msgspec import Struct

from pipeline.io.simulator import plan
from pipeline.io.simulator.engine import Events, Pool, Process, Seek, Ticket, next_agent
from pipeline.io.simulator.world import MINUTE, SECOND, Contact, Matter, World
from schemas import touchpoint as t

MONDAY_MORNING: Final = "monday-morning"
LENGTH_MS: Final = 3 * MINUTE
PREROLL_MS: Final = 20 * MINUTE
"""So much of a calm morning lies before the story."""
QUEUE: Final = "orders"
"""The queue in which it happens."""

_FAILS: Final = 4 * SECOND
_GIVING_UP: Final = 88 * SECOND
_CALLBACKS: Final = 136 * SECOND
_MENDED: Final = 167 * SECOND
_STAFF: Final = 6
_HELPERS_PER_SECOND: Final = 6
_HELPED: Final = 2 * MINUTE
_TALK: Final = (25 * SECOND, 55 * SECOND)
_CALM: Final = {"orders": 11, "billing": 16, "technical_support": 14, "contracts": 25}
"""Seconds between two calls while all is well."""
_RUSH: Final = 2.6


class Act(Struct, frozen=True):
    """One act: when it begins, after the start, and how it is told, by language."""

    at_ms: int
    text: Mapping[str, str]


ACTS: Final = (
    Act(
        0,
        {
            "de": "Montag, gleich nach der Öffnung. Alles ruhig: wer anruft, wird sofort angenommen.",
            "en": "Monday, just opened. All is calm: whoever calls is answered at once.",
        },
    ),
    Act(
        _FAILS,
        {
            "de": "Das Bestellsystem fällt aus. Niemand kann mehr ein Gespräch annehmen, und immer mehr rufen an.",
            "en": "The ordering system fails. Nobody can take a call any more, and more and more people call.",
        },
    ),
    Act(
        35 * SECOND,
        {
            "de": "Die Schlange füllt sich. Die Ersten warten länger, als ihnen versprochen ist.",
            "en": "The queue fills. The first wait longer than they were promised.",
        },
    ),
    Act(
        _GIVING_UP,
        {
            "de": "Die Ersten legen auf. Sie stehen jetzt in der Liste Zurückrufen.",
            "en": "The first hang up. They are in the list Call back now.",
        },
    ),
    Act(
        127 * SECOND,
        {
            "de": "Jemand wartet sechsmal so lange wie versprochen: der Alarm TouchlineLongestWait ist fällig.",
            "en": "Somebody waits six times as long as promised: the alert TouchlineLongestWait is due.",
        },
    ),
    Act(
        _CALLBACKS,
        {
            "de": "Rückrufe werden angeboten. Wer will, legt auf und behält eine Zusage.",
            "en": "Callbacks are offered. Who wants one hangs up, with a promise.",
        },
    ),
    Act(
        _MENDED,
        {
            "de": "Der Fehler ist behoben, und alle helfen mit. Die Schlange wird kürzer.",
            "en": "It is mended, and everybody helps. The queue gets shorter.",
        },
    ),
    Act(
        LENGTH_MS - 2 * SECOND,
        {
            "de": "Niemand wartet mehr zu lange. Wer aufgelegt hat, wird angerufen.",
            "en": "Nobody waits too long any more. Those who hung up are being called.",
        },
    ),
)


class MondayMorning:
    """The story from `start_ms` on, and a calm morning of 20 minutes before it. Afterwards the calm goes on; `calm`:
    nothing fails on that day at all.
    """

    def __init__(self, seed: int, start_ms: int, *, calm: bool = False) -> None:
        self.start_ms: Final = start_ms
        self._calm = calm
        chance = random.Random(seed)  # noqa: S311  (nothing here is a secret)
        run = f"story-{start_ms // 1000:x}"
        self._world = world = World(chance, Events(start_ms - PREROLL_MS), 1.0, run, _unused)
        self._queues = {queue.name: queue for queue in plan.QUEUES}
        for name, seconds in _CALM.items():
            staff = self._staff if name == QUEUE else _always
            world.live[name] = Pool(world.events, f"agent-{name}", staff)
            world.start(self._calls(name, seconds))
        world.writing[QUEUE] = Pool(world.events, "writer", _always)
        world.start(self._mails())
        if not calm:
            world.start(self._first())
        world.start(self._back_to_work())

    def advance(self, until_ms: int) -> list[t.Touchpoint]:
        """What happened since the last call and before `until_ms`, in order of time. How it is cut changes nothing."""
        self._world.events.run(until_ms)
        made, self._world.made = self._world.made, []
        return made

    def _since(self, at_ms: int) -> int:
        return at_ms - self.start_ms

    def _fails(self) -> bool:
        return not self._calm and _FAILS <= self._since(self._world.now_ms) < _MENDED

    def _staff(self, at_ms: int) -> int:
        if self._calm:
            return _STAFF
        since = self._since(at_ms)
        if _FAILS <= since < _MENDED:
            return 0
        helped = _MENDED <= since < _MENDED + _HELPED
        return _STAFF + (_HELPERS_PER_SECOND * (since - _MENDED) // SECOND if helped else 0)

    def _back_to_work(self) -> Process:
        yield PREROLL_MS + _MENDED
        while True:
            self._world.live[QUEUE].fill()
            yield SECOND

    def _matter(self, name: str) -> Matter:
        world, queue = self._world, self._queues[name]
        number = world.random.randrange(900_000)
        return Matter(f"s-{number:06d}", plan.SEGMENTS[number % len(plan.SEGMENTS)], queue, queue.topics[0])

    def _calls(self, name: str, seconds: int) -> Process:
        """Calls as they come; while nothing works, far more of them in the one queue."""
        world = self._world
        while True:
            rush = name == QUEUE and self._fails()
            yield world.about_ms((_RUSH if rush else seconds) * SECOND)
            channel = "chat" if name != QUEUE and world.chance(0.25) else "phone"
            world.start(self._call(world.contact(channel, self._matter(name))))

    def _first(self) -> Process:
        """Those who call in the very moment it fails, and wait to the end; then some who do not."""
        world = self._world
        yield PREROLL_MS + _FAILS - SECOND
        for patience in (10 * MINUTE, 10 * MINUTE, 10 * MINUTE, 78 * SECOND, 76 * SECOND):
            yield SECOND // 2
            world.start(self._call(world.contact("phone", self._matter(QUEUE)), patience))

    def _call(self, contact: Contact, patience: int | None = None) -> Process:
        """One call: answered, given up, or turned into a callback."""
        world, name = self._world, contact.matter.queue.name
        world.requested(contact)
        yield world.between_ms(SECOND, 3 * SECOND)
        world.emit(contact, t.Queued, queue=name)
        if patience is None:
            patience = world.between_ms(28 * SECOND, 150 * SECOND)
        agent = yield from self._in_line(contact, patience)
        if agent is not None:
            world.emit(contact, t.Answered, agent_id=agent, queue=name)
            yield from self._talk(contact, agent)

    def _in_line(self, contact: Contact, patience: int) -> Generator[int | Seek, str | None, str | None]:
        world, pool = self._world, self._world.live[contact.matter.queue.name]
        ticket, began = Ticket(), world.now_ms
        wants_callback, told = world.chance(0.5) and patience < 5 * MINUTE, False
        while True:
            agent = yield Seek(pool, ticket, 2 * SECOND)
            if agent is not None:
                return agent
            waited = world.now_ms - began
            if not told and waited > 8 * SECOND:
                told = True
                world.emit(contact, t.Informed, reason="explanation" if self._fails() else "apology")
            if self._since(world.now_ms) >= _CALLBACKS and waited > 20 * SECOND and wants_callback:
                pool.leave(ticket)
                world.start(self._callback(contact))
                return None
            if waited > patience:
                pool.leave(ticket)
                world.emit(contact, t.Abandoned)
                world.start(self._reach_again(contact))
                return None

    def _callback(self, contact: Contact) -> Process:
        """A callback is promised, and made once it works again."""
        world = self._world
        yield world.between_ms(SECOND, 6 * SECOND)
        world.emit(contact, t.CallbackRequested)
        promise = world.promised(contact, "callback", 60 * SECOND)
        yield max(1, _MENDED - self._since(world.now_ms)) + world.between_ms(SECOND, 12 * SECOND)
        agent = yield from self._calling(contact)
        world.emit(contact, t.PromiseKept, promise_id=promise)
        world.emit(contact, t.Closed, resolved=True)
        yield from self._after(agent)

    def _reach_again(self, contact: Contact) -> Process:
        """Who hung up is called, once there is time."""
        world = self._world
        yield max(1, _MENDED + 12 * SECOND - self._since(world.now_ms)) + world.between_ms(SECOND, 40 * SECOND)
        agent = yield from self._calling(contact)
        yield from self._after(agent)

    def _calling(self, contact: Contact) -> Generator[int | Seek, str | None, str]:
        """An agent calls the customer of a contact, and closes that call."""
        world = self._world
        agent = yield from next_agent(world.live[QUEUE])
        call = world.contact("phone", contact.matter)
        world.requested(call, direction="outbound", queue=QUEUE)
        yield world.between_ms(SECOND, 3 * SECOND)
        world.emit(call, t.Answered, agent_id=agent, queue=QUEUE)
        yield world.between_ms(4 * SECOND, 8 * SECOND)
        world.emit(call, t.Closed, resolved=True)
        return agent

    def _after(self, agent: str) -> Process:
        self._world.live[QUEUE].release(agent)
        yield 1

    def _talk(self, contact: Contact, agent: str) -> Process:
        world = self._world
        yield world.between_ms(*_TALK)
        world.emit(contact, t.Closed, resolved=world.chance(0.9))
        world.live[contact.matter.queue.name].release(agent)

    def _mails(self) -> Process:
        """Mails come and are replied to, all the time."""
        world = self._world
        while True:
            yield world.about_ms(12 * SECOND)
            world.start(self._mail(world.contact("email", self._matter(world.random.choice(list(_CALM))))))

    def _mail(self, contact: Contact) -> Process:
        world = self._world
        world.requested(contact, queue=contact.matter.queue.name)
        agent = yield from next_agent(world.writing[QUEUE])
        yield world.between_ms(20 * SECOND, 150 * SECOND)
        world.emit(contact, t.MessageSent, agent_id=agent)
        world.emit(contact, t.Closed, resolved=True)
        world.writing[QUEUE].release(agent)


def _always(_: int) -> int:
    return 20


def _unused(_: Matter, channel: str) -> Process:
    raise AssertionError(f"nobody of this story tries again, and not on {channel}")


def story(seed: int, start_ms: int, length_ms: int = LENGTH_MS) -> list[t.Touchpoint]:
    """The touchpoints of the calm before and of the story itself, in order of time."""
    return MondayMorning(seed, start_ms).advance(start_ms + length_ms)


def act_at(since_ms: int) -> int:
    """Which act it is so long after the start, counted from 1."""
    return sum(act.at_ms <= since_ms for act in ACTS) or 1


STORIES: Final[Mapping[str, type[MondayMorning]]] = {MONDAY_MORNING: MondayMorning}
"""The stories there are, by name."""
