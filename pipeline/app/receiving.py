"""Touchpoints that came over HTTP, into the log: pseudonymised, keyed by contact, answered when they are durable."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Final

from agents.dead_letters import deliver
from pipeline.app import App
from pipeline.app.stack import CannotStart
from pipeline.io.http import is_loopback
from pipeline.io.receiving.senders import Senders, SendersError, load
from pipeline.ports import LogError, OutRecord
from pipeline.settings import Settings
from schemas.codec import encode
from schemas.rejects import DeadLetter
from schemas.topics import TOUCHPOINTS
from schemas.touchpoint import Touchpoint

_MOST_SECONDS: Final = 20.0


def senders_of(settings: Settings) -> Senders:
    """Who may send: those of the file; without one anybody on this machine, and nobody from outside.

    Raises CannotStart.
    """
    if settings.senders is None:
        return Senders({}, open=is_loopback(settings.host))
    try:
        return load(settings.senders)
    except SendersError as error:
        raise CannotStart(str(error)) from error


class Receiver:
    """`pipeline.io.receiving.routes.Receiver` of an app."""

    def __init__(self, app: App) -> None:
        self._app = app

    def channels(self) -> Collection[str]:
        """The channels of the catalogue in force."""
        return self._app.rulebook.catalogue.channels.keys()

    async def take(self, touchpoints: Sequence[Touchpoint], letters: Sequence[DeadLetter]) -> None:
        """Returns when all is durable: in a real Kafka, or in the embedded warehouse (the embedded log is memory).

        Raises LogError, WarehouseDown.
        """
        if self._app.failed.is_set():
            raise LogError("the process is ending")
        try:
            async with asyncio.timeout(_MOST_SECONDS):
                with self._app.taking.one():
                    await self._take(touchpoints, letters)
        except TimeoutError as error:
            raise LogError(f"not stored within {_MOST_SECONDS:.0f} s") from error

    async def _take(self, touchpoints: Sequence[Touchpoint], letters: Sequence[DeadLetter]) -> None:
        app = self._app
        now_ms = app.clock.now_ms()
        records = [
            OutRecord(each.contact_id.encode(), encode(app.privacy.applied(each)), now_ms) for each in touchpoints
        ]
        ends = await app.log.produce(TOUCHPOINTS, records) if records else {}
        await deliver(letters, app.log, app.ledger, app.clock)
        if app.settings.embedded_log:
            await app.until_written(TOUCHPOINTS, ends)
