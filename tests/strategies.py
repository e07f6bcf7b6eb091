"""Streams of touchpoints for tests: Hypothesis strategies that shrink, and the same stories from a seed for bulk runs.

    generate(seed=7, contacts=1000)       realistic and chaotic contacts, revised and repeated, in a plausible order
    arrivals(stream, seed=7)              the same as a log: offsets, append times that sometimes step back
    touchpoint_streams()                  for @given: small, colliding, shrinking
    PROMISES                              catalogues to count them by

Every touchpoint decodes with `schemas.touchpoint`. Values are few on purpose: times sit on and beside the targets,
queues, customers, topics and ids collide. The stream begins on a Friday before the clocks change in Europe.
"""

import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from random import Random
from typing import Any, Final

from hypothesis import strategies as st

from tests.oracle import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    Arrival,
    ChannelPromise,
    Opening,
    Promises,
    QueueTarget,
    ResponseTarget,
    default_channels,
)

BEGIN: Final = int(datetime(2026, 3, 27, 8, tzinfo=UTC).timestamp()) * SECOND
"""Friday morning; the following night but one has only 23 hours in Europe/Berlin."""

CHANNELS: Final = ("phone", "chat", "branch", "video", "email", "form", "letter", "web", "social", "messenger")
QUEUES: Final = ("sales", "service", "claims")
SEGMENTS: Final = ("private", "business")
TOPICS: Final = ("invoice", "move", "router")
REFUSED: Final = (None, "out_of_scope", "out_of_hours", "no_authority", "other")
"""Why we declined; None: nobody said."""

GAPS: Final = (0, 0, 1, 500, 4_999, 5_000, 5_001, 9_999, 10_000, 10_001, 19_999, 20_000, 20_001, 59_999, 60_000, 60_001)
"""What lies between two touchpoints of a live contact: on, below and above every target."""
LONG_GAPS: Final = (0, 60_000, 600_000, HOUR, 4 * HOUR - 1, 4 * HOUR, 4 * HOUR + 1, 16 * HOUR, DAY, DAY + 1, 3 * DAY)
"""What lies between two letters."""
DUE_GAPS: Final = (-MINUTE, 0, 1, 5_000, MINUTE, HOUR, DAY, 3 * DAY, 300 * DAY)
"""When a promise is due, after it was made: now and then it was before, or lies far beyond the stream's end."""
FOLLOW_GAPS: Final = (-20_000, 0, 1, MINUTE, HOUR, DAY, DAY + 1, 3 * DAY, 7 * DAY - 1, 7 * DAY, 7 * DAY + 1)
"""What lies between the end of a customer's contact and the next one."""

OFFICE_HOURS: Final = {day: [(8 * 60, 12 * 60), (13 * 60, 17 * 60 + 30)] for day in range(5)}
PROMISES: Final[dict[str, Promises]] = {
    "defaults": Promises(),
    "office": Promises(
        zone="Europe/Berlin",
        channels={
            **default_channels(),
            "phone": ChannelPromise(
                "live", 10 * SECOND, None, 20 * SECOND, Opening({d: [(0, 1440)] for d in (0, 4, 5, 6)})
            ),
            "email": ChannelPromise("deferred", HOUR, ResponseTarget("open", 4 * HOUR), None, Opening(OFFICE_HOURS)),
            "form": ChannelPromise("deferred", HOUR, ResponseTarget("clock", HOUR), None, Opening(OFFICE_HOURS)),
            "letter": ChannelPromise(
                "deferred",
                4 * HOUR,
                ResponseTarget("open_days", 1),
                None,
                Opening(OFFICE_HOURS, frozenset({date(2026, 3, 30)})),
            ),
        },
        queue_targets=(
            QueueTarget("phone", "sales", BEGIN + HOUR, 5 * SECOND),
            QueueTarget("phone", "sales", BEGIN + DAY, 60 * SECOND),
            QueueTarget("email", "claims", BEGIN - DAY, 60 * SECOND),
        ),
    ),
    "short": Promises(
        window_ms=10 * MINUTE, abandoned_short_ms=0, returned_within_ms=5 * MINUTE, transfer_breaks_fcr=True
    ),
}
"""Three ways to count: without a calendar, with one (and dated targets of queues), and with short windows."""


class Story:
    """One contact while it is told: time goes on with every touchpoint, and now and then a field is left out."""

    def __init__(self, rng: Random, contact_id: str, channel: str, start_ms: int, customer_id: str | None) -> None:
        self.rng = rng
        self.now_ms = start_ms
        self.contact_id = contact_id
        self.channel = channel
        self.customer_id = customer_id
        self.known_from = rng.choice((0, 0, 0, 1, 3))
        self.topic = rng.choice((None, *TOPICS))
        self.segment = rng.choice((None, *SEGMENTS))
        self.touchpoints: list[dict[str, Any]] = []

    def tell(self, type_: str, gap_ms: int | None = None, **fields: Any) -> None:
        """The next touchpoint, after a gap."""
        n = len(self.touchpoints)
        self.now_ms += self.rng.choice(GAPS) if gap_ms is None else gap_ms
        touchpoint = {
            # The first letter is random, so that ties in time are not broken in the order of telling.
            "id": f"{self.rng.choice('abyz')}{n}",
            "type": type_,
            "time": self.now_ms,
            "contact_id": self.contact_id,
            "channel": self.channel,
            **fields,
        }
        if self.customer_id is not None and n >= self.known_from:
            touchpoint["customer_id"] = self.customer_id
        if self.topic is not None and n >= 1:
            touchpoint["topic"] = self.topic
        if self.segment is not None and self.rng.random() < 0.7:
            touchpoint["segment"] = self.segment
        self.touchpoints.append(touchpoint)

    def maybe(self, probability: float) -> bool:
        """True with this probability."""
        return self.rng.random() < probability


def call(story: Story) -> None:
    """A call or a visit: menu, queue, announcements, a person, hold, transfer, or giving up on the way."""
    rng = story.rng
    if story.maybe(0.8):
        story.tell("contact.requested", 0, direction="inbound")
    for _ in range(rng.choice((0, 0, 1, 2, 4))):
        story.tell("contact.menu", step=f"step {rng.randrange(3)}")
    if story.maybe(0.15):
        story.tell("contact.self_service", outcome=rng.choice(("contained", "failed")))
    if story.maybe(0.1):
        leave(story, rng.choice(("abandoned", "callback_requested", "refused")))
        return
    queue = rng.choice(QUEUES)
    if story.maybe(0.85):
        story.tell("contact.queued", queue=queue)
        for _ in range(rng.choice((0, 0, 1, 2))):
            story.tell("contact.informed", reason="estimate", estimate_ms=rng.choice((0, 10_000, 60_000)))
    end = rng.choice(("answered",) * 6 + ("abandoned",) * 3 + ("refused", "callback_requested", "closed", "waiting"))
    if end == "waiting":
        return
    if end != "answered":
        leave(story, end)
        return
    story.tell("contact.answered", agent_id=rng.choice(("ann", "bob")), queue=queue)
    conversation(story, queue)


def leave(story: Story, end: str) -> None:
    """The customer goes without having been served."""
    reason = story.rng.choice(REFUSED)
    said: dict[str, Any] = {"reason": reason} if end == "refused" and reason else {}
    story.tell(f"contact.{end}", **said)


def conversation(story: Story, queue: str) -> None:
    """What a person and a customer go through once they talk."""
    rng = story.rng
    for _ in range(rng.choice((0, 0, 1, 2))):
        story.tell("contact.held")
        if story.maybe(0.4):
            story.tell("contact.informed", reason="apology")
        if story.maybe(0.8):
            story.tell("contact.resumed")
    if story.maybe(0.25):
        other = rng.choice((queue, *QUEUES, None))
        if other is None:
            story.tell("contact.transferred")
        else:
            story.tell("contact.transferred", queue=other)
            if story.maybe(0.5):
                story.tell("contact.queued", queue=other)
            if story.maybe(0.8):
                story.tell(rng.choice(("contact.answered", "contact.answered", "contact.abandoned")))
    if story.maybe(0.25):
        promise(story)
    if story.maybe(0.95):
        close(story)
    if story.maybe(0.1):
        story.tell("contact.reopened", rng.choice(LONG_GAPS))
        if story.maybe(0.7):
            story.tell("message.sent", rng.choice(LONG_GAPS), author=rng.choice(("agent", "bot")))
            close(story)


def close(story: Story) -> None:
    """The end, with or without a word on whether it helped, and now and then of something that is not our matter."""
    resolved = story.rng.choice((None, None, True, False))
    said: dict[str, Any] = {} if resolved is None else {"resolved": resolved}
    if story.maybe(0.15):
        said["scope"] = story.rng.choice(("in", "out", "out"))
    story.tell("contact.closed", **said)


def promise(story: Story) -> None:
    """One or two promises; some are made again, with another due."""
    rng = story.rng
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        made: dict[str, Any] = {"promise_id": rng.choice("pq"), "due": story.now_ms + rng.choice(DUE_GAPS)}
        if story.maybe(0.6):
            made["kind"] = rng.choice(("callback", "delivery", "refund"))
        story.tell("promise.made", **made)


def keep_promises(story: Story) -> None:
    """What came of the promises: kept in time or late, broken, both, neither, or kept though nobody made them."""
    rng = story.rng
    dues = {t["promise_id"]: t["due"] for t in story.touchpoints if t["type"] == "promise.made"}
    if story.maybe(0.03):
        dues["r"] = story.now_ms
    for promise_id, due in dues.items():
        for word in rng.choice(("kept", "kept", "kept", "broken", "kept broken", "broken kept", "")).split():
            wait_ms = due + rng.choice((-1, 0, 0, 1, HOUR)) - story.now_ms
            in_time = rng.choice((0, 0, 1, 5_000, MINUTE))
            story.tell(
                f"promise.{word}", wait_ms if 0 <= wait_ms < 4 * DAY and story.maybe(0.6) else in_time,
                promise_id=promise_id,
            )  # fmt: skip


SCORES: Final = {"csat": (1, 4, 5), "nps": (0, 6, 7, 8, 9, 10), "ces": (1, 4, 7), "solved": (0, 1)}
"""What customers say on the scales that need not be named."""


def feedback(story: Story) -> None:
    """A question after the contact and, often, an answer: by whom else too, on other scales, and beside them."""
    rng = story.rng
    kind = rng.choice(tuple(SCORES))
    if story.maybe(0.8):
        story.tell("feedback.asked", kind=kind)
    for _ in range(rng.choice((0, 1, 1, 2))):
        score, scale_max = rng.choice(SCORES[kind]), max(SCORES[kind])
        given: dict[str, Any] = {"score": score}
        if story.maybe(0.3):
            given["scale_max"] = scale_max
        elif story.maybe(0.3):
            given = {
                "score": rng.choice((-1, 0, 1, 2, 4, 5, 6, 11, 90)),
                "scale_max": rng.choice((-1, 0, 1, 5, 6, 100)),
            }
        elif story.maybe(0.1):
            given["score"] = rng.choice((-1, scale_max + 1))
        if story.maybe(0.2):
            given["from"] = rng.choice(("customer", "employee", "shopper"))
        story.tell("feedback.given", rng.choice((0, 1, MINUTE, HOUR)), kind=kind, **given)


def complaint(story: Story) -> None:
    """Complaints that are settled once, twice, in part or never; a settling may come first or alone."""
    rng = story.rng
    for word in rng.choice(("r", "rs", "rs", "rss", "rrs", "rrss", "rsrs", "sr", "s")):
        goodwill = rng.choice((None, None, 0, 500, 1_999))
        if word == "r":
            story.tell("complaint.raised")
        else:
            gap_ms = rng.choice((0, 0, MINUTE, HOUR, DAY))
            story.tell("complaint.settled", gap_ms, **({} if goodwill is None else {"goodwill": goodwill}))


def audit(story: Story) -> None:
    """A mystery shopper's scores."""
    for criterion in ("greeting", "honesty")[: story.rng.choice((1, 2))]:
        score, scale_max = story.rng.choice((-1, 0, 1, 3, 5, 6)), story.rng.choice((5, 5, 5, 3, 1, 0, -5))
        story.tell("audit.scored", criterion=criterion, score=score, scale_max=scale_max)


def afterwards(story: Story) -> None:
    """What follows a contact of any kind: promises are kept, people are asked, complain, leave and stay."""
    if story.maybe(0.05):
        promise(story)
    keep_promises(story)
    for probability, tell in ((0.2, feedback), (0.12, complaint), (0.05, audit)):
        if story.maybe(probability):
            tell(story)
    if story.maybe(0.05):
        story.tell("outreach.sent", reason=story.rng.choice(("problem", "delay", "other")))
    if story.maybe(0.05):
        story.tell(story.rng.choice(("customer.left", "customer.stayed")))


def written(story: Story) -> None:
    """Mails, messages and letters to and fro, bots among them, closed, reopened, thrown away or never answered."""
    rng = story.rng
    queue: dict[str, Any] = {"queue": rng.choice(QUEUES)} if story.maybe(0.6) else {}
    if story.maybe(0.7):
        story.tell("contact.requested", 0, **queue)
    if story.maybe(0.2):
        story.tell("contact.queued", 0, **queue)
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        for _ in range(rng.choice((0, 1, 1, 2))):
            story.tell("message.received", rng.choice(LONG_GAPS))
        if story.maybe(0.2):
            story.tell("message.sent", author="bot")
        if story.maybe(0.1):
            story.tell("contact.answered", agent_id="ann", **queue)
        if story.maybe(0.8):
            story.tell("message.sent", rng.choice(LONG_GAPS))
        if story.maybe(0.15):
            close(story)
        if story.maybe(0.15):
            story.tell("contact.reopened", rng.choice(LONG_GAPS))
    if story.maybe(0.08):
        story.tell("contact.discarded", reason=rng.choice(("spam", "thanks", "test")))
    if story.maybe(0.75) or not story.touchpoints:
        close(story)


def chat(story: Story) -> None:
    """A chat: a queue like a call's, then lines within seconds."""
    if story.maybe(0.3):
        story.tell("message.received", 0)
    call(story)
    for _ in range(story.rng.choice((0, 2, 4))):
        story.tell("message.received" if story.maybe(0.5) else "message.sent")


def outbound(story: Story) -> None:
    """We turned to the customer."""
    story.tell("contact.requested", 0, direction="outbound")
    if story.maybe(0.5):
        story.tell("outreach.sent", reason=story.rng.choice(("problem", "delay", "appointment")))
    if story.maybe(0.2):
        story.tell("contact.queued", queue=story.rng.choice(QUEUES))
    if story.maybe(0.6):
        story.tell("contact.answered", agent_id="bob")
    if story.maybe(0.4):
        story.tell("message.sent")
        if story.maybe(0.5):
            story.tell("message.received", story.rng.choice(LONG_GAPS))
    if story.maybe(0.7):
        close(story)


REQUIRED: Final[dict[str, Sequence[dict[str, Any]]]] = {
    "contact.requested": ({},),
    "contact.menu": ({"step": "1"}, {"step": "1", "option": "2"}, {"step": "2"}),
    "contact.self_service": ({"outcome": "contained"}, {"outcome": "failed"}),
    "contact.queued": ({},),
    "contact.informed": ({"reason": "estimate", "estimate_ms": 20_000}, {"reason": "estimate"}, {"reason": "apology"}),
    "contact.answered": ({},),
    "contact.held": ({},),
    "contact.resumed": ({},),
    "contact.transferred": ({},),
    "contact.refused": ({}, *({"reason": reason} for reason in REFUSED if reason)),
    "contact.callback_requested": ({},),
    "contact.abandoned": ({},),
    "contact.closed": ({}, {"resolved": True}, {"resolved": False}, {"scope": "out"}),
    "contact.discarded": ({"reason": "spam"},),
    "contact.reopened": ({},),
    "message.received": ({},),
    "message.sent": ({}, {"author": "bot"}, {"author": "agent"}),
    "promise.made": (
        *({"promise_id": "p", "due": BEGIN + after} for after in (0, 5_000, 60_000, DAY)),
        *({"promise_id": "q", "due": BEGIN + after, "kind": "repair"} for after in (-DAY, 20_000, 300 * DAY)),
    ),
    "promise.kept": ({"promise_id": "p"}, {"promise_id": "p"}, {"promise_id": "q"}, {"promise_id": "r"}),
    "promise.broken": ({"promise_id": "p"}, {"promise_id": "p"}, {"promise_id": "q"}, {"promise_id": "r"}),
    "feedback.asked": ({"kind": "nps"}, {"kind": "csat"}),
    "feedback.given": (
        {"kind": "nps", "score": 9, "scale_max": 10},
        {"kind": "nps", "score": 6},
        {"kind": "nps", "score": 0, "scale_max": 0},
        {"kind": "nps", "score": 69, "scale_max": 100},
        {"kind": "csat", "score": 5},
        {"kind": "csat", "score": 3, "scale_max": 4},
        {"kind": "csat", "score": 1, "scale_max": 1},
        {"kind": "csat", "score": 0},
        {"kind": "ces", "score": 1, "from": "shopper"},
        {"kind": "ces", "score": 6, "from": "customer"},
        {"kind": "ces", "score": 8},
        {"kind": "solved", "score": 0},
        {"kind": "solved", "score": 1, "from": "employee"},
        {"kind": "solved", "score": 2, "scale_max": 3},
    ),
    "complaint.raised": ({},),
    "complaint.settled": ({}, {"goodwill": 500}, {"goodwill": 7}),
    "outreach.sent": ({}, {"reason": "delay"}, {"reason": "problem"}),
    "customer.left": ({},),
    "customer.stayed": ({},),
    "audit.scored": (
        {"criterion": "greeting", "score": 3, "scale_max": 5},
        {"criterion": "honesty", "score": 9, "scale_max": 7},
        {"criterion": "honesty", "score": 0, "scale_max": 0},
    ),
}
"""Every type with the further fields it can come with."""

SERVICE: Final = tuple(REQUIRED)[:17]
"""What happens in a contact while the customer is served: Waiting, Response, Resolution and Effort look at it."""
PALETTES: Final = (
    SERVICE * 9 + tuple(REQUIRED),
    tuple(REQUIRED),
    tuple(t for t in REQUIRED if t.startswith("promise.")),
    tuple(t for t in REQUIRED if t.startswith(("complaint.", "feedback.", "contact.closed"))),
    (
        "complaint.raised",
        "complaint.settled",
        "feedback.given",
        "outreach.sent",
        "customer.left",
        "contact.refused",
        "promise.made",
        "promise.broken",
        "contact.requested",
        "contact.closed",
    ),
)
"""What chaos picks its types from: a few of them at a time, so that those that belong together meet."""


def chaotic(story: Story) -> None:
    """Any types in any order at colliding times, with few ids, other channels, queues and customers."""
    rng = story.rng
    palette = rng.choice(PALETTES[:1] * 5 + PALETTES[1:])
    for _ in range(rng.randrange(1, 16)):
        type_ = rng.choice(palette)
        story.tell(type_, rng.choice((0, 0, 0, 1, -1, 5_000, 20_000, -20_000, 60_000)), **rng.choice(REQUIRED[type_]))
        told = story.touchpoints[-1]
        told["id"] = rng.choice("abcdefghijklmnop")
        for key, values in (("queue", QUEUES), ("channel", CHANNELS), ("customer_id", ("c0", "c1", "c2"))):
            if story.maybe(0.5 if key == "queue" else 0.1):
                told[key] = rng.choice(values)
        if story.maybe(0.05):
            told["direction"] = rng.choice(("inbound", "outbound"))
        if story.maybe(0.1):
            told["revision"] = rng.choice((0, 1, 2))


def contact(rng: Random, contact_id: str, start_ms: int, customer_id: str | None) -> list[dict[str, Any]]:
    """One contact of any kind, from its first touchpoint to its last; in chaos they are not in order."""
    kind = rng.random()
    if kind < 0.15:
        tell: Callable[[Story], None] = chaotic
        channel = rng.choice(CHANNELS)
    elif kind < 0.25:
        tell, channel = outbound, rng.choice(CHANNELS)
    elif kind < 0.55:
        tell, channel = call, rng.choice(("phone", "phone", "phone", "branch", "video"))
    elif kind < 0.7:
        tell, channel = chat, "chat"
    else:
        tell, channel = written, rng.choice(("email", "email", "form", "letter", "web", "social", "messenger"))
    story = Story(rng, contact_id, channel, start_ms, customer_id)
    tell(story)
    if tell is not chaotic:
        afterwards(story)
    return story.touchpoints


OTHERWISE: Final[dict[str, tuple[tuple[str, Any], ...]]] = {
    "contact.menu": (("step", "step 0"),),
    "contact.closed": (("scope", "out"), ("resolved", False)),
    "contact.refused": (("reason", "no_authority"),),
    "promise.made": (("due", BEGIN + HOUR), ("promise_id", "q")),
    "promise.kept": (("promise_id", "q"),),
    "feedback.given": (("score", 1), ("from", "employee")),
    "complaint.settled": (("goodwill", 100),),
    "outreach.sent": (("reason", "appointment"), ("reason", "other")),
}
"""What a correction of a touchpoint of this type may say."""


def changed(rng: Random, touchpoint: dict[str, Any]) -> dict[str, Any]:
    """Another version of a touchpoint: same id, another body, a revision that is higher, equal or lower."""
    revision = max(0, touchpoint.get("revision", 0) + rng.choice((-1, 0, 0, 1, 1)))
    other = {**touchpoint, "revision": revision}
    key, value = rng.choice(
        (
            ("time", touchpoint["time"] + rng.choice((-60_000, -1, 1, 1_000, 120_000))),
            ("queue", rng.choice(QUEUES)),
            ("segment", rng.choice(SEGMENTS)),
            ("topic", rng.choice(TOPICS)),
            ("customer_id", rng.choice(("c0", "c1", "c2"))),
            ("direction", rng.choice(("inbound", "outbound"))),
            ("agent_id", "eve"),
            ("x-unknown", 1),
            *OTHERWISE.get(touchpoint["type"], ()) * 4,
        )
    )
    return {**other, key: value}


def stream(rng: Random, contacts: int, spread_ms: int) -> list[dict[str, Any]]:
    """Touchpoints of so many contacts, roughly by time, with revisions, repetitions, late ones and wrong clocks."""
    touchpoints: list[dict[str, Any]] = []
    n = customer = 0
    while n < contacts:
        customer_id = rng.choice((f"c{customer}", f"c{customer}", f"c{customer}", None))
        customer += 1
        start = BEGIN + rng.randrange(spread_ms // MINUTE + 1) * MINUTE + rng.choice((0, 0, 1, 30_000))
        for _ in range(min(rng.choice((1, 1, 2, 3, 5)), contacts - n)):
            told = contact(rng, f"k{n}", start, customer_id)
            touchpoints += told
            n += 1
            ends = [t["time"] for t in told if t["type"] == "contact.closed"] or [start]
            # Most come back after it; some ask again while it goes on.
            again = start + rng.choice((0, 1, 5_000, MINUTE, HOUR))
            start = again if rng.random() < 0.3 else max(BEGIN, max(ends) + rng.choice(FOLLOW_GAPS))
    return disturbed(rng, sorted(touchpoints, key=lambda t: t["time"]))


def disturbed(rng: Random, touchpoints: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What happens on the way: wrong clocks, repetitions, other versions, and some that come last of all."""
    result: list[dict[str, Any]] = []
    late: list[dict[str, Any]] = []
    for touchpoint in touchpoints:
        luck = rng.random()
        if luck < 0.01:
            # A clock that is ahead: by what is not clamped yet, by just more, by far.
            ahead_ms = rng.choice((60_000, 60_001, 600_000, DAY))
            result.append({**touchpoint, "time": touchpoint["time"] + ahead_ms})
        elif luck < 0.03:
            late.append(touchpoint)
        else:
            result.append(touchpoint)
        if rng.random() < 0.03:
            rng.choice((result, late)).append(changed(rng, touchpoint))
        if rng.random() < 0.02:
            rng.choice((result, late)).append(touchpoint)
    return result + late


def generate(seed: int, contacts: int) -> list[dict[str, Any]]:
    """A stream from a seed: always the same one. Its span grows with its size, up to 60 days."""
    return stream(Random(seed), contacts, min(60 * DAY, max(3 * HOUR, contacts * 2 * MINUTE)))


def shuffled(touchpoints: Sequence[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The same touchpoints in another order."""
    order = list(touchpoints)
    Random(seed).shuffle(order)
    return order


def duplicated(touchpoints: Sequence[dict[str, Any]], seed: int, share: float = 0.3) -> list[dict[str, Any]]:
    """The same touchpoints, some of them again at some later place."""
    rng = Random(seed)
    result = list(touchpoints)
    for touchpoint in touchpoints:
        if rng.random() < share:
            result.insert(rng.randrange(len(result) + 1), touchpoint)
    return result


def partition_of(contact_id: str, partitions: int) -> str:
    """The partition of a contact: always the same one."""
    return f"touchpoints/{zlib.crc32(contact_id.encode()) % partitions}"


def arrivals(touchpoints: Sequence[dict[str, Any]], seed: int, partitions: int = 1) -> list[Arrival]:
    """The stream as a log, in its order: append times follow the event times, step back now and then, and are sometimes
    behind the event time (a clock that was ahead). Offsets have gaps, as after compaction and transactions."""
    rng = Random(seed)
    now_ms = touchpoints[0]["time"] if touchpoints else BEGIN
    offsets: dict[str, int] = {}
    log: list[Arrival] = []
    for touchpoint in touchpoints:
        if rng.random() < 0.97:
            now_ms = max(now_ms, touchpoint["time"] + rng.choice((-60_001, -60_000, -1, 0, 5, 5, 1_000)))
        step_back_ms = rng.choice((1, 1_000, HOUR)) if rng.random() < 0.1 else 0
        partition = partition_of(touchpoint["contact_id"], partitions)
        offset = offsets.get(partition, -1) + rng.choice((1, 1, 1, 1, 3))
        offsets[partition] = offset
        log.append(Arrival(partition, offset, now_ms - step_back_ms, touchpoint))
    return log


def touchpoints(types: Sequence[str] = PALETTES[0]) -> st.SearchStrategy[dict[str, Any]]:
    """One touchpoint of these types, of few contacts, customers, ids and times, so that everything collides."""

    def fields(type_: str) -> st.SearchStrategy[dict[str, Any]]:
        return st.tuples(
            st.sampled_from(REQUIRED[type_]),
            st.fixed_dictionaries(
                {
                    "id": st.sampled_from("abcdefghijklmnop"),
                    "type": st.just(type_),
                    "time": st.sampled_from(GAPS + LONG_GAPS).map(lambda after: BEGIN + after),
                    "contact_id": st.sampled_from(("k0", "k1", "k2")),
                    "channel": st.sampled_from(CHANNELS[:7]),
                },
                optional={
                    "customer_id": st.sampled_from(("c0", "c1")),
                    "direction": st.sampled_from(("inbound", "outbound")),
                    "queue": st.sampled_from(QUEUES),
                    "segment": st.sampled_from(SEGMENTS),
                    "topic": st.sampled_from(TOPICS[:2]),
                    "revision": st.integers(0, 2),
                },
            ),
        ).map(lambda both: {**both[1], **both[0]})

    return st.sampled_from(types).flatmap(fields)


def touchpoint_streams() -> st.SearchStrategy[list[dict[str, Any]]]:
    """Streams for @given: chaos of single touchpoints, told stories, or both mixed."""
    chaos = st.sampled_from(PALETTES).flatmap(lambda types: st.lists(touchpoints(types), min_size=1, max_size=24))
    stories = st.builds(
        lambda rng, contacts: stream(rng, contacts, 3 * HOUR),
        st.randoms(use_true_random=False),
        st.integers(1, 5),
    )
    mixed = st.tuples(chaos, stories).map(lambda both: [t for part in both for t in part])
    return st.one_of(chaos, stories, mixed)


def promises() -> st.SearchStrategy[Promises]:
    """One of the example catalogues."""
    return st.sampled_from(sorted(PROMISES)).map(PROMISES.__getitem__)
