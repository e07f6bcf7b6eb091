"""The yardstick: librdkafka's consumer (confluent-kafka) and msgspec, into the struct of its type, in one process.

Does: poll in batches, decode every value. Does not: count, keep state, check, write, commit; nothing is left of it.
librdkafka fetches and unpacks in threads of its own, beside Python.
"""

from typing import Union

import confluent_kafka
import msgspec
from confluent_kafka import Consumer, TopicPartition

from schemas.touchpoint import TYPES
from tests.bench.peers.toy import Watch, task


def main() -> None:
    """Read all there is."""
    wanted, watch = task(), Watch()
    decode = msgspec.json.Decoder(Union[TYPES]).decode  # noqa: UP007  (a union built from the tuple of types)
    consumer = Consumer(
        {"bootstrap.servers": wanted.bootstrap, "group.id": "decode-only", "enable.auto.commit": False, "log_level": 2}
    )
    consumer.assign([TopicPartition(wanted.topic, number, 0) for number in range(wanted.partitions)])
    seen = 0
    while seen < wanted.records:
        messages = consumer.consume(10_000, timeout=1)
        if messages:
            watch.start()
        for message in messages:
            decode(message.value() or b"")
        seen += len(messages)
    library, _ = confluent_kafka.libversion()
    watch.end(f"librdkafka {library}, msgspec {msgspec.__version__}", seen)


if __name__ == "__main__":
    main()
