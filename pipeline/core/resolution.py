"""What a closed contact says of itself. What its customer's other contacts say of it is in `pipeline.core.customer`.

Definitions: docs/measures-settled.md, rules 21 to 23.
"""

from mypy_extensions import mypyc_attr

from pipeline.core.timeline import CLOSED, HELD, Timeline, open_ms
from pipeline.core.waiting import holds


@mypyc_attr(acyclic=True)
class Closing:
    """A contact that was ever closed. Lengths in ms; `*_open_ms` None without a calendar; `handle_ms` None if nobody
    answered; `hold_ms` None if no hold has ended.
    """

    __slots__ = (
        "customer_known", "first_closed_ms", "handle_ms", "handle_open_ms", "held", "hold_ms", "hold_open_ms",
        "negative", "reopened", "resolution_ms", "resolution_open_ms", "transfers",
    )  # fmt: skip

    def __init__(
        self,
        first_closed_ms: int,
        customer_known: bool,
        reopened: bool,
        transfers: int,
        resolution_ms: int,
        resolution_open_ms: int | None,
        handle_ms: int | None,
        handle_open_ms: int | None,
        held: bool,
        hold_ms: int | None,
        hold_open_ms: int | None,
        negative: int,
    ) -> None:
        self.first_closed_ms = first_closed_ms
        self.customer_known = customer_known
        self.reopened = reopened
        self.transfers = transfers
        self.resolution_ms = resolution_ms
        self.resolution_open_ms = resolution_open_ms
        self.handle_ms = handle_ms
        self.handle_open_ms = handle_open_ms
        self.held = held
        self.hold_ms = hold_ms
        self.hold_open_ms = hold_open_ms
        self.negative = negative


def closing(timeline: Timeline) -> Closing | None:
    """The contact's closing; None while it was never closed."""
    first_ms, last_ms = timeline.first_closed_ms, timeline.last_closed_ms
    if first_ms is None or last_ms is None:
        return None
    requested_ms, answered_ms = timeline.requested_ms, timeline.answered_ms
    negative = int(last_ms < requested_ms)
    handle_ms = handle_open_ms = hold_ms = hold_open_ms = None
    if answered_ms is not None:
        negative += int(last_ms < answered_ms)
        handle_ms = max(last_ms - answered_ms, 0)
        handle_open_ms = open_ms(timeline.rules(answered_ms).calendar, answered_ms, last_ms)
    held = timeline.has(HELD)
    if held:
        for start, end in holds(timeline.touches):
            if end is None:
                continue
            hold_ms = (hold_ms or 0) + end - start
            part_ms = open_ms(timeline.rules(start).calendar, start, end)
            if part_ms is not None:
                hold_open_ms = (hold_open_ms or 0) + part_ms
    return Closing(
        first_ms,
        bool(timeline.customer_id),
        timeline.reopened_ms is not None,
        timeline.transfers,
        max(last_ms - requested_ms, 0),
        open_ms(timeline.rules(requested_ms).calendar, requested_ms, last_ms),
        handle_ms,
        handle_open_ms,
        held,
        hold_ms,
        hold_open_ms,
        negative,
    )


def unresolved(timeline: Timeline) -> bool:
    """Of the closings that say whether the matter was resolved, the latest says it was not."""
    if not timeline.has(CLOSED):
        return False
    for touch in reversed(timeline.touches):
        if touch.type == CLOSED and touch.details is not None and "resolved" in touch.details:
            return touch.details["resolved"] is False
    return False
