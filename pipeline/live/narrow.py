"""The live values of some queues only: what a wall in the room of one team shows. Pure.

Law: present of what is narrowed is present of a world in which only these queues exist, but for the figures of the
pipeline about itself, which stay what they are (only `open_contacts` counts those that touch these queues).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from pipeline.core.open import Open
from pipeline.live.collect import Collected
from pipeline.live.inputs import LiveState
from pipeline.live.present import Others
from pipeline.live.summary import Cases


def narrowed_state(state: LiveState, queues: Collection[str]) -> LiveState:
    """Before it is collected: without the contacts and cells of other queues, so that the worst ten are of these."""
    partitions = [
        msgspec.structs.replace(
            partition,
            open={contact_id: seen for contact_id, seen in partition.open.items() if _touches(seen, queues)},
            recent={window: cells for window, cells in partition.recent.items() if window[3] in queues},
        )
        for partition in state.partitions
    ]
    call_backs = [back for back in state.call_backs if back.queue in queues]
    return msgspec.structs.replace(state, partitions=partitions, call_backs=call_backs)


def narrowed(collected: Sequence[Collected], queues: Collection[str]) -> list[Collected]:
    """After it was collected, here or elsewhere: the places and cases of these queues."""
    return [
        msgspec.structs.replace(
            one,
            contacts=_of(one.contacts, queues),
            customers=_of(one.customers, queues),
            cases=Cases(
                **{
                    name: tuple(case for case in getattr(one.cases, name) if case.queue in queues)
                    for name in Cases.__struct_fields__
                }
            ),
        )
        for one in collected
    ]


def narrowed_others(others: Others, queues: Collection[str]) -> Others:
    """What was heard last of silent workers, of these queues."""
    return msgspec.structs.replace(others, silent=narrowed(others.silent, queues))


def _of(places: Mapping[tuple[str, str], Any], queues: Collection[str]) -> dict[tuple[str, str], Any]:
    return {place: parts for place, parts in places.items() if place[1] in queues}


def _touches(seen: Open, queues: Collection[str]) -> bool:
    return seen.queue in queues or any(queue in queues for queue in seen.queues)
