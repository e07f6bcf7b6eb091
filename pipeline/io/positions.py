"""What a Kafka cluster says of logs and of who reads them: where each partition begins and ends, who is at work."""

from collections.abc import Iterable
from typing import Any

from pipeline.io.kafka import Cluster
from pipeline.io.topics import connected


def bounds(cluster: Cluster, topics: Iterable[str]) -> dict[str, tuple[int, int]]:
    """`topic/number` -> (first offset there is, offset of the next record) of topics; those that do not exist are left
    out. Blocks. Raises LogError.
    """
    from kafka import TopicPartition
    from kafka.admin import OffsetSpec

    with connected(cluster) as admin:
        existing = set(admin.list_topics())
        wanted = sorted(set(topics) & existing)
        if not wanted:
            return {}
        places = [
            TopicPartition(str(each["name"]), int(partition["partition_index"]))
            for each in admin.describe_topics(wanted)
            for partition in each["partitions"]
        ]
        kafka: Any = admin
        first = kafka.list_partition_offsets(dict.fromkeys(places, OffsetSpec.EARLIEST))
        end = kafka.list_partition_offsets(dict.fromkeys(places, OffsetSpec.LATEST))
        return {f"{p.topic}/{p.partition}": (first[p].offset, end[p].offset) for p in places}


def members(cluster: Cluster, group: str) -> list[str]:
    """Who is in a consumer group, by client id. Blocks. Raises LogError."""
    with connected(cluster) as admin:
        kafka: Any = admin
        described = kafka.describe_groups([group])
        return sorted(str(member["client_id"]) for member in described[group]["members"])
