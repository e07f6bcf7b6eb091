"""Which names may be Prometheus labels: those of the catalogue, else the most used; `other` stands for the rest.

The numbers of series is bounded by construction, whatever names a source invents.
"""

from collections.abc import Mapping
from typing import Final

from pipeline.live.parts import Parts, Place
from schemas.catalogue import Catalogue
from schemas.vocabulary import OTHER

MOST_NAMES: Final = 50
"""Queue names that become labels where the catalogue lists none."""
MOST_PLACES: Final = 300
"""(channel, queue) pairs that become labels, in any case."""


def labelled(places: Mapping[Place, Parts], catalogue: Catalogue) -> tuple[dict[Place, Parts], int]:
    """The places under names that may be labels, those of one name put together; and how many pairs lost theirs.

    Law: every sum over all places is the same before and after.
    """
    allowed = set(catalogue.queues) if catalogue.queues else _most_used(places)
    kept = _most_places(places, allowed, catalogue)
    found: dict[Place, Parts] = {}
    dropped = 0
    for place in sorted(places):
        channel, queue = place
        if place not in kept:
            queue = OTHER
            dropped += 1
        label = (channel if channel in catalogue.channels else OTHER, queue)
        into = found.get(label)
        if into is None:
            into = found[label] = Parts()
        into.merge(places[place])
    return found, dropped


def _most_used(places: Mapping[Place, Parts]) -> set[str]:
    """The queue names used most today; of those used alike, the ones used most in the days kept."""
    used: dict[str, tuple[int, int]] = {}
    for (_, queue), parts in places.items():
        today, ever = used.get(queue, (0, 0))
        used[queue] = (today + parts.used[0], ever + parts.used[1])
    ranked = sorted(used, key=lambda name: (-used[name][0], -used[name][1], name))
    return set(ranked[:MOST_NAMES])


def _most_places(places: Mapping[Place, Parts], allowed: set[str], catalogue: Catalogue) -> set[Place]:
    candidates = [place for place in places if place[1] in allowed and place[0] in catalogue.channels]
    if len(candidates) <= MOST_PLACES:
        return set(candidates)
    return set(
        sorted(candidates, key=lambda place: (-places[place].used[0], -places[place].used[1], place))[:MOST_PLACES]
    )
