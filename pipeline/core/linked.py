"""One contact of a customer, seen among the others: who follows whom, who asked again, who was called back, whose
complaint was made good, whom we told before they asked, who left after something bad.

Definitions: docs/measures-settled.md, rules 16, 24 to 30 and 59 to 62.
"""

from collections.abc import Sequence
from typing import Final

from mypy_extensions import mypyc_attr

from pipeline.core.facts import Facts


class Windows:
    """How long a follow-up counts [W], and within how long we must reach who gave up [24 h]."""

    __slots__ = ("follow_up_ms", "returned_ms")

    def __init__(self, follow_up_ms: int, returned_ms: int) -> None:
        self.follow_up_ms = follow_up_ms
        self.returned_ms = returned_ms


MONTH_MS: Final = 30 * 86_400_000
"""How long after its settling praise shows a complaint made good, and how long before a customer left something bad
may have been the cause.
"""


@mypyc_attr(acyclic=True)
class Settled:
    """A complaint that was settled, and whether the customer praised us within 30 days of it."""

    __slots__ = ("raised_ms", "recovered")

    def __init__(self, raised_ms: int, recovered: bool) -> None:  # noqa: FBT001 - by position
        self.raised_ms = raised_ms
        self.recovered = recovered


@mypyc_attr(acyclic=True)
class Outreach:
    """Once we turned to the customer: before they had asked (for a reason that concerns them), and whether they asked
    all the same.
    """

    __slots__ = ("at_ms", "first", "followed")

    def __init__(self, at_ms: int, first: bool, followed: bool) -> None:  # noqa: FBT001 - by position
        self.at_ms = at_ms
        self.first = first
        self.followed = followed


@mypyc_attr(acyclic=True)
class Leaving:
    """The customer left us; `after_bad`: within 30 days after something bad."""

    __slots__ = ("after_bad", "at_ms")

    def __init__(self, at_ms: int, after_bad: bool) -> None:  # noqa: FBT001 - by position
        self.at_ms = at_ms
        self.after_bad = after_bad


@mypyc_attr(acyclic=True)
class Linked:
    """One contact of a customer, seen among the others: what the measures of the customer fold are functions of."""

    __slots__ = (
        "chased",
        "facts",
        "followed_by",
        "follows",
        "followup_delay_ms",
        "leavings",
        "outreach",
        "returned",
        "settled",
        "switched",
        "transfer_breaks_fcr",
    )

    def __init__(self, facts: Facts, *, transfer_breaks_fcr: bool) -> None:
        self.facts = facts
        self.transfer_breaks_fcr = transfer_breaks_fcr
        self.follows = ""
        self.followed_by = ""
        self.followup_delay_ms: int | None = None
        self.chased = False
        self.switched = False
        self.returned = False
        self.settled: tuple[Settled, ...] = ()
        self.outreach: tuple[Outreach, ...] = ()
        self.leavings: tuple[Leaving, ...] = ()

    def same(self, other: "Linked") -> bool:
        """Whether both are of the same facts and certainly say the same."""
        return (
            self.facts is other.facts
            and self.follows == other.follows
            and self.followed_by == other.followed_by
            and self.followup_delay_ms == other.followup_delay_ms
            and self.chased is other.chased
            and self.switched is other.switched
            and self.returned is other.returned
            and not (self.settled or self.outreach or self.leavings)
        )

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


def one_matter(first: Facts, second: Facts) -> bool:
    """Whether two contacts may be about one thing: the same topic where both have one."""
    return not first.topic or not second.topic or first.topic == second.topic


def asks_again(first: Facts, second: Facts) -> bool:
    """Whether the second contact is the customer coming back about the first."""
    return second.inbound and one_matter(first, second) and first.contact_id != second.contact_id


def may_change(facts: Facts, other: Facts) -> bool:
    """Whether what another contact tells may say how this one is seen."""
    return (
        one_matter(facts, other)
        or (facts.abandoned_ms is not None and len(other.reached_ms) > 0)
        or (len(facts.settled) > 0 and len(other.praised_ms) > 0)
        or (len(facts.left_ms) > 0 and len(other.bad_ms) > 0)
    )


def link(facts: Facts, held: Sequence[Facts], windows: Windows, *, transfer_breaks_fcr: bool) -> Linked:
    """A contact among all that its customer holds, itself included: by looking at each of them."""
    found = Linked(facts, transfer_breaks_fcr=transfer_breaks_fcr)
    if len(held) > 1:
        _follow(found, held, windows.follow_up_ms)
    if facts.abandoned_ms is not None:
        start_ms, end_ms = facts.abandoned_ms + 1, facts.abandoned_ms + windows.returned_ms
        found.returned = any(_within(other.reached_ms, start_ms, end_ms) for other in held)
    if facts.settled:
        found.settled = tuple(
            Settled(raised_ms, any(_within(other.praised_ms, at_ms + 1, at_ms + MONTH_MS) for other in held))
            for raised_ms, at_ms in facts.settled
        )
    if facts.outreach:
        found.outreach = tuple(
            _reaching_out(facts, held, at_ms, windows.follow_up_ms, cares=cares) for at_ms, cares in facts.outreach
        )
    if facts.left_ms:
        found.leavings = tuple(
            Leaving(at_ms, any(_within(other.bad_ms, at_ms - MONTH_MS, at_ms) for other in held))
            for at_ms in facts.left_ms
        )
    return found


def _follow(found: Linked, held: Sequence[Facts], window_ms: int) -> None:
    """What it follows (of several the one with the latest closing, id), what follows it (the first request, id),
    whether the customer asked again before anyone had answered, and whether it is itself a change of channel.
    """
    facts = found.facts
    asked_ms = facts.requested_ms
    follows: Facts | None = None
    followed: Facts | None = None
    for other in held:
        if other is facts or not one_matter(facts, other):
            continue
        other_ms, other_closed_ms = other.requested_ms, other.last_closed_ms
        if facts.inbound:
            again = other_closed_ms is not None and asked_ms - window_ms <= other_closed_ms < asked_ms
            if again and (follows is None or _closing(follows) < _closing(other)):
                follows = other
            if other.channel != facts.channel and (
                again
                or (other.inbound and other_closed_ms is not None and other_ms < asked_ms < other.unanswered_until_ms)
            ):
                found.switched = True
        if other.inbound and facts.last_closed_ms is not None:
            if facts.last_closed_ms < other_ms <= facts.last_closed_ms + window_ms and (
                followed is None or _request(other) < _request(followed)
            ):
                followed = other
            if facts.inbound and asked_ms < other_ms < facts.unanswered_until_ms:
                found.chased = True
    if follows is not None:
        found.follows = follows.contact_id
    if followed is not None and facts.last_closed_ms is not None:
        found.followed_by = followed.contact_id
        found.followup_delay_ms = followed.requested_ms - facts.last_closed_ms if facts.eligible else None


def _closing(facts: Facts) -> tuple[int, str]:
    return facts.last_closed_ms or 0, facts.contact_id


def _request(facts: Facts) -> tuple[int, str]:
    return facts.requested_ms, facts.contact_id


def _reaching_out(facts: Facts, held: Sequence[Facts], at_ms: int, window_ms: int, *, cares: bool) -> Outreach:
    """What came before and after we turned to the customer, within the follow-up window on either side."""
    first, followed = cares, False
    for other in held:
        if not other.inbound or not one_matter(facts, other):
            continue
        if at_ms - window_ms <= other.requested_ms <= at_ms:
            first = False
        elif at_ms < other.requested_ms <= at_ms + window_ms and other is not facts:
            followed = True
    return Outreach(at_ms, first, followed)


def _within(times: Sequence[int], start_ms: int, end_ms: int) -> bool:
    """Whether one of the times is in start_ms <= time <= end_ms."""
    return any(start_ms <= at_ms <= end_ms for at_ms in times)
