"""What is sent in a simulated world: few contacts, ids, customers and times, so that everything collides."""

from random import Random
from typing import Any, Final, NamedTuple

import msgspec

BEGIN_MS: Final = 1_774_800_000_000
MINUTE_MS: Final = 60_000
_TYPES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("contact.requested", {}),
    ("contact.requested", {}),
    ("contact.queued", {}),
    ("contact.queued", {"queue": "claims"}),
    ("contact.answered", {}),
    ("contact.answered", {"agent_id": "ann"}),
    ("contact.closed", {}),
    ("contact.closed", {"resolved": False}),
    ("contact.closed", {"resolved": True}),
    ("contact.abandoned", {}),
    ("contact.reopened", {}),
    ("contact.transferred", {"queue": "claims"}),
    ("message.received", {}),
    ("message.sent", {}),
    ("contact.discarded", {"reason": "spam"}),
    ("contact.self_service", {"outcome": "contained"}),
)
_POISON: Final = (b"{", b"[]", b'{"type":"contact.exploded","id":"x"}', None)


class Sent(NamedTuple):
    """One record on its way into the log. `touchpoint` None: nobody can take this in."""

    key: bytes
    value: bytes | None
    touchpoint: dict[str, Any] | None


def sent(touchpoint: dict[str, Any]) -> Sent:
    """The record of a touchpoint."""
    return Sent(touchpoint["contact_id"].encode(), msgspec.json.encode(touchpoint), touchpoint)


def traffic(rng: Random) -> list[Sent]:
    """Everything a world is sent, repetitions, revisions and rubbish included, in the order of sending."""
    contacts, customers = rng.choice((2, 4, 8, 16)), rng.randrange(1, 4)
    minutes, known = rng.choice((2, 8, 20)), rng.choice((0.3, 0.8))
    found: list[Sent] = []
    for _ in range(rng.randrange(15, 46)):
        luck = rng.random()
        if found and luck < 0.1:
            found.append(rng.choice(found))
        elif luck < 0.13:
            found.append(Sent(f"k{rng.randrange(contacts)}".encode(), rng.choice(_POISON), None))
        else:
            found.append(sent(_touchpoint(rng, contacts, customers, minutes, known)))
    return found


def _touchpoint(rng: Random, contacts: int, customers: int, minutes: int, known: float) -> dict[str, Any]:
    type_, fields = rng.choice(_TYPES)
    touchpoint = {
        "id": f"{rng.choice('abcdefgh')}{type_[-3:] if rng.random() < 0.8 else ''}",
        "type": type_,
        "time": BEGIN_MS + rng.randrange(minutes * 4) * MINUTE_MS // 4 + rng.choice((0, 0, 1, 7_000)),
        "contact_id": f"k{rng.randrange(contacts)}",
        "channel": rng.choice(("phone", "phone", "email", "chat")),
        **fields,
    }
    if rng.random() < known:
        touchpoint["customer_id"] = f"c{rng.randrange(customers)}"
    if rng.random() < 0.1:
        touchpoint["topic"] = rng.choice(("invoice", "move"))
    if rng.random() < 0.15:
        touchpoint["revision"] = rng.choice((1, 1, 2))
    if rng.random() < 0.05:
        touchpoint["direction"] = "outbound"
    return touchpoint
