"""A customer as the set of facts of their contacts: each seen among the others, the issues they make, and whom a change
affects.

Of few contacts every one is looked at (`pipeline.core.linked`). Of many, neighbours are found by bisection in sorted
lists, so a customer with very many contacts costs no more per change than one with few, as long as the contacts spread
over time. Both say the same.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Final

from mypy_extensions import mypyc_attr

from pipeline.core.facts import Facts
from pipeline.core.linked import (
    MONTH_MS,
    Leaving,
    Linked,
    Outreach,
    Settled,
    Windows,
    asks_again,
    link,
    may_change,
    one_matter,
)

__all__ = ["MONTH_MS", "Customer", "Leaving", "Linked", "Outreach", "Settled", "Windows"]

_Sorted = list[tuple[int, str]]
_FIRST: Final = ""
_LAST: Final = "\U0010ffff"
_NOBODY: Final[list[Facts]] = []
_UNSEEN: Final[list[Linked]] = []
FEW_CONTACTS: Final = 8
"""Customers with more of them have their contacts in sorted lists."""
_FEW: Final = 8
"""So many entries are quicker looked at one by one."""


@mypyc_attr(acyclic=True)
class Customer:
    """The contacts a customer holds (and the versions of those that are gone)."""

    __slots__ = (
        "_abandoned", "_bad", "_channels", "_closed", "_few", "_held", "_left", "_links", "_long", "_outreach",
        "_praised", "_reached", "_requested", "_settled", "facts", "transfer_breaks_fcr", "unpacked",
        "windows",
    )  # fmt: skip
    _abandoned: _Sorted
    _bad: _Sorted
    _closed: _Sorted
    _left: _Sorted
    _outreach: _Sorted
    _praised: _Sorted
    _reached: _Sorted
    _requested: _Sorted
    _settled: _Sorted
    _channels: dict[str, int]
    _long: dict[str, None]
    """Contacts unanswered for longer than the follow-up window: few, and looked at one by one."""

    def __init__(self, windows: Windows, *, transfer_breaks_fcr: bool, few: int = FEW_CONTACTS) -> None:
        self.windows = windows
        self.transfer_breaks_fcr = transfer_breaks_fcr
        self.facts: dict[str, Facts] = {}
        self.unpacked = False
        """Whether something came."""
        self._few = few
        """0: they are many, and in the lists."""
        self._held = _NOBODY
        """While they are few: those that are held."""
        self._links = _UNSEEN
        """While they are few: those asked for that no change since can have changed."""
        if not few:
            self._spread()

    def put(self, facts: Facts) -> None:
        """Take in facts; the caller has asked whether they are newer, or is loading."""
        all_facts, name = self.facts, facts.contact_id
        self.unpacked = True
        known = all_facts.get(name)
        if self._few:
            all_facts[name] = facts
            if len(all_facts) > self._few:
                self._spread()
                return
            if known is not None:
                self._held = [each for each in all_facts.values() if each.held]
            elif facts.held:
                self._held = [*self._held, facts]
            if self._links:
                self._links = [each for each in self._links if not _changed(each.facts, facts, known)]
            return
        if known is not None and known.held:
            self._index(known, add=False)
        all_facts[name] = facts
        if facts.held:
            self._index(facts, add=True)

    def _spread(self) -> None:
        """From here on they are many: fill the lists."""
        self._few, self._held, self._links = 0, _NOBODY, _UNSEEN
        self._requested, self._closed, self._abandoned, self._reached = [], [], [], []
        self._settled, self._praised, self._outreach, self._bad, self._left = [], [], [], [], []
        self._channels, self._long = {}, {}
        for facts in self.facts.values():
            if facts.held:
                self._index(facts, add=True)

    def _index(self, facts: Facts, *, add: bool) -> None:
        name = facts.contact_id
        held = self._channels.get(facts.channel, 0) + (1 if add else -1)
        if held:
            self._channels[facts.channel] = held
        else:
            del self._channels[facts.channel]
        change = _put if add else _remove
        change(self._requested, facts.requested_ms, name)
        if facts.last_closed_ms is not None:
            change(self._closed, facts.last_closed_ms, name)
        if facts.abandoned_ms is not None:
            change(self._abandoned, facts.abandoned_ms, name)
        for at_ms in facts.reached_ms:
            change(self._reached, at_ms, name)
        for _, at_ms in facts.settled:
            change(self._settled, at_ms, name)
        for at_ms in facts.praised_ms:
            change(self._praised, at_ms, name)
        for at_ms, _ in facts.outreach:
            change(self._outreach, at_ms, name)
        for at_ms in facts.bad_ms:
            change(self._bad, at_ms, name)
        for at_ms in facts.left_ms:
            change(self._left, at_ms, name)
        if facts.unanswered_until_ms - facts.requested_ms > self.windows.follow_up_ms:
            if add:
                self._long[name] = None
            else:
                del self._long[name]

    def changing(self, facts: Facts) -> list[Facts]:
        """The other held contacts that may be linked otherwise when these facts come."""
        own = facts.contact_id
        known = self.facts.get(own)
        if self._few:
            held = self._held
            if not held:
                return held
            return [each for each in held if each is not known and _changed(each, facts, known)]
        found = self.affected(facts)
        if known is not None:
            found |= self.affected(known)
        found.discard(own)
        return [self.facts[name] for name in sorted(found)]

    def affected(self, facts: Facts) -> set[str]:
        """Held contacts whose `linked` may change when these facts come or go (the contact itself included).

        Asked before and after a change, the union is exactly what has to be counted anew.
        """
        if not facts.held:
            return set()
        if self._few:
            return {each.contact_id for each in self._held}
        w, asked_ms = self.windows.follow_up_ms, facts.requested_ms
        found = {facts.contact_id}
        if self._requested:
            if facts.inbound:
                _name(found, self._closed, asked_ms - w, asked_ms - 1)
                found.update(self._unanswered_at(asked_ms))
                _name(found, self._outreach, asked_ms - w, asked_ms + w)
            if facts.last_closed_ms is not None:
                _name(found, self._requested, facts.last_closed_ms + 1, facts.last_closed_ms + w)
            _name(found, self._requested, asked_ms + 1, facts.unanswered_until_ms - 1)
            if self._abandoned:
                for at_ms in facts.reached_ms:
                    _name(found, self._abandoned, at_ms - self.windows.returned_ms, at_ms - 1)
            if self._settled:
                for at_ms in facts.praised_ms:
                    _name(found, self._settled, at_ms - MONTH_MS, at_ms - 1)
            if self._left:
                for at_ms in facts.bad_ms:
                    _name(found, self._left, at_ms, at_ms + MONTH_MS)
        return {name for name in found if (known := self.facts.get(name)) is not None and known.held}

    def linked(self, contact_id: str) -> Linked:
        """One held contact among the others."""
        return self.seen(self.facts[contact_id])

    def seen(self, facts: Facts) -> Linked:
        """As `linked`, of facts that the customer holds."""
        if self._few:
            links = self._links
            for known in links:
                if known.facts is facts:
                    return known
            found = link(facts, self._held, self.windows, transfer_breaks_fcr=self.transfer_breaks_fcr)
            if links:
                links.append(found)
            else:
                self._links = [found]
            return found
        found = Linked(facts, transfer_breaks_fcr=self.transfer_breaks_fcr)
        if len(self._requested) > 1:
            self._follow(found)
            found.chased = self._is_chased(facts)
            found.switched = self._is_switch(facts)
        found.returned = self._is_returned(facts)
        if facts.settled:
            found.settled = tuple(
                Settled(raised_ms, _any(self._praised, settled_ms + 1, settled_ms + MONTH_MS))
                for raised_ms, settled_ms in facts.settled
            )
        if facts.outreach:
            found.outreach = tuple(self._reaching_out(facts, at_ms, cares=cares) for at_ms, cares in facts.outreach)
        if facts.left_ms:
            found.leavings = tuple(Leaving(at_ms, _any(self._bad, at_ms - MONTH_MS, at_ms)) for at_ms in facts.left_ms)
        return found

    def followed(self, facts: Facts) -> Linked:
        """As `seen`, but only what it follows and what follows it."""
        if self._few:
            return self.seen(facts)
        found = Linked(facts, transfer_breaks_fcr=self.transfer_breaks_fcr)
        if len(self._requested) > 1:
            self._follow(found)
        return found

    def _follow(self, found: Linked) -> None:
        """What it follows, and what follows it."""
        facts = found.facts
        if facts.last_closed_ms is not None:
            closed_ms = facts.last_closed_ms
            index = self._requested
            for place in range(_from(index, closed_ms + 1), _to(index, closed_ms + self.windows.follow_up_ms)):
                asked_ms, name = index[place]
                if asks_again(facts, self.facts[name]):
                    found.followed_by = name
                    found.followup_delay_ms = asked_ms - closed_ms if facts.eligible else None
                    break
        found.follows = self._follows(facts) or ""

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
            first = found[name]
            for each in way:
                found[each] = first
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
        if self._few:
            grown = -1 if len(found) < len(self._held) else len(found)
            while grown < len(found):
                grown = len(found)
                found.update([each.contact_id for each in self._held if self._follows(each) in found])
            return found
        heap = [(closed_ms, name) for name in found if (closed_ms := self.facts[name].last_closed_ms) is not None]
        heapify(heap)
        done, odd = 0, any(closed_ms < self.facts[name].requested_ms for closed_ms, name in heap)
        while heap:
            closed_ms, _ = heappop(heap)
            first = _from(self._requested, closed_ms + 1)
            past = _to(self._requested, closed_ms + self.windows.follow_up_ms)
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
        if self._few:
            return self.seen(facts).follows or None
        if not facts.inbound:
            return None
        start_ms, end_ms = facts.requested_ms - self.windows.follow_up_ms, facts.requested_ms - 1
        for place in range(_to(self._closed, end_ms) - 1, _from(self._closed, start_ms) - 1, -1):
            name = self._closed[place][1]
            if asks_again(self.facts[name], facts):
                return name
        return None

    def _is_switch(self, facts: Facts) -> bool:
        """Whether it follows or chases a contact on another channel."""
        if not facts.inbound or len(self._channels) == 1:
            return False
        index, channel = self._closed, facts.channel
        start_ms, end_ms = facts.requested_ms - self.windows.follow_up_ms, facts.requested_ms - 1
        for place in range(_from(index, start_ms), _to(index, end_ms)):
            known = self.facts[index[place][1]]
            if known.channel != channel and asks_again(known, facts):
                return True
        for name in self._unanswered_at(facts.requested_ms):
            known = self.facts[name]
            chased = known.inbound and known.last_closed_ms is not None
            if chased and known.channel != channel and asks_again(known, facts):
                return True
        return False

    def _unanswered_at(self, at_ms: int) -> list[str]:
        """Contacts asked before `at_ms` and unanswered then."""
        index = self._requested
        found: list[str] = []
        for place in range(_from(index, at_ms - self.windows.follow_up_ms), _to(index, at_ms - 1)):
            name = index[place][1]
            if name not in self._long and self.facts[name].unanswered_until_ms > at_ms:
                found.append(name)
        if self._long:
            facts = self.facts
            found += [n for n in sorted(self._long) if facts[n].requested_ms < at_ms < facts[n].unanswered_until_ms]
        return found

    def _is_chased(self, facts: Facts) -> bool:
        if not facts.inbound or facts.last_closed_ms is None:
            return False
        index = self._requested
        for place in range(_from(index, facts.requested_ms + 1), _to(index, facts.unanswered_until_ms - 1)):
            if asks_again(facts, self.facts[index[place][1]]):
                return True
        return False

    def _is_returned(self, facts: Facts) -> bool:
        if facts.abandoned_ms is None:
            return False
        return _any(self._reached, facts.abandoned_ms + 1, facts.abandoned_ms + self.windows.returned_ms)

    def _reaching_out(self, facts: Facts, at_ms: int, *, cares: bool) -> Outreach:
        """What came before and after we turned to the customer, within the follow-up window on either side."""
        w, index = self.windows.follow_up_ms, self._requested
        earlier = [self.facts[index[place][1]] for place in range(_from(index, at_ms - w), _to(index, at_ms))]
        later = [self.facts[index[place][1]] for place in range(_from(index, at_ms + 1), _to(index, at_ms + w))]
        first = cares and not any(known.inbound and one_matter(facts, known) for known in earlier)
        return Outreach(at_ms, first, any(asks_again(facts, known) for known in later))


def _changed(facts: Facts, new: Facts, known: Facts | None) -> bool:
    """Whether it may be seen otherwise when another contact's new facts come in the place of those known."""
    return facts is known or may_change(facts, new) or (known is not None and may_change(facts, known))


def _put(index: _Sorted, at_ms: int, name: str) -> None:
    insort(index, (at_ms, name))


def _remove(index: _Sorted, at_ms: int, name: str) -> None:
    del index[bisect_left(index, (at_ms, name))]


def _from(index: _Sorted, start_ms: int) -> int:
    """The place of the first entry with start_ms <= time."""
    if len(index) > _FEW:
        return bisect_left(index, (start_ms, _FIRST))
    place = 0
    while place < len(index) and index[place][0] < start_ms:
        place += 1
    return place


def _to(index: _Sorted, end_ms: int) -> int:
    """The place after the last entry with time <= end_ms."""
    if len(index) > _FEW:
        return bisect_right(index, (end_ms, _LAST))
    place = 0
    while place < len(index) and index[place][0] <= end_ms:
        place += 1
    return place


def _any(index: _Sorted, start_ms: int, end_ms: int) -> bool:
    """Whether there is an entry with start_ms <= time <= end_ms."""
    return bool(index) and _from(index, start_ms) < _to(index, end_ms)


def _name(found: set[str], index: _Sorted, start_ms: int, end_ms: int) -> None:
    """Add whose entries have start_ms <= time <= end_ms."""
    if index:
        for place in range(_from(index, start_ms), _to(index, end_ms)):
            found.add(index[place][1])
