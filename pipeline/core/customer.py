"""A customer as the set of facts of their contacts: who follows whom, who asked again, who was called back, whose
complaint was made good, whom we told before they asked, who left after something bad.

Definitions: docs/measures-settled.md, rules 16, 24 to 30 and 59 to 62. Neighbours are found by bisection in sorted
lists, so a customer with very many contacts costs no more per change than one with few, as long as the contacts spread
over time.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import chain
from typing import Final

from msgspec import Struct

from pipeline.core.facts import Facts

_Sorted = list[tuple[int, str]]
_FIRST: Final = ""
_LAST: Final = "\U0010ffff"


class Windows(Struct, frozen=True):
    """How long a follow-up counts [W], and within how long we must reach who gave up [24 h]."""

    follow_up_ms: int
    returned_ms: int


MONTH_MS: Final = 30 * 86_400_000
"""How long after its settling praise shows a complaint made good, and how long before a customer left something bad
may have been the cause.
"""


class Settled(Struct, frozen=True):
    """A complaint that was settled, and whether the customer praised us within 30 days of it."""

    raised_ms: int
    recovered: bool


class Outreach(Struct, frozen=True):
    """Once we turned to the customer: before they had asked (for a reason that concerns them), and whether they asked
    all the same.
    """

    at_ms: int
    first: bool
    followed: bool


class Leaving(Struct, frozen=True):
    """The customer left us; `after_bad`: within 30 days after something bad."""

    at_ms: int
    after_bad: bool


class Linked(Struct):
    """One contact of a customer, seen among the others: what the measures of the customer fold are functions of."""

    facts: Facts
    follows: str
    followed_by: str
    followup_delay_ms: int | None
    chased: bool
    switched: bool
    returned: bool
    transfer_breaks_fcr: bool
    settled: Sequence[Settled] = ()
    outreach: Sequence[Outreach] = ()
    leavings: Sequence[Leaving] = ()

    @property
    def resolved(self) -> bool:
        """Resolved at first contact: eligible, nothing follows, not reopened, not said to be unresolved."""
        facts = self.facts
        broken = self.followed_by or facts.reopened or facts.unresolved
        return facts.eligible and not broken and not (self.transfer_breaks_fcr and facts.transferred)

    @property
    def fcr(self) -> str:
        """Why not, or 'resolved'; '' where the contact is not eligible. Precedence as in the contract."""
        facts = self.facts
        if not facts.eligible:
            return ""
        if facts.unresolved:
            return "unresolved"
        if facts.reopened:
            return "reopened"
        if self.followed_by:
            return "followed"
        return "resolved" if self.resolved else "transferred"


class Customer:
    """The contacts a customer holds (and the versions of those that are gone)."""

    __slots__ = (
        "_abandoned",
        "_bad",
        "_channels",
        "_closed",
        "_left",
        "_long",
        "_outreach",
        "_praised",
        "_reached",
        "_requested",
        "_settled",
        "facts",
        "transfer_breaks_fcr",
        "windows",
    )

    def __init__(self, windows: Windows, *, transfer_breaks_fcr: bool) -> None:
        self.windows = windows
        self.transfer_breaks_fcr = transfer_breaks_fcr
        self.facts: dict[str, Facts] = {}
        self._requested: _Sorted = []
        self._closed: _Sorted = []
        self._abandoned: _Sorted = []
        self._reached: _Sorted = []
        self._settled: _Sorted = []
        self._praised: _Sorted = []
        self._outreach: _Sorted = []
        self._bad: _Sorted = []
        self._left: _Sorted = []
        self._channels: dict[str, int] = {}
        self._long: dict[str, None] = {}
        """Contacts unanswered for longer than the follow-up window: few, and looked at one by one."""

    def newer(self, facts: Facts) -> bool:
        """Whether these facts say anything: of one contact the highest version counts."""
        known = self.facts.get(facts.contact_id)
        return known is None or facts.version > known.version

    def put(self, facts: Facts) -> None:
        """Take in facts; the caller has asked `newer`, or is loading."""
        known = self.facts.get(facts.contact_id)
        if known is not None and known.held:
            self._index(known, add=False)
        self.facts[facts.contact_id] = facts
        if facts.held:
            self._index(facts, add=True)

    def _index(self, facts: Facts, *, add: bool) -> None:
        name = facts.contact_id
        held = self._channels.get(facts.channel, 0) + (1 if add else -1)
        if held:
            self._channels[facts.channel] = held
        else:
            del self._channels[facts.channel]
        entries: list[tuple[_Sorted, int]] = [(self._requested, facts.requested_ms)]
        if facts.last_closed_ms is not None:
            entries.append((self._closed, facts.last_closed_ms))
        if facts.abandoned_ms is not None:
            entries.append((self._abandoned, facts.abandoned_ms))
        entries.extend((self._reached, at_ms) for at_ms in facts.reached_ms)
        entries.extend((self._settled, settled_ms) for _, settled_ms in facts.settled)
        entries.extend((self._praised, at_ms) for at_ms in facts.praised_ms)
        entries.extend((self._outreach, at_ms) for at_ms, _ in facts.outreach)
        entries.extend((self._bad, at_ms) for at_ms in facts.bad_ms)
        entries.extend((self._left, at_ms) for at_ms in facts.left_ms)
        for index, at_ms in entries:
            if add:
                insort(index, (at_ms, name))
            else:
                del index[bisect_left(index, (at_ms, name))]
        if facts.unanswered_until_ms - facts.requested_ms > self.windows.follow_up_ms:
            if add:
                self._long[name] = None
            else:
                del self._long[name]

    def affected(self, facts: Facts) -> set[str]:
        """Held contacts whose `linked` may change when these facts come or go (the contact itself included).

        Asked before and after a change, the union is exactly what has to be counted anew.
        """
        if not facts.held:
            return set()
        w, asked_ms = self.windows.follow_up_ms, facts.requested_ms
        found = {facts.contact_id}
        if facts.inbound:
            found.update(name for _, name in _between(self._closed, asked_ms - w, asked_ms - 1))
            found.update(self._unanswered_at(asked_ms))
            found.update(name for _, name in _between(self._outreach, asked_ms - w, asked_ms + w))
        if facts.last_closed_ms is not None:
            found.update(
                name for _, name in _between(self._requested, facts.last_closed_ms + 1, facts.last_closed_ms + w)
            )
        found.update(name for _, name in _between(self._requested, asked_ms + 1, facts.unanswered_until_ms - 1))
        for at_ms in facts.reached_ms:
            found.update(name for _, name in _between(self._abandoned, at_ms - self.windows.returned_ms, at_ms - 1))
        for at_ms in facts.praised_ms if self._settled else ():
            found.update(name for _, name in _between(self._settled, at_ms - MONTH_MS, at_ms - 1))
        for at_ms in facts.bad_ms if self._left else ():
            found.update(name for _, name in _between(self._left, at_ms, at_ms + MONTH_MS))
        return {name for name in found if (known := self.facts.get(name)) is not None and known.held}

    def linked(self, contact_id: str) -> Linked:
        """One held contact among the others."""
        facts = self.facts[contact_id]
        followed_by, delay_ms = "", None
        if facts.last_closed_ms is not None:
            closed_ms = facts.last_closed_ms
            for asked_ms, name in _between(self._requested, closed_ms + 1, closed_ms + self.windows.follow_up_ms):
                if self._asks_again(facts, self.facts[name]):
                    followed_by = name
                    delay_ms = asked_ms - closed_ms if facts.eligible else None
                    break
        return Linked(
            facts,
            self._follows(facts) or "",
            followed_by,
            delay_ms,
            self._is_chased(facts),
            self._is_switch(facts),
            self._is_returned(facts),
            self.transfer_breaks_fcr,
            tuple(
                Settled(raised_ms, _any(self._praised, settled_ms + 1, settled_ms + MONTH_MS))
                for raised_ms, settled_ms in facts.settled
            ),
            tuple(self._reaching_out(facts, at_ms, cares=cares) for at_ms, cares in facts.outreach),
            tuple(Leaving(at_ms, _any(self._bad, at_ms - MONTH_MS, at_ms)) for at_ms in facts.left_ms),
        )

    def issues(self, contact_ids: Iterable[str]) -> dict[str, str]:
        """The contact each one's issue began with: back along the contacts followed, as long as they were asked for
        earlier. Chains that meet are walked once: a customer may have one of thousands.
        """
        found: dict[str, str] = {}
        for contact_id in contact_ids:
            name, way = contact_id, []
            while name not in found:
                way.append(name)
                before = self._origin(self.facts[name])
                if before is None:
                    found[name] = name
                else:
                    name = before.contact_id
            found.update(dict.fromkeys(way, found[name]))
        return found

    def _origin(self, facts: Facts) -> Facts | None:
        """The contact followed, unless it was asked for later: odd contacts could follow each other in a ring."""
        name = self._follows(facts)
        if name is None:
            return None
        before = self.facts[name]
        earlier = (before.requested_ms, name) < (facts.requested_ms, facts.contact_id)
        return before if earlier else None

    def descendants(self, contact_ids: Iterable[str]) -> set[str]:
        """These contacts and all whose chain of follow-ups leads back to one of them.

        Closings are taken in order of time, so each request is looked at once, unless a contact was closed before it
        was asked for: then no order is one, and requests are looked at again.
        """
        found = set(contact_ids)
        heap = [(closed_ms, name) for name in found if (closed_ms := self.facts[name].last_closed_ms) is not None]
        heapify(heap)
        done, odd = 0, any(closed_ms < self.facts[name].requested_ms for closed_ms, name in heap)
        while heap:
            closed_ms, _ = heappop(heap)
            first = bisect_left(self._requested, (closed_ms + 1, _FIRST))
            past = bisect_right(self._requested, (closed_ms + self.windows.follow_up_ms, _LAST))
            for place in range(first if odd else max(first, done), past):
                name = self._requested[place][1]
                facts = self.facts[name]
                if name in found or self._follows(facts) not in found:
                    continue
                found.add(name)
                if facts.last_closed_ms is not None:
                    heappush(heap, (facts.last_closed_ms, name))
                    odd = odd or facts.last_closed_ms < facts.requested_ms
            done = max(done, past)
        return found

    def _follows(self, facts: Facts) -> str | None:
        """The contact this one follows most closely: of those it follows the one with the latest (closing, id)."""
        if not facts.inbound:
            return None
        start_ms, end_ms = facts.requested_ms - self.windows.follow_up_ms, facts.requested_ms - 1
        low = bisect_left(self._closed, (start_ms, _FIRST))
        for index in range(bisect_right(self._closed, (end_ms, _LAST)) - 1, low - 1, -1):
            name = self._closed[index][1]
            if self._asks_again(self.facts[name], facts):
                return name
        return None

    def _is_switch(self, facts: Facts) -> bool:
        """Whether it follows or chases a contact on another channel."""
        if not facts.inbound or len(self._channels) == 1:
            return False
        found = chain(self._before(facts), self._chasing(facts))
        return any(self.facts[name].channel != facts.channel for name in found)

    def _before(self, facts: Facts) -> Iterator[str]:
        """The contacts this one follows, oldest closing first."""
        start_ms, end_ms = facts.requested_ms - self.windows.follow_up_ms, facts.requested_ms - 1
        for _, name in _between(self._closed, start_ms, end_ms):
            if self._asks_again(self.facts[name], facts):
                yield name

    def _unanswered_at(self, at_ms: int) -> Iterator[str]:
        """Contacts asked before `at_ms` and unanswered then."""
        for _, name in _between(self._requested, at_ms - self.windows.follow_up_ms, at_ms - 1):
            if name not in self._long and self.facts[name].unanswered_until_ms > at_ms:
                yield name
        for name in sorted(self._long):
            if self.facts[name].requested_ms < at_ms < self.facts[name].unanswered_until_ms:
                yield name

    def _chasing(self, facts: Facts) -> Iterator[str]:
        """The contacts that this one chases: still open and unanswered when it came (and closed since)."""
        for name in self._unanswered_at(facts.requested_ms):
            known = self.facts[name]
            if known.inbound and known.last_closed_ms is not None and self._asks_again(known, facts):
                yield name

    def _is_chased(self, facts: Facts) -> bool:
        if not facts.inbound or facts.last_closed_ms is None:
            return False
        span = _between(self._requested, facts.requested_ms + 1, facts.unanswered_until_ms - 1)
        return any(self._asks_again(facts, self.facts[name]) for _, name in span)

    def _is_returned(self, facts: Facts) -> bool:
        if facts.abandoned_ms is None:
            return False
        return _any(self._reached, facts.abandoned_ms + 1, facts.abandoned_ms + self.windows.returned_ms)

    def _reaching_out(self, facts: Facts, at_ms: int, *, cares: bool) -> Outreach:
        """What came before and after we turned to the customer, within the follow-up window on either side."""
        w = self.windows.follow_up_ms
        earlier = (self.facts[name] for _, name in _between(self._requested, at_ms - w, at_ms))
        later = (self.facts[name] for _, name in _between(self._requested, at_ms + 1, at_ms + w))
        first = cares and not any(known.inbound and _one_matter(facts, known) for known in earlier)
        return Outreach(at_ms, first, any(self._asks_again(facts, known) for known in later))

    @staticmethod
    def _asks_again(first: Facts, second: Facts) -> bool:
        """Whether the second contact is the customer coming back about the first."""
        return first.contact_id != second.contact_id and second.inbound and _one_matter(first, second)


def _one_matter(first: Facts, second: Facts) -> bool:
    """Whether two contacts may be about one thing: the same topic where both have one."""
    return not first.topic or not second.topic or first.topic == second.topic


def _any(index: _Sorted, start_ms: int, end_ms: int) -> bool:
    """Whether there is an entry with start_ms <= time <= end_ms."""
    return next(_between(index, start_ms, end_ms), None) is not None


def _between(index: _Sorted, start_ms: int, end_ms: int) -> Iterator[tuple[int, str]]:
    """Entries with start_ms <= time <= end_ms, in order."""
    for place in range(bisect_left(index, (start_ms, _FIRST)), bisect_right(index, (end_ms, _LAST))):
        yield index[place]
