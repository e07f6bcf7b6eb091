"""What the live values look at in an open contact, and no more: a million of them have to fit into memory. A Struct,
so never compiled; `pipeline.core.view.opened` makes it.
"""

from msgspec import Struct

from pipeline.core.promises import Promise


class Open(Struct, frozen=True, gc=False):
    """An open contact (times in ms; None where it is not so). It may be closed and live all the same: an open promise.

    `waits_ms`: since when the customer waits for a person, in queue `waits_in`; of who was passed on the present leg.
    `undecided_ms`: when the wait began that has no outcome yet, `target_ms` is what was promised for it.
    `clock_ms`: since when they have no answer, `first_clock`: to their first message. `queues`: those it went through,
    the last one first.
    """

    channel: str
    queue: str
    segment: str
    source: str
    live: bool
    is_open: bool
    talking: bool
    last_ms: int
    waits_ms: int | None
    waits_in: str
    undecided_ms: int | None
    target_ms: int | None
    clock_ms: int | None
    first_clock: bool
    promises: tuple[Promise, ...]
    queues: tuple[str, ...]
