"""Turns of an event loop: one at a time, and between two that keep it all else is done."""

import asyncio
import time
from contextlib import suppress

from agents.turns import Turns

_LONG_SECONDS = 0.006
_HOPS = 20


async def hops(done: list[int]) -> None:
    """What takes several turns of the loop, as a batch does on its way from the log."""
    for _ in range(_HOPS):
        await asyncio.sleep(0)
    done.append(_HOPS)


async def test_who_has_a_turn_has_it_alone() -> None:
    turns, inside, most = Turns(), 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with turns:
            inside += 1
            most = max(most, inside)
            await turns.breath()
            inside -= 1

    await asyncio.gather(*(work() for _ in range(5)))
    assert most == 1


async def test_what_takes_several_turns_of_the_loop_is_done_between_two_that_keep_it() -> None:
    turns, done = Turns(), list[int]()
    async with turns:
        time.sleep(_LONG_SECONDS)  # noqa: ASYNC251  (this is what turns are for)
        hopping = asyncio.create_task(hops(done))
        await turns.breath()
        assert done == [_HOPS]
        time.sleep(_LONG_SECONDS)  # noqa: ASYNC251
        again = asyncio.create_task(hops(done))
    async with turns:
        assert done == [_HOPS, _HOPS]
    await asyncio.gather(hopping, again)


async def test_who_is_cancelled_while_it_waits_for_its_turn_leaves_it_to_the_next() -> None:
    turns = Turns()
    async with turns:
        time.sleep(_LONG_SECONDS)  # noqa: ASYNC251

    async def enter() -> None:
        async with turns:
            raise AssertionError

    entering = asyncio.create_task(enter())
    await asyncio.sleep(0)
    entering.cancel()
    with suppress(asyncio.CancelledError):
        await entering
    async with asyncio.timeout(5), turns:
        pass
