"""The batch oracle: counts every additive measure again, naively.

Written from the measures' contract and `docs/measures-settled.md` alone (the numbers in brackets below are its lines).
It shares no code with `pipeline`: dicts, lists, sorting and loops over all pairs, nothing incremental, nothing fast.
What the engine keeps must equal `recount` of the same log, cell by cell, whatever the order, batches and crashes.

    counted = recount([Arrival("touchpoints/0", 0, append_ms, touchpoint), ...], Promises())
    counted.cells[minute_ms, "phone", "sales", "unknown"]["offered"]
"""

import functools
import itertools
import json
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from schemas.touchpoint import TYPES

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

CLAMP_MS = 60 * SECOND
"""How far a touchpoint may lie after its append time."""

Cell = tuple[int, str, str, str]
"""(start of the UTC minute in ms, channel, queue, segment)"""


class Arrival(NamedTuple):
    """One record of the log: a valid canonical touchpoint, where it stands and Kafka's timestamp of it."""

    partition: str
    offset: int
    append_ms: int
    touchpoint: Mapping[str, Any]


@dataclass(frozen=True)
class Opening:
    """Weekly opening hours, local: weekday (0 = Monday) -> [from, to) in minutes of the day."""

    weekly: Mapping[int, Sequence[tuple[int, int]]]
    closed_dates: frozenset[date] = frozenset()

    def is_open_on(self, day: date) -> bool:
        """Whether this local date has opening hours at all."""
        return bool(self.weekly.get(day.weekday())) and day not in self.closed_dates


@dataclass(frozen=True)
class ResponseTarget:
    """`amount` is in ms for the units clock and open, in days for open_days."""

    unit: Literal["clock", "open", "open_days"]
    amount: int


@dataclass(frozen=True)
class ChannelPromise:
    """What the organisation promises on one channel; None: nothing is promised, no limit, no calendar."""

    kind: Literal["live", "deferred"] = "deferred"
    wait_target_ms: int | None = None
    response_target: ResponseTarget | None = None
    unannounced_ms: int | None = None
    opening: Opening | None = None


@dataclass(frozen=True)
class QueueTarget:
    """A wait target of one queue, in force from `valid_from_ms` on, instead of the channel's."""

    channel: str
    queue: str
    valid_from_ms: int
    wait_target_ms: int


def default_channels() -> dict[str, ChannelPromise]:
    """The contract's default targets of every channel, without opening hours."""
    minute_on_the_clock = ResponseTarget("clock", MINUTE)
    four_open_hours = ResponseTarget("open", 4 * HOUR)
    two_open_days = ResponseTarget("open_days", 2)
    return {
        "phone": ChannelPromise("live", 20 * SECOND, None, MINUTE),
        "chat": ChannelPromise("live", MINUTE, minute_on_the_clock, 3 * MINUTE),
        "branch": ChannelPromise("live", 5 * MINUTE),
        "video": ChannelPromise("live", MINUTE),
        "email": ChannelPromise("deferred", 4 * HOUR, four_open_hours),
        "form": ChannelPromise("deferred", 4 * HOUR, four_open_hours),
        "letter": ChannelPromise("deferred", 4 * HOUR, two_open_days),
        "web": ChannelPromise("deferred", 4 * HOUR, four_open_hours),
        "social": ChannelPromise("deferred", 4 * HOUR, four_open_hours),
        "messenger": ChannelPromise("deferred", 4 * HOUR, four_open_hours),
    }


@dataclass(frozen=True)
class Promises:
    """The catalogue as far as the measures need it."""

    zone: str = "UTC"
    window_ms: int = 7 * DAY
    lateness_ms: int = DAY
    abandoned_short_ms: int = 5 * SECOND
    returned_within_ms: int = DAY
    transfer_breaks_fcr: bool = False
    channels: Mapping[str, ChannelPromise] = field(default_factory=default_channels)
    queue_targets: Sequence[QueueTarget] = ()

    def channel(self, name: str) -> ChannelPromise:
        """The promises of a channel; one the catalogue does not list is deferred and promises nothing."""
        return self.channels.get(name, ChannelPromise())

    def wait_target_ms(self, channel: str, queue: str, at_ms: int) -> int | None:
        """The wait target in force at a time: the queue's newest entry, else the channel's."""
        dated = [t for t in self.queue_targets if (t.channel, t.queue) == (channel, queue) and t.valid_from_ms <= at_ms]
        if dated:
            return max(dated, key=lambda t: t.valid_from_ms).wait_target_ms
        return self.channel(channel).wait_target_ms


@dataclass(frozen=True)
class Recount:
    """Every cell that is not empty, and one dict of facts per contact (ms; None: does not exist)."""

    cells: dict[Cell, dict[str, Any]]
    contacts: dict[str, dict[str, Any]]


# ---- open time (19, 31)


@functools.lru_cache(maxsize=200_000)
def local(minute_ms: int, zone: str) -> datetime:
    """The wall clock of the zone at the beginning of a minute."""
    return datetime.fromtimestamp(minute_ms // SECOND, UTC).astimezone(ZoneInfo(zone))


def date_of(at_ms: int, zone: str) -> date:
    """The local date."""
    return local(at_ms // MINUTE * MINUTE, zone).date()


def minute_is_open(at_ms: int, opening: Opening, zone: str) -> bool:
    """Whether the wall clock of the minute of `at_ms` lies in the opening hours."""
    there = local(at_ms // MINUTE * MINUTE, zone)
    if not opening.is_open_on(there.date()):
        return False
    of_day = there.hour * 60 + there.minute
    return any(begin <= of_day < end for begin, end in opening.weekly[there.weekday()])


def open_ms(start_ms: int, end_ms: int, opening: Opening, zone: str) -> int:
    """The open part of [start, end), found by walking over its minutes."""
    total = 0
    minute = start_ms // MINUTE * MINUTE
    while minute < end_ms:
        if minute_is_open(minute, opening, zone):
            total += min(end_ms, minute + MINUTE) - max(start_ms, minute)
        minute += MINUTE
    return total


def open_days(start_ms: int, end_ms: int, opening: Opening | None, zone: str) -> int:
    """Open local dates after the start's, up to and with the end's; without a calendar all are open."""
    day, last, n = date_of(start_ms, zone), date_of(end_ms, zone), 0
    while day < last:
        day += timedelta(days=1)
        n += opening is None or opening.is_open_on(day)
    return n


def bucket_of(value: int) -> int:
    """The histogram bucket of a duration."""
    if value < 16:
        return value
    e = value.bit_length() - 5
    return 16 * e + (value >> e)


# ---- contacts (1 to 7)

TOUCHPOINT: Any = functools.reduce(operator.or_, TYPES)


@dataclass
class Contact:
    """One contact: its touchpoints in the order (time, id), their `time` being the effective one, and what they say."""

    contact_id: str
    touchpoints: list[dict[str, Any]]
    channel: str
    direction: str
    queue: str
    segment: str
    topic: str
    source: str
    customer_id: str
    requested: int

    @property
    def inbound(self) -> bool:
        """Whether the customer turned to us."""
        return self.direction == "inbound"

    def all(self, *types: str) -> list[dict[str, Any]]:
        """The touchpoints of these types, in order."""
        return [t for t in self.touchpoints if t["type"] in types]

    def times(self, *types: str) -> list[int]:
        """The times of the touchpoints of these types, in order."""
        return [t["time"] for t in self.all(*types)]

    def first(self, *types: str) -> int | None:
        """The first time of these types."""
        return min(self.times(*types), default=None)

    def replies(self) -> list[int]:
        """The times of the messages a person sent."""
        return [t["time"] for t in self.all("message.sent") if is_reply(t)]

    def contained(self) -> list[int]:
        """The times at which self-service contained the matter."""
        return [t["time"] for t in self.touchpoints if is_contained(t)]

    @property
    def first_closed(self) -> int | None:
        """The first closing (7)."""
        return min(self.times("contact.closed"), default=None)

    @property
    def last_closed(self) -> int | None:
        """The last closing (7)."""
        return max(self.times("contact.closed"), default=None)


def is_reply(touchpoint: Mapping[str, Any]) -> bool:
    """Whether a person wrote to the customer: a bot is nobody."""
    return bool(touchpoint["type"] == "message.sent" and touchpoint.get("author", "agent") == "agent")


def is_contained(touchpoint: Mapping[str, Any]) -> bool:
    """Whether self-service contained the matter."""
    return bool(touchpoint["type"] == "contact.self_service" and touchpoint["outcome"] == "contained")


def declared(touchpoint: Mapping[str, Any]) -> dict[str, Any]:
    """The declared fields of a touchpoint without those that have their default."""
    fields: dict[str, Any] = msgspec.to_builtins(msgspec.convert(dict(touchpoint), TOUCHPOINT))
    return fields


def body_of(fields: Mapping[str, Any]) -> str:
    """What two touchpoints of one id and revision are compared by (1)."""
    rest = {k: v for k, v in fields.items() if k not in ("id", "contact_id", "revision")}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def gather(arrivals: Iterable[Arrival]) -> list[Contact]:
    """All contacts by id: of every touchpoint id the highest (revision, body), at its smallest time (1, 2)."""
    append_ms: dict[str, int] = {}
    copies: dict[tuple[str, str], list[tuple[int, str, int, dict[str, Any]]]] = {}
    for arrival in sorted(arrivals, key=lambda a: (a.partition, a.offset)):
        append_ms[arrival.partition] = max(append_ms.get(arrival.partition, 0), arrival.append_ms)
        fields = declared(arrival.touchpoint)
        effective = min(fields["time"], append_ms[arrival.partition] + CLAMP_MS)
        copy = (fields.get("revision", 0), body_of(fields), effective, fields)
        copies.setdefault((fields["contact_id"], fields["id"]), []).append(copy)

    by_contact: dict[str, list[dict[str, Any]]] = {}
    for (contact_id, _), versions in copies.items():
        revision, body = max((v[0], v[1]) for v in versions)
        valid = [v for v in versions if (v[0], v[1]) == (revision, body)]
        touchpoint = {**valid[0][3], "time": min(v[2] for v in valid)}
        by_contact.setdefault(contact_id, []).append(touchpoint)
    return [contact_of(contact_id, by_contact[contact_id]) for contact_id in sorted(by_contact)]


def contact_of(contact_id: str, touchpoints: Iterable[dict[str, Any]]) -> Contact:
    """A contact from its touchpoints (3 to 6)."""
    ordered = sorted(touchpoints, key=lambda t: (t["time"], t["id"]))

    def named(key: str, among: Iterable[dict[str, Any]]) -> str | None:
        return next((t[key] for t in among if key in t), None)

    queued = [t for t in ordered if t["type"] == "contact.queued"]
    answered = [t for t in ordered if t["type"] == "contact.answered"]
    others = [t for t in ordered if t["type"] not in ("contact.queued", "contact.answered", "contact.transferred")]
    asked = [t["time"] for t in ordered if t["type"] == "contact.requested"]
    return Contact(
        contact_id=contact_id,
        touchpoints=ordered,
        channel=ordered[0]["channel"],
        direction=named("direction", ordered) or "inbound",
        queue=named("queue", queued) or named("queue", answered) or named("queue", others) or "unknown",
        segment=named("segment", ordered) or "unknown",
        topic=named("topic", ordered) or "",
        source=named("source", ordered) or "",
        customer_id=named("customer_id", ordered) or "",
        requested=asked[0] if asked else ordered[0]["time"],
    )


# ---- cells, lines 31 and 32


class Books:
    """The cells while they are counted."""

    def __init__(self, promises: Promises) -> None:
        """Begin with no cell."""
        self.promises = promises
        self.cells: dict[Cell, dict[str, Any]] = {}

    def add(self, contact: Contact, at_ms: int, column: str, amount: int = 1, queue: str | None = None) -> None:
        """Add to a column of the contact's cell of the minute of `at_ms` (of another queue's: the legs)."""
        cell = (at_ms // MINUTE * MINUTE, contact.channel, queue or contact.queue, contact.segment)
        columns = self.cells.setdefault(cell, {})
        columns[column] = columns.get(column, 0) + amount

    def add_bucket(self, contact: Contact, at_ms: int, measure: str, value: int) -> None:
        """Count one value in a histogram."""
        cell = (at_ms // MINUTE * MINUTE, contact.channel, contact.queue, contact.segment)
        buckets = self.cells.setdefault(cell, {}).setdefault(f"{measure}_buckets", {})
        buckets[bucket_of(value)] = buckets.get(bucket_of(value), 0) + 1

    def add_intervals(
        self, contact: Contact, at_ms: int, name: str, intervals: Sequence[tuple[int, int]], queue: str | None = None
    ) -> int:
        """Add the time of intervals on the clock and, with a calendar, in open time. Returns the time on the clock."""
        total = sum(end - start for start, end in intervals)
        self.add(contact, at_ms, f"{name}_ms", total, queue)
        opening = self.promises.channel(contact.channel).opening
        if opening is not None:
            in_open = sum(open_ms(start, end, opening, self.promises.zone) for start, end in intervals)
            self.add(contact, at_ms, f"{name}_open_ms", in_open, queue)
        return total

    def add_duration(self, contact: Contact, at_ms: int, name: str, start: int, end: int) -> int:
        """Add a duration with its histogram. One below zero counts as 0 and is counted (22). Returns it."""
        if end < start:
            self.add(contact, at_ms, "negative_durations")
        duration = self.add_intervals(contact, at_ms, name, [(start, max(start, end))])
        self.add_bucket(contact, at_ms, f"{name}_ms", duration)
        return duration

    def finished(self) -> dict[Cell, dict[str, Any]]:
        """The cells without zeros; only open time may be 0, which is not the same as absent."""
        kept = {
            cell: {name: value for name, value in columns.items() if value or name.endswith("_open_ms")}
            for cell, columns in self.cells.items()
        }
        return {cell: columns for cell, columns in kept.items() if columns}


# ---- waiting (8 to 15)


class Wait(NamedTuple):
    """How the wait of an offered contact went. `outcome` is empty and `end` None while the customer still waits."""

    began: int
    outcome: str
    end: int | None
    came_early: bool


def in_waiting_family(contact: Contact, promises: Promises) -> bool:
    """Whether the contact can wait: inbound, and on a live channel or queued."""
    live = promises.channel(contact.channel).kind == "live"
    return contact.inbound and (live or contact.first("contact.queued") is not None)


def wait_of(contact: Contact, promises: Promises) -> Wait | None:
    """The wait of a contact (8, 9); None if it was never offered."""
    if not in_waiting_family(contact, promises):
        return None
    answered, abandoned = contact.first("contact.answered"), contact.first("contact.abandoned")
    queued = contact.first("contact.queued")
    began = queued if queued is not None else answered
    if began is None:
        return None

    candidates: list[tuple[int, int, str, bool]] = []
    if answered is not None:
        candidates.append((max(answered, began), 0, "answered", answered < began))
    if abandoned is not None:
        candidates.append((max(abandoned, began), 1, "abandoned", abandoned < began))
    ends = [
        (2, "refused", contact.times("contact.refused")),
        (3, "callback_requested", contact.times("contact.callback_requested")),
        (4, "closed", contact.times("contact.closed")),
        (5, "contained", contact.contained()),
    ]
    for rank, outcome, times in ends:
        candidates += [(t, rank, outcome, False) for t in times if t >= began]
    if not candidates:
        return Wait(began, "", None, False)
    end, _, outcome, came_early = min(candidates)
    return Wait(began, outcome, end, came_early)


def holds_of(contact: Contact) -> list[tuple[int, int | None]]:
    """The holds as (start, end), end None while it lasts (13)."""
    holds: list[tuple[int, int | None]] = []
    started: int | None = None
    for t in contact.all("contact.held", "contact.resumed", "contact.closed"):
        if t["type"] == "contact.held":
            started = t["time"] if started is None else started
        elif started is not None:
            holds.append((started, t["time"]))
            started = None
    return holds if started is None else [*holds, (started, None)]


def longest_silence(contact: Contact, start: int, end: int | None) -> int:
    """The longest time without a contact.informed in an interval, as far as it is known (12)."""
    informed = [t for t in contact.times("contact.informed") if t >= start and (end is None or t <= end)]
    marks = sorted([start, *informed] + ([] if end is None else [end]))
    return max((b - a for a, b in itertools.pairwise(marks)), default=0)


def count_waiting(contact: Contact, books: Books) -> None:
    """The family Waiting, without its legs (8 to 14)."""
    promises = books.promises
    promise = promises.channel(contact.channel)
    if contact.inbound:
        books.add(contact, contact.requested, "requested")
        if promise.opening is not None and not minute_is_open(contact.requested, promise.opening, promises.zone):
            books.add(contact, contact.requested, "requested_closed")
        never_offered = contact.first("contact.queued", "contact.answered") is None
        if promise.kind == "live" and never_offered and (contact.times("contact.abandoned") or contact.contained()):
            books.add(contact, contact.requested, "ended_in_menu")

    wait = wait_of(contact, promises)
    if wait is None:
        return
    at = wait.began
    books.add(contact, at, "offered")
    target = promises.wait_target_ms(contact.channel, contact.queue, at)
    if wait.came_early:
        books.add(contact, at, "negative_durations")
    if wait.outcome == "answered" and wait.end is not None:
        books.add(contact, at, "answered")
        books.add(contact, at, "answered_queued", int(contact.first("contact.queued") is not None))
        waited = books.add_duration(contact, at, "wait", at, wait.end)
        if target is not None:
            books.add(contact, at, "answered_in_target", int(waited <= target))
            books.add(contact, at, "answered_in_half_target", int(2 * waited <= target))
    elif wait.outcome == "abandoned" and wait.end is not None:
        books.add(contact, at, "abandoned")
        patience = books.add_duration(contact, at, "patience", at, wait.end)
        books.add(contact, at, "abandoned_short", int(patience <= promises.abandoned_short_ms))
        if target is not None:
            books.add(contact, at, "abandoned_in_target", int(patience <= target))
    elif wait.outcome:
        books.add(contact, at, "left_queue")

    if promise.unannounced_ms is not None:
        intervals = [(at, wait.end), *holds_of(contact)]
        longest = max(longest_silence(contact, start, end) for start, end in intervals)
        books.add(contact, at, "waited_unannounced", int(longest > promise.unannounced_ms))

    for t in contact.all("contact.informed"):
        inside = t["time"] >= at and (wait.end is None or t["time"] <= wait.end)
        if inside and t["reason"] == "estimate" and "estimate_ms" in t:
            books.add(contact, at, "estimates")
            if wait.outcome == "answered" and wait.end is not None:
                books.add(contact, at, "estimates_judged")
                books.add(contact, at, "estimate_error_ms", abs(t["estimate_ms"] - (wait.end - t["time"])))


def count_legs(contact: Contact, books: Books) -> None:
    """The stays in queues, each under its own queue (15)."""
    if not in_waiting_family(contact, books.promises):
        return
    leg: tuple[int, str] | None = None
    for t in contact.touchpoints:
        kind = t["type"]
        if kind == "contact.queued" or (kind == "contact.transferred" and "queue" in t):
            queue = t.get("queue", "unknown")
            if leg is None or leg[1] != queue:
                leg = (t["time"], queue)
                books.add(contact, t["time"], "legs_offered", queue=queue)
        elif leg is not None and kind == "contact.answered":
            began, queue = leg
            books.add(contact, began, "legs_answered", queue=queue)
            books.add_intervals(contact, began, "legs_wait", [(began, t["time"])], queue)
            leg = None
        elif leg is not None and kind == "contact.abandoned":
            books.add(contact, leg[0], "legs_abandoned", queue=leg[1])
            leg = None
        elif kind in ("contact.refused", "contact.callback_requested", "contact.closed") or is_contained(t):
            leg = None


# ---- response (17 to 20)


class Clock(NamedTuple):
    """A response clock: started by a message, ended by a reply or a closing, or still running."""

    start: int
    ended_by: Literal["reply", "closing", ""]
    end: int | None


def clocks_of(contact: Contact) -> list[Clock]:
    """The response clocks of a contact that were not removed, in order (17, 18)."""
    clocks: list[Clock] = []
    start: int | None = None
    written = contact.inbound and contact.channel in ("email", "form", "letter")
    for t in contact.touchpoints:
        kind = t["type"]
        if kind == "message.received" or (written and kind == "contact.requested"):
            start = t["time"] if start is None else start
        elif kind in ("contact.discarded", "contact.reopened"):
            start = None
        elif start is not None and is_reply(t):
            clocks.append(Clock(start, "reply", t["time"]))
            start = None
        elif start is not None and kind == "contact.closed":
            clocks.append(Clock(start, "closing", t["time"]))
            start = None
    return clocks if start is None else [*clocks, Clock(start, "", None)]


def within(target: ResponseTarget, start: int, end: int, opening: Opening | None, zone: str) -> bool:
    """Whether a reply came within its target (19)."""
    if target.unit == "open_days":
        return open_days(start, end, opening, zone) <= target.amount
    if target.unit == "open" and opening is not None:
        return open_ms(start, end, opening, zone) <= target.amount
    return end - start <= target.amount


def count_response(contact: Contact, books: Books) -> None:
    """The family Response (17 to 20)."""
    promise = books.promises.channel(contact.channel)
    for position, clock in enumerate(clocks_of(contact)):
        name = "first_response" if position == 0 else "next_response"
        books.add(contact, clock.start, f"{name}s_due")
        if clock.ended_by == "closing":
            books.add(contact, clock.start, "closed_unanswered")
        if clock.ended_by == "reply" and clock.end is not None:
            books.add(contact, clock.start, f"{name}s")
            books.add_duration(contact, clock.start, name, clock.start, clock.end)
            target = promise.response_target
            if target is not None and within(target, clock.start, clock.end, promise.opening, books.promises.zone):
                books.add(contact, clock.start, f"{name}_in_target")


# ---- resolution (21 to 23)


def count_resolution(contact: Contact, books: Books) -> None:
    """The family Resolution as far as one contact alone decides it (21 to 23)."""
    at, last = contact.first_closed, contact.last_closed
    if at is None or last is None:
        return
    books.add(contact, at, "closed")
    books.add(contact, at, "closed_unknown_customer", int(contact.customer_id == ""))
    answered = contact.first("contact.answered")
    if answered is not None:
        books.add(contact, at, "handled")
        books.add_duration(contact, at, "handle", answered, last)
    books.add_duration(contact, at, "resolution", contact.requested, last)
    if contact.all("contact.held"):
        books.add(contact, at, "held")
    ended = [(start, end) for start, end in holds_of(contact) if end is not None]
    if ended:
        hold = books.add_intervals(contact, at, "hold", ended)
        books.add_bucket(contact, at, "hold_ms", hold)
    if contact.all("contact.reopened"):
        books.add(contact, at, "contacts_reopened")
    transfers = len(contact.all("contact.transferred"))
    books.add(contact, at, "contacts_transferred", int(transfers > 0))
    books.add(contact, at, "transfers", transfers)


# ---- effort, dead ends, self-service (45, 46)


def count_effort(contact: Contact, books: Books) -> None:
    """The family Effort: menus, refusals, self-service and replies, each in its own minute (45, 46)."""
    seen: set[str] = set()
    for t in contact.all("contact.menu"):
        books.add(contact, t["time"], "menu_steps")
        books.add(contact, t["time"], "menu_repeats", int(t["step"] in seen))
        seen.add(t["step"])
    for t in contact.all("contact.refused"):
        books.add(contact, t["time"], f"refused_{t.get('reason', 'other')}")
    for t in contact.all("contact.self_service"):
        books.add(contact, t["time"], f"self_service_{t['outcome']}")
    for t in contact.all("contact.discarded")[: int(contact.inbound)]:
        books.add(contact, t["time"], "discarded")
    out_of_scope = [t for t in contact.all("contact.closed") if t.get("scope") == "out"]
    for t in out_of_scope[:1]:
        books.add(contact, t["time"], "out_of_scope_done")
    for clock in clocks_of(contact):
        if clock.ended_by == "reply" and clock.end is not None:
            books.add(contact, clock.end, "replies")


# ---- promises to the customer (47)


def first_word(contact: Contact, type_: str, made: Mapping[str, Any]) -> int | None:
    """When a promise was first said to be kept (broken); if that was before it was made: when it was made."""
    times = [t["time"] for t in contact.all(type_) if t["promise_id"] == made["promise_id"]]
    return max(min(times), made["time"]) if times else None


def count_promises(contact: Contact, books: Books) -> None:
    """The family Promises: each promise of the contact that was made, booked at its due (47)."""
    made: dict[str, dict[str, Any]] = {}
    for t in contact.all("promise.made"):
        made.setdefault(t["promise_id"], t)
    for promise in made.values():
        due = promise["due"]
        kept = first_word(contact, "promise.kept", promise)
        broken = first_word(contact, "promise.broken", promise)
        books.add(contact, due, "promises_due")
        if kept is not None and (broken is None or kept <= broken):
            if kept <= due:
                books.add(contact, due, "promises_kept")
            else:
                books.add(contact, due, "promises_late")
                books.add(contact, due, "promise_late_ms", kept - due)
                books.add_bucket(contact, due, "promise_late_ms", kept - due)
        elif broken is not None:
            books.add(contact, due, "promises_broken")


# ---- voice of the customer (48 to 51)

SCALES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7), "solved": (0, 1)}
"""Lowest score and, where the touchpoint names none, highest score of each kind of feedback."""


def points(score: int, scale_max: int) -> int:
    """A score of a scale from 1 to `scale_max` as 0 to 10,000 points."""
    return 10_000 if scale_max == 1 else 10_000 * (score - 1) // (scale_max - 1)


def count_feedback(contact: Contact, books: Books) -> None:
    """What customers were asked and said, in the minute they were asked and said it (48, 49)."""
    for t in contact.all("feedback.asked"):
        books.add(contact, t["time"], "feedback_asked")
    for t in contact.all("feedback.given"):
        at, kind, score = t["time"], t["kind"], t["score"]
        if t.get("from", "customer") != "customer":
            continue
        lowest, scale_max = SCALES[kind]
        scale_max = t.get("scale_max", scale_max)
        if scale_max < 1 or not lowest <= score <= scale_max:
            books.add(contact, at, "feedback_invalid")
            continue
        books.add(contact, at, f"{kind}_n")
        if kind == "csat":
            books.add(contact, at, "csat_top1", int(score == scale_max))
            books.add(contact, at, "csat_top2", int(score >= scale_max - 1))
            books.add(contact, at, "csat_points", points(score, scale_max))
        elif kind == "nps":
            of_ten = score * 10 // scale_max
            books.add(contact, at, "nps_promoters", int(of_ten >= 9))
            books.add(contact, at, "nps_detractors", int(of_ten <= 6))
        elif kind == "ces":
            books.add(contact, at, "ces_points", points(score, scale_max))
        else:
            books.add(contact, at, "solved_yes", int(score >= 1))


def count_complaints(contact: Contact, books: Books) -> None:
    """Complaints, and what settled them: the oldest first, booked where they were raised (50)."""
    unsettled: list[int] = []
    for t in contact.all("complaint.raised", "complaint.settled"):
        if t["type"] == "complaint.raised":
            books.add(contact, t["time"], "complaints")
            unsettled.append(t["time"])
        elif unsettled:
            raised = unsettled.pop(0)
            books.add(contact, raised, "complaints_settled")
            books.add(contact, raised, "settle_ms", t["time"] - raised)
            books.add_bucket(contact, raised, "settle_ms", t["time"] - raised)
            books.add(contact, raised, "goodwill_minor", t.get("goodwill", 0))


def count_voice(contact: Contact, books: Books) -> None:
    """The family Voice (48 to 51)."""
    count_feedback(contact, books)
    count_complaints(contact, books)
    for t in contact.all("audit.scored"):
        if t["scale_max"] >= 1:
            books.add(contact, t["time"], "audits")
            books.add(contact, t["time"], "audit_points", min(max(10_000 * t["score"] // t["scale_max"], 0), 10_000))
    for type_, column in (
        ("outreach.sent", "outreach"),
        ("customer.left", "customers_left"),
        ("customer.stayed", "customers_stayed"),
    ):
        for at in contact.times(type_):
            books.add(contact, at, column)


# ---- customers (16, 24 to 30)


def same_matter(a: Contact, b: Contact) -> bool:
    """Whether two contacts can be about one thing: equal topics, or one of them without."""
    return "" in (a.topic, b.topic) or a.topic == b.topic


def follows(b: Contact, a: Contact, promises: Promises) -> bool:
    """Whether B follows A (24)."""
    if a.contact_id == b.contact_id or a.last_closed is None or not b.inbound or not same_matter(a, b):
        return False
    return a.last_closed < b.requested <= a.last_closed + promises.window_ms


def chases(b: Contact, a: Contact) -> bool:
    """Whether B asks again while A is open and unanswered (27)."""
    if a.contact_id == b.contact_id or a.last_closed is None or not a.inbound or not b.inbound or not same_matter(a, b):
        return False
    ends = a.times("contact.answered", "contact.closed", "contact.abandoned", "contact.discarded")
    ends = [t for t in ends + a.replies() + a.contained() if t >= a.requested]
    return a.requested < b.requested and (not ends or b.requested < min(ends))


def is_eligible(contact: Contact) -> bool:
    """Whether first-contact resolution can be asked of this contact (25)."""
    served = bool(contact.times("contact.answered") or contact.replies())
    closed, discarded = bool(contact.times("contact.closed")), bool(contact.times("contact.discarded"))
    return contact.inbound and closed and not discarded and served and contact.customer_id != ""


def is_unresolved(contact: Contact) -> bool:
    """Whether the latest closing that says `resolved` says no."""
    said = [t["resolved"] for t in contact.all("contact.closed") if "resolved" in t]
    return bool(said) and said[-1] is False


def followers_of(contact: Contact, others: Iterable[Contact], promises: Promises) -> list[Contact]:
    """Who follows this contact, the earliest first."""
    return sorted((b for b in others if follows(b, contact, promises)), key=lambda b: (b.requested, b.contact_id))


def followed_by(contact: Contact, others: Iterable[Contact], promises: Promises) -> Contact | None:
    """Which contact this one follows: of several the one closed last (30)."""
    before = [a for a in others if follows(contact, a, promises)]
    return max(before, key=lambda a: (a.last_closed or 0, a.contact_id), default=None)


def fcr_of(contact: Contact, others: Iterable[Contact], promises: Promises) -> str:
    """The word for first-contact resolution; empty where it cannot be asked (25)."""
    if not is_eligible(contact):
        return ""
    if is_unresolved(contact):
        return "unresolved"
    if contact.all("contact.reopened"):
        return "reopened"
    if followers_of(contact, others, promises):
        return "followed"
    if promises.transfer_breaks_fcr and contact.all("contact.transferred"):
        return "transferred"
    return "resolved"


MONTH = 30 * DAY
PRAISE: Mapping[str, Callable[[int, int], bool]] = {
    "nps": lambda score, top: score * 10 // top >= 9,
    "csat": lambda score, top: score == top,
}
"""What makes an answer praise, by its kind (59)."""


def answers_of(contact: Contact, kind: str) -> list[tuple[int, int, int]]:
    """The customer's valid answers of one kind: (time, score, best score) (48)."""
    lowest, usual = SCALES[kind]
    found = []
    for t in contact.all("feedback.given"):
        top = t.get("scale_max", usual)
        if t["kind"] == kind and t.get("from", "customer") == "customer" and top >= 1 and lowest <= t["score"] <= top:
            found.append((t["time"], t["score"], top))
    return found


def bad_times(contact: Contact, promises: Promises) -> list[int]:
    """When something bad happened to the customer in this contact (63)."""
    found = contact.times("contact.refused", "complaint.raised")
    wait = wait_of(contact, promises)
    if wait is not None and wait.outcome == "abandoned" and wait.end is not None:
        found.append(wait.end)
    if is_unresolved(contact) and contact.last_closed is not None:
        found.append(contact.last_closed)
    served = contact.times("contact.answered") + contact.replies()
    unanswered = [c.end for c in clocks_of(contact) if c.ended_by == "closing" and c.end is not None]
    found += [end for end in unanswered if not any(t <= end for t in served)]
    found += [t for t, score, top in answers_of(contact, "nps") if score * 10 // top <= 6]
    seen = set()
    for made in contact.all("promise.made"):
        if made["promise_id"] in seen:
            continue
        seen.add(made["promise_id"])
        kept, broken = first_word(contact, "promise.kept", made), first_word(contact, "promise.broken", made)
        if broken is not None and (kept is None or broken < kept):
            found.append(min(broken, made["due"]))
        elif kept is None or kept > made["due"]:
            found.append(made["due"])
    return found


def count_settled(contact: Contact, others: Iterable[Contact], books: Books) -> None:
    """Complaints that were settled and made good (50, 59)."""
    praise = [t for c in others for kind, good in PRAISE.items() for t, *said in answers_of(c, kind) if good(*said)]
    unsettled: list[int] = []
    for t in contact.all("complaint.raised", "complaint.settled"):
        if t["type"] == "complaint.raised":
            unsettled.append(t["time"])
        elif unsettled:
            raised, settled = unsettled.pop(0), t["time"]
            books.add(contact, raised, "complaints_recovered", int(any(0 < p - settled <= MONTH for p in praise)))


def count_outreach(contact: Contact, others: Sequence[Contact], books: Books) -> None:
    """Whether we turned to the customer before they asked, and whether they asked afterwards (60, 61)."""
    window = books.promises.window_ms
    asked = [c for c in others if c.inbound and same_matter(contact, c)]
    for t in contact.all("outreach.sent"):
        at = t["time"]
        before = any(at - window <= c.requested <= at for c in asked)
        cares = t.get("reason", "other") in ("problem", "delay", "appointment")
        books.add(contact, at, "outreach_first", int(cares and not before))
        after = [c for c in asked if c.contact_id != contact.contact_id and at < c.requested <= at + window]
        books.add(contact, at, "outreach_followed", int(bool(after)))


def count_leaving(contact: Contact, others: Iterable[Contact], books: Books) -> None:
    """Whether customers who left had reason to (62)."""
    left = contact.times("customer.left")
    bad = [t for c in others for t in bad_times(c, books.promises)] if left else []
    for at in left:
        books.add(contact, at, "left_after_bad", int(any(0 <= at - b <= MONTH for b in bad)))


def count_customer(contacts: Sequence[Contact], books: Books) -> None:
    """What only all contacts of one customer together decide."""
    promises = books.promises
    for contact in contacts:
        count_returned(contact, contacts, books)
        count_settled(contact, contacts, books)
        count_outreach(contact, contacts, books)
        count_leaving(contact, contacts, books)
        chased_or_followed = [a for a in contacts if follows(contact, a, promises) or chases(contact, a)]
        if any(a.channel != contact.channel for a in chased_or_followed):
            books.add(contact, contact.requested, "channel_switches")

        at, last = contact.first_closed, contact.last_closed
        if at is None or last is None:
            continue
        if any(chases(b, contact) for b in contacts):
            books.add(contact, at, "chased")
        if not is_eligible(contact):
            continue
        followers = followers_of(contact, contacts, promises)
        resolved = fcr_of(contact, contacts, promises) == "resolved"
        books.add(contact, at, "fcr_eligible")
        books.add(contact, at, "fcr_resolved", int(resolved))
        books.add(contact, at, "fcr_followed", int(bool(followers)))
        books.add(contact, at, "fcr_reopened", int(bool(contact.all("contact.reopened"))))
        books.add(contact, at, "fcr_unresolved", int(is_unresolved(contact)))
        books.add(contact, at, "fcr_transferred", int(bool(contact.all("contact.transferred"))))
        if followed_by(contact, contacts, promises) is None:
            books.add(contact, at, "issues")
            books.add(contact, at, "issues_resolved_first", int(resolved))
        if followers:
            delay = followers[0].requested - last
            books.add(contact, at, "followup_delay_ms", delay)
            books.add_bucket(contact, at, "followup_delay_ms", delay)


def count_returned(contact: Contact, others: Iterable[Contact], books: Books) -> None:
    """Whether who gave up was reached soon after (16)."""
    wait = wait_of(contact, books.promises)
    if wait is None or wait.end is None or wait.outcome != "abandoned":
        return
    until = wait.end + books.promises.returned_within_ms
    reached = [t for c in others for t in c.times("contact.answered", "message.sent", "outreach.sent")]
    if any(wait.end < t <= until for t in reached):
        books.add(contact, wait.began, "abandoned_returned")


# ---- the view of contacts


def is_open(contact: Contact) -> bool:
    """Whether a contact goes on: nothing ended it, or it was reopened after its last end."""
    still = True
    for t in contact.touchpoints:
        if t["type"] in ("contact.closed", "contact.abandoned", "contact.discarded") or is_contained(t):
            still = False
        elif t["type"] == "contact.reopened":
            still = True
    return still


def row_of(contact: Contact, others: Sequence[Contact], promises: Promises) -> dict[str, Any]:
    """What is known of one contact, among all contacts of its customer."""
    wait = wait_of(contact, promises)
    clocks = clocks_of(contact)
    reply = clocks[0].end if clocks and clocks[0].ended_by == "reply" else None
    last = contact.last_closed
    before = followed_by(contact, others, promises)
    after = followers_of(contact, others, promises)
    took = None if wait is None or wait.end is None else wait.end - wait.began
    target = None if wait is None else promises.wait_target_ms(contact.channel, contact.queue, wait.began)
    waited = took if wait is not None and wait.outcome == "answered" else None
    fcr = fcr_of(contact, others, promises)
    return {
        "contact_id": contact.contact_id,
        "customer_id": contact.customer_id,
        "channel": contact.channel,
        "queue": contact.queue,
        "segment": contact.segment,
        "topic": contact.topic,
        "direction": contact.direction,
        "source": contact.source,
        "requested_ms": contact.requested,
        "queued_ms": contact.first("contact.queued"),
        "answered_ms": contact.first("contact.answered"),
        "first_response_at_ms": reply,
        "abandoned_ms": contact.first("contact.abandoned"),
        "closed_ms": contact.first_closed,
        "last_closed_ms": last,
        "wait_began_ms": None if wait is None else wait.began,
        "outcome": "" if wait is None else wait.outcome,
        "outcome_ms": None if wait is None else wait.end,
        "wait_ms": waited,
        "patience_ms": took if wait is not None and wait.outcome == "abandoned" else None,
        "first_response_ms": None if reply is None else reply - clocks[0].start,
        "transfers": len(contact.all("contact.transferred")),
        "is_open": is_open(contact),
        "discarded": bool(contact.all("contact.discarded")),
        "target_ms": target,
        "in_target": None if waited is None or target is None else waited <= target,
        "refused_reason": next((t.get("reason", "other") for t in contact.all("contact.refused")), ""),
        "fcr": fcr,
        "fcr_confirmed_ms": None if fcr == "" or last is None else last + promises.window_ms + promises.lateness_ms,
        "issue_id": issue_of(contact, others, promises),
        "follows_contact_id": before.contact_id if before else "",
        "followed_by_contact_id": after[0].contact_id if after else "",
    }


def issue_of(contact: Contact, others: Sequence[Contact], promises: Promises) -> str:
    """Where the chain of contacts began; never forward in (requested, contact_id), so that it ends (30)."""
    before = followed_by(contact, others, promises)
    if before is None or (before.requested, before.contact_id) >= (contact.requested, contact.contact_id):
        return contact.contact_id
    return issue_of(before, others, promises)


def recount(arrivals: Iterable[Arrival], promises: Promises) -> Recount:
    """Every cell and every contact of a log, from scratch."""
    contacts = gather(arrivals)
    books = Books(promises)
    for contact in contacts:
        count_waiting(contact, books)
        count_legs(contact, books)
        count_response(contact, books)
        count_resolution(contact, books)
        count_effort(contact, books)
        count_promises(contact, books)
        count_voice(contact, books)
    of_customer: dict[str, list[Contact]] = {}
    for contact in contacts:
        of_customer.setdefault(contact.customer_id, []).append(contact)
    rows: dict[str, dict[str, Any]] = {}
    for customer, theirs in of_customer.items():
        known = [] if customer == "" else theirs
        count_customer(known, books)
        rows |= {contact.contact_id: row_of(contact, known, promises) for contact in theirs}
    return Recount(books.finished(), rows)
