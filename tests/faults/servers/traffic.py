"""What is sent: a seeded stream with repetitions and displacements, to the topic itself and through the raw topic."""

import json
import time
from collections.abc import Sequence
from random import Random
from typing import Any, Final

from confluent_kafka import KafkaException, Producer
from msgspec import Struct

from schemas.topics import RAW, TOUCHPOINTS
from tests.strategies import generate

SHARE: Final = 0.05
"""Of duplicates, and of touchpoints out of order."""
RAW_SHARE: Final = 0.2
"""Of contacts whose touchpoints come through the raw topic."""
POISON_SHARE: Final = 0.001
"""Of raw records, in addition: what is no touchpoint."""
_FAR: Final = 2_000
_PER_CONTACT: Final = 6
Touchpoint = dict[str, Any]


def stream(seed: int, total: int, now_ms: int) -> list[Touchpoint]:
    """So many touchpoints: 5 % of them again, 5 % displaced, beside what the stories hold of both.

    The last twentieth is ahead of `now_ms`: sources whose clocks are wrong.
    """
    told = generate(seed, total // _PER_CONTACT + 100)[:total]
    times = sorted(touchpoint["time"] for touchpoint in told)
    later_ms = now_ms - times[len(times) * 19 // 20]
    told = [{**touchpoint, "time": touchpoint["time"] + later_ms} for touchpoint in told]
    rng = Random(seed)
    keyed: list[tuple[int, Touchpoint]] = []
    for place, touchpoint in enumerate(told):
        keyed.append((place + (rng.randrange(_FAR) if rng.random() < SHARE else 0), touchpoint))
        if rng.random() < SHARE:
            keyed.append((place + rng.randrange(_FAR), touchpoint))
    keyed.sort(key=lambda one: one[0])
    return [touchpoint for _, touchpoint in keyed[:total]]


class Sent(Struct):
    """What went into the raw topic and has to come out of it."""

    touchpoints: int = 0
    raw: set[tuple[Any, ...]] = set()
    poison: int = 0


class Sender:
    """Produces the stream bit by bit; what it was told to send is acknowledged when `send` returns."""

    def __init__(self, bootstrap: str, seed: int, touchpoints: Sequence[Touchpoint]) -> None:
        self.sent = Sent()
        self._left = list(reversed(touchpoints))
        self._rng = Random(seed + 1)
        self._refused: list[str] = []
        # The partitioner of every other Kafka client: a contact has one partition, whoever writes it.
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 20, "log_level": 2}
        )

    @property
    def left(self) -> int:
        """How many are not sent yet."""
        return len(self._left)

    def send(self, count: int) -> None:
        """The next so many. Raises RuntimeError where the broker did not take one for minutes."""
        for _ in range(min(count, len(self._left))):
            self._send(self._left.pop())
        if self._producer.flush(180) or self._refused:
            raise RuntimeError(f"Kafka did not take what was sent: {self._refused[:1]}")

    def _send(self, touchpoint: Touchpoint) -> None:
        value = json.dumps(touchpoint).encode()
        self.sent.touchpoints += 1
        contact_id = touchpoint["contact_id"]
        if int(contact_id[1:]) % 100 >= RAW_SHARE * 100:
            self._produce(TOUCHPOINTS, value, contact_id.encode())
            return
        self._produce(RAW, value, None)
        self.sent.raw.add(identity(touchpoint))
        if self._rng.random() < POISON_SHARE:
            self._produce(RAW, b'{"id": "x", "type": "contact.requested"', None)
            self.sent.poison += 1

    def _produce(self, topic: str, value: bytes, key: bytes | None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._delivered)
            except BufferError:
                self._producer.poll(0.5)
            else:
                return

    def _delivered(self, error: Any, _message: Any) -> None:
        if error is not None:
            self._refused.append(str(KafkaException(error)))


def sender_of(bootstrap: str, seed: int, touchpoints: int) -> Sender:
    """A sender of a seeded stream of so many."""
    return Sender(bootstrap, seed, stream(seed, touchpoints, time.time_ns() // 1_000_000))


def identity(touchpoint: Touchpoint) -> tuple[Any, ...]:
    """What tells versions of touchpoints apart well enough to see that none is missing."""
    names = ("contact_id", "id", "revision", "type", "time", "queue", "customer_id", "segment", "topic")
    return tuple(touchpoint.get(name) or None for name in names)
