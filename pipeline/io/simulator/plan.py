"""The organisation on paper: its queues, how many customers come when, and how many agents are there then.

Shares and means are round numbers that make a believable service, not measurements of one.
"""

import math
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

ZONE: Final = ZoneInfo("Europe/Berlin")
CONTACTS_PER_SECOND: Final = 0.5
"""New matters at the busiest hour of a usual day, all queues together, at rate 1: some four touchpoints a second."""

CHANNEL_SHARES: Final = {
    "phone": 0.50,
    "chat": 0.16,
    "email": 0.18,
    "form": 0.06,
    "messenger": 0.05,
    "social": 0.03,
    "letter": 0.02,
}
LIVE: Final = ("phone", "chat")
SEGMENTS: Final = ("private",) * 16 + ("business",) * 3 + ("premium",)
"""The segments, as often as they occur among 20 customers."""

_WEEKDAY: Final = (1.15, 1.05, 1.0, 1.0, 0.95, 0.5, 0.35)
_HOUR: Final = (
    0.24, 0.22, 0.20, 0.20, 0.22, 0.25, 0.32, 0.48, 0.78, 0.96, 1.0, 0.95,
    0.80, 0.82, 0.90, 0.94, 0.90, 0.82, 0.70, 0.58, 0.48, 0.38, 0.32, 0.28,
)  # fmt: skip
_BUSY_FACTOR: Final = 1.3  # what transfers, callbacks, second attempts and follow-ups add to the first contacts
_MARGIN: Final = 0.3
_OFFICE_HOURS: Final = (7, 19)


class Queue(Struct, frozen=True):
    """A queue: its share of all matters, its work, and how often a matter is solved at the first contact."""

    name: str
    topics: tuple[str, ...]
    share: float
    talk_seconds: int
    write_seconds: int
    solved_ratio: float
    hours: tuple[int, int]
    """Local hours in which phone and chat are served."""


QUEUES: Final = (
    Queue("orders", ("delivery", "order_status", "return"), 0.28, 190, 240, 0.86, (0, 24)),
    Queue("billing", ("invoice", "direct_debit", "reminder"), 0.24, 240, 300, 0.82, (7, 21)),
    Queue("technical_support", ("internet", "login", "device"), 0.27, 330, 420, 0.74, (0, 24)),
    Queue("contracts", ("move", "tariff", "cancellation"), 0.14, 300, 360, 0.80, (7, 20)),
    Queue("complaints", ("service", "price"), 0.07, 360, 540, 0.70, (8, 20)),
)


def local(time_ms: int) -> datetime:
    """The organisation's wall clock."""
    return datetime.fromtimestamp(time_ms / 1000, ZONE)


def is_open(queue: Queue, time_ms: int) -> bool:
    """Whether phone and chat of a queue are served."""
    first, last = queue.hours
    return first <= local(time_ms).hour < last


def arrivals_per_second(queue: Queue, time_ms: int, rate: float) -> float:
    """How many new matters come to a queue."""
    return rate * CONTACTS_PER_SECOND * queue.share * _busyness(time_ms // 900_000)


def most_arrivals_per_second(queue: Queue, rate: float) -> float:
    """What `arrivals_per_second` never exceeds."""
    return rate * CONTACTS_PER_SECOND * queue.share * max(_WEEKDAY) * max(_HOUR)


def live_staff(queue: Queue, rate: float) -> Callable[[int], int]:
    """How many agents answer calls and chats at a time: the load expected, and a margin."""
    share = sum(CHANNEL_SHARES[channel] for channel in LIVE)

    def staff(time_ms: int) -> int:
        if not is_open(queue, time_ms):
            return 0
        return _agents(arrivals_per_second(queue, time_ms, rate) * share * queue.talk_seconds)

    return staff


def writing_staff(queue: Queue, rate: float) -> Callable[[int], int]:
    """How many agents reply to what was written at a time: in office hours only, enough for a whole day's work."""
    first, last = _OFFICE_HOURS
    share = 1 - sum(CHANNEL_SHARES[channel] for channel in LIVE)
    mean = rate * CONTACTS_PER_SECOND * queue.share * sum(_HOUR) / len(_HOUR)
    agents = _agents(mean * share * queue.write_seconds * 24 / (last - first))

    def staff(time_ms: int) -> int:
        now = local(time_ms)
        return agents if now.weekday() < 6 and first <= now.hour < last else 0

    return staff


def _agents(load: float) -> int:
    """Enough for a load: the more agents share it, the smaller the margin need be."""
    load *= _BUSY_FACTOR
    return math.ceil(load + _MARGIN * math.sqrt(load))


@lru_cache(maxsize=8)
def _busyness(quarter_hour: int) -> float:
    """1 at the busiest hour of a usual day; between the hours it moves in a straight line."""
    now = local(quarter_hour * 900_000)
    this, following = _HOUR[now.hour], _HOUR[(now.hour + 1) % 24]
    return _WEEKDAY[now.weekday()] * (this + (following - this) * now.minute / 60)
