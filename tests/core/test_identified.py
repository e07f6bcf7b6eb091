"""A caller who is identified in mid-call, or was taken for somebody else, ends up with the right customer: in the
contact, in the follow-ups, and in nobody else's, in whichever order it is learned.
"""

from random import Random
from typing import Any

import pytest

from tests.core.harness import run_all
from tests.oracle import Arrival, Promises, recount
from tests.strategies import BEGIN


def call(name: str, at_ms: int, *answered: dict[str, Any]) -> list[dict[str, Any]]:
    """A call nobody knows the caller of until it is answered; `answered` is what the touchpoint then says, version by
    version.
    """

    def touch(id_: str, type_: str, after_ms: int, **more: Any) -> dict[str, Any]:
        common = {"contact_id": name, "channel": "phone", "id": id_, "type": type_, "time": at_ms + after_ms}
        return {**common, **more}

    return [
        touch("1", "contact.queued", 0, queue="service"),
        *(touch("2", "contact.answered", 5_000, queue="service", **each) for each in answered),
        touch("3", "contact.closed", 65_000),
    ]


IDENTIFIED = call("first", BEGIN, {"customer_id": "right"})
MISTAKEN = call("first", BEGIN, {"customer_id": "wrong"}, {"customer_id": "right", "revision": 1})
UNKNOWN_BY_NOW = call("first", BEGIN, {"customer_id": "wrong"}, {"revision": 1})
LATER = [
    *call("right again", BEGIN + 86_400_000, {"customer_id": "right"}),
    *call("wrong, too", BEGIN + 2 * 86_400_000, {"customer_id": "wrong"}),
]


@pytest.mark.parametrize(
    ("first", "owner", "resolved"),
    [
        # Of `right` the first call was followed by another: it settled nothing. `wrong` called once.
        pytest.param(IDENTIFIED, "right", {"first": False, "right again": True, "wrong, too": True}, id="identified"),
        pytest.param(MISTAKEN, "right", {"first": False, "right again": True, "wrong, too": True}, id="mistaken"),
        # Nobody knows any more whose call it was: nothing can follow it, and it follows nothing.
        pytest.param(UNKNOWN_BY_NOW, "", {"right again": True, "wrong, too": True}, id="taken back"),
    ],
)
@pytest.mark.parametrize("seed", range(4))
def test_who_was_identified_late_or_mistaken_is_the_right_customer_in_any_order(
    first: list[dict[str, Any]], owner: str, resolved: dict[str, bool], seed: int
) -> None:
    random = Random(seed)
    told = [*first, *LATER]
    if seed:
        random.shuffle(told)
        told += random.sample(told, len(told) // 2)
    arrivals = [Arrival("touchpoints/0", n, 10**13, each) for n, each in enumerate(told)]
    cuts = list(range(len(told))) if seed % 2 else []  # every touchpoint in a flush of its own, or all in one
    cells, contacts, resolutions = run_all(arrivals, Promises(), cuts)
    assert cells.totals() == recount(arrivals, Promises()).cells
    assert {name: row["customer_id"] for name, row in contacts.items()} == {
        "first": owner, "right again": "right", "wrong, too": "wrong"
    }  # fmt: skip
    held = {(row["contact_id"], row["customer_id"]): row for row in resolutions.values() if row["held"]}
    assert {name: row["fcr"] == "resolved" for (name, _), row in held.items()} == resolved
    assert ("first", "wrong") not in held
    totals = cells.totals().values()
    for column, expected in (
        ("fcr_eligible", len(resolved)),
        ("fcr_resolved", sum(resolved.values())),
        ("closed_unknown_customer", int(owner == "")),
    ):
        assert sum(cell.get(column, 0) for cell in totals) == expected, column
