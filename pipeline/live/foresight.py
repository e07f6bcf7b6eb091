"""Who will miss their target as things go: while somebody can still do something about it. Pure."""

from collections.abc import Callable, Iterator, Mapping

from pipeline.live.parts import ANSWERS_WINDOW_MS, Parts, Place, in_line
from pipeline.live.summary import Case
from schemas.catalogue import Target
from schemas.vocabulary import ChannelKind


def foresee(places: Mapping[Place, Parts], now_ms: int, kind_of: Callable[[str], ChannelKind | None]) -> Iterator[Case]:
    """Who waits within target and will miss it as things go; how many, is noted in `will_miss`.

    Their turn is expected at now + place in line x recent time between answers (as for `expected_wait_ms`), those
    beyond their target being before them. Where nobody was answered lately nothing is foreseen. Each of the places is
    to be complete: of all partitions.
    """
    for (channel, queue), parts in places.items():
        parts.will_miss = 0
        if parts.answers <= 0:
            continue
        for place, (since_ms, contact_id, due_ms) in enumerate(in_line(parts.line), parts.overdue + 1):
            turn_ms = now_ms + place * ANSWERS_WINDOW_MS // parts.answers
            if turn_ms <= due_ms:
                continue
            parts.will_miss += 1
            yield Case(
                contact_id,
                channel,
                queue,
                kind_of(channel) or "deferred",
                since_ms,
                max(now_ms - since_ms, 0),
                target=Target("clock", due_ms - since_ms),
                step="answer",
                due_ms=due_ms,
                expected_ms=turn_ms,
            )
