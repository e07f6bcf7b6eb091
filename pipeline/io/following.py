"""Reads a topic as it grows, outside every consumer group: nobody's position changes by being watched."""

from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from pipeline.io.kafka import Security, brokers, connection
from pipeline.ports import LogError


async def follow(bootstrap: str, topic: str, security: Security, *, from_start: bool = False) -> AsyncIterator[bytes]:
    """Values of all partitions, from the end of the log (or its start), for ever. Raises LogError."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=brokers(bootstrap),
        client_id="touchline-tail",
        isolation_level="read_committed",
        auto_offset_reset="earliest" if from_start else "latest",
        **connection(security),
    )
    try:
        await consumer.start()
        try:
            async for record in consumer:
                if record.value is not None:
                    yield record.value
        finally:
            await consumer.stop()
    except KafkaError as error:
        raise LogError(f"Kafka at {bootstrap} cannot be read: {error}") from error
