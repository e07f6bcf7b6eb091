"""Answers that need the rules by which a warehouse is counted, for commands, the socket and the page alike."""

from pipeline.answers import explain
from pipeline.answers.explain import Explanation
from pipeline.core.rules import Rulebook
from pipeline.io import asking
from pipeline.io.asking import Asked
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS


async def explained(asked: Asked, rulebook: Rulebook, contact_id: str, now_ms: int) -> Explanation | None:
    """A contact explained, as it was stored last; None if there is none of that id. Raises WarehouseDown,
    WarehouseRefused.
    """
    found = await asking.contact(asked, contact_id)
    if found is None:
        return None
    holder = next((touch.common.customer_id for touch in found.touches if touch.common.customer_id), "")
    known = explain.Known(found, await asking.facts(asked, holder), now_ms, await asking.data_until_ms(asked))
    return explain.explain(known, rulebook, CONTACT_COLUMNS, CUSTOMER_COLUMNS)
