"""The filter of known ids, and the hand that goes round what is held."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.hand import Hand
from pipeline.core.known import Known, hash_of


def test_there_is_never_a_wrong_no_and_seldom_a_wrong_yes_however_much_it_grows() -> None:
    known = Known()
    known.update([hash_of(f"there at the start {n}") for n in range(15_000)])
    later = [hash_of(f"came later {n}") for n in range(20_000)]
    for n in range(0, 20_000, 40):
        known.add(later[n : n + 40])
    assert all(hash_of(f"there at the start {n}") in known for n in range(15_000))
    assert all(hash_of(f"came later {n}") in known for n in range(20_000))
    wrong = sum(hash_of(f"nobody {n}") in known for n in range(50_000))
    assert wrong < 50, "one in ten thousand is promised, of each of two filters"


def test_who_is_known_already_takes_no_room() -> None:
    known, once = Known(), Known()
    hashes = [hash_of(f"k{n}") for n in range(100)]
    once.add(hashes)
    for _ in range(200):
        known.add(hashes)
    known.update([])
    assert known._room == once._room
    assert len(known._filters) == 1


def test_an_empty_filter_knows_nobody() -> None:
    known = Known()
    known.update([])
    assert hash_of("k") not in known


def test_the_hash_is_what_clickhouse_computes() -> None:
    assert hash_of("k") == 0x8CE4B16B22B58894  # halfMD5('k')
    assert hash_of("") == 0xD41D8CD98F00B204


@given(st.lists(st.sampled_from("+-s"), max_size=60), st.integers(1, 5))
def test_the_hand_comes_to_everything_that_stays(steps: list[str], most: int) -> None:
    held = dict.fromkeys("abcdefg")
    hand, seen = Hand(), set[str]()
    for step in steps:
        if step == "+":
            held[f"new {len(held)}"] = None
        elif step == "-" and len(held) > 7:
            held.popitem()
        else:
            named = hand.some(held, most)
            assert len(named) <= most
            assert len(set(named)) == len(named)
            seen.update(named)
    for _ in range(2 * (len(held) + len(steps))):
        seen.update(hand.some(held, most))
    assert set(held) <= seen
