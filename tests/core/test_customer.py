"""A customer: who is affected by a change is found, and found cheaply."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.customer import FEW_CONTACTS, MONTH_MS, Customer, Linked, Windows
from pipeline.core.facts import NEVER, Facts
from tests.oracle import DAY, HOUR, MINUTE

WINDOWS = Windows(follow_up_ms=10, returned_ms=5)


def customer(*all_facts: Facts, windows: Windows = WINDOWS, few: int = FEW_CONTACTS) -> Customer:
    """A customer with these facts. `few`: 0 where even one contact is in the lists."""
    found = Customer(windows, transfer_breaks_fcr=False, few=few)
    for facts in all_facts:
        found.put(facts)
    return found


def closed(name: str, requested_ms: int, closed_ms: int, *, topic: str = "", inbound: bool = True) -> Facts:
    """A contact that was answered and closed at once."""
    return Facts(
        1, True, 0, name, "c", "phone", topic=topic, inbound=inbound, requested_ms=requested_ms,
        first_closed_ms=closed_ms, last_closed_ms=closed_ms, unanswered_until_ms=closed_ms, eligible=inbound,
    )  # fmt: skip


def open_(name: str, requested_ms: int, *, channel: str = "phone") -> Facts:
    """A contact nobody has answered."""
    return Facts(1, True, 0, name, "c", channel, inbound=True, requested_ms=requested_ms)


@st.composite
def any_facts(draw: Callable[..., object], names: str = "abcdef") -> Facts:
    """Facts of few contacts at few times."""
    rng: Random = draw(st.randoms(use_true_random=False))  # type: ignore[assignment]
    asked = rng.randrange(30)
    ended = asked + rng.choice((-2, 0, 1, 5, 12, 30))
    is_closed = rng.random() < 0.7
    lost = rng.random() < 0.3

    def times(spread: int, after_ms: int = 0) -> tuple[int, ...]:
        found = (asked + rng.randrange(spread) + rng.choice((0, after_ms)) for _ in range(rng.randrange(3)))
        return tuple(sorted(found))

    return Facts(
        1, rng.random() < 0.9, 0, rng.choice(names), "c", rng.choice(("phone", "email")),
        topic=rng.choice(("", "", "move", "invoice")), inbound=rng.random() < 0.8, requested_ms=asked,
        first_closed_ms=ended if is_closed else None, last_closed_ms=ended + rng.choice((0, 3)) if is_closed else None,
        unanswered_until_ms=rng.choice((NEVER, max(asked, ended), asked + 2)), eligible=is_closed,
        reopened=rng.random() < 0.1, wait_began_ms=asked if lost else None, abandoned_ms=asked + 1 if lost else None,
        reached_ms=times(8),
        settled=tuple((at_ms - 3, at_ms) for at_ms in times(5)),
        praised_ms=times(8, MONTH_MS),
        outreach=tuple((at_ms, rng.random() < 0.5) for at_ms in times(8)),
        bad_ms=times(8),
        left_ms=times(8, MONTH_MS),
    )  # fmt: skip


def held(known: Customer) -> Iterator[str]:
    """The contacts the customer holds."""
    return (name for name, facts in known.facts.items() if facts.held)


def told(linked: Linked) -> tuple[Any, ...]:
    """Everything a link says, to be compared."""
    return (
        linked.facts, linked.follows, linked.followed_by, linked.followup_delay_ms, linked.chased, linked.switched,
        linked.returned, linked.resolved, linked.fcr,
        [(each.raised_ms, each.recovered) for each in linked.settled],
        [(each.at_ms, each.first, each.followed) for each in linked.outreach],
        [(each.at_ms, each.after_bad) for each in linked.leavings],
    )  # fmt: skip


def links(known: Customer) -> dict[str, tuple[tuple[Any, ...], str]]:
    """Every held contact among the others, and its issue."""
    return {name: (told(known.linked(name)), known.issues([name])[name]) for name in held(known)}


@given(st.lists(any_facts(), max_size=8), any_facts(), st.sampled_from((0, 2, FEW_CONTACTS)))
def test_whoever_changes_is_affected(before: list[Facts], change: Facts, few: int) -> None:
    known = customer(*before, few=few)
    old = links(known)
    affected = {each.contact_id for each in known.changing(change)}
    known.put(change)
    new = links(known)
    differing = {name for name in {*old, *new} if name != change.contact_id}
    assert {n for n in differing if old.get(n, (None,))[0] != new.get(n, (None,))[0]} <= affected
    # Rows are written for whoever is affected and for all whose chain of follow-ups leads back to them.
    written = known.descendants(n for n in affected | {change.contact_id} if known.facts[n].held)
    assert {n for n in differing & new.keys() if old[n] != new[n]} <= written


@given(st.lists(any_facts(), max_size=12))
def test_who_was_looked_at_before_a_change_is_seen_as_if_for_the_first_time(given: list[Facts]) -> None:
    looked_at = customer()
    for n, facts in enumerate(given, 1):
        looked_at.put(facts)
        assert links(looked_at) == links(customer(*given[:n]))


@given(st.lists(any_facts("abcdefghijkl"), max_size=14), st.sets(st.sampled_from("abcdefghijkl")))
def test_of_many_contacts_the_same_is_said_as_of_few(given: list[Facts], some: set[str]) -> None:
    few, many = customer(*given, few=100), customer(*given, few=0)
    assert links(few) == links(many) == links(customer(*given))
    names = some & set(held(few))
    assert few.descendants(names) == many.descendants(names)
    assert few.issues(sorted(names)) == many.issues(sorted(names))
    assert [told(few.followed(few.facts[name]))[1:3] for name in names] == [
        told(many.followed(many.facts[name]))[1:3] for name in names
    ]


@given(st.lists(any_facts(), max_size=12), st.sampled_from((0, FEW_CONTACTS)))
def test_issues_of_all_are_the_issues_of_each(given: list[Facts], few: int) -> None:
    known = customer(*given, few=few)
    names = list(held(known))
    assert known.issues(names) == {name: known.issues([name])[name] for name in names}


@given(st.lists(any_facts(), max_size=10), st.randoms(use_true_random=False))
def test_the_order_in_which_facts_come_does_not_matter(before: list[Facts], rng: Random) -> None:
    newest = list({facts.contact_id: facts for facts in before}.values())
    other = list(newest)
    rng.shuffle(other)
    assert links(customer(*before)) == links(customer(*other)) == links(customer(*other, *newest))


def test_the_highest_version_counts_and_gone_is_remembered() -> None:
    known = customer(Facts(5, False, 0, "a", "c")).facts["a"]
    assert not closed("a", 0, 1).newer(known)
    assert not Facts(5, True, 0, "a", "c").newer(known)
    assert Facts(6, True, 0, "a", "c").newer(known)
    assert Facts(1, True, 0, "b", "c").newer(None)


def test_the_window_of_follow_ups_ends_with_its_last_millisecond() -> None:
    for after_ms, follows in ((1, ""), (2, "a"), (11, "a"), (12, "")):
        assert customer(closed("a", 0, 1), open_("b", after_ms)).linked("b").follows == follows, after_ms


def test_another_topic_is_another_matter_and_no_topic_fits_all() -> None:
    for one, other, followed in (("move", "invoice", ""), ("move", "move", "b"), ("move", "", "b"), ("", "move", "b")):
        known = customer(closed("a", 0, 1, topic=one), closed("b", 5, 6, topic=other))
        assert known.linked("a").followed_by == followed


def test_an_issue_goes_back_along_the_chain_and_never_in_a_circle() -> None:
    known = customer(closed("a", 0, 1), closed("b", 5, 6), closed("c", 12, 13), closed("d", 40, 41))
    assert known.issues("cabd") == {"a": "a", "b": "a", "c": "a", "d": "d"}
    odd = customer(closed("a", 10, 3), closed("b", 5, 8))  # each was closed just before the other was asked for
    assert {odd.linked("a").follows, odd.linked("b").follows} == {"a", "b"}
    assert odd.issues("ab") == {"a": "b", "b": "b"}


class Counting(dict[str, Facts]):
    """Facts that count how often somebody looks at them."""

    looks = 0

    def __getitem__(self, name: str) -> Facts:
        self.looks += 1
        return super().__getitem__(name)

    def get(self, name: str, default: Facts | None = None) -> Facts | None:  # type: ignore[override]
        self.looks += 1
        return super().get(name, default)


def test_a_customer_with_five_thousand_contacts_costs_as_much_per_change_as_one_with_few() -> None:
    windows = Windows(follow_up_ms=DAY, returned_ms=DAY)

    def looks(contacts: int) -> int:
        known = customer(*(closed(f"k{n:05}", n * HOUR, n * HOUR + MINUTE) for n in range(contacts)), windows=windows)
        known.facts = counting = Counting(known.facts)
        change = closed("new", (contacts - 30) * HOUR + 1, (contacts - 30) * HOUR + 2)
        names = known.affected(change)
        known.put(change)
        for name in sorted(names | {"new"}):
            known.linked(name)
        known.issues(sorted(known.descendants(names | {"new"})))
        return counting.looks

    # All follow one another: 4,900 more to go back along, three looks each, to where the issue began.
    assert looks(5_000) <= looks(100) + 3 * 4_900


@given(
    st.lists(any_facts("abcdefgh"), max_size=12),
    st.sets(st.sampled_from("abcdefgh")),
    st.sampled_from((0, FEW_CONTACTS)),
)
def test_descendants_are_those_whose_chain_leads_back(given: list[Facts], some: set[str], few: int) -> None:
    known = customer(*given, few=few)
    names = set(held(known))
    found = some & names
    while more := {name for name in names - found if known.linked(name).follows in found}:
        found |= more
    assert known.descendants(some & names) == found


def test_a_long_chain_within_one_window_is_gone_along_once() -> None:
    windows = Windows(follow_up_ms=DAY, returned_ms=DAY)

    def looks(contacts: int) -> int:
        known = customer(*(closed(f"k{n:05}", 2 * n, 2 * n + 1) for n in range(contacts)), windows=windows)
        known.facts = counting = Counting(known.facts)
        assert len(known.descendants({"k00000"})) == contacts
        return counting.looks

    assert looks(4_000) <= 2.1 * looks(2_000)
