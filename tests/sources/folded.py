"""What the contact fold keeps of touchpoints: of each id in a contact the highest (revision, body)."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from schemas.codec import decode
from schemas.sources import SOURCES, Item
from schemas.touchpoint import Touchpoint

T = TypeVar("T", bound=Touchpoint)


def touchpoints(source: str, payloads: Iterable[object]) -> list[Touchpoint]:
    """The touchpoints of payloads, one a line, all of them valid."""
    found = []
    for output in SOURCES[source].read([msgspec.json.encode(payload) for payload in payloads]):
        assert isinstance(output, Item), output
        touchpoint = decode(output.value)
        assert isinstance(touchpoint, Touchpoint), touchpoint
        found.append(touchpoint)
    return found


def folded(made: Sequence[Touchpoint]) -> list[Touchpoint]:
    """What holds of them, in the order of contacts, times and ids."""
    best: dict[tuple[str, str], Touchpoint] = {}
    for touchpoint in made:
        key = touchpoint.contact_id, touchpoint.id
        if key not in best or _rank(touchpoint) > _rank(best[key]):
            best[key] = touchpoint
    return sorted(best.values(), key=lambda each: (each.contact_id, each.time, each.id))


def kinds(made: Sequence[Touchpoint]) -> list[str]:
    """Their types without the first word."""
    return [str(type(each).__struct_config__.tag).partition(".")[2] for each in made]


def only(made: Iterable[Touchpoint], kind: type[T]) -> T:
    """The one touchpoint of a type."""
    (found,) = [each for each in made if isinstance(each, kind)]
    return found


def _rank(touchpoint: Touchpoint) -> tuple[int, bytes]:
    body = msgspec.to_builtins(touchpoint)
    for left_out in ("id", "contact_id", "revision"):
        body.pop(left_out, None)
    return touchpoint.revision, msgspec.json.encode(body, order="sorted")
