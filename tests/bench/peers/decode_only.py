"""The yardstick: librdkafka's consumer (confluent-kafka) and msgspec, into the struct of its type, in one process.

Does: poll, and decode every value. Does not: count, keep state, check, write, commit; nothing is left of it. librdkafka
fetches and unpacks in threads of its own, beside Python.

One setting is not the default: whenever its queue is full, librdkafka stops fetching for a second, and so fast a reader
has emptied it long before (as by default it is three times as slow). With a second argument so many records are taken
at a time instead of one.
"""

import sys
from typing import Any, Union

import confluent_kafka
import msgspec
from confluent_kafka import Consumer, TopicPartition

from schemas.touchpoint import TYPES
from tests.bench.peers.toy import Watch, task


def main() -> None:
    """Read all there is."""
    wanted, watch = task(), Watch()
    at_once = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    consumer = Consumer(
        {
            "bootstrap.servers": wanted.bootstrap,
            "group.id": "decode-only",
            "enable.auto.commit": False,
            "fetch.queue.backoff.ms": 1,
            "log_level": 2,
        }
    )
    consumer.assign([TopicPartition(wanted.topic, number, 0) for number in range(wanted.partitions)])
    read = one_by_one if at_once == 1 else in_batches
    seen = read(consumer, wanted.records, at_once, watch)
    library, _ = confluent_kafka.libversion()
    watch.end(f"librdkafka {library}, msgspec {msgspec.__version__}", seen)


def _decode() -> Any:
    return msgspec.json.Decoder(Union[TYPES]).decode  # noqa: UP007  (a union built from the tuple of types)


def one_by_one(consumer: Any, records: int, _at_once: int, watch: Watch) -> int:
    """As most programs do it."""
    decode, poll, seen = _decode(), consumer.poll, 0
    while seen < records:
        message = poll(1)
        if message is not None:
            watch.start()
            decode(message.value())
            seen += 1
    return seen


def in_batches(consumer: Any, records: int, at_once: int, watch: Watch) -> int:
    """What can be got out of it."""
    decode, seen = _decode(), 0
    while seen < records:
        messages = consumer.consume(at_once, timeout=1)
        if messages:
            watch.start()
        for message in messages:
            decode(message.value())
        seen += len(messages)
    return seen


if __name__ == "__main__":
    main()
