"""What a Kafka cluster says of logs and of who reads them: where each partition begins and ends, who is at work."""

import time
from collections.abc import Iterable
from typing import Any, Final

from pipeline.io.kafka import Cluster
from pipeline.io.topics import connected

_TRIES: Final = 20
_TRY_SECONDS: Final = 0.5


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
    from kafka.errors import CoordinatorNotAvailableError

    with connected(cluster) as admin:
        kafka: Any = admin
        for left in reversed(range(_TRIES)):
            try:
                described = kafka.describe_groups([group])
            except CoordinatorNotAvailableError:  # a new cluster only makes its table of groups when first asked
                if not left:
                    raise
                time.sleep(_TRY_SECONDS)
            else:
                return sorted(str(member["client_id"]) for member in described[group]["members"])
    return []
