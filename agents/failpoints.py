"""Points of the protocol at which a test harms this process. Armed by FAILPOINT in the environment, which is no setting
of touchline's; without it every call returns at once.

`FAILPOINT=after_ledger:3` kills the process (-9) when it gets there for the third time. `:raise` behind it raises a bug
instead, `:block=20` keeps the event loop for 20 s, `:lose` (only `during`) loses the answer of what was done. Several:
with commas.
"""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable
from functools import cache
from typing import Final, TypeVar

from msgspec import Struct

from pipeline.ports import WarehouseDown

T = TypeVar("T")

STEPS: Final = (
    "before_fold",
    "after_fold",
    "after_facts",
    "during_ledger",
    "after_ledger",
    "after_contacts",
    "during_recovery",
)
"""In the order in which a partition passes them; the last one comes first, while it is taken over."""
_IN_FLIGHT_SECONDS: Final = 0.02
"""How long an insert is let run before the process is killed in it."""


class Point(Struct):
    """An armed point: how often it is passed unharmed before, and what then happens."""

    left: int
    action: str = "kill"

    @property
    def due(self) -> bool:
        """Count this passing; whether it is the one."""
        self.left -= 1
        return self.left == 0


def points(text: str) -> dict[str, Point]:
    """FAILPOINT, read. Raises ValueError for a step there is not.

    >>> points("after_ledger:3,before_fold:1:raise")
    {'after_ledger': Point(left=3, action='kill'), 'before_fold': Point(left=1, action='raise')}
    """
    found: dict[str, Point] = {}
    for each in filter(None, text.split(",")):
        step, _, rest = each.partition(":")
        count, _, action = rest.partition(":")
        if step not in STEPS:
            raise ValueError(f"there is no failpoint {step}: {', '.join(STEPS)}")
        found[step] = Point(int(count or 1), action or "kill")
    return found


@cache
def _armed() -> dict[str, Point]:
    return points(os.environ.get("FAILPOINT", ""))


def reached(step: str) -> None:
    """Come to a step."""
    point = _armed().get(step)
    if point is None or not point.due:
        return
    if point.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if point.action == "raise":
        raise RuntimeError(f"failpoint {step}")
    _, _, seconds = point.action.partition("=")
    time.sleep(float(seconds))  # blocks the event loop on purpose


async def during(step: str, work: Awaitable[T]) -> T:
    """Do the work, with this step in the midst of it."""
    point = _armed().get(step)
    if point is None or not point.due:
        return await work
    if point.action == "lose":
        await work
        raise WarehouseDown(f"failpoint {step}: the answer got lost")
    under_way = asyncio.ensure_future(work)
    await asyncio.wait([under_way], timeout=_IN_FLIGHT_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
    return await under_way
