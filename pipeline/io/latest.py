"""Reading a small topic as it comes, by every process for itself: outside any group, from now on, for ever."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from pipeline.io.kafka import Security, brokers, connection

_AGAIN_SECONDS: Final = 2.0
_POLL_MS: Final = 1_000
logger = logging.getLogger(__name__)


async def follow(
    bootstrap: str, security: Security, topic: str, client_id: str, take: Callable[[bytes, bytes | None], None]
) -> None:
    """Call `take` with key and value of every record that comes from now on. Never returns; connects again by itself.

    What was there before is not read: whoever has something to say repeats it.
    """
    while True:
        consumer = AIOKafkaConsumer(
            topic,  # without a group: all partitions are ours, new ones too
            bootstrap_servers=brokers(bootstrap),
            client_id=client_id,
            auto_offset_reset="latest",
            enable_auto_commit=False,
            **connection(security),
        )
        try:
            await consumer.start()
            while True:
                for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
                    for record in records:
                        if record.key is not None:
                            take(record.key, record.value)
        except (KafkaError, OSError, TimeoutError) as error:
            logger.warning("%s cannot be followed, trying again: %r", topic, error)
            await asyncio.sleep(_AGAIN_SECONDS)
        finally:
            await consumer.stop()
