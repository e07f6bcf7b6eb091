"""What can be asked of a pipeline: of this process, or over `touchline.sock` of the one that holds the folder.

One interface, two ends: `Local` does it, `Remote` asks a running process to.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from agents.dead_letters import deliver
from pipeline.answers.explanation import Explanation
from pipeline.app import App, Counts
from pipeline.app.answering import explained
from pipeline.app.backups import back_up_folder
from pipeline.app.erasing import Here, Receipt, erase
from pipeline.app.stack import CannotStart
from pipeline.core.audit import Span
from pipeline.io.audit import AuditOutcome, audit_days
from pipeline.io.backup import Manifest
from pipeline.io.sharing import call
from pipeline.ports import WarehouseRefused
from schemas.rejects import DeadLetter

Handler = Callable[[Mapping[str, Any]], Awaitable[bytes]]
_BREATH_SECONDS: Final = 0.02
"""Between the pieces of an audit: counting and the page go on meanwhile."""


class Access(Protocol):
    """What can be asked of a pipeline."""

    async def feed(self, values: Sequence[bytes]) -> None:
        """Put touchpoints (JSON) on the raw topic; returns when the log has them."""

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        """Keep dead letters."""

    async def counts(self) -> Counts:
        """What became of all touchpoints since the ledger began."""

    async def drained(self) -> tuple[bool, list[str]]:
        """Whether all that is in the log is in the warehouse, and why partitions stopped."""

    async def formatted(self, sql: str, format_: str) -> bytes:
        """The answer of a query, in an output format of ClickHouse."""

    async def audit(self, span: Span) -> AuditOutcome:
        """Every cell counted again."""

    async def backup(self, folder: Path) -> Manifest:
        """Write all that is counted into an empty folder."""

    async def explain(self, contact_id: str, at_ms: int | None = None) -> Explanation | None:
        """Why a contact counts as it does, or did as far as was known at a moment; None if there is none of that id."""

    async def erase(self, customer_id: str) -> Receipt:
        """Forget a customer in every contact."""


class Local:
    """The pipeline in this process."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def feed(self, values: Sequence[bytes]) -> None:
        """As in `Access`. Raises LogError."""
        await self._app.feed(values)

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        """As in `Access`. Raises LogError, WarehouseDown."""
        await deliver(letters, self._app.log, self._app.ledger, self._app.clock)

    async def counts(self) -> Counts:
        """As in `Access`."""
        return self._app.counts()

    async def drained(self) -> tuple[bool, list[str]]:
        """As in `Access`."""
        return await self._app.drained(), self._app.stopped()

    async def formatted(self, sql: str, format_: str) -> bytes:
        """As in `Access`. Raises WarehouseDown, WarehouseRefused."""
        return await self._app.warehouse.formatted(sql, format_)

    async def audit(self, span: Span) -> AuditOutcome:
        """As in `Access`. Raises WarehouseDown, WarehouseRefused."""
        return await audit_days(self._app.warehouse, self._app.rulebook, span, pause_seconds=_BREATH_SECONDS)

    async def backup(self, folder: Path) -> Manifest:
        """As in `Access`. Raises WarehouseDown, WarehouseRefused (also where the folder will not do)."""
        try:
            return await back_up_folder(self._app.settings, self._app.warehouse, folder, self._app.clock)
        except CannotStart as error:
            raise WarehouseRefused(str(error)) from error

    async def erase(self, customer_id: str) -> Receipt:
        """As in `Access`. Raises LogError, WarehouseDown, WarehouseRefused."""
        return await erase(Here(self._app), customer_id)

    async def bootstrap(self) -> str:
        """Where the log is."""
        return self._app.log.bootstrap

    async def explain(self, contact_id: str, at_ms: int | None = None) -> Explanation | None:
        """As in `Access`. Raises WarehouseDown, WarehouseRefused."""
        return await explained(self._app.warehouse, self._app.rulebook, contact_id, self._app.clock.now_ms(), at_ms)


class Remote:
    """The pipeline of the process that holds a folder. Errors are those of `pipeline.io.sharing.call`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def feed(self, values: Sequence[bytes]) -> None:
        """As in `Access`."""
        await self._call("feed", values=list(values))

    async def reject(self, letters: Sequence[DeadLetter]) -> None:
        """As in `Access`."""
        await self._call("reject", letters=msgspec.msgpack.encode(list(letters)))

    async def counts(self) -> Counts:
        """As in `Access`."""
        return msgspec.msgpack.decode(await self._call("counts"), type=Counts)

    async def drained(self) -> tuple[bool, list[str]]:
        """As in `Access`."""
        return msgspec.msgpack.decode(await self._call("drained"), type=tuple[bool, list[str]])

    async def formatted(self, sql: str, format_: str) -> bytes:
        """As in `Access`."""
        return await self._call("query", sql=sql, format=format_)

    async def audit(self, span: Span) -> AuditOutcome:
        """As in `Access`."""
        answer = await self._call("audit", start_s=span.start_s, end_s=span.end_s)
        return msgspec.msgpack.decode(answer, type=AuditOutcome)

    async def backup(self, folder: Path) -> Manifest:
        """As in `Access`."""
        return msgspec.msgpack.decode(await self._call("backup", into=str(folder)), type=Manifest)

    async def explain(self, contact_id: str, at_ms: int | None = None) -> Explanation | None:
        """As in `Access`."""
        answer = await self._call("explain", contact_id=contact_id, at_ms=at_ms)
        return msgspec.msgpack.decode(answer, type=Explanation | None)

    async def erase(self, customer_id: str) -> Receipt:
        """As in `Access`."""
        return msgspec.msgpack.decode(await self._call("erase", customer_id=customer_id), type=Receipt)

    async def bootstrap(self) -> str:
        """Where the log of that process is."""
        return (await self._call("bootstrap")).decode()

    async def _call(self, operation: str, **request: Any) -> bytes:
        return await asyncio.to_thread(call, self._folder, operation, **request)


def handlers(local: Local) -> dict[str, Handler]:
    """The requests a running process answers: the methods of `Access`, by name."""

    async def feed(request: Mapping[str, Any]) -> bytes:
        await local.feed(request["values"])
        return b""

    async def reject(request: Mapping[str, Any]) -> bytes:
        await local.reject(msgspec.msgpack.decode(request["letters"], type=list[DeadLetter]))
        return b""

    async def counts(_: Mapping[str, Any]) -> bytes:
        return msgspec.msgpack.encode(await local.counts())

    async def drained(_: Mapping[str, Any]) -> bytes:
        return msgspec.msgpack.encode(await local.drained())

    async def query(request: Mapping[str, Any]) -> bytes:
        return await local.formatted(request["sql"], request["format"])

    async def backup(request: Mapping[str, Any]) -> bytes:
        return msgspec.msgpack.encode(await local.backup(Path(request["into"])))

    async def recount(request: Mapping[str, Any]) -> bytes:
        return msgspec.msgpack.encode(await local.audit(Span(request["start_s"], request["end_s"])))

    async def explain(request: Mapping[str, Any]) -> bytes:
        return msgspec.msgpack.encode(await local.explain(request["contact_id"], request["at_ms"]))

    async def erase_(request: Mapping[str, Any]) -> bytes:
        return msgspec.msgpack.encode(await local.erase(request["customer_id"]))

    async def bootstrap(_: Mapping[str, Any]) -> bytes:
        return (await local.bootstrap()).encode()

    return {
        "bootstrap": bootstrap,
        "erase": erase_,
        "feed": feed,
        "reject": reject,
        "counts": counts,
        "drained": drained,
        "query": query,
        "audit": recount,
        "backup": backup,
        "explain": explain,
    }
