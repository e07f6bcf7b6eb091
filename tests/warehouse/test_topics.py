"""Topics planned and applied on a cluster that is only remembered; by hand on Kafka 4.0 as well."""

from typing import Any

import pytest

from pipeline.io.topics import apply_with, plan_with
from pipeline.ports import LogError
from schemas.topics import CONTACT_FACTS, DEAD_LETTERS, LIVE, RAW, TOUCHPOINTS, topics

# kafka-python reads its protocol files that way when it is imported.
pytestmark = pytest.mark.filterwarnings("ignore:(open|read)_text is deprecated:DeprecationWarning")

DECLARED = topics(4)


class FakeAdmin:
    """Answers in the form of kafka-python 3.0 on Kafka 4.0."""

    def __init__(self) -> None:
        self.topics: dict[str, dict[str, Any]] = {}

    def list_topics(self) -> list[str]:
        return list(self.topics)

    def describe_topics(self, topics: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "error_code": 0,
                "name": name,
                "partitions": [{"partition_index": n} for n in range(self.topics[name]["n"])],
            }
            for name in topics
        ]

    def describe_configs(
        self, config_resources: list[Any], *, config_filter: str
    ) -> dict[str, dict[str, dict[str, Any]]]:
        assert config_filter == "all"
        found = {
            resource.name: {key: {"value": self.topics[resource.name]["configs"].get(key)} for key in resource.configs}
            for resource in config_resources
        }
        return {"topic": found}

    def create_topics(self, new_topics: dict[str, dict[str, Any]], *, wait_for_metadata: bool) -> None:
        assert wait_for_metadata
        for name, options in new_topics.items():
            assert name not in self.topics
            self.topics[name] = {
                "n": options["num_partitions"],
                "replicas": options["replication_factor"],
                "configs": options["configs"],
            }

    def create_partitions(self, topic_partitions: dict[str, int]) -> None:
        for name, count in topic_partitions.items():
            assert count > self.topics[name]["n"]
            self.topics[name]["n"] = count

    def alter_configs(self, config_resources: list[Any]) -> dict[str, dict[str, Any]]:
        answers = {}
        for resource in config_resources:
            wrong = "unwilling" in self.topics[resource.name]
            answers[resource.name] = "[Error 40] InvalidConfigurationError: no" if wrong else "OK"
            if not wrong:
                self.topics[resource.name]["configs"].update(resource.configs)
        return {"topic": answers}


@pytest.fixture
def cluster() -> FakeAdmin:
    admin = FakeAdmin()
    apply_with(admin, plan_with(admin, DECLARED, 3))
    return admin


def test_all_topics_are_created_and_a_second_plan_is_empty(cluster: FakeAdmin) -> None:
    assert set(cluster.topics) == {RAW, TOUCHPOINTS, CONTACT_FACTS, DEAD_LETTERS, LIVE}
    assert plan_with(cluster, DECLARED, 3) == []
    assert cluster.topics[TOUCHPOINTS]["configs"]["message.timestamp.type"] == "LogAppendTime"
    assert cluster.topics[TOUCHPOINTS]["configs"]["retention.ms"] == str(400 * 86_400_000)
    assert cluster.topics[TOUCHPOINTS]["configs"]["min.insync.replicas"] == "2"
    assert cluster.topics[LIVE]["configs"]["cleanup.policy"] == "compact,delete"


def test_one_broker_is_not_asked_for_two_in_sync() -> None:
    assert all("min.insync.replicas" not in step.configs for step in plan_with(FakeAdmin(), DECLARED, 1))


def test_a_config_that_differs_is_set_and_others_are_left_alone(cluster: FakeAdmin) -> None:
    cluster.topics[TOUCHPOINTS]["configs"] |= {"message.timestamp.type": "CreateTime", "compression.type": "zstd"}
    (step,) = plan_with(cluster, DECLARED, 3)
    assert step.shown == "ALTER TOPIC touchpoints message.timestamp.type=LogAppendTime"
    apply_with(cluster, [step])
    assert plan_with(cluster, DECLARED, 3) == []
    assert cluster.topics[TOUCHPOINTS]["configs"]["compression.type"] == "zstd"


@pytest.mark.parametrize(("found", "steps"), [("-1", 0), (str(500 * 86_400_000), 0), (str(86_400_000), 1)])
def test_retention_is_made_longer_and_never_shorter(cluster: FakeAdmin, found: str, steps: int) -> None:
    cluster.topics[TOUCHPOINTS]["configs"]["retention.ms"] = found
    assert len(plan_with(cluster, DECLARED, 3)) == steps


@pytest.mark.parametrize("found", [2, 8])
@pytest.mark.parametrize("name", [TOUCHPOINTS, CONTACT_FACTS])
def test_a_folded_topic_keeps_its_partitions_for_ever(cluster: FakeAdmin, name: str, found: int) -> None:
    cluster.topics[name]["n"] = found
    with pytest.raises(LogError, match=f"topic {name} has {found} partitions and 4 are declared.*touchline rebuild"):
        plan_with(cluster, DECLARED, 3)


def test_the_raw_topic_may_grow_and_never_shrinks(cluster: FakeAdmin) -> None:
    cluster.topics[RAW]["n"] = 2
    (step,) = plan_with(cluster, DECLARED, 3)
    assert step.shown == "ALTER TOPIC touchline.raw partitions=4"
    apply_with(cluster, [step])
    assert plan_with(cluster, DECLARED, 3) == []
    cluster.topics[RAW]["n"] = 9
    assert plan_with(cluster, DECLARED, 3) == []


def test_what_the_broker_refuses_is_said(cluster: FakeAdmin) -> None:
    cluster.topics[LIVE]["configs"]["cleanup.policy"] = "delete"
    cluster.topics[LIVE]["unwilling"] = True
    with pytest.raises(
        LogError, match=r"Kafka refuses ALTER TOPIC touchline\.live cleanup\.policy=compact,delete: .*InvalidConf"
    ):
        apply_with(cluster, plan_with(cluster, DECLARED, 3))
