"""What every Kafka client of the pipeline is told: how to connect, how to tune, and how partitions are written."""

import ssl
from collections.abc import Mapping
from typing import Any, Protocol

from aiokafka.structs import TopicPartition
from faust import SASLCredentials, SSLCredentials
from faust.types import TP
from faust.types.auth import CredentialsT
from msgspec import Struct

from pipeline.ports import LogRefused


class Cluster(Protocol):
    """Where the cluster is, who we are there, and how topics are cut: the settings of that name."""

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""

    @property
    def kafka_user(self) -> str:
        """SASL user, empty without."""

    @property
    def kafka_password(self) -> str:
        """Its password."""

    @property
    def kafka_mechanism(self) -> str:
        """SASL mechanism."""

    @property
    def kafka_tls(self) -> bool:
        """Whether the connection is encrypted."""

    @property
    def kafka_ca(self) -> str:
        """File of the certificate authority, empty for the system's."""

    @property
    def partitions(self) -> int:
        """Partitions of raw and folded topics."""

    @property
    def replicas(self) -> int:
        """Replicas of topics that are created."""


class Security(Struct, frozen=True):
    """How to connect: plaintext, TLS (a context), or a user over TLS; one without TLS has to be allowed expressly."""

    ssl_context: ssl.SSLContext | None = None
    username: str | None = None
    password: str | None = None
    mechanism: str = "SCRAM-SHA-512"
    plaintext_password_allowed: bool = False


class Tuning(Struct, frozen=True):
    """Settings of the consumer group and the producer, with values that fit most installations."""

    session_timeout_seconds: float = 12.0
    heartbeat_interval_seconds: float = 0.5
    """By its answer a member learns that others come or go: what a handover waits for at the least."""
    rebalance_timeout_seconds: float = 60.0
    commit_interval_seconds: float = 1.0
    revoke_seconds: float = 10.0
    """How long a flush may hold up a rebalance."""
    fetch_bytes: int = 1024 * 1024
    """Compressed, per partition and fetch. A larger single batch comes through all the same."""
    fetch_wait_ms: int = 30
    """How long a broker may hold back an empty answer, while records come: whatever comes meanwhile of a partition that
    was not asked for, because it had been read already, waits so long. So does a seek on an idle partition.
    """
    batch_records: int = 20_000
    """Read at a time, and on while fewer wait. All that waits is handled as one, so a partition holds less than four
    times as many in memory.
    """
    watch_interval_seconds: float = 5.0
    stalled_seconds: float = 60.0
    """No progress for so long though there is something to read: the process ends, its supervisor starts it again."""
    compression: str | None = "snappy"
    """aiokafka packs lz4 at its highest level, which takes eight times as long for a sixth less."""
    produce_timeout_seconds: float = 30.0


def security_of(cluster: Cluster) -> Security:
    """How to connect. Raises LogRefused for a certificate authority that cannot be read."""
    context = None
    if cluster.kafka_tls:
        try:
            context = ssl.create_default_context(cafile=cluster.kafka_ca or None)
        except OSError as error:
            raise LogRefused(f"the certificate authority {cluster.kafka_ca} cannot be read: {error}") from error
    return Security(
        ssl_context=context,
        username=cluster.kafka_user or None,
        password=cluster.kafka_password or None,
        mechanism=cluster.kafka_mechanism,
    )


def connection(security: Security) -> Mapping[str, Any]:
    """Security as aiokafka's clients take it. Raises LogError for a password that would travel in plain text."""
    if security.username is None:
        return {} if security.ssl_context is None else {"security_protocol": "SSL", "ssl_context": security.ssl_context}
    if security.ssl_context is None and not security.plaintext_password_allowed:
        raise LogRefused(
            "A Kafka user without TLS would send its password in plain text: give a CA, or allow it expressly."
        )
    return {
        "security_protocol": "SASL_PLAINTEXT" if security.ssl_context is None else "SASL_SSL",
        "sasl_mechanism": security.mechanism,
        "sasl_plain_username": security.username,
        "sasl_plain_password": security.password,
        "ssl_context": security.ssl_context,
    }


def credentials(security: Security) -> CredentialsT | None:
    """The same as Faust takes it."""
    if security.username is not None:
        return SASLCredentials(
            username=security.username,
            password=security.password,
            ssl_context=security.ssl_context,
            mechanism=security.mechanism,
        )
    return None if security.ssl_context is None else SSLCredentials(security.ssl_context)


def brokers(bootstrap: str) -> list[str]:
    """`h1:9092, h2:9092` as a list."""
    return [server.strip() for server in bootstrap.split(",") if server.strip()]


def name(partition: TP | TopicPartition) -> str:
    """`topic/number`."""
    return f"{partition.topic}/{partition.partition}"


def topic_partition(partition: str) -> TopicPartition:
    """`topic/number` as aiokafka has it."""
    topic, _, number = partition.rpartition("/")
    return TopicPartition(topic, int(number))
