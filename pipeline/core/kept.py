"""How the customer fold keeps the facts of a customer in memory: as few bytes as they can be told from.

It never leaves the process, so words are numbers of a table of the fold's own. A customer with one closed contact takes
about 100 bytes.
"""

from collections.abc import Iterable
from typing import Any, Final

from pipeline.core.ids import lengthened, shortened
from pipeline.core.packed_facts import NEVER, Facts, KeptCustomer, KeptFacts, newest_ms, pack_customer, unpack_customer

__all__ = ["Keeper", "newest_ms"]


_Place = tuple[str, str, str, str]
_NO_OTHERS: Final[tuple[Any, ...]] = ((), (), (), (), ())


class Keeper:
    """Packs and unpacks customers; knows the words (channel, queue, segment, topic) by number."""

    __slots__ = ("_numbers", "_places")

    def __init__(self) -> None:
        self._places: list[_Place] = []
        self._numbers: dict[_Place, int] = {}

    def pack(self, newest_ms: int, facts: Iterable[Facts]) -> bytes:
        """All facts of a customer. `newest_ms` is for `newest_ms`."""
        return pack_customer(KeptCustomer(newest_ms, [self._kept(each) for each in facts]))

    def unpack(self, customer_id: str, packed: bytes) -> list[Facts]:
        """The facts again, in the order in which they were packed."""
        return [self._facts(customer_id, each) for each in unpack_customer(packed).contacts]

    def _kept(self, facts: Facts) -> KeptFacts:
        place = (facts.channel, facts.queue, facts.segment, facts.topic)
        number = self._numbers.get(place)
        if number is None:
            number = self._numbers[place] = len(self._places)
            self._places.append(place)
        from_ms = facts.requested_ms
        others = (facts.settled, facts.praised_ms, facts.outreach, facts.bad_ms, facts.left_ms)
        return KeptFacts(
            shortened([facts.contact_id]),
            facts.version,
            facts.held
            | facts.inbound << 1
            | facts.eligible << 2
            | facts.reopened << 3
            | facts.unresolved << 4
            | facts.transferred << 5,
            number,
            from_ms,
            None if facts.first_closed_ms is None else facts.first_closed_ms - from_ms,
            None if facts.last_closed_ms is None else facts.last_closed_ms - from_ms,
            None if facts.unanswered_until_ms == NEVER else facts.unanswered_until_ms - from_ms,
            None if facts.wait_began_ms is None else facts.wait_began_ms - from_ms,
            None if facts.abandoned_ms is None else facts.abandoned_ms - from_ms,
            [at_ms - from_ms for at_ms in facts.reached_ms],
            others if any(others) else None,
        )

    def _facts(self, customer_id: str, kept: KeptFacts) -> Facts:
        flags, from_ms = kept.flags, kept.requested_ms
        channel, queue, segment, topic = self._places[kept.place]
        settled, praised_ms, outreach, bad_ms, left_ms = kept.others or _NO_OTHERS
        return Facts(
            kept.version,
            bool(flags & 1),
            0,
            lengthened(kept.contact)[0],
            customer_id,
            channel,
            queue,
            segment,
            topic,
            bool(flags & 2),
            from_ms,
            None if kept.first_closed is None else from_ms + kept.first_closed,
            None if kept.last_closed is None else from_ms + kept.last_closed,
            NEVER if kept.unanswered_until is None else from_ms + kept.unanswered_until,
            bool(flags & 4),
            bool(flags & 8),
            bool(flags & 16),
            bool(flags & 32),
            None if kept.wait_began is None else from_ms + kept.wait_began,
            None if kept.abandoned is None else from_ms + kept.abandoned,
            tuple([from_ms + after for after in kept.reached]),
            tuple([(raised_ms, settled_ms) for raised_ms, settled_ms in settled]),
            tuple(praised_ms),
            tuple([(at_ms, cares) for at_ms, cares in outreach]),
            tuple(bad_ms),
            tuple(left_ms),
        )
