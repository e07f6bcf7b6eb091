"""Bytewax: one dataflow in one worker, its Kafka source (librdkafka), msgspec for the JSON.

Does: decode in batches, keep one entry for each contact, count by queue and minute, both as keyed state of its own.
Does not: outlive a crash: recovery is off, so there are no snapshots, and offsets are not committed, in its favour.
"""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import msgspec
from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.run import cli_main
from bytewax.testing import TestingSink

from tests.bench.peers.toy import Part, Watch, task


def main() -> None:
    """Run the flow until the records are read."""
    wanted, watch = task(), Watch()
    decode = msgspec.json.Decoder(Part).decode
    counts: dict[str, int] = {}
    seen = contacts = 0

    def parts(messages: list[Any]) -> Iterable[tuple[str, str]]:
        watch.start()
        for message in messages:
            part = decode(message.value)
            yield part.contact_id, f"{part.queue} {part.minute}"

    def contact(state: int | None, place: str) -> tuple[int | None, str]:
        nonlocal contacts
        contacts += state is None
        return (state or 0) + 1, place

    def count(state: int | None, _: str) -> tuple[int | None, tuple[str, int]]:
        return (state or 0) + 1, ("", (state or 0) + 1)

    def note(item: tuple[str, tuple[str, int]]) -> Iterable[None]:
        nonlocal seen
        place, (_, total) = item
        counts[place] = total
        seen += 1
        if seen == wanted.records:
            watch.end(f"bytewax {version('bytewax')}", seen, counts.values(), contacts)
        return ()

    flow = Dataflow("peer")
    source = KafkaSource([wanted.bootstrap], [wanted.topic], batch_size=10_000)
    by_contact = op.flat_map_batch("decode", op.input("in", flow, source), parts)
    after = op.stateful_map("contact", by_contact, contact)
    by_place = op.map("place", after, lambda item: (item[1], item[1]))
    noted = op.flat_map("note", op.stateful_map("count", by_place, count), note)
    op.output("out", noted, TestingSink([]))
    cli_main(flow)


if __name__ == "__main__":
    main()
