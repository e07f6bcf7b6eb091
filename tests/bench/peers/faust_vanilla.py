"""Faust (faust-streaming) as its manual shows it: one agent, two tables in memory, its own transport and JSON codec.

Does: decode, count by queue and minute in one table, one entry for each contact in the other; every change of a table
goes to its changelog topic, offsets are committed. Does not: survive a crash without counting twice, and anything else.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import faust

from tests.bench.peers.toy import Watch, task


def main() -> None:
    """Run the worker until the records are read."""
    wanted, watch = task(), Watch()
    app = faust.App(
        f"peer-faust-{Path(wanted.scratch).name}",  # the tables of another run would be recovered from their topics
        broker=f"kafka://{wanted.bootstrap}",
        store="memory://",
        datadir=wanted.scratch,
        topic_partitions=wanted.partitions,
        topic_replication_factor=1,
        web_enabled=False,
    )
    topic = app.topic(wanted.topic, partitions=wanted.partitions)
    counts = app.Table("counts", default=int)
    contacts = app.Table("contacts", default=int)
    seen = 0

    @app.agent(topic)
    async def count(touchpoints: Any) -> None:
        nonlocal seen
        async for touchpoint in touchpoints:
            watch.start()
            counts[f"{touchpoint.get('queue', '')} {touchpoint['time'] // 60_000}"] += 1
            contacts[touchpoint["contact_id"]] += 1
            seen += 1
            if seen == wanted.records:
                watch.end(f"faust-streaming {version('faust-streaming')}", seen, dict(counts).values(), len(contacts))

    faust.Worker(app, loglevel="WARNING", redirect_stdouts=False).execute_from_commandline()


if __name__ == "__main__":
    main()
