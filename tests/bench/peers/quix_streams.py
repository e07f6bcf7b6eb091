"""Quix Streams: one application, its RocksDB state with its changelog topic, its JSON deserializer (orjson).

Does: decode, keep one entry for each contact in its state, count by queue and minute; checkpoints and commits as it
does by default. Does not: keep the counts in its state. State is by key, and counting by another key needs a topic in
between (`group_by`) and its work twice: the counts are a dict of the process and lost with it, in its favour.
"""

from importlib.metadata import version
from typing import Any

from quixstreams import Application, State

from tests.bench.peers.toy import Watch, task


def main() -> None:
    """Run the application until the records are read."""
    wanted, watch = task(), Watch()
    app = Application(
        broker_address=wanted.bootstrap,
        consumer_group="peer-quix",
        auto_offset_reset="earliest",
        state_dir=wanted.scratch,
        loglevel="WARNING",
    )
    counts: dict[tuple[str, int], int] = {}
    seen = contacts = 0

    def count(touchpoint: dict[str, Any], state: State) -> None:
        nonlocal seen, contacts
        watch.start()
        place = touchpoint.get("queue", ""), touchpoint["time"] // 60_000
        counts[place] = counts.get(place, 0) + 1
        before = state.get("touchpoints", 0)
        contacts += before == 0
        state.set("touchpoints", before + 1)
        seen += 1
        if seen == wanted.records:
            watch.end(f"quixstreams {version('quixstreams')}", seen, counts.values(), contacts)

    frame = app.dataframe(app.topic(wanted.topic, key_deserializer="str", value_deserializer="json"))
    frame.update(count, stateful=True)
    app.run()


if __name__ == "__main__":
    main()
