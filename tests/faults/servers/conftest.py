"""Clusters for tests: one for each test, or one for a module whose tests leave it as they found it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.faults.servers.cluster import Cluster, cluster
from tests.faults.servers.kafka import Missing

SESSION_SECONDS = 6.0
"""Half of what is usual: tests wait for sessions to end, more than once."""


@contextmanager
def started(home: Path, **options: Any) -> Iterator[Cluster]:
    """A cluster, or the test is skipped where there is no Java, Maven or ClickHouse."""
    try:
        with cluster(home, **{"session_seconds": SESSION_SECONDS, **options}) as found:
            yield found
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[Cluster]:
    with started(tmp_path, workers=2, partitions=4) as found:
        yield found


@pytest.fixture(scope="module")
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The module's cluster, by its `CLUSTER`."""
    options: dict[str, Any] = request.module.CLUSTER
    make: Callable[[str], Path] = tmp_path_factory.mktemp
    with started(make("cluster"), **options) as found:
        yield found
