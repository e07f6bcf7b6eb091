"""`touchline rebuild`: the numbers counted anew under other definitions, audited, and put in the place of the old ones.

Its source is the ledger itself (docs/decisions): contacts in the ledger are sets of touchpoints, so nothing has to be
read from the log, and workers go on exactly where they stood.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from pipeline.app.catalogues import Chosen, definitions, keep
from pipeline.app.declared import declared
from pipeline.app.planning import planned
from pipeline.app.stack import CannotStart
from pipeline.core.rebuild import UnknownChannel
from pipeline.core.rules import Rulebook
from pipeline.io import positions, rebuild, swap
from pipeline.io.audit import AuditOutcome, Tables, audit_days
from pipeline.io.frozen import is_of_customers
from pipeline.io.ledger import SqlLedger
from pipeline.io.schema import Declared, SchemaRefused, ensure
from pipeline.ports import Warehouse
from pipeline.settings import Settings


class Rebuilt(Struct, frozen=True):
    """What a rebuild did. `outcome` None: the numbers were of these definitions already. `kept`: the old tables.
    `note`: what is left to do.
    """

    contacts: int
    outcome: AuditOutcome | None
    kept: list[str]
    note: str = ""


async def rebuild_all(
    found: Settings,
    warehouse: Warehouse,
    chosen: Chosen,
    *,
    again: bool = False,
    on_progress: Callable[[str, float], Any] = lambda *_: None,
) -> Rebuilt:
    """Count anew by this catalogue and the measures of this version, if they are others than those in force.

    Also where the topics were made anew with another number of partitions. Until the last step the old numbers are in
    force; whatever fails before it changes nothing. `again`: even if nothing has changed. Raises CannotStart, LogError,
    WarehouseDown, WarehouseRefused.
    """
    names = await swap.there(warehouse)
    if swap.is_interrupted(names):
        await swap.put_in_place(warehouse)
        names = await swap.there(warehouse)
    marks = await SqlLedger(warehouse).markers() if "ledger" in names else {}
    if not marks:
        raise CannotStart("there is nothing to rebuild: nothing is counted here yet")
    fingerprint = definitions(chosen.catalogue)
    same = all(marker.fingerprint == fingerprint(marker.watermark_ms) for marker, _ in marks.values())
    wanted = await planned(found, warehouse, marks)
    if same and not again and not wanted.moved:
        return Rebuilt(0, None, swap.kept(names), await _declare(found, warehouse, chosen))
    await refuse_workers(found)
    rulebook = Rulebook(chosen.catalogue)
    sources = sorted(p for p in marks if not is_of_customers(p))
    plan = rebuild.Plan(
        rulebook, fingerprint, wanted.marks, sources, wanted.customer_partitions, wanted.contact_partitions
    )
    await swap.make(warehouse)
    await ensure(warehouse, renamed(declared(chosen.catalogue, datetime.now(UTC).year)))
    try:
        contacts = await rebuild.refold(
            warehouse, Tables(), swap.REBUILT, plan, lambda share: on_progress("counting anew", share)
        )
    except UnknownChannel as error:
        await swap.discard(warehouse)
        raise CannotStart(f"{error}. Nothing was changed.") from error
    outcome = await audited(warehouse, rulebook, lambda share: on_progress("auditing", share))
    if await SqlLedger(warehouse).markers() != marks:
        await swap.discard(warehouse)
        raise CannotStart(
            "a worker wrote while this was counting: stop every worker, then run `touchline rebuild` again. Nothing was"
            " changed."
        )
    kept = await swap.put_in_place(warehouse)
    return Rebuilt(contacts, outcome, kept, await _declare(found, warehouse, chosen))


async def audited(warehouse: Warehouse, rulebook: Rulebook, on_progress: Callable[[float], Any]) -> AuditOutcome:
    """The new tables, audited before they are put in place. Raises CannotStart if they differ."""
    outcome = await audit_days(warehouse, rulebook, tables=swap.REBUILT, settle_seconds=0.0, on_progress=on_progress)
    if outcome.total:
        first = outcome.differences[0] if outcome.differences else outcome.unnamed
        await swap.discard(warehouse)
        raise CannotStart(
            f"the audit of the new numbers found {outcome.total} differences (the first: {first}), which is a bug:"
            " please report it. Nothing was changed."
        )
    return outcome


async def refuse_workers(found: Settings) -> None:
    """Raises CannotStart while workers of this pipeline are in its consumer group. A folder is held by its process."""
    if found.embedded_log:
        return
    working = await asyncio.to_thread(positions.members, found, found.group)
    if working:
        raise CannotStart(
            f"{len(working)} workers are at work in group {found.group} ({', '.join(working[:5])}): stop them first,"
            " and start them again when this has ended"
        )


def renamed(wanted: Declared) -> Declared:
    """The declared tables under the names they have until they are in force; views and opening hours come later."""
    tables = [
        msgspec.structs.replace(table, name=getattr(swap.REBUILT, table.name).partition(".")[2])
        for table in wanted.tables
        if table.name in swap.NAMES
    ]
    return Declared(tables)


async def _declare(found: Settings, warehouse: Warehouse, chosen: Chosen) -> str:
    """Views and opening hours follow, and the folder remembers its catalogue; what is left to do."""
    keep(found, chosen)
    try:
        await ensure(warehouse, declared(chosen.catalogue, datetime.now(UTC).year))
    except SchemaRefused as error:
        return f"the tables are not all as the catalogue wants them ({error}): see `touchline plan`"
    return ""
