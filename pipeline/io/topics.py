"""Declared topics -> steps -> applied, through kafka-python's admin client. A second plan is empty.

Nothing here loses a record: partitions are never fewer, retention never shorter. A folded topic keeps its number of
partitions for ever, since another number sends the keys elsewhere than their state is.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Literal, Protocol

from msgspec import Struct

from pipeline.io.kafka import Cluster, security_of
from pipeline.io.reach import reach
from pipeline.ports import LogError
from schemas.topics import Topic, topics

_TIMEOUT_MS: Final = 15_000


class Admin(Protocol):
    """What of kafka-python's KafkaAdminClient is used."""

    def list_topics(self) -> list[str]:
        """Names."""

    def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]:
        """Name and partitions of each."""

    def describe_configs(
        self, config_resources: list[Any], *, config_filter: str
    ) -> dict[str, dict[str, dict[str, Any]]]:
        """Type -> name -> key -> value and more."""

    def create_topics(self, new_topics: dict[str, dict[str, Any]], *, wait_for_metadata: bool) -> Any:
        """Create, or raise."""

    def create_partitions(self, topic_partitions: dict[str, int]) -> Any:
        """Add partitions, or raise."""

    def alter_configs(self, config_resources: list[Any]) -> dict[str, dict[str, Any]]:
        """Set the configs given. Type -> name -> OK, or what went wrong."""


class TopicStep(Struct, frozen=True):
    """One change of a topic: why, and as what it is shown."""

    kind: Literal["create", "grow", "alter"]
    topic: str
    why: str
    partitions: int = 0
    replicas: int = 0
    configs: Mapping[str, str] = {}

    @property
    def shown(self) -> str:
        """As one line."""
        configs = " ".join(f"{name}={value}" for name, value in self.configs.items())
        if self.kind == "create":
            return f"CREATE TOPIC {self.topic} partitions={self.partitions} replicas={self.replicas} {configs}"
        if self.kind == "grow":
            return f"ALTER TOPIC {self.topic} partitions={self.partitions}"
        return f"ALTER TOPIC {self.topic} {configs}"


def plan(cluster: Cluster) -> list[TopicStep]:
    """What has to change on the cluster. Blocks. Raises LogError: unreachable, or a change that would lose records."""
    with connected(cluster) as admin:
        return plan_with(admin, topics(cluster.partitions), cluster.replicas)


def ids(cluster: Cluster) -> dict[str, str]:
    """What the cluster calls each topic: another id for every time it is made. Blocks. Raises LogError."""
    with connected(cluster) as admin:
        described = admin.describe_topics([topic.name for topic in topics(cluster.partitions)])
        return {str(each["name"]): str(each.get("topic_id") or "") for each in described}


def apply(cluster: Cluster) -> list[TopicStep]:
    """Plan and carry it out; the steps taken. Blocks. Raises LogError."""
    with connected(cluster) as admin:
        steps = plan_with(admin, topics(cluster.partitions), cluster.replicas)
        apply_with(admin, steps)
        return steps


def plan_with(admin: Admin, declared: Sequence[Topic], replicas: int) -> list[TopicStep]:
    """Steps from what the cluster has to what is declared. Raises LogError for what would lose records."""
    existing = set(admin.list_topics())
    known = [topic for topic in declared if topic.name in existing]
    counts = _partition_counts(admin, known)
    configs = _configs(admin, known)
    steps = []
    for topic in declared:
        if topic.name not in existing:
            why = f"there is no topic {topic.name}"
            wanted = dict(topic.configs) | _in_sync(replicas)
            steps.append(TopicStep("create", topic.name, why, topic.partitions, replicas, wanted))
            continue
        steps += _partition_steps(topic, counts[topic.name])
        wrong = {
            name: value
            for name, value in topic.configs.items()
            if not _is_met(name, value, configs[topic.name].get(name))
        }
        if wrong:
            steps.append(
                TopicStep("alter", topic.name, f"topic {topic.name} has other {', '.join(wrong)}", configs=wrong)
            )
    return steps


def apply_with(admin: Admin, steps: Sequence[TopicStep]) -> None:
    """Carry the steps out. Raises LogError."""
    for step in steps:
        if step.kind == "create":
            options = {
                "num_partitions": step.partitions,
                "replication_factor": step.replicas,
                "configs": dict(step.configs),
            }
            # The broker says yes before others can see it: wait, so that a second plan is empty.
            admin.create_topics({step.topic: options}, wait_for_metadata=True)
        elif step.kind == "grow":
            admin.create_partitions({step.topic: step.partitions})
        else:
            answer = admin.alter_configs([_resource(step.topic, dict(step.configs))])
            for result in answer["topic"].values():
                if result != "OK":
                    raise LogError(f"Kafka refuses {step.shown}: {result}")


def _in_sync(replicas: int) -> dict[str, str]:
    """Acknowledged means on two brokers, where there are enough to lose one."""
    return {"min.insync.replicas": "2"} if replicas > 2 else {}


def _partition_steps(topic: Topic, found: int) -> list[TopicStep]:
    wanted = topic.partitions
    if found == wanted:
        return []
    if topic.folded:
        raise LogError(
            f"topic {topic.name} has {found} partitions and {wanted} are declared, but another number would send its "
            f"keys elsewhere than their state is: set TOUCHLINE_PARTITIONS={found}, or make new topics and run "
            "`touchline rebuild`"
        )
    if found > wanted:
        # More than declared does no harm, and fewer is not to be had.
        return []
    return [TopicStep("grow", topic.name, f"topic {topic.name} has {found} partitions", wanted)]


def _is_met(name: str, wanted: str, found: str | None) -> bool:
    """Retention is met by a longer one, or none (-1): shortening it would delete records."""
    if name == "retention.ms" and found is not None:
        return found == "-1" or int(found) >= int(wanted)
    return found == wanted


def _partition_counts(admin: Admin, known: Sequence[Topic]) -> dict[str, int]:
    described = admin.describe_topics([topic.name for topic in known]) if known else []
    return {str(each["name"]): len(each["partitions"]) for each in described}


def _configs(admin: Admin, known: Sequence[Topic]) -> dict[str, dict[str, str | None]]:
    if not known:
        return {}
    resources = [_resource(topic.name, list(topic.configs)) for topic in known]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    return {name: {key: each["value"] for key, each in configs.items()} for name, configs in found.items()}


def _resource(topic: str, configs: Any) -> Any:
    from kafka.admin import ConfigResource, ConfigResourceType

    return ConfigResource(ConfigResourceType.TOPIC, topic, configs)


@contextmanager
def connected(cluster: Cluster) -> Iterator[Admin]:
    """The admin client; whatever Kafka says becomes one sentence."""
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    asyncio.run(reach(cluster.kafka, security_of(cluster)))
    secured = ("SASL_SSL" if cluster.kafka_tls else "SASL_PLAINTEXT") if cluster.kafka_user else ""
    options: dict[str, Any] = {"security_protocol": secured or ("SSL" if cluster.kafka_tls else "PLAINTEXT")}
    if cluster.kafka_user:
        options |= {
            "sasl_mechanism": cluster.kafka_mechanism,
            "sasl_plain_username": cluster.kafka_user,
            "sasl_plain_password": cluster.kafka_password,
        }
    if cluster.kafka_ca:
        options["ssl_cafile"] = cluster.kafka_ca
    try:
        admin = KafkaAdminClient(
            bootstrap_servers=cluster.kafka.split(","),
            client_id="touchline",
            request_timeout_ms=_TIMEOUT_MS,
            bootstrap_timeout_ms=_TIMEOUT_MS,
            **options,
        )
    except (KafkaError, OSError, ValueError) as error:
        raise LogError(f"Kafka at {cluster.kafka} cannot be reached: {error}") from None
    try:
        yield admin
    except (KafkaError, OSError) as error:
        raise LogError(f"Kafka at {cluster.kafka}: {error}") from None
    finally:
        admin.close()
