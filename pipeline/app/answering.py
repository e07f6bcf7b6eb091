"""Answers that need the rules by which a warehouse is counted, for commands, the socket and the page alike."""

import asyncio
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from pipeline.answers import explain
from pipeline.answers.explanation import Explanation
from pipeline.app.catalogues import choose, definitions
from pipeline.app.stack import CannotStart
from pipeline.core.engine import OtherDefinitions
from pipeline.core.rules import Rulebook
from pipeline.io import asking
from pipeline.io.asking import Asked
from pipeline.measures import CONTACT_COLUMNS, CUSTOMER_COLUMNS
from pipeline.settings import Settings
from schemas.catalogue import Catalogue
from schemas.catalogue_text import moment_ms


async def explained(
    asked: Asked, rulebook: Rulebook, contact_id: str, now_ms: int, at_ms: int | None = None
) -> Explanation | None:
    """A contact explained, as it was stored last or as it was known before `at_ms`; None if there is (was) none of that
    id. Raises WarehouseDown, WarehouseRefused.
    """
    found = await asking.contact(asked, contact_id)
    if found is None:
        return None
    if at_ms is not None:
        then = await asking.contact_then(asked, found, at_ms, rulebook.catalogue.channels)
        if then.contact is None:
            return None
        known = explain.Known(then.contact, [], at_ms, at_ms, at_ms, then.revised_since)
        return await asyncio.to_thread(explain.explain, known, rulebook, CONTACT_COLUMNS, CUSTOMER_COLUMNS)
    holder = next((touch.customer_id for touch in found.touches if touch.customer_id), "")
    known = explain.Known(found, await asking.facts(asked, holder), now_ms, await asking.data_until_ms(asked))
    return await asyncio.to_thread(explain.explain, known, rulebook, CONTACT_COLUMNS, CUSTOMER_COLUMNS)


async def rules_of(asked: Asked, found: Settings) -> Rulebook:
    """The rules by which all that is stored was counted. Raises OtherDefinitions if the catalogue at hand is another,
    CatalogueError, CannotStart.
    """
    catalogue = choose(found).catalogue
    await refuse_others(asked, catalogue)
    return Rulebook(catalogue)


async def refuse_others(asked: Asked, catalogue: Catalogue) -> None:
    """Are the stored numbers of these definitions? Raises OtherDefinitions."""
    own = definitions(catalogue)
    for partition, marker in sorted((await asking.markers(asked)).items()):
        if marker.fingerprint != own(marker.watermark_ms):
            raise OtherDefinitions(partition, marker.fingerprint, own(marker.watermark_ms))


def day_of(text: str, rulebook: Rulebook, now_ms: int) -> date:
    """`2026-03-02`, `today` or `yesterday`, in the catalogue's zone. Raises CannotStart for anything else."""
    today = rulebook.zone.local_date(now_ms)
    if text in ("today", "yesterday"):
        return today if text == "today" else today - timedelta(days=1)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CannotStart(f"{text!r} is not a day: write such as 2026-03-02, today or yesterday") from None


def moment_of(text: str, rulebook: Rulebook, now_ms: int) -> int:
    """A moment that has passed, local to the catalogue's zone unless it says its own offset. Raises CannotStart."""
    try:
        at_ms = moment_ms(text.strip().replace(" ", "T"), ZoneInfo(rulebook.zone.name))
    except ValueError as error:
        raise CannotStart(str(error)) from None
    if at_ms > now_ms:
        raise CannotStart(f"{text} is still to come: nobody knows yet what will be known then")
    return at_ms


async def counted_day(asked: Asked, rulebook: Rulebook, text: str, now_ms: int) -> date:
    """A day within what is counted. Raises CannotStart, saying which days there are."""
    day = day_of(text, rulebook, now_ms)
    span = await asking.days(asked, rulebook)
    if span is None:
        raise CannotStart(
            "nothing is counted here yet: feed it with `touchline run`, `demo` or `replay`, or name --data"
        )
    first, last = (date.fromordinal(ordinal) for ordinal in span)
    if not first <= day <= last:
        raise CannotStart(f"nothing is counted on {day}: what is counted reaches from {first} to {last}")
    return day
