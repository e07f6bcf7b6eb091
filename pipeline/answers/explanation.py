"""What an explanation of a contact is: data, for the command and the page to say in words."""

from msgspec import Struct


class Did(Struct, frozen=True):
    """One thing a touchpoint did. `what` is a key of `pipeline.answers.explain_words`; values named `*_ms` are
    durations, `*_at` moments.
    """

    what: str
    values: dict[str, str | int] = {}


class Step(Struct, frozen=True):
    """One touchpoint in its place. `sent_at_ms` where its own time was too far ahead and was moved back to `at_ms`."""

    at_ms: int
    id: str
    type: str
    queue: str
    did: list[Did]
    sent_at_ms: int | None = None


class Counted(Struct, frozen=True):
    """What the contact adds to one column of one cell. `fold`: `contact`, or `customer` (its customer's others)."""

    fold: str
    window_s: int
    channel: str
    queue: str
    segment: str
    measure: str
    value: int


class Sibling(Struct, frozen=True):
    """A contact of the same issue."""

    contact_id: str
    requested_ms: int
    channel: str
    fcr: str


class Resolution(Struct, frozen=True):
    """Why the resolution is what it is. `fcr` '' : not eligible, and `why_not` says why. `final_from_ms`: the moment
    from which on it is final, once the log is read so far.
    """

    fcr: str
    why_not: list[str]
    because: list[Did]
    final_from_ms: int | None
    is_final: bool
    follows: str = ""
    issue_id: str = ""
    issue: list[Sibling] = []


class Explanation(Struct, frozen=True):
    """A contact explained. `unknown`: what could not be told, and what follows from it. `zone`: whose local times."""

    contact_id: str
    channel: str
    queue: str
    segment: str
    topic: str
    customer_id: str
    source: str
    inbound: bool
    is_open: bool
    zone: str
    steps: list[Step]
    cells: list[Counted]
    resolution: Resolution
    unknown: list[Did]
