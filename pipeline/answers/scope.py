"""What is promised where: the targets in force at a moment for every place that has its own, and what has none."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from pipeline.answers.explain_steps import target_text
from pipeline.core.rules import Rulebook, Rules
from schemas.vocabulary import UNKNOWN, ChannelKind


class Promised(Struct, frozen=True):
    """What holds at one place; '' = any queue, any segment. None: no such target, nothing there is ever within it.

    `changes_ms`: when an entry that may concern this place begins next.
    """

    channel: str
    kind: ChannelKind
    queue: str
    segment: str
    wait: str | None
    response: str | None
    unannounced: str | None
    calendar: str | None
    changes_ms: int | None

    @property
    def in_scope(self) -> bool:
        """Whether anything is promised there that can be kept or missed."""
        return self.wait is not None if self.kind == "live" else self.response is not None


def promised(
    rulebook: Rulebook, channels: Iterable[str], queues: Iterable[str], segments: Iterable[str], at_ms: int
) -> list[Promised]:
    """What holds for each channel, and for those of its queues and segments for which something else holds."""
    found: list[Promised] = []
    for channel in channels:
        general = _promised(rulebook, channel, "", "", at_ms)
        found.append(general)
        for queue, segment in _places(queues, segments):
            one = _promised(rulebook, channel, queue, segment, at_ms)
            nearest = _promised(rulebook, channel, queue, "", at_ms) if queue and segment else general
            if _told(one) != _told(nearest):
                found.append(one)
    return found


def _places(queues: Iterable[str], segments: Iterable[str]) -> Iterator[tuple[str, str]]:
    known = sorted(set(segments))
    yield from (("", segment) for segment in known)
    for queue in sorted(set(queues)):
        yield queue, ""
        yield from ((queue, segment) for segment in known)


def _promised(rulebook: Rulebook, channel: str, queue: str, segment: str, at_ms: int) -> Promised:
    rules: Rules = rulebook.rules(channel, queue or UNKNOWN, segment or UNKNOWN, at_ms)
    return Promised(
        channel,
        rules.kind,
        queue,
        segment,
        _duration(rules.wait_target_ms),
        None if rules.response_target is None else target_text(rules.response_target),
        _duration(rules.unannounced_ms),
        None if rules.calendar is None else rules.calendar.name,
        _next(rulebook, channel, queue, segment, at_ms),
    )


def _told(one: Promised) -> tuple[object, ...]:
    return one.wait, one.response, one.unannounced, one.calendar, one.changes_ms


def _duration(amount_ms: int | None) -> str | None:
    for size, unit in ((3_600_000, "h"), (60_000, "min"), (1_000, "s")):
        if amount_ms is not None and amount_ms >= size and amount_ms % size == 0:
            return f"{amount_ms // size}{unit}"
    return None if amount_ms is None else f"{amount_ms}ms"


def _next(rulebook: Rulebook, channel: str, queue: str, segment: str, at_ms: int) -> int | None:
    catalogue = rulebook.catalogue
    begins = [
        entry.valid_from_ms
        for entry in catalogue.targets
        if entry.channel in (None, channel) and entry.queue in (None, queue) and entry.segment in (None, segment)
    ]
    begins += [
        entry.valid_from_ms
        for entry in catalogue.opening_hours
        if entry.channel in (None, channel) and entry.queue in (None, queue)
    ]
    return min((begin for begin in begins if begin is not None and begin > at_ms), default=None)
