"""A network that can fail: a port of its own before a server's, which passes on, holds back or cuts."""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
_CHUNK = 64 * 1024


class Wire:
    """Listens on `port` and passes on to `target` in a thread of its own. Once `held` nothing arrives any more, neither
    a byte nor an end; after `cut` connections are gone, and new ones end at once.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port, self.target = port, target
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._gone = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"wire {port}", daemon=True)
        self._thread.start()
        self._run(self._start())

    def hold(self) -> None:
        """The network is gone: whatever is sent gets lost on the way."""
        self._run(self._set(passing=False))

    def release(self) -> None:
        """It is back, and with it what was held."""
        self._run(self._set(passing=True))

    def cut(self) -> None:
        """Connections are reset, and cannot be made."""
        self._run(self._cut())

    def mend(self) -> None:
        """New connections can be made."""
        self._gone = False

    def close(self) -> None:
        """End."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> None:
        self._open.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def _set(self, *, passing: bool) -> None:
        (self._open.set if passing else self._open.clear)()

    async def _cut(self) -> None:
        self._gone = True
        for writer in list(self._writers):
            writer.transport.abort()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        self._server = None
        await self._cut()
        self._open.set()  # whoever waits sees that it is over
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        onward = None
        try:
            if self._gone:
                return
            await self._open.wait()
            if self._server is None:
                return
            there, onward = await asyncio.open_connection("127.0.0.1", self.target)
            self._writers.add(onward)
            await asyncio.gather(self._pass_on(reader, onward), self._pass_on(there, writer))
        except OSError:
            return
        finally:
            for one in (writer, onward):
                if one is not None:
                    self._writers.discard(one)
                    one.transport.abort()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while chunk := await source.read(_CHUNK):
                await self._open.wait()
                target.write(chunk)
                await target.drain()
        target.transport.abort()
