"""What the benchmark is measured with: a seeded organisation of 50 queues, as the records that intake writes.

A day has 1,000,000 touchpoints, from 8 o'clock on: whoever asks for fewer gets the first hours of it, as dense as the
whole. Contacts have 8 touchpoints on average, customers two contacts, records some 215 bytes.
"""

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import accumulate, islice
from itertools import count as count_from
from random import Random
from typing import Any, Final

from confluent_kafka import Producer
from msgspec import Struct

from schemas import touchpoint as t
from schemas.codec import encode
from schemas.topics import TOUCHPOINTS

BEGIN_MS: Final = 1_772_409_600_000
"""2 March 2026, a Monday, 0 o'clock UTC."""
PER_DAY: Final = 1_000_000
PER_CONTACT: Final = 8
DUPLICATES: Final = 0.005
DISPLACED: Final = 0.02
"""Touchpoints that come up to two minutes after they happened; what happened since comes before them."""
_DISPLACED_MS: Final = 120_000
_HOUR_MS: Final = 3_600_000
BY_HOUR: Final = (2, 1, 1, 1, 1, 2, 5, 20, 60, 90, 95, 90, 70, 75, 85, 80, 70, 55, 40, 30, 20, 12, 7, 4)
"""How many contacts begin in which hour of the day, in proportion."""
_FIRST_HOUR: Final = 8
_SEGMENTS: Final = ("private", "private", "private", "business", "key")
_TOPICS: Final = ("invoice", "delivery", "contract", "defect", "password", "moving", "price", "return")
_PHONE: Final = tuple(f"phone-{n:02}" for n in range(24))
_CHAT: Final = tuple(f"chat-{n:02}" for n in range(10))
_MAIL: Final = tuple(f"mail-{n:02}" for n in range(16))
QUEUES: Final = _PHONE + _CHAT + _MAIL


class Made(Struct, frozen=True, gc=False):
    """One record, as it lies in the topic."""

    key: bytes
    value: bytes


class Known(Struct):
    """What is known of the records, counted while they were made: what comes out has to agree with it."""

    records: int = 0
    duplicates: int = 0
    contacts: int = 0
    customers: int = 0
    closed: int = 0
    """Contacts with a contact.closed."""
    queue_minutes: int = 0
    """Different pairs of a queue (empty where none is named) and a minute: what the peers count by."""
    bytes_total: int = 0
    most_open: int = 0
    """Contacts that had begun and not ended, at most."""


class Workload(Struct, frozen=True):
    """Records in the order in which they come, and what is known of them."""

    records: Sequence[Made]
    known: Known


class _Story:
    """One contact being told."""

    def __init__(self, rng: Random, channel: str, queue: str, at_ms: int, customer: tuple[str, str]) -> None:
        self.rng, self.at_ms, self.queue = rng, at_ms, queue
        self.told: list[t.Touchpoint] = []
        self._channel = channel
        self._source = "pbx" if channel == "phone" else "desk"
        self._contact_id = _uuid(rng)
        self._customer_id, self._segment = customer
        self._agent_id: str | None = None

    def tell(self, type_: Callable[..., t.Touchpoint], after_s: float = 0.0, **more: Any) -> None:
        """So long (on average, exponentially) after what was told last."""
        if after_s:
            self.at_ms += int(self.rng.expovariate(1 / after_s) * 1_000) + 1
        self.told.append(
            type_(
                id=_uuid(self.rng),
                time=self.at_ms,
                contact_id=self._contact_id,
                channel=self._channel,
                agent_id=self._agent_id,
                source=self._source,
                **more,
            )
        )

    def begin(self) -> None:
        """The customer turns to us."""
        self.tell(t.Requested, customer_id=self._customer_id, segment=self._segment, topic=self.rng.choice(_TOPICS))

    def answer(self, after_s: float) -> None:
        """A person takes it."""
        self._agent_id = f"a-{self.rng.randrange(400)}"
        self.tell(t.Answered, after_s, queue=self.queue, customer_id=self._customer_id)

    def afterwards(self) -> None:
        """Some give feedback."""
        self._agent_id = None
        if self.rng.random() < 0.2:
            self.tell(t.FeedbackAsked, 30, kind="csat")
            if self.rng.random() < 0.5:
                self.tell(t.FeedbackGiven, 600, kind="csat", score=self.rng.randint(1, 5), scale_max=5)


def _call(story: _Story) -> None:
    chance = story.rng.random
    story.begin()
    story.tell(t.Menu, 15, step="main", option="2")
    if chance() < 0.5:
        story.tell(t.Menu, 10, step="reason", option="1")
    story.tell(t.Queued, 5, queue=story.queue)
    if chance() < 0.6:
        story.tell(t.Informed, 20, reason="estimate", estimate_ms=120_000)
    if chance() < 0.09:
        story.tell(t.Abandoned, 90)
        return
    story.answer(70)
    while chance() < 0.4:
        story.tell(t.Held, 60)
        story.tell(t.Resumed, 40)
    if chance() < 0.2:
        story.queue = story.rng.choice(_PHONE)
        story.tell(t.Transferred, 120, queue=story.queue)
        story.answer(60)
    story.tell(t.Closed, 240, resolved=chance() < 0.8)
    story.afterwards()


def _chat(story: _Story) -> None:
    chance = story.rng.random
    story.begin()
    story.tell(t.Queued, 2, queue=story.queue)
    if chance() < 0.07:
        story.tell(t.Abandoned, 60)
        return
    story.answer(45)
    for _ in range(story.rng.randint(1, 4)):
        story.tell(t.MessageSent, 40)
        story.tell(t.MessageReceived, 50)
    story.tell(t.Closed, 60, resolved=chance() < 0.75)
    story.afterwards()


def _mail(story: _Story) -> None:
    chance = story.rng.random
    story.begin()
    story.tell(t.MessageReceived)
    story.tell(t.Queued, 10, queue=story.queue)
    if chance() < 0.3:
        story.tell(t.MessageSent, 5, author="bot")
    story.answer(5_400)
    story.tell(t.MessageSent, 600)
    while chance() < 0.35:
        story.tell(t.MessageReceived, 3_600)
        story.tell(t.MessageSent, 3_600)
    story.tell(t.Closed, 300, resolved=chance() < 0.7)
    if chance() < 0.1:
        story.tell(t.Reopened, 7_200)
        story.tell(t.MessageReceived)
        story.tell(t.MessageSent, 1_800)
        story.tell(t.Closed, 60, resolved=True)
    story.afterwards()


def workload(count: int, seed: int, begin_ms: int = BEGIN_MS) -> Workload:
    """So many records; `begin_ms`: 0 o'clock of the first day. The same arguments, the same bytes."""
    known = Known()
    contacts: set[str] = set()
    customers: set[str] = set()
    closed: set[str] = set()
    queue_minutes: set[tuple[str | None, int]] = set()
    records: list[Made] = []
    is_open = 0
    for coming in islice(_comings(Random(seed), begin_ms), count):
        touchpoint = coming.touchpoint
        contact_id = touchpoint.contact_id
        value = encode(touchpoint)
        records.append(Made(contact_id.encode(), value))
        contacts.add(contact_id)
        if touchpoint.customer_id is not None:
            customers.add(touchpoint.customer_id)
        queue_minutes.add((touchpoint.queue, touchpoint.time // 60_000))
        if type(touchpoint) is t.Closed:
            closed.add(contact_id)
        is_open += coming.opens
        known.most_open = max(known.most_open, is_open)
        known.duplicates += coming.again
        known.bytes_total += len(value)
    known.records, known.contacts, known.customers = len(records), len(contacts), len(customers)
    known.closed, known.queue_minutes = len(closed), len(queue_minutes)
    return Workload(records, known)


class _Coming(Struct, frozen=True, gc=False, order=True):
    """When what comes. `opens`: 1 for the first touchpoint of a contact, -1 for its last. `again`: a duplicate."""

    at_ms: int
    number: int
    touchpoint: t.Touchpoint
    opens: int = 0
    again: bool = False


def _comings(rng: Random, begin_ms: int) -> Iterator[_Coming]:
    """Touchpoints without end, in the order in which they come."""
    ahead: list[_Coming] = []
    numbers = count_from()
    customers: list[tuple[str, str]] = []
    for begun_ms in _beginnings(rng, begin_ms):
        while ahead and ahead[0].at_ms < begun_ms:
            yield heappop(ahead)
        told = _contact(rng, begun_ms, _customer(rng, customers))
        for place, touchpoint in enumerate(told):
            at_ms = touchpoint.time + (rng.randrange(_DISPLACED_MS) if rng.random() < DISPLACED else 0)
            opens = (place == 0) - (place == len(told) - 1)
            heappush(ahead, _Coming(at_ms, next(numbers), touchpoint, opens))
            if rng.random() < DUPLICATES:
                heappush(ahead, _Coming(at_ms + rng.randrange(_DISPLACED_MS), next(numbers), touchpoint, again=True))


def _beginnings(rng: Random, begin_ms: int) -> Iterator[int]:
    """When contacts begin, in order, by the shape of the day."""
    shape = [*BY_HOUR[_FIRST_HOUR:], *BY_HOUR[:_FIRST_HOUR]]
    bounds = [0, *accumulate(shape)]
    for number in count_from():
        days, rest = divmod((number + rng.random()) * PER_CONTACT / PER_DAY, 1)
        hour = bisect(bounds, rest * bounds[-1]) - 1
        within = (rest * bounds[-1] - bounds[hour]) / shape[hour]
        yield begin_ms + int((days * 24 + _FIRST_HOUR + hour + within) * _HOUR_MS)


def _customer(rng: Random, customers: list[tuple[str, str]]) -> tuple[str, str]:
    """Every second contact is of somebody new: id and segment."""
    if customers and rng.random() < 0.5:
        return rng.choice(customers)
    customers.append((_uuid(rng), rng.choice(_SEGMENTS)))
    return customers[-1]


def _contact(rng: Random, begun_ms: int, customer: tuple[str, str]) -> list[t.Touchpoint]:
    kind = rng.random()
    tell, channel, queues = (
        (_call, "phone", _PHONE) if kind < 0.55
        else (_chat, "chat", _CHAT) if kind < 0.75
        else (_mail, "email" if kind < 0.92 else "form", _MAIL)
    )  # fmt: skip
    story = _Story(rng, channel, rng.choice(queues), begun_ms, customer)
    tell(story)
    return story.told


def _uuid(rng: Random) -> str:
    """36 characters."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def produce(bootstrap: str, records: Sequence[Made], topic: str = TOUCHPOINTS) -> None:
    """Put them into the topic, in order, each to the partition that touchline's own producer would choose. Raises
    RuntimeError where the broker did not take one.
    """
    refused: list[str] = []

    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            refused.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 50,
            "batch.num.messages": 20_000,
            "max.in.flight.requests.per.connection": 1,  # order is kept
            "queue.buffering.max.messages": 500_000,
            "log_level": 2,
        }
    )
    for number, record in enumerate(records):
        while True:
            try:
                producer.produce(topic, record.value, record.key, on_delivery=delivered)
            except BufferError:
                producer.poll(0.1)
            else:
                break
        if number % 1_000 == 0:
            producer.poll(0)
    if producer.flush(180) or refused:
        raise RuntimeError(f"Kafka did not take the workload: {refused[:1]}")
