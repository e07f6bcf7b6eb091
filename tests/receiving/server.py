"""A server with nothing but the intake routes, and a receiver that writes down what it is given."""

import asyncio
import hashlib
import hmac
import io
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from pipeline.io.http import KEEPALIVE_SECONDS
from pipeline.io.receiving.routes import Receiving
from pipeline.io.receiving.senders import Senders
from pipeline.ports import LogError
from schemas.rejects import DeadLetter
from schemas.touchpoint import Touchpoint
from schemas.vocabulary import CHANNELS
from tests.servers import free_ports

NOW_MS = 1_772_442_000_000
GOOD = {"id": "1", "type": "contact.queued", "time": NOW_MS, "contact_id": "c-1", "channel": "phone", "queue": "b"}
OPEN = Senders({}, open=True)


def good(**changes: Any) -> bytes:
    """A touchpoint that is accepted, but for the changes. A change to `...` takes the field away."""
    return msgspec.json.encode({name: value for name, value in {**GOOD, **changes}.items() if value is not ...})


class Written:
    """The receiver: keeps what it is given, or refuses."""

    def __init__(self) -> None:
        self.touchpoints: list[Touchpoint] = []
        self.letters: list[DeadLetter] = []
        self.away = False
        self.gate: asyncio.Event | None = None

    def channels(self) -> Collection[str]:
        return CHANNELS

    async def take(self, touchpoints: Sequence[Touchpoint], letters: Sequence[DeadLetter]) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.away:
            raise LogError("the log is away")
        self.touchpoints += touchpoints
        self.letters += letters


class Intake:
    """What a test talks to."""

    def __init__(self, port: int, session: aiohttp.ClientSession, written: Written) -> None:
        self.port, self.session, self.written = port, session, written

    async def post(
        self,
        body: bytes | str,
        path: str = "/v1/touchpoints",
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        content_type: str = "application/json",
    ) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Status, answer, headers."""
        pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
        if content_type:
            pairs.append(("Content-Type", content_type))
        data = io.BytesIO(body.encode() if isinstance(body, str) else body)
        async with self.session.post(path, data=data, headers=pairs, skip_auto_headers=["Content-Type"]) as response:
            text = await response.read()
            answer = msgspec.json.decode(text) if response.content_type == "application/json" else {"text": text}
            return response.status, answer, response.headers

    async def raw(self, sent: bytes, *more: bytes, seconds: float = 20.0) -> bytes:
        """Bytes on a connection of their own; what comes back until the other end hangs up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in (sent, *more):
                writer.write(part)
                await writer.drain()
            async with asyncio.timeout(seconds):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def intake(
    senders: Senders = OPEN, *, body_seconds: float = 10.0, keepalive_seconds: float = KEEPALIVE_SECONDS, **more: Any
) -> AsyncIterator[Intake]:
    """A server for one test."""
    written = Written()
    app = web.Application()
    Receiving(written, senders, body_seconds=body_seconds, **more).add_to(app)
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=keepalive_seconds,
        shutdown_timeout=0.1,
        auto_decompress=False,
        lingering_time=0.2,
    )
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            yield Intake(port, session, written)
    finally:
        await runner.cleanup()


def hex_hmac(secret: str, signed: bytes, digest: str = "sha256") -> str:
    """What the other end computes."""
    return hmac.new(secret.encode(), signed, getattr(hashlib, digest)).hexdigest()
