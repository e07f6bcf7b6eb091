"""Asking the warehouse now and then, in the background. While it is away the last answer stays."""

import asyncio
from collections.abc import Awaitable, Callable

from pipeline.app import App
from pipeline.ports import WarehouseDown, WarehouseRefused


async def now_and_then(
    app: App,
    ask: Callable[[], Awaitable[None]],
    pause_seconds: Callable[[float, bool], float],
    refused: Callable[[WarehouseRefused], object],
) -> None:
    """Ask until cancelled, from when the app is ready. `pause_seconds(took_seconds, answered)`: how long to wait after
    an asking. A refusal ends the asking, not the process: `refused` says what goes without its numbers.
    """
    clock = asyncio.get_running_loop().time
    await app.until_ready()
    while True:
        began, answered = clock(), True
        try:
            await ask()
        except WarehouseDown:
            answered = False
        except WarehouseRefused as error:
            refused(error)
            await asyncio.Event().wait()
        await asyncio.sleep(pause_seconds(clock() - began, answered))
