"""What is being taken in at the moment: looked at already, and not in the log yet."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Taking:
    """Requests and batches under way. Who changes what intake does can wait for those that began before."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Event] = set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Around taking in one request or batch."""
        done = asyncio.Event()
        self._under_way.add(done)
        try:
            yield
        finally:
            self._under_way.discard(done)
            done.set()

    async def until_done(self) -> None:
        """Wait for those that are under way now."""
        for each in list(self._under_way):
            await each.wait()
