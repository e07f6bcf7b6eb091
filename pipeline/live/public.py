"""What an organisation may show on its own website: the wait to expect, the opening hours, and how far such words were
off. No ids, no counts of people, nothing of deferred channels. Pure.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from pipeline.core.rules import Rulebook
from pipeline.live.summary import QueueRow, Summary
from schemas.catalogue import Titles
from schemas.vocabulary import UNKNOWN

_STEP_MS: Final = 60_000
"""Waits are said in whole minutes, upwards: seconds would promise what nobody can keep."""


class PublicWait(Struct, frozen=True):
    """One queue. `expected_wait_minutes` None: nothing to go by, or closed. `open_today`: local, in minutes from
    midnight; None without a calendar. `estimates_judged` of today were off by `estimate_error_minutes` on average.
    """

    channel: str
    queue: str
    title: Titles
    open: bool
    open_today: tuple[tuple[int, int], ...] | None
    opens_at_ms: int | None
    expected_wait_minutes: int | None
    estimates_judged: int
    estimate_error_minutes: float | None


class PublicWaits(Struct, frozen=True):
    """All queues of live channels. `available` False: nothing is known at the moment, so nothing is said."""

    now_ms: int
    zone: str
    simulated: bool
    available: bool
    queues: tuple[PublicWait, ...] = ()


def public_waits(summary: Summary, rulebook: Rulebook) -> PublicWaits:
    """From the live values. A queue some of whose contacts are not known is left out."""
    rows = [row for row in summary.queues if row.kind == "live" and row.queue != UNKNOWN and not row.incomplete]
    return PublicWaits(
        summary.now_ms,
        summary.zone,
        summary.simulated,
        summary.live,
        tuple(_wait(row, rulebook, summary.titles.queues, summary.now_ms) for row in rows),
    )


def _wait(row: QueueRow, rulebook: Rulebook, titles: Mapping[str, Titles], now_ms: int) -> PublicWait:
    calendar = rulebook.rules(row.channel, row.queue, UNKNOWN, now_ms).calendar
    numbers = row.numbers
    is_open = calendar is None or calendar.is_open(now_ms)
    expected_ms = numbers.expected_wait_ms
    error_ms = numbers.today.estimate_error_mean_ms
    return PublicWait(
        row.channel,
        row.queue,
        titles.get(row.queue, {}),
        is_open,
        None if calendar is None else calendar.intervals(rulebook.zone.ordinal(now_ms)),
        None if calendar is None or is_open else calendar.next_opening_ms(now_ms),
        None if not is_open or expected_ms is None else -(-expected_ms // _STEP_MS),
        numbers.today.estimates_judged,
        None if error_ms is None else round(error_ms / _STEP_MS, 1),
    )
