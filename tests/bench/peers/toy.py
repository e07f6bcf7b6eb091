"""What every peer written in Python shares: the arguments, and the one line of JSON it ends with.

The toy job: how many touchpoints of each queue and minute, and one entry of state for each contact (how many
touchpoints it has had). It is what a streaming framework does before anything of our work begins.
"""

import os
import sys
import time
from collections.abc import Iterable
from typing import NoReturn

import msgspec
from msgspec import Struct


class Task(Struct, frozen=True):
    """Which records to read, and how many of them."""

    bootstrap: str
    topic: str
    records: int
    partitions: int
    scratch: str


class Part(Struct):
    """What the toy job reads of a touchpoint."""

    time: int
    contact_id: str
    queue: str = ""

    @property
    def minute(self) -> int:
        """Minutes since the epoch."""
        return self.time // 60_000


class Said(Struct, frozen=True):
    """How it went. `counted`: the sum over all queues and minutes; -1 where it does not count."""

    version: str
    records: int
    seconds: float
    cpu_seconds: float
    counted: int = -1
    queue_minutes: int = -1
    contacts: int = -1


def task() -> Task:
    """From the command line: one JSON object."""
    return msgspec.json.decode(sys.argv[1], type=Task)


class Watch:
    """Runs from the first record that is seen; starting, joining the group and looking for the log is not counted."""

    def __init__(self) -> None:
        self.begun = self.cpu_begun = 0.0

    def start(self) -> None:
        """Now, if it does not run already."""
        if not self.begun:
            self.begun, self.cpu_begun = time.monotonic(), time.process_time()

    def end(
        self,
        version: str,
        records: int,
        counts: Iterable[int] | None = None,
        contacts: int = -1,
    ) -> NoReturn:
        """Say how it went, and end the process on the spot: how long a framework takes to end is not measured."""
        seconds, cpu_seconds = time.monotonic() - self.begun, time.process_time() - self.cpu_begun
        each = None if counts is None else list(counts)
        said = Said(
            version,
            records,
            seconds,
            cpu_seconds,
            -1 if each is None else sum(each),
            -1 if each is None else len(each),
            contacts,
        )
        os.write(1, msgspec.json.encode(said) + b"\n")  # print goes elsewhere in some frameworks
        os._exit(0)
