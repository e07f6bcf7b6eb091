"""A small discrete-event engine: processes that sleep and stand in line, and pools of agents that serve the lines.

A process is a generator. It yields milliseconds to sleep, or `Seek` to wait for an agent: then it is sent the agent's
name, or None if its patience ended first. What happens is ordered by (time, start): a run depends on its inputs only.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Final

SHIFT_MS: Final = 15 * 60_000
"""How often pools look whether more agents have come."""


@dataclass(eq=False, slots=True)
class Ticket:
    """A place in the line of a pool."""

    process: "Process | None" = None
    waits: int = 0
    """How often the process went on while holding the ticket: tells a timer that it is out of date."""
    gone: bool = False


@dataclass(slots=True)
class Seek:
    """Wait with a ticket for an agent of a pool, at most so long (None: for ever). The place in line stays."""

    pool: "Pool"
    ticket: Ticket
    at_most_ms: int | None = None


Process = Generator[int | Seek, str | None, None]


@dataclass(eq=False, slots=True)
class Events:
    """What happens when. `now_ms` is the time of the event that is happening."""

    now_ms: int
    _heap: list[tuple[int, int, Process, str | None, Ticket | None, int]] = field(default_factory=list)
    _started: "itertools.count[int]" = field(default_factory=itertools.count)

    def start(self, process: Process, after_ms: int = 0, agent: str | None = None) -> None:
        """Let a process go on after so many milliseconds."""
        heapq.heappush(self._heap, (self.now_ms + after_ms, next(self._started), process, agent, None, 0))

    def timer(self, ticket: Ticket, after_ms: int) -> None:
        """Let a ticket's process go on without an agent, if it still waits then."""
        if ticket.process is not None:
            due = self.now_ms + after_ms
            heapq.heappush(self._heap, (due, next(self._started), ticket.process, None, ticket, ticket.waits))

    def run(self, until_ms: int) -> None:
        """Everything that happens before `until_ms`."""
        while self._heap and self._heap[0][0] < until_ms:
            self.now_ms, _, process, agent, ticket, waits = heapq.heappop(self._heap)
            if ticket is not None:
                if ticket.gone or ticket.waits != waits:
                    continue
                ticket.waits += 1
            self._go_on(process, agent)
        self.now_ms = max(self.now_ms, until_ms)

    def _go_on(self, process: Process, agent: str | None) -> None:
        try:
            step = process.send(agent)
        except StopIteration:
            return
        if isinstance(step, int):
            self.start(process, step)
            return
        if step.ticket.process is None:
            step.ticket.process = process
            step.pool.join(step.ticket)
        if step.at_most_ms is not None:
            self.timer(step.ticket, step.at_most_ms)


@dataclass(eq=False, slots=True)
class Pool:
    """Agents with one line, first come, first served. `staff` says how many are there at a time."""

    events: Events
    name: str
    staff: Callable[[int], int]
    waiting: int = 0
    busy: int = 0
    _line: deque[Ticket] = field(default_factory=deque)
    _rested: deque[str] = field(default_factory=deque)
    _hired: int = 0

    def join(self, ticket: Ticket) -> None:
        """Stand at the end of the line."""
        self._line.append(ticket)
        self.waiting += 1
        self.fill()

    def leave(self, ticket: Ticket) -> None:
        """Leave the line before being served."""
        ticket.gone = True
        self.waiting -= 1

    def release(self, agent: str) -> None:
        """An agent is free again."""
        self.busy -= 1
        self._rested.append(agent)
        self.fill()

    def fill(self) -> None:
        """Bring together who waits and who is free."""
        while self.waiting and self.busy < self.staff(self.events.now_ms):
            ticket = self._line.popleft()
            if ticket.gone or ticket.process is None:
                continue
            ticket.gone = True
            self.waiting -= 1
            self.busy += 1
            self.events.start(ticket.process, agent=self._next_agent())

    def _next_agent(self) -> str:
        if self._rested:
            return self._rested.popleft()
        self._hired += 1
        return f"{self.name}-{self._hired:02d}"


def next_agent(pool: Pool) -> Generator[int | Seek, str | None, str]:
    """The next free agent of a pool, however long it takes. They are released by whoever asked for them."""
    ticket = Ticket()
    while (agent := (yield Seek(pool, ticket))) is None:
        pass
    return agent


def shifts(pools: list[Pool]) -> Process:
    """Agents who come to work take whoever waits."""
    while True:
        yield SHIFT_MS
        for pool in pools:
            pool.fill()
